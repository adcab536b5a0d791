// Hot path: runs once for every endpoint that the API server tells of.
import type { Endpoint, EndpointSlice, Service, Stored } from '@fairlead/api';
import { annotationPrefix } from './l4-annotations.ts';
import { type PackedEndpoints, packEndpoints, unpackEndpoints } from './packed-endpoints.ts';

/** Label of a slice that names its Service. */
export const serviceNameLabel = 'kubernetes.io/service-name';
/** When the change happened that led to the slice's last write. */
export const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** A slice without what the service proxy does not need; its endpoints are unpacked whenever they are asked for. */
class StrippedSlice implements Stored<EndpointSlice> {
  readonly metadata: Stored<EndpointSlice>['metadata'];
  readonly addressType: EndpointSlice['addressType'];
  readonly ports?: NonNullable<EndpointSlice['ports']>;
  readonly #endpoints: PackedEndpoints;

  constructor(slice: Stored<EndpointSlice>) {
    const { name, namespace, uid, resourceVersion, creationTimestamp, labels, annotations } = slice.metadata;
    const service = labels?.[serviceNameLabel];
    const trigger = annotations?.[triggerAnnotation];
    this.metadata = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      resourceVersion,
      creationTimestamp,
      ...(service === undefined ? {} : { labels: { [serviceNameLabel]: service } }),
      ...(trigger === undefined ? {} : { annotations: { [triggerAnnotation]: trigger } }),
    };
    this.addressType = slice.addressType;
    // A server writes `null` for none.
    const ports = slice.ports ?? undefined;
    if (ports !== undefined) this.ports = sharePorts(ports);
    this.#endpoints = packEndpoints(slice.endpoints ?? []);
  }

  get endpoints(): Endpoint[] {
    return unpackEndpoints(this.#endpoints);
  }
}

/** Most Services name their ports alike. */
const knownPorts = new Map<string, NonNullable<EndpointSlice['ports']>>();
const mostPorts = 10_000;

function sharePorts(ports: NonNullable<EndpointSlice['ports']>): NonNullable<EndpointSlice['ports']> {
  const key = JSON.stringify(ports);
  const known = knownPorts.get(key);
  if (known !== undefined) return known;
  if (knownPorts.size < mostPorts) knownPorts.set(key, ports);
  return ports;
}

/** What the service proxy needs of a slice: a fraction of what an API server sends. */
export function stripSlice(slice: Stored<EndpointSlice>): Stored<EndpointSlice> {
  return new StrippedSlice(slice);
}

/** The slices with their endpoints unpacked once, for who walks them several times. */
export function unpackSlices(slices: readonly Stored<EndpointSlice>[]): EndpointSlice[] {
  return slices.map(({ metadata, addressType, ports, endpoints }) => {
    return { metadata, addressType, endpoints, ...(ports === undefined ? {} : { ports }) };
  });
}

/** What the service proxy needs of a Service: all of spec and status, labels, and annotations of ours. */
export function stripService(service: Stored<Service>): Stored<Service> {
  const { managedFields, ownerReferences, finalizers, annotations, ...metadata } = service.metadata;
  const ours = Object.entries(annotations ?? {}).filter(([name]) => name.startsWith(annotationPrefix));
  return {
    ...service,
    metadata: { ...metadata, ...(ours.length === 0 ? {} : { annotations: Object.fromEntries(ours) }) },
  };
}
