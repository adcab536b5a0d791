// Hot path: runs once for every endpoint that the API server tells of.
import type { Endpoint, EndpointSlice, Service, Stored } from '@fairlead/api';
import { annotationPrefix } from './l4-annotations.ts';

/** Label of a slice that names its Service. */
export const serviceNameLabel = 'kubernetes.io/service-name';
/** When the change happened that led to the slice's last write. */
export const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

type Conditions = NonNullable<Endpoint['conditions']>;

/** The few combinations of conditions, shared by all endpoints that have them. */
const knownConditions = new Map<string, Conditions>();
/** Names that many endpoints have: of nodes and zones. */
const knownNames = new Map<string, string>();
/** Beyond this, names are not worth keeping. */
const mostNames = 20_000;

function shareName(name: string): string {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  if (knownNames.size < mostNames) knownNames.set(name, name);
  return name;
}

function shareConditions(conditions: Conditions): Conditions {
  const { ready, serving, terminating } = conditions;
  const key = `${ready} ${serving} ${terminating}`;
  let known = knownConditions.get(key);
  if (known === undefined) {
    known = {
      ...(ready === undefined ? {} : { ready }),
      ...(serving === undefined ? {} : { serving }),
      ...(terminating === undefined ? {} : { terminating }),
    };
    knownConditions.set(key, known);
  }
  return known;
}

function stripEndpoint({ addresses, conditions, nodeName, zone, hints, targetRef }: Endpoint): Endpoint {
  return {
    // Only the first address of an endpoint counts.
    addresses: addresses.length === 1 ? addresses : addresses.slice(0, 1),
    ...(conditions === undefined ? {} : { conditions: shareConditions(conditions) }),
    ...(nodeName === undefined ? {} : { nodeName: shareName(nodeName) }),
    ...(zone === undefined ? {} : { zone: shareName(zone) }),
    ...(hints === undefined ? {} : { hints }),
    // For weights by Pod.
    ...(targetRef?.kind === 'Pod' && targetRef.name !== undefined
      ? { targetRef: { kind: 'Pod', name: targetRef.name } }
      : {}),
  };
}

/** What the service proxy needs of a slice: a fraction of what an API server sends. */
export function stripSlice(slice: Stored<EndpointSlice>): Stored<EndpointSlice> {
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels, annotations } = slice.metadata;
  const service = labels?.[serviceNameLabel];
  const trigger = annotations?.[triggerAnnotation];
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      resourceVersion,
      creationTimestamp,
      ...(service === undefined ? {} : { labels: { [serviceNameLabel]: service } }),
      ...(trigger === undefined ? {} : { annotations: { [triggerAnnotation]: trigger } }),
    },
    addressType: slice.addressType,
    ...(slice.ports === undefined ? {} : { ports: slice.ports }),
    endpoints: (slice.endpoints ?? []).map(stripEndpoint),
  };
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
