import { isJsonObject } from '../own-property.ts';
import { parseQuantity } from '../quantity.ts';

/** Amounts by resource name, in billionths of their unit. */
export type Amounts = ReadonlyMap<string, bigint>;

type Json = Readonly<Record<string, unknown>>;

/** What the containers of a Pod ask for (`requests`) or are held to (`limits`), as the scheduler counts it. */
export function podResources(pod: Json, kind: 'requests' | 'limits'): Map<string, bigint> {
  const spec = isJsonObject(pod.spec) ? pod.spec : {};
  const total = new Map<string, bigint>();
  for (const container of objects(spec.containers)) add(total, containerResources(container, kind));
  // Sidecars run on; the other init containers run one after the other beside the sidecars before them.
  const sidecars = new Map<string, bigint>();
  const starting = new Map<string, bigint>();
  for (const container of objects(spec.initContainers)) {
    const own = containerResources(container, kind);
    if (container.restartPolicy === 'Always') {
      add(sidecars, own);
      raise(starting, sidecars);
      continue;
    }
    const together = new Map(sidecars);
    add(together, own);
    raise(starting, together);
  }
  add(total, sidecars);
  raise(total, starting);
  const overhead = amountsOf(spec.overhead);
  for (const [name, amount] of overhead) {
    if (kind === 'requests' || total.has(name)) total.set(name, (total.get(name) ?? 0n) + amount);
  }
  return total;
}

/** The amounts of one container. */
function containerResources(container: Json, kind: 'requests' | 'limits'): Amounts {
  return amountsOf(isJsonObject(container.resources) ? container.resources[kind] : undefined);
}

/** Reads a map of quantities; malformed ones count as 0. */
export function amountsOf(value: unknown): Map<string, bigint> {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  return new Map(entries.map(([name, text]) => [name, parseQuantity(String(text))?.nano ?? 0n]));
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function add(total: Map<string, bigint>, more: Amounts): void {
  for (const [name, amount] of more) total.set(name, (total.get(name) ?? 0n) + amount);
}

function raise(total: Map<string, bigint>, least: Amounts): void {
  for (const [name, amount] of least) if ((total.get(name) ?? -1n) < amount) total.set(name, amount);
}
