import { Maglev } from '@fairlead/balance';
import type { PortEndpoint } from './categorize-endpoints.ts';
import type { SlotTable } from './program.ts';

/** Primes; each good for a hundredth of itself in endpoints, and the last for all above. */
const sizes: readonly [number, ...number[]] = [1021, 4093, 16381];

/** Size of the table for so many endpoints: at least 100 slots each, as far as it goes. */
export function slotTableSize(endpoints: number): number {
  return sizes.find((size) => size >= endpoints * 100) ?? sizes[sizes.length - 1] ?? sizes[0];
}

/** The weight that a Service's annotation gives to an endpoint. */
export function weightOf({ endpoint }: PortEndpoint, weights: ReadonlyMap<string, number>): number {
  return (
    (endpoint.targetRef?.kind === 'Pod' ? weights.get(`pod/${endpoint.targetRef.name}`) : undefined) ??
    weights.get(`node/${endpoint.nodeName}`) ??
    weights.get(`zone/${endpoint.zone}`) ??
    1
  );
}

/** Endpoints that may get new connections, and how these are spread over them when not evenly. */
export function spreadOver(
  endpoints: readonly PortEndpoint[],
  { spread, weights }: { readonly spread: SlotTable['by']; readonly weights: ReadonlyMap<string, number> },
): { readonly endpoints: readonly PortEndpoint[]; readonly slots: SlotTable | undefined } {
  if (spread === 'random' && weights.size === 0) return { endpoints, slots: undefined };
  const weighted = endpoints.filter((endpoint) => weightOf(endpoint, weights) > 0);
  // All have weight 0: better some endpoint than none.
  const used = weighted.length > 0 ? weighted : endpoints;
  const own = used.map((endpoint) => (weighted.length > 0 ? weightOf(endpoint, weights) : 1));
  const even = own.every((weight) => weight === own[0]);
  if (used.length < 2 || (spread === 'random' && even)) return { endpoints: used, slots: undefined };
  const size = slotTableSize(used.length);
  const maglev = new Maglev(
    used.map(({ ip, port }) => `${ip} ${port}`),
    own,
    size,
  );
  const places = Array.from({ length: size }, (_, slot) => maglev.pick(slot));
  return { endpoints: used, slots: { by: spread, places } };
}

/** A table for connections whose every packet is sent by it: never by chance, even for one endpoint. */
export function directSlots(
  endpoints: readonly PortEndpoint[],
  by: 'source' | 'connection',
  weights: ReadonlyMap<string, number>,
): { readonly endpoints: readonly PortEndpoint[]; readonly slots: SlotTable } {
  const { endpoints: used, slots } = spreadOver(endpoints, { spread: by, weights });
  return { endpoints: used, slots: slots ?? { by, places: used.length === 0 ? [] : [0] } };
}
