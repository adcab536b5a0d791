import { parseIp } from '../../ip.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import { validateContainers } from './container.ts';
import {
  checkDnsLabel,
  checkDnsSubdomain,
  checkNonNegative,
  type JsonObject,
  numberIn,
  objectIn,
  objectsIn,
  stringsIn,
  textIn,
} from './fields.ts';
import { validateAnnotations, validateLabels } from './metadata.ts';
import { validateVolumes } from './volume.ts';

const DNS_POLICIES = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const NAMESERVERS_MAX = 3;
const UPDATE_TEXT =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Checks a Pod, and on update that nothing changed but what may. */
export function validatePod(pod: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes = validatePodSpec(objectIn(pod, 'spec'), 'spec');
  if (old !== undefined) causes.push(...validatePodUpdate(objectIn(pod, 'spec'), objectIn(old, 'spec')));
  return causes;
}

/** Checks the Pod template of a workload. */
export function validatePodTemplate(template: JsonObject, field: string): FieldCause[] {
  const metadata = objectIn(template, 'metadata');
  return [
    ...validateLabels(metadata.labels, `${field}.labels`),
    ...validateAnnotations(metadata.annotations, `${field}.annotations`),
    ...validatePodSpec(objectIn(template, 'spec'), `${field}.spec`),
  ];
}

function validatePodSpec(spec: JsonObject, field: string): FieldCause[] {
  const volumes = new Set<string>();
  const causes = validateVolumes(spec, `${field}.volumes`, volumes);
  causes.push(...validateContainers(spec, field, volumes));
  causes.push(...checkPolicy(spec.restartPolicy, `${field}.restartPolicy`, ['Always', 'Never', 'OnFailure']));
  causes.push(...checkPolicy(spec.dnsPolicy, `${field}.dnsPolicy`, DNS_POLICIES));
  causes.push(...validateLabels(spec.nodeSelector, `${field}.nodeSelector`));
  causes.push(...validateDnsConfig(spec, field));
  for (const name of ['serviceAccountName', 'nodeName', 'priorityClassName']) {
    const value = textIn(spec, name);
    if (value !== '') causes.push(...checkDnsSubdomain(value, `${field}.${name}`));
  }
  const deadline = numberIn(spec, 'activeDeadlineSeconds');
  if (deadline !== undefined && (deadline < 1 || deadline > 2_147_483_647)) {
    causes.push(invalid(`${field}.activeDeadlineSeconds`, deadline, 'must be between 1 and 2147483647, inclusive'));
  }
  causes.push(...checkNonNegative(spec.terminationGracePeriodSeconds, `${field}.terminationGracePeriodSeconds`));
  for (const name of ['hostname', 'subdomain']) {
    const value = textIn(spec, name);
    if (value !== '') causes.push(...checkDnsLabel(value, `${field}.${name}`));
  }
  for (const [index, alias] of objectsIn(spec, 'hostAliases').entries()) {
    const ip = textIn(alias, 'ip');
    if (parseIp(ip) === undefined) {
      causes.push(
        invalid(
          `${field}.hostAliases[${index}].ip`,
          ip,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      );
    }
    for (const [at, host] of stringsIn(alias, 'hostnames').entries()) {
      causes.push(...checkDnsSubdomain(host, `${field}.hostAliases[${index}].hostnames[${at}]`));
    }
  }
  return causes;
}

function checkPolicy(value: unknown, field: string, choices: readonly string[]): FieldCause[] {
  if (value === undefined || value === '') return [required(field)];
  return choices.includes(String(value)) ? [] : [notSupported(field, value, choices)];
}

function validateDnsConfig(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const config = isJsonObject(spec.dnsConfig) ? spec.dnsConfig : undefined;
  const servers = config === undefined ? [] : stringsIn(config, 'nameservers');
  if (spec.dnsPolicy === 'None') {
    if (config === undefined)
      causes.push(required(`${field}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None'));
    else if (servers.length === 0) {
      causes.push(
        required(`${field}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
      );
    }
  }
  if (config === undefined) return causes;
  if (servers.length > NAMESERVERS_MAX) {
    const text = `must not have more than ${NAMESERVERS_MAX} nameservers`;
    causes.push(invalid(`${field}.dnsConfig.nameservers`, servers, text));
  }
  for (const [index, server] of servers.entries()) {
    if (parseIp(server) !== undefined) continue;
    const text = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    causes.push(invalid(`${field}.dnsConfig.nameservers[${index}]`, server, text));
  }
  for (const [index, option] of objectsIn(config, 'options').entries()) {
    if (textIn(option, 'name') === '')
      causes.push(required(`${field}.dnsConfig.options[${index}]`, 'must not be empty'));
  }
  return causes;
}

/** What a Pod's spec may change to: images, a shorter deadline, more tolerations; and its node, once. */
function validatePodUpdate(spec: JsonObject, old: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const list of ['containers', 'initContainers']) {
    if (objectsIn(spec, list).length === objectsIn(old, list).length) continue;
    causes.push(forbidden(`spec.${list}`, 'pod updates may not add or remove containers'));
  }
  if (causes.length > 0) return causes;
  const before = numberIn(old, 'activeDeadlineSeconds');
  const now = numberIn(spec, 'activeDeadlineSeconds');
  if (before !== undefined && (now === undefined || now > before)) {
    const text =
      now === undefined
        ? 'must not update from a positive integer to nil value'
        : `must be less than or equal to previous value`;
    causes.push(invalid('spec.activeDeadlineSeconds', now, text));
  }
  const hadTolerations = objectsIn(old, 'tolerations');
  const tolerations = objectsIn(spec, 'tolerations');
  if (!hadTolerations.every((had) => tolerations.some((toleration) => sameToleration(toleration, had)))) {
    causes.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  }
  if (!jsonEqual(frozenPart(spec, old), frozenPart(old, old))) causes.push(forbidden('spec', UPDATE_TEXT));
  return causes;
}

function sameToleration(a: JsonObject, b: JsonObject): boolean {
  return ['key', 'operator', 'value', 'effect'].every((name) => jsonEqual(a[name] ?? '', b[name] ?? ''));
}

/** The spec without what may change. */
function frozenPart(spec: JsonObject, old: JsonObject): JsonObject {
  const part: Record<string, unknown> = { ...spec };
  delete part.activeDeadlineSeconds;
  delete part.tolerations;
  // Ephemeral containers have a subresource of their own.
  delete part.ephemeralContainers;
  if (textIn(old, 'nodeName') === '') delete part.nodeName;
  if ((numberIn(old, 'terminationGracePeriodSeconds') ?? 0) < 0) delete part.terminationGracePeriodSeconds;
  for (const list of ['containers', 'initContainers']) {
    part[list] = objectsIn(spec, list).map((container) => ({ ...container, image: '' }));
  }
  return part;
}
