import type { Endpoint, EndpointSlice, Stored } from '@fairlead/api';
import { type FlatEndpoints, packEndpoints, unpackEndpoints } from './flat-endpoints.ts';
import { importNameLabel, sourceClusterLabel } from './multicluster-kinds.ts';

const keptLabels: readonly string[] = ['kubernetes.io/service-name', importNameLabel, sourceClusterLabel];
/** Annotation of the endpoints controller: when the first change happened that a slice carries. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** An EndpointSlice whose endpoints are kept as bytes (see flat-endpoints.ts), and made into objects for who asks for them. */
class PackedSlice {
  readonly metadata: Stored<EndpointSlice>['metadata'];
  readonly addressType: EndpointSlice['addressType'];
  readonly ports: EndpointSlice['ports'];
  readonly flat: FlatEndpoints;

  constructor(slice: Omit<Stored<EndpointSlice>, 'endpoints'>, flat: FlatEndpoints) {
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
    this.ports = slice.ports ?? undefined;
    this.flat = flat;
  }

  get endpoints(): Endpoint[] {
    return unpackEndpoints(this.flat);
  }
}

/** What DNS needs of an EndpointSlice: a node keeps every slice of the cluster in memory. */
export function stripSlice(slice: Stored<EndpointSlice>): Stored<EndpointSlice> {
  return new PackedSlice(slice, packEndpoints(slice.endpoints ?? []));
}

/** The endpoints of a slice as bytes: at hand for one of {@link stripSlice}, else made. */
export function flatEndpointsOf(slice: EndpointSlice): FlatEndpoints {
  return slice instanceof PackedSlice ? slice.flat : packEndpoints(slice.endpoints ?? []);
}
