import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../../names.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../../field-cause.ts';
import {
  checkDnsLabel,
  checkName,
  checkQualifiedName,
  type JsonObject,
  numberIn,
  objectIn,
  objectsIn,
  textIn,
} from '../fields.ts';
import { validateLabels } from '../metadata.ts';
import { validateAffinity } from './affinity.ts';
import { validateContainers } from './containers.ts';
import { goResourceClaim } from './go-names.ts';
import { givenObject, type PodContext } from './pod-context.ts';
import { validateDnsConfig, validateHostAliases, validateHostNetworkPorts } from './pod-network.ts';
import { validateOverhead, validatePodResources } from './resources.ts';
import { validateSchedulingGates, validateTolerations, validateTopologySpread } from './scheduling.ts';
import { validateHostUsers, validatePodSecurityContext } from './security-context.ts';
import { validateVolumes } from './volumes.ts';
import { validateForSystem, validateHostProcess } from './windows.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const SYSTEMS = ['linux', 'windows'];
const PREEMPTION = ['PreemptLowerPriority', 'Never'];
const DEADLINE_MAX = 2_147_483_647;
const MIRROR = 'kubernetes.io/config.mirror';

/** Checks the spec of a Pod, whose `metadata` is given, or of a template, in the order of a server. */
export function validatePodSpec(spec: JsonObject, metadata: JsonObject | undefined, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (spec.terminationGracePeriodSeconds === undefined) causes.push(required(`${field}.terminationGracePeriodSeconds`));
  const checked = validateVolumes(spec, metadata, `${field}.volumes`);
  const named = objectsIn(spec, 'resourceClaims').map((claim) => textIn(claim, 'name'));
  const claims = new Set(named.filter((name) => name !== ''));
  const context: PodContext = { metadata, spec, volumes: checked.volumes, claims };
  causes.push(...checked.causes);
  causes.push(...validateResourceClaims(spec, metadata, `${field}.resourceClaims`));
  causes.push(...validateContainers(context, field));
  causes.push(...validatePodResources(spec, claims, `${field}.resources`));
  causes.push(...validateHostNetworkPorts(spec, field, metadata !== undefined));
  causes.push(...checkPolicy(spec.restartPolicy, `${field}.restartPolicy`, RESTART_POLICIES));
  causes.push(...checkPolicy(spec.dnsPolicy, `${field}.dnsPolicy`, DNS_POLICIES));
  causes.push(...validateLabels(spec.nodeSelector, `${field}.nodeSelector`));
  causes.push(...validatePodSecurityContext(spec, `${field}.securityContext`));
  causes.push(...validateAffinity(spec, `${field}.affinity`));
  causes.push(...validateDnsConfig(spec, `${field}.dnsConfig`));
  for (const [index, gate] of objectsIn(spec, 'readinessGates').entries()) {
    causes.push(
      ...checkQualifiedName(textIn(gate, 'conditionType'), `${field}.readinessGates[${index}].conditionType`),
    );
  }
  causes.push(...validateSchedulingGates(spec, `${field}.schedulingGates`));
  causes.push(...validateTopologySpread(spec, `${field}.topologySpreadConstraints`));
  causes.push(...validateHostProcess(spec, field), ...validateHostUsers(spec, field));
  causes.push(...validateNamesAndNumbers(spec, field));
  const overhead = givenObject(spec, 'overhead');
  if (overhead !== undefined) causes.push(...validateOverhead(overhead, `${field}.overhead`));
  return [...causes, ...validateSystem(spec, field)];
}

/** The fields of a spec that stand for themselves. */
function validateNamesAndNumbers(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const name of ['serviceAccountName', 'nodeName']) {
    const value = textIn(spec, name);
    if (value !== '') causes.push(...checkName(value, `${field}.${name}`, dns1123SubdomainErrors));
  }
  const deadline = numberIn(spec, 'activeDeadlineSeconds');
  if (deadline !== undefined && (deadline < 1 || deadline > DEADLINE_MAX)) {
    const text = `must be between 1 and ${DEADLINE_MAX}, inclusive`;
    causes.push(invalid(`${field}.activeDeadlineSeconds`, deadline, text));
  }
  for (const name of ['hostname', 'subdomain']) {
    const value = textIn(spec, name);
    if (value !== '') causes.push(...checkName(value, `${field}.${name}`, dns1123LabelErrors));
  }
  causes.push(...validateTolerations(objectsIn(spec, 'tolerations'), `${field}.tolerations`));
  causes.push(...validateHostAliases(spec, `${field}.hostAliases`));
  const priority = textIn(spec, 'priorityClassName');
  if (priority !== '') causes.push(...checkName(priority, `${field}.priorityClassName`, dns1123SubdomainErrors));
  const runtime = spec.runtimeClassName;
  if (runtime !== undefined)
    causes.push(...checkName(String(runtime), `${field}.runtimeClassName`, dns1123SubdomainErrors));
  if (spec.preemptionPolicy !== undefined) {
    causes.push(...checkPolicy(spec.preemptionPolicy, `${field}.preemptionPolicy`, PREEMPTION));
  }
  return causes;
}

function checkPolicy(value: unknown, field: string, choices: readonly string[]): FieldCause[] {
  if (value === undefined || value === '') return [required(field)];
  return choices.includes(String(value)) ? [] : [notSupported(field, value, choices)];
}

function validateSystem(spec: JsonObject, field: string): FieldCause[] {
  const os = givenObject(spec, 'os');
  if (os === undefined) return [];
  const name = textIn(os, 'name');
  if (name === '') return [required(`${field}.os.name`)];
  return SYSTEMS.includes(name) ? validateForSystem(spec, field) : [notSupported(`${field}.os`, name, SYSTEMS)];
}

/** Checks which claims on devices a Pod brings (KEP-4381). */
function validateResourceClaims(spec: JsonObject, metadata: JsonObject | undefined, field: string): FieldCause[] {
  const names = new Set<string>();
  return objectsIn(spec, 'resourceClaims').flatMap((claim, index) => {
    if (metadata !== undefined && objectIn(metadata, 'annotations')[MIRROR] !== undefined) {
      return [forbidden('', 'static pods do not support resource claims')];
    }
    const place = `${field}[${index}]`;
    const name = textIn(claim, 'name');
    const causes: FieldCause[] = [];
    if (name === '') causes.push(required(`${place}.name`));
    else if (names.has(name)) causes.push(duplicate(`${place}.name`, name));
    else causes.push(...checkDnsLabel(name, `${place}.name`));
    names.add(name);
    const { resourceClaimName: own, resourceClaimTemplateName: template } = claim;
    if (own !== undefined && template !== undefined) {
      const text = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      causes.push(invalid(place, goResourceClaim(claim), text));
    }
    if (own === undefined && template === undefined) {
      const text = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
      causes.push(invalid(place, goResourceClaim(claim), text));
    }
    for (const part of ['resourceClaimName', 'resourceClaimTemplateName']) {
      const value = claim[part];
      if (value !== undefined) causes.push(...checkName(String(value), `${place}.${part}`, dns1123SubdomainErrors));
    }
    return causes;
  });
}
