import { availableParallelism, totalmem } from 'node:os';
import type { Container, Pod, ResourceFieldSelector } from '@fairlead/api';

/** Facts about a Pod that are known only on its node. */
export interface PodFacts {
  /** One per family, the preferred one first. */
  readonly podIps: readonly string[];
  readonly nodeIps: readonly string[];
  readonly nodeName: string;
}

/** Value of a downward API field path, or undefined when the path is not supported. */
export function fieldValue(pod: Pod, fieldPath: string, facts: PodFacts): string | undefined {
  const meta = pod.metadata;
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (keyed !== null) return meta?.[keyed[1] as 'labels' | 'annotations']?.[keyed[2]!] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return meta?.name ?? '';
    case 'metadata.namespace':
      return meta?.namespace ?? '';
    case 'metadata.uid':
      return meta?.uid ?? '';
    case 'metadata.labels':
      return formatMap(meta?.labels);
    case 'metadata.annotations':
      return formatMap(meta?.annotations);
    case 'spec.nodeName':
      return facts.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? 'default';
    case 'status.hostIP':
      return facts.nodeIps[0] ?? '';
    case 'status.hostIPs':
      return facts.nodeIps.join();
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join();
    default:
      return undefined;
  }
}

/** One `key="value"` per line, sorted: the form of a downward API file. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A Kubernetes quantity as a number; NaN when it is malformed. */
export function quantityValue(quantity: string | number): number {
  if (typeof quantity === 'number') return quantity;
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(quantity);
  if (match === null) return Number.NaN;
  return Number(match[1]) * (SUFFIXES[match[2] ?? ''] ?? Number.NaN);
}

/** Value of a `resourceFieldRef`: the quantity divided by `divisor`, rounded up; limits default to the machine. */
export function resourceFieldValue(container: Container, selector: ResourceFieldSelector): string | undefined {
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage)$/.exec(selector.resource);
  if (match === null) return undefined;
  const [, kind, name] = match as unknown as [string, 'limits' | 'requests', string];
  const machine = name === 'cpu' ? availableParallelism() : name === 'memory' ? totalmem() : 0;
  const { limits, requests } = container.resources ?? {};
  const quantity = kind === 'limits' ? (limits?.[name] ?? machine) : (requests?.[name] ?? limits?.[name] ?? 0);
  const divisor = quantityValue(selector.divisor ?? '1') || 1;
  return String(Math.ceil(quantityValue(quantity) / divisor - 1e-9));
}
