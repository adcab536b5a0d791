import type { Endpoint, EndpointSlice, Stored } from '@fairlead/api';
import { importNameLabel, sourceClusterLabel } from './multicluster-kinds.ts';

const keptLabels: readonly string[] = ['kubernetes.io/service-name', importNameLabel, sourceClusterLabel];
/** Annotation of the endpoints controller: when the first change happened that a slice carries. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Fields per endpoint in the packed text: addresses, hostname, zone and readiness. */
const packedFields = 3;
/** Joins the addresses of an endpoint; no address holds one. */
const addressSeparator = ' ';

/**
 * An EndpointSlice whose endpoints are kept as one text and read anew each time: a twentieth of the memory. The text is
 * a flat JSON array, three values per endpoint: addresses; hostname, or 0; twice the number of the zone in
 * `#zones` (0: none), and 1 more when it is not ready.
 */
class PackedSlice {
  readonly metadata: Stored<EndpointSlice>['metadata'];
  readonly addressType: EndpointSlice['addressType'];
  readonly ports: EndpointSlice['ports'];
  readonly #zones: readonly string[];
  readonly #endpoints: string;

  constructor(slice: Stored<EndpointSlice>) {
    const { name, namespace, uid, resourceVersion, creationTimestamp, labels, annotations } = slice.metadata;
    const kept = keptLabels.flatMap((label) => {
      const value = labels?.[label];
      return value === undefined ? [] : [[label, value] as const];
    });
    const trigger = annotations?.[triggerTimeAnnotation];
    this.metadata = {
      ...{ name, uid, resourceVersion, creationTimestamp },
      ...(namespace === undefined ? {} : { namespace }),
      ...(kept.length === 0 ? {} : { labels: Object.fromEntries(kept) }),
      ...(trigger === undefined ? {} : { annotations: { [triggerTimeAnnotation]: trigger } }),
    };
    this.addressType = slice.addressType;
    this.ports = slice.ports;
    const zones: string[] = [''];
    const packed: (string | number)[] = [];
    for (const { addresses, hostname, conditions, zone = '' } of slice.endpoints ?? []) {
      let zoneNumber = zones.indexOf(zone);
      if (zoneNumber < 0) zoneNumber = zones.push(zone) - 1;
      const isNotReady = conditions?.ready === false;
      packed.push(addresses.join(addressSeparator), hostname ?? 0, zoneNumber * 2 + (isNotReady ? 1 : 0));
    }
    this.#zones = zones;
    this.#endpoints = JSON.stringify(packed);
  }

  get endpoints(): Endpoint[] {
    const packed = JSON.parse(this.#endpoints) as readonly (string | number)[];
    const endpoints: Endpoint[] = [];
    for (let at = 0; at < packed.length; at += packedFields) {
      const hostname = packed[at + 1];
      const rest = packed[at + 2] as number;
      // Assigned, not spread: a large Service is read anew with each change of it.
      const endpoint: Endpoint = { addresses: unpackAddresses(packed[at] as string) };
      if (hostname !== 0) endpoint.hostname = hostname as string;
      if ((rest & 1) !== 0) endpoint.conditions = { ready: false };
      if (rest > 1) endpoint.zone = this.#zones[rest >> 1]!;
      endpoints.push(endpoint);
    }
    return endpoints;
  }
}

/** What DNS needs of an EndpointSlice: a node keeps every slice of the cluster in memory. */
export function stripSlice(slice: Stored<EndpointSlice>): Stored<EndpointSlice> {
  return new PackedSlice(slice);
}

/** Almost always one. */
function unpackAddresses(packed: string): string[] {
  if (packed === '') return [];
  return packed.includes(addressSeparator) ? packed.split(addressSeparator) : [packed];
}
