import { dns1123SubdomainErrors } from '../../../names.ts';
import { type FieldCause, forbidden, invalid } from '../../field-cause.ts';
import { checkLegacyIp, parseLegacyIp } from '../addresses.ts';
import {
  checkImmutable,
  checkName,
  checkQualifiedName,
  type JsonObject,
  numberIn,
  objectIn,
  objectsIn,
  textIn,
} from '../fields.ts';
import { validatePodAnnotations, validatePodAnnotationsUpdate } from './annotations.ts';
import { givenObject } from './pod-context.ts';
import { checkIdValue } from './security-context.ts';

const SYSTEM_CONDITIONS = new Set(['PodScheduled', 'Ready', 'Initialized']);
const NEGATIVE = 'must be a non-negative integer';

/** Checks what an agent reports about a Pod; the spec is not looked at. */
export function validatePodStatusUpdate(pod: JsonObject, old: JsonObject): FieldCause[] {
  const metadata = objectIn(pod, 'metadata');
  const spec = objectIn(pod, 'spec');
  const status = objectIn(pod, 'status');
  const before = objectIn(old, 'status');
  const causes = [
    ...validatePodAnnotationsUpdate(metadata, objectIn(old, 'metadata'), 'metadata.annotations'),
    ...validatePodAnnotations(metadata, spec, 'metadata.annotations'),
    ...conditionCauses(status),
  ];
  const nominated = textIn(status, 'nominatedNodeName');
  if (nominated !== '' && nominated !== textIn(before, 'nominatedNodeName')) {
    causes.push(...checkName(nominated, 'status.nominatedNodeName', dns1123SubdomainErrors));
  }
  const generation = numberIn(status, 'observedGeneration') ?? 0;
  if (generation < 0) causes.push(invalid('status.observedGeneration', generation, NEGATIVE));
  causes.push(...checkImmutable(status.qosClass, before.qosClass, 'status.qosClass'));
  const oldSpec = objectIn(old, 'spec');
  causes.push(...transitionCauses(status, before, 'containerStatuses', (exit) => mayRestart(oldSpec, exit)));
  causes.push(
    ...transitionCauses(
      status,
      before,
      'initContainerStatuses',
      (exit, name) => mayRestart(oldSpec, exit) || isSidecar(oldSpec, name),
    ),
  );
  causes.push(...transitionCauses(status, before, 'ephemeralContainerStatuses', () => false));
  causes.push(...podIpCauses(status, before), ...hostIpCauses(status, before));
  for (const list of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses']) {
    causes.push(...userCauses(status, spec, list));
  }
  return causes;
}

function conditionCauses(status: JsonObject): FieldCause[] {
  return objectsIn(status, 'conditions').flatMap((condition, index) => {
    const place = `status.conditions[${index}]`;
    const generation = numberIn(condition, 'observedGeneration') ?? 0;
    const causes = generation < 0 ? [invalid(`${place}.observedGeneration`, generation, NEGATIVE)] : [];
    const type = textIn(condition, 'type');
    return SYSTEM_CONDITIONS.has(type) ? causes : [...causes, ...checkQualifiedName(type, `${place}.Type`)];
  });
}

function mayRestart(spec: JsonObject, exitCode: number): boolean {
  return spec.restartPolicy === 'Always' || (spec.restartPolicy === 'OnFailure' && exitCode !== 0);
}

function isSidecar(spec: JsonObject, name: string): boolean {
  const container = objectsIn(spec, 'initContainers').find((item) => textIn(item, 'name') === name);
  return container?.restartPolicy === 'Always';
}

/** What has ended for good does not run again. */
function transitionCauses(
  status: JsonObject,
  old: JsonObject,
  list: string,
  mayLeave: (exitCode: number, name: string) => boolean,
): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [index, before] of objectsIn(old, list).entries()) {
    const ended = givenObject(objectIn(before, 'state'), 'terminated');
    const name = textIn(before, 'name');
    if (ended === undefined || mayLeave(numberIn(ended, 'exitCode') ?? 0, name)) continue;
    for (const now of objectsIn(status, list)) {
      if (textIn(now, 'name') !== name || givenObject(objectIn(now, 'state'), 'terminated') !== undefined) continue;
      const text = 'may not be transitioned to non-terminated state';
      causes.push(forbidden(`status.${list}[${index}].state`, text));
    }
  }
  return causes;
}

function podIpCauses(status: JsonObject, old: JsonObject): FieldCause[] {
  const had = new Set(objectsIn(old, 'podIPs').map((item) => textIn(item, 'ip')));
  return ipListCauses(objectsIn(status, 'podIPs'), had, 'status.podIPs');
}

function hostIpCauses(status: JsonObject, old: JsonObject): FieldCause[] {
  const list = objectsIn(status, 'hostIPs');
  const causes: FieldCause[] = [];
  if (list.length === 0) return causes;
  const first = textIn(list[0]!, 'ip');
  if (textIn(status, 'hostIP') !== first) {
    causes.push(invalid('status.hostIPs[0].ip', first, 'must be equal to `hostIP`'));
  }
  const had = new Set(objectsIn(old, 'hostIPs').map((item) => textIn(item, 'ip')));
  return [...causes, ...ipListCauses(list, had, 'status.hostIPs')];
}

/** At most one address per family, and new ones that are addresses. */
function ipListCauses(list: readonly JsonObject[], had: ReadonlySet<string>, field: string): FieldCause[] {
  const ips = list.map((item) => textIn(item, 'ip'));
  const causes = ips.flatMap((ip, index) => (had.has(ip) ? [] : checkLegacyIp(ip, `${field}[${index}]`)));
  if (ips.length <= 1) return causes;
  const families = ips.map((ip) => parseLegacyIp(ip)?.family);
  const wrong = families.indexOf(undefined);
  if (wrong >= 0) {
    const why = `failed to check for dual stack with error:invalid IP[${wrong}]: ${ips[wrong]!}`;
    causes.push({ reason: 'InternalError', field, message: `Internal error: ${why}` });
  }
  if (wrong >= 0 || new Set(families).size !== 2 || ips.length > 2) {
    const shown = ips.map((IP) => ({ IP }));
    causes.push(invalid(field, shown, 'may specify no more than one IP for each IP family'));
  }
  return causes;
}

function userCauses(status: JsonObject, spec: JsonObject, list: string): FieldCause[] {
  const system = givenObject(spec, 'os')?.name ?? 'linux';
  return objectsIn(status, list).flatMap((container, index) => {
    const user = givenObject(objectIn(container, 'user'), 'linux');
    if (user === undefined) return [];
    const field = `status.${list}[${index}].user.linux`;
    if (system === 'windows') return [forbidden(field, 'cannot be set for a windows pod')];
    const groups = Array.isArray(user.supplementalGroups) ? (user.supplementalGroups as unknown[]) : [];
    return [
      ...checkIdValue(user.uid ?? 0, `${field}.uid`),
      ...checkIdValue(user.gid ?? 0, `${field}.gid`),
      ...groups.flatMap((id, at) => checkIdValue(id, `${field}.supplementalGroups[${at}]`)),
    ];
  });
}
