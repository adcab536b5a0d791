import { isJsonObject } from '../../own-property.ts';
import { type FieldCause, forbidden, invalid, required } from '../field-cause.ts';
import {
  checkChoice,
  checkNonNegative,
  checkPort,
  checkPortOrName,
  type JsonObject,
  objectsIn,
  stringsIn,
  textIn,
} from './fields.ts';

const PROBE_HANDLERS: readonly string[] = ['exec', 'httpGet', 'tcpSocket', 'grpc'];
const HEADER_NAME = /^[-A-Za-z0-9]+$/;

/** Checks a probe: its handler, and that no number is negative. */
export function validateProbe(probe: JsonObject, field: string): FieldCause[] {
  const causes = validateHandler(probe, field, PROBE_HANDLERS);
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    causes.push(...checkNonNegative(probe[name], `${field}.${name}`));
  }
  return causes;
}

/** Checks that exactly one of the handlers is given, and that one. */
export function validateHandler(handler: JsonObject, field: string, kinds: readonly string[]): FieldCause[] {
  const causes: FieldCause[] = [];
  let count = 0;
  for (const kind of kinds) {
    const action = handler[kind];
    if (!isJsonObject(action)) continue;
    if (++count > 1) causes.push(forbidden(`${field}.${kind}`, 'may not specify more than 1 handler type'));
    else causes.push(...validateAction(kind, action, `${field}.${kind}`));
  }
  if (count === 0) causes.push(required(field, 'must specify a handler type'));
  return causes;
}

function validateAction(kind: string, action: JsonObject, field: string): FieldCause[] {
  switch (kind) {
    case 'exec':
      return stringsIn(action, 'command').length === 0 ? [required(`${field}.command`)] : [];
    case 'httpGet': {
      const causes: FieldCause[] = [];
      if (textIn(action, 'path') === '') causes.push(required(`${field}.path`));
      causes.push(...checkPortOrName(action.port, `${field}.port`));
      causes.push(...checkChoice(action.scheme, `${field}.scheme`, ['HTTP', 'HTTPS']));
      for (const [index, header] of objectsIn(action, 'httpHeaders').entries()) {
        const name = textIn(header, 'name');
        if (HEADER_NAME.test(name)) continue;
        const text =
          "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
        causes.push(invalid(`${field}.httpHeaders[${index}].name`, name, text));
      }
      return causes;
    }
    case 'tcpSocket':
      return checkPortOrName(action.port, `${field}.port`);
    case 'grpc':
      return checkPort(action.port, `${field}.port`);
    default:
      return [];
  }
}
