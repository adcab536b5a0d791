import { type EndpointSlice, endpointSlices, objectKey, type Service, type Stored, services } from '@fairlead/api';
import { type ApiClient, startInformer } from '@fairlead/client';

/** A Service with its EndpointSlices. */
export interface WatchedService {
  readonly service: Stored<Service>;
  readonly slices: readonly Stored<EndpointSlice>[];
}

/** Services joined with their slices by `namespace/name`. */
export interface ServiceWatch {
  /** Resolves when Services and slices have both been listed once. */
  readonly synced: Promise<void>;
  get(key: string): WatchedService | undefined;
  keys(): IterableIterator<string>;
  stop(): void;
}

const serviceNameLabel = 'kubernetes.io/service-name';

/** Key of the Service a slice belongs to; `undefined` for a slice without the label. */
export function serviceKeyOfSlice(slice: EndpointSlice): string | undefined {
  const name = slice.metadata?.labels?.[serviceNameLabel];
  return name === undefined ? undefined : `${slice.metadata?.namespace ?? ''}/${name}`;
}

/** Watches Services and slices; `onChange` gets the keys of Services that changed, in batches. */
export function watchServices(
  client: ApiClient,
  onChange: (keys: ReadonlySet<string>, slices: readonly Stored<EndpointSlice>[]) => void,
): ServiceWatch {
  const slicesByService = new Map<string, Map<string, Stored<EndpointSlice>>>();
  const serviceInformer = startInformer(client, services);
  const sliceInformer = startInformer(client, endpointSlices);

  const place = (key: string, slice: Stored<EndpointSlice>): void => {
    const siblings = slicesByService.get(key);
    if (siblings === undefined) slicesByService.set(key, new Map([[objectKey(slice), slice]]));
    else siblings.set(objectKey(slice), slice);
  };
  const displace = (key: string, sliceKey: string): void => {
    const siblings = slicesByService.get(key);
    siblings?.delete(sliceKey);
    if (siblings?.size === 0) slicesByService.delete(key);
  };

  serviceInformer.subscribe((changes) => onChange(new Set(changes.map((change) => change.key)), []));
  sliceInformer.subscribe((changes) => {
    const changed = new Set<string>();
    const arrived: Stored<EndpointSlice>[] = [];
    for (const change of changes) {
      // A slice may move between Services by its label.
      const oldKey = change.old === undefined ? undefined : serviceKeyOfSlice(change.old);
      const newKey = change.new === undefined ? undefined : serviceKeyOfSlice(change.new);
      if (oldKey !== undefined) {
        if (oldKey !== newKey) displace(oldKey, change.key);
        changed.add(oldKey);
      }
      if (newKey !== undefined && change.new !== undefined) {
        place(newKey, change.new);
        changed.add(newKey);
        arrived.push(change.new);
      }
    }
    onChange(changed, arrived);
  });

  return {
    synced: Promise.all([serviceInformer.synced, sliceInformer.synced]).then(() => undefined),
    get: (key) => {
      const service = serviceInformer.get(key);
      return service === undefined ? undefined : { service, slices: [...(slicesByService.get(key)?.values() ?? [])] };
    },
    keys: () => {
      const all = [...serviceInformer.values()].map(objectKey);
      return all.values();
    },
    stop: () => {
      serviceInformer.stop();
      sliceInformer.stop();
    },
  };
}
