import { isJsonObject } from '../own-property.ts';
import { type Amounts, podResources } from './pod-resources.ts';

type Json = Readonly<Record<string, unknown>>;

/** A resource by group and plural name. */
export interface CountedResource {
  readonly group: string;
  readonly plural: string;
}

const one = 1_000_000_000n;
/** Resources of the core group that a quota may also count by their plain name. */
const plainlyCounted: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);
/** Resources whose requests a quota counts under their plain name, too. */
const plainRequests: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** The name under which a quota counts objects of a resource: `count/deployments.apps`. */
function countName({ group, plural }: CountedResource): string {
  return `count/${plural}${group === '' ? '' : `.${group}`}`;
}

/** What an object uses of everything a quota may bound, in billionths. Finished Pods count as objects only. */
export function usageOf(resource: CountedResource, object: Json): Amounts {
  const used = new Map<string, bigint>([[countName(resource), one]]);
  if (resource.group !== '') return used;
  if (plainlyCounted.has(resource.plural)) used.set(resource.plural, one);
  if (resource.plural === 'pods') addPod(used, object);
  else if (resource.plural === 'services') addService(used, object);
  return used;
}

function addPod(used: Map<string, bigint>, pod: Json): void {
  const phase = isJsonObject(pod.status) ? pod.status.phase : undefined;
  if (phase === 'Succeeded' || phase === 'Failed') return;
  used.set('pods', one);
  for (const [name, amount] of podResources(pod, 'requests')) {
    used.set(`requests.${name}`, amount);
    if (plainRequests.has(name) || name.startsWith('hugepages-')) used.set(name, amount);
  }
  for (const [name, amount] of podResources(pod, 'limits')) used.set(`limits.${name}`, amount);
}

function addService(used: Map<string, bigint>, service: Json): void {
  const spec = isJsonObject(service.spec) ? service.spec : {};
  const ports = Array.isArray(spec.ports) ? spec.ports.filter(isJsonObject) : [];
  const isBalanced = spec.type === 'LoadBalancer';
  const wanted =
    isBalanced && spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports;
  const nodePorts = isBalanced || spec.type === 'NodePort' ? wanted.length : 0;
  used.set('services.nodeports', BigInt(nodePorts) * one);
  used.set('services.loadbalancers', isBalanced ? one : 0n);
}

/** Resources whose request or limit every container must name where a quota bounds them. */
const namedByContainers: readonly string[] = [
  'cpu',
  'limits.cpu',
  'limits.memory',
  'memory',
  'requests.cpu',
  'requests.memory',
];

/**
 * Which containers do not say what a quota must know of them: container names by resource, both sorted.
 * @param bounded resource names of the quota
 */
export function unnamedResources(pod: Json, bounded: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const spec = isJsonObject(pod.spec) ? pod.spec : {};
  const missing = new Map<string, string[]>();
  for (const name of namedByContainers) {
    if (!bounded.includes(name)) continue;
    const [kind, resource] = name.startsWith('limits.')
      ? ['limits', name.slice(7)]
      : ['requests', name.replace(/^requests\./, '')];
    for (const list of [spec.containers, spec.initContainers]) {
      for (const container of Array.isArray(list) ? list.filter(isJsonObject) : []) {
        const resources = isJsonObject(container.resources) ? container.resources[kind!] : undefined;
        if (isJsonObject(resources) && resources[resource!] !== undefined) continue;
        missing.set(name, [...(missing.get(name) ?? []), String(container.name)].sort());
      }
    }
  }
  return missing;
}
