import { isJsonNumber } from '../../../json-number.ts';
import { httpHeaderNameErrors } from '../../../names.ts';
import { type FieldCause, forbidden, invalid, notSupported, required } from '../../field-cause.ts';
import {
  checkNonNegative,
  checkPort,
  checkPortOrName,
  type JsonObject,
  numberIn,
  objectsIn,
  stringsIn,
  textIn,
} from '../fields.ts';
import { givenObject } from './pod-context.ts';

const PROBE_HANDLERS: readonly string[] = ['exec', 'httpGet', 'tcpSocket', 'grpc'];
const LIFECYCLE_HANDLERS: readonly string[] = ['exec', 'httpGet', 'tcpSocket', 'sleep'];

/** Checks what a container with a life of its own has: life cycle handlers and probes; `graceSeconds` is the Pod's. */
export function validateLifecycleAndProbes(container: JsonObject, field: string, graceSeconds: unknown): FieldCause[] {
  const causes: FieldCause[] = [];
  const lifecycle = givenObject(container, 'lifecycle') ?? {};
  for (const name of ['postStart', 'preStop']) {
    const handler = givenObject(lifecycle, name);
    if (handler === undefined) continue;
    causes.push(...validateHandler(handler, `${field}.lifecycle.${name}`, LIFECYCLE_HANDLERS, graceSeconds));
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = givenObject(container, name);
    if (probe === undefined) continue;
    const place = `${field}.${name}`;
    causes.push(...validateProbe(probe, place));
    if (name === 'readinessProbe') {
      const grace = probe.terminationGracePeriodSeconds;
      if (grace === undefined) continue;
      causes.push(invalid(`${place}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'));
    } else if (probe.successThreshold !== 1) {
      causes.push(invalid(`${place}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
    }
  }
  return causes;
}

function validateProbe(probe: JsonObject, field: string): FieldCause[] {
  const causes = validateHandler(probe, field, PROBE_HANDLERS, undefined);
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    causes.push(...checkNonNegative(probe[name], `${field}.${name}`));
  }
  const grace = numberIn(probe, 'terminationGracePeriodSeconds');
  if (grace !== undefined && grace <= 0) {
    causes.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  return causes;
}

/** Checks that exactly one of the handlers is given, and that one. */
function validateHandler(
  handler: JsonObject,
  field: string,
  kinds: readonly string[],
  graceSeconds: unknown,
): FieldCause[] {
  const causes: FieldCause[] = [];
  let count = 0;
  for (const kind of kinds) {
    const action = givenObject(handler, kind);
    if (action === undefined) continue;
    if (++count > 1) causes.push(forbidden(`${field}.${kind}`, 'may not specify more than 1 handler type'));
    else causes.push(...validateAction(kind, action, `${field}.${kind}`, graceSeconds));
  }
  if (count === 0) causes.push(required(field, 'must specify a handler type'));
  return causes;
}

function validateAction(kind: string, action: JsonObject, field: string, graceSeconds: unknown): FieldCause[] {
  switch (kind) {
    case 'exec':
      return stringsIn(action, 'command').length === 0 ? [required(`${field}.command`)] : [];
    case 'httpGet': {
      const causes: FieldCause[] = [];
      if (textIn(action, 'path') === '') causes.push(required(`${field}.path`));
      causes.push(...checkPortOrName(action.port, `${field}.port`));
      const schemes = ['HTTP', 'HTTPS'];
      const scheme = textIn(action, 'scheme');
      if (!schemes.includes(scheme)) causes.push(notSupported(`${field}.scheme`, scheme, schemes));
      for (const header of objectsIn(action, 'httpHeaders')) {
        const name = textIn(header, 'name');
        for (const error of httpHeaderNameErrors(name)) causes.push(invalid(`${field}.httpHeaders`, name, error));
      }
      return causes;
    }
    case 'tcpSocket':
      return checkPortOrName(action.port, `${field}.port`);
    case 'grpc':
      return checkPort(action.port, `${field}.port`);
    default: {
      const seconds = numberIn(action, 'seconds') ?? 0;
      if (!isJsonNumber(graceSeconds) || (seconds >= 0 && seconds <= graceSeconds)) return [];
      const text = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
      return [invalid(field, seconds, text)];
    }
  }
}
