import { type EndpointSlice, endpointSlices, type Service, type Stored, services } from '@fairlead/api';
import { type ApiClient, startInformer } from '@fairlead/client';
import { type Collection, groupBy, informerCollection, joinByKey } from '../collections/index.ts';
import { formatIp, parseIp } from './cidr.ts';
import { serviceNameLabel, stripService, stripSlice } from './service-strip.ts';

/** A Service with its EndpointSlices. */
export interface WatchedService {
  readonly service: Stored<Service>;
  readonly slices: readonly Stored<EndpointSlice>[];
}

/** Services joined with their slices by `namespace/name`. */
export interface ServiceWatch {
  readonly services: Collection<WatchedService>;
  readonly slices: Collection<Stored<EndpointSlice>>;
  stop(): void;
}

/** Key of the Service a slice belongs to; `undefined` for a slice without the label. */
function serviceKeyOfSlice(slice: EndpointSlice): string | undefined {
  const name = slice.metadata?.labels?.[serviceNameLabel];
  return name === undefined ? undefined : `${slice.metadata?.namespace ?? ''}/${name}`;
}

/** The cluster IPs of all Services, canonical. */
export function clusterIpsOf(watched: Iterable<WatchedService>): ReadonlySet<string> {
  const ips = new Set<string>();
  for (const { service } of watched) {
    for (const text of service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']) {
      const ip = parseIp(text);
      if (ip !== undefined) ips.add(formatIp(ip));
    }
  }
  return ips;
}

/** Watches Services and slices; slices without a Service are kept apart until it comes. */
export function watchServices(client: ApiClient): ServiceWatch {
  // An informer's own type says that it strips any kind; it is only asked for its own.
  const serviceInformer = startInformer(client, services, {}, { strip: stripService as never });
  const sliceInformer = startInformer(client, endpointSlices, {}, { strip: stripSlice as never });
  const slices = informerCollection('endpoint slices', sliceInformer);
  const joined = joinByKey<Stored<Service>, readonly Stored<EndpointSlice>[], WatchedService>(
    'services with slices',
    informerCollection('services', serviceInformer),
    groupBy('slices by service', slices, serviceKeyOfSlice),
    (service, own) => (service === undefined ? undefined : { service, slices: own ?? [] }),
    (a, b) => a.service === b.service && a.slices === b.slices,
  );
  return {
    services: joined,
    slices,
    stop: () => {
      serviceInformer.stop();
      sliceInformer.stop();
    },
  };
}
