import { qualifiedNameErrors } from '../../../names.ts';
import { canonicalQuantity, compareQuantities, formatQuantity, parseQuantity } from '../../../quantity.ts';
import { amountsOf, podResources } from '../../../quota/pod-resources.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../../field-cause.ts';
import { checkDnsLabel, checkName, type JsonObject, objectIn, objectsIn, textIn } from '../fields.ts';
import { notFound } from './mounts.ts';
import { givenObject } from './pod-context.ts';

const NANO = 1_000_000_000n;
const HUGE_PAGES = 'hugepages-';
/** Names without a prefix that mean something somewhere, if not for containers. */
const STANDARD_NAMES: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
]);
const COUNTED_NAMES: ReadonlySet<string> = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);
const CONTAINER_NAMES: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
const POD_NAMES = ['cpu', HUGE_PAGES, 'memory'];

type NameRule = (name: string, field: string) => FieldCause[];

/** Checks requests and limits of a container; `claims` are the names of the Pod's resource claims. */
export function validateContainerResources(
  resources: JsonObject,
  claims: ReadonlySet<string>,
  field: string,
): FieldCause[] {
  return validateRequirements(resources, containerNameCauses, claims, field);
}

/** Checks what running a Pod takes beside its containers. */
export function validateOverhead(overhead: JsonObject, field: string): FieldCause[] {
  return validateRequirements({ limits: overhead }, containerNameCauses, new Set(), field);
}

/** Checks the resources that a Pod has as a whole (KEP-2837), also against those of its containers. */
export function validatePodResources(spec: JsonObject, claims: ReadonlySet<string>, field: string): FieldCause[] {
  const resources = givenObject(spec, 'resources');
  if (resources === undefined) return [];
  if (objectIn(spec, 'os').name === 'windows') return [forbidden(field, 'may not be set for a windows pod')];
  const causes: FieldCause[] = [];
  if (resources.claims !== undefined) {
    causes.push(forbidden(`${field}.claims`, 'claims may not be set for Resources at pod-level'));
  }
  causes.push(...validateRequirements(resources, podNameCauses, claims, field));
  return [...causes, ...podConsistencyCauses(spec, resources, field)];
}

function validateRequirements(
  resources: JsonObject,
  nameRule: NameRule,
  claims: ReadonlySet<string>,
  field: string,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const limits = objectIn(resources, 'limits');
  const requests = objectIn(resources, 'requests');
  for (const [name, amount] of Object.entries(limits))
    causes.push(...amountCauses(name, amount, nameRule, `${field}.limits[${name}]`));
  for (const [name, amount] of Object.entries(requests)) {
    const place = `${field}.requests[${name}]`;
    const hugePages = hugePageCauses(name, amount, place);
    causes.push(...amountCauses(name, amount, nameRule, place, hugePages.length > 0));
    const limit = limits[name];
    if (limit !== undefined) {
      const order = compareQuantities(String(amount), String(limit));
      const rule = mayOvercommit(name) ? (order > 0 ? 'less than or equal' : '') : order === 0 ? '' : 'equal';
      if (rule !== '') {
        causes.push(invalid(`${field}.requests`, shown(amount), `must be ${rule} to ${name} limit of ${shown(limit)}`));
      }
    } else if (!mayOvercommit(name)) {
      causes.push(required(`${field}.limits`, 'Limit must be set for non overcommitable resources'));
    }
    causes.push(...hugePages);
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    causes.push(forbidden(field, 'HugePages require cpu or memory'));
  }
  return [...causes, ...claimCauses(resources, claims, `${field}.claims`)];
}

function amountCauses(name: string, amount: unknown, nameRule: NameRule, field: string, later = false): FieldCause[] {
  const causes = nameRule(name, field);
  if (compareQuantities(String(amount), '0') < 0) {
    causes.push(invalid(field, shown(amount), 'must be greater than or equal to 0'));
  }
  const nano = parseQuantity(String(amount))?.nano ?? 0n;
  if ((COUNTED_NAMES.has(name) || isExtended(name)) && nano % NANO !== 0n) {
    causes.push(invalid(field, shown(amount), 'must be an integer'));
  }
  return later ? causes : [...causes, ...hugePageCauses(name, amount, field)];
}

function hugePageCauses(name: string, amount: unknown, field: string): FieldCause[] {
  if (!isHugePages(name)) return [];
  const page = parseQuantity(name.slice(HUGE_PAGES.length))?.nano ?? 0n;
  const nano = parseQuantity(String(amount))?.nano ?? 0n;
  if (page > 0n && page % NANO === 0n && nano % page === 0n) return [];
  return [invalid(field, shown(amount), `${shown(amount)} is not positive integer multiple of ${name}`)];
}

function nameCauses(name: string, field: string): FieldCause[] {
  const causes = checkName(name, field, qualifiedNameErrors);
  if (causes.length > 0 || name.includes('/')) return causes;
  if (STANDARD_NAMES.has(name) || isHugePages(name) || name.startsWith(`requests.${HUGE_PAGES}`)) return causes;
  return [invalid(field, name, 'must be a standard resource type or fully qualified')];
}

function containerNameCauses(name: string, field: string): FieldCause[] {
  const causes = nameCauses(name, field);
  if (!name.includes('/')) {
    if (!CONTAINER_NAMES.has(name) && !isHugePages(name)) {
      causes.push(invalid(field, name, 'must be a standard resource for containers'));
    }
  } else if (!isNative(name) && !isExtended(name)) {
    causes.push(invalid(field, name, "doesn't follow extended resource name standard"));
  }
  return causes;
}

function podNameCauses(name: string, field: string): FieldCause[] {
  const causes = nameCauses(name, field);
  if (causes.length > 0 || name === 'cpu' || name === 'memory' || isHugePages(name)) return causes;
  return [notSupported(field, name, POD_NAMES)];
}

function isHugePages(name: string): boolean {
  return name.startsWith(HUGE_PAGES);
}

function isNative(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** Of a device plugin: has a foreign prefix that still fits when a quota puts `requests.` before it. */
function isExtended(name: string): boolean {
  if (isNative(name) || name.startsWith('requests.')) return false;
  return qualifiedNameErrors(`requests.${name}`).length === 0;
}

function mayOvercommit(name: string): boolean {
  return isNative(name) && !isHugePages(name);
}

function shown(amount: unknown): string {
  return canonicalQuantity(String(amount)) ?? String(amount);
}

function claimCauses(resources: JsonObject, claims: ReadonlySet<string>, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const used = new Set<string>();
  for (const [index, claim] of objectsIn(resources, 'claims').entries()) {
    const place = `${field}[${index}]`;
    const name = textIn(claim, 'name');
    const request = textIn(claim, 'request');
    if (name === '') {
      causes.push(required(place));
      continue;
    }
    if (used.has(name)) causes.push(duplicate(place, name));
    else {
      if (request !== '') causes.push(...checkDnsLabel(request, `${place}.request`));
      const key = request === '' ? name : `${name}/${request}`;
      if (used.has(key)) causes.push(duplicate(place, key));
      else if (request === '') {
        for (const other of used) if (other.startsWith(`${name}/`)) causes.push(duplicate(place, name));
      }
      used.add(key);
    }
    if (claims.has(name)) continue;
    const which = claims.size === 0 ? ' which is empty' : `: ${[...claims].sort().join(', ')}`;
    causes.push(notFound(place, name, `must be one of the names in pod.spec.resourceClaims${which}`));
  }
  return causes;
}

function podConsistencyCauses(spec: JsonObject, resources: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const { overhead: _, ...containers } = spec;
  const text = (nano: bigint, like: unknown): string =>
    formatQuantity({ nano, format: parseQuantity(String(like))?.format ?? 'decimal' });
  for (const kind of ['requests', 'limits'] as const) {
    const own = amountsOf(resources[kind]);
    for (const [name, total] of podResources({ spec: containers }, kind)) {
      if (kind === 'limits' && !isHugePages(name)) continue;
      const amount = own.get(name);
      if (amount === undefined || total <= amount) continue;
      const given = objectIn(resources, kind)[name];
      const why = `must be greater than or equal to aggregate container ${kind} of ${text(total, given)}`;
      causes.push(invalid(`${field}.${kind}[${name}]`, shown(given), why));
    }
  }
  const limits = objectIn(resources, 'limits');
  for (const [index, container] of objectsIn(spec, 'containers').entries()) {
    for (const [name, limit] of Object.entries(objectIn(objectIn(container, 'resources'), 'limits'))) {
      const most = limits[name];
      if (most === undefined || compareQuantities(String(limit), String(most)) <= 0) continue;
      const place = `${field}.containers[${index}][${name}].limits`;
      causes.push(invalid(place, shown(limit), `must be less than or equal to pod limits of ${shown(most)}`));
    }
  }
  return causes;
}
