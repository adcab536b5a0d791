import type { Endpoint, EndpointSlice, Stored } from '@fairlead/api';
import { importNameLabel, sourceClusterLabel } from './multicluster-kinds.ts';

const keptLabels: readonly string[] = ['kubernetes.io/service-name', importNameLabel, sourceClusterLabel];
/** Annotation of the endpoints controller: when the first change happened that a slice carries. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** An EndpointSlice whose endpoints are kept as text and read anew each time: a tenth of the memory. */
class PackedSlice {
  readonly metadata: Stored<EndpointSlice>['metadata'];
  readonly addressType: EndpointSlice['addressType'];
  readonly ports: EndpointSlice['ports'];
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
    this.#endpoints = JSON.stringify((slice.endpoints ?? []).map(stripEndpoint));
  }

  get endpoints(): Endpoint[] {
    return JSON.parse(this.#endpoints) as Endpoint[];
  }
}

/** What DNS needs of an EndpointSlice: a node keeps every slice of the cluster in memory. */
export function stripSlice(slice: Stored<EndpointSlice>): Stored<EndpointSlice> {
  return new PackedSlice(slice);
}

function stripEndpoint({ addresses, hostname, conditions, zone }: Endpoint): Endpoint {
  return {
    addresses,
    ...(hostname === undefined ? {} : { hostname }),
    ...(conditions?.ready === false ? { conditions: { ready: false } } : {}),
    ...(zone === undefined ? {} : { zone }),
  };
}
