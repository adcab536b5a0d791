import type { Endpoint, EndpointSlice, Stored } from '@fairlead/api';

const serviceNameLabel = 'kubernetes.io/service-name';

/** An EndpointSlice whose endpoints are kept as text and read anew each time: a tenth of the memory. */
class PackedSlice {
  readonly metadata: Stored<EndpointSlice>['metadata'];
  readonly addressType: EndpointSlice['addressType'];
  readonly ports: EndpointSlice['ports'];
  readonly #endpoints: string;

  constructor(slice: Stored<EndpointSlice>) {
    const { name, namespace, uid, resourceVersion, creationTimestamp, labels } = slice.metadata;
    const service = labels?.[serviceNameLabel];
    this.metadata = {
      ...{ name, uid, resourceVersion, creationTimestamp },
      ...(namespace === undefined ? {} : { namespace }),
      ...(service === undefined ? {} : { labels: { [serviceNameLabel]: service } }),
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
