import { formatQuantity, parseQuantity } from '../../quantity.ts';
import { podResources } from '../../quota/pod-resources.ts';
import { type JsonObject, objectIn } from './fields.ts';

/**
 * Resources of a Pod as a whole (KEP-2837), where some are given: limits of huge pages from the containers, requests
 * from the containers, else from the limits. Changes `spec`.
 */
export function applyPodResourceDefaults(spec: JsonObject): void {
  const resources = objectIn(spec, 'resources');
  if (resources === undefined) return;
  const { overhead: _, ...containers } = spec;
  const requests = { ...objectIn(resources, 'requests') };
  const limits = { ...objectIn(resources, 'limits') };
  if (Object.keys(requests).length + Object.keys(limits).length === 0) return;
  const sums = (kind: 'requests' | 'limits'): [name: string, text: string][] =>
    [...podResources({ spec: containers }, kind)].map(([name, nano]) => [name, texts(nano, spec, name)]);
  for (const [name, amount] of sums('limits')) {
    if (isHugePages(name) && requests[name] === undefined) limits[name] ??= amount;
  }
  if (Object.keys(limits).length > 0) {
    resources.limits = limits;
    for (const [name, amount] of sums('requests')) {
      if (name === 'cpu' || name === 'memory') requests[name] ??= amount;
    }
    for (const [name, amount] of Object.entries(limits)) {
      if (name === 'cpu' || name === 'memory' || isHugePages(name)) requests[name] ??= amount;
    }
  }
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** A sum, written the way in which the first container writes its part. */
function texts(nano: bigint, spec: JsonObject, name: string): string {
  for (const list of ['containers', 'initContainers']) {
    for (const container of Array.isArray(spec[list]) ? (spec[list] as JsonObject[]) : []) {
      for (const kind of ['requests', 'limits']) {
        const given = objectIn(objectIn(container, 'resources'), kind)?.[name];
        const format = given === undefined ? undefined : parseQuantity(String(given))?.format;
        if (format !== undefined) return formatQuantity({ nano, format });
      }
    }
  }
  return formatQuantity({ nano, format: 'decimal' });
}
