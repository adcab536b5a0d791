import {
  type EndpointSlice,
  endpointSlices,
  type Ingress,
  type IngressClass,
  ingressClasses,
  ingresses,
  type Node,
  nodes,
  objectKey,
  type Pod,
  pods,
  type ResourceRef,
  type Service,
  type Stored,
  services,
} from '@fairlead/api';
import { type ApiClient, isNotFound } from '@fairlead/client';
import { type DnsGateway, type DnsRoute, gateways, hostRoutes } from '../../dns/gateway-kinds.ts';
import { importNameLabel, type ServiceImport, serviceImports } from '../../dns/multicluster-kinds.ts';
import { type AnnouncementWorld, readAnnouncements } from './explain-announcement.ts';

/** Everything an explanation looks at: one consistent reading of the API. */
export interface World {
  readonly services: ReadonlyMap<string, Stored<Service>>;
  /** EndpointSlices by the key of their Service. */
  readonly slices: ReadonlyMap<string, readonly Stored<EndpointSlice>[]>;
  readonly pods: ReadonlyMap<string, Stored<Pod>>;
  readonly nodes: ReadonlyMap<string, Stored<Node>>;
  readonly ingresses: readonly Stored<Ingress>[];
  readonly ingressClasses: readonly Stored<IngressClass>[];
  /** DNS domain of the cluster. */
  readonly clusterDomain: string;
  /** Zones besides it that the DNS server has; absent: it has none. */
  readonly zones?: OtherZones;
  /** Absent: the API server does not serve these kinds, or not to this user. */
  readonly announcements?: AnnouncementWorld;
}

/** What the names of the DNS server's other zones are made of. */
export interface OtherZones {
  /** Zone for clients outside; absent: none. */
  readonly external?: string;
  readonly clusterset: string;
  readonly imports: readonly Stored<ServiceImport>[];
  /** EndpointSlices by the key of their import. */
  readonly importSlices: ReadonlyMap<string, readonly Stored<EndpointSlice>[]>;
  readonly gateways: ReadonlyMap<string, Stored<DnsGateway>>;
  readonly routes: readonly Stored<DnsRoute>[];
}

const serviceNameLabel = 'kubernetes.io/service-name';

/** Reads the objects that names, Services and routes are made of. */
export async function readWorld(
  client: ApiClient,
  clusterDomain: string,
  zones: Partial<Pick<OtherZones, 'external' | 'clusterset'>> = {},
): Promise<World> {
  /** Of a kind that may not be installed. */
  const some = async <T>(ref: ResourceRef<T>): Promise<Stored<T>[]> => {
    try {
      return await all(ref);
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  };
  const all = async <T>(ref: ResourceRef<T>): Promise<Stored<T>[]> => (await client.list(ref)).items;
  const hasExternal = zones.external !== undefined;
  const [serviceList, sliceList, podList, nodeList, ingressList, classList, imports, gatewayList] = await Promise.all([
    all(services),
    all(endpointSlices),
    all(pods),
    all(nodes),
    all(ingresses),
    all(ingressClasses),
    some(serviceImports),
    hasExternal ? some(gateways) : [],
  ]);
  const announcements = await readAnnouncements(client);
  const routes = hasExternal ? (await Promise.all(hostRoutes.map((ref) => some(ref)))).flat() : [];
  const byKey = <T>(items: readonly Stored<T>[]): Map<string, Stored<T>> =>
    new Map(items.map((item) => [objectKey(item), item]));
  const slices = Map.groupBy(sliceList, (slice) => {
    const { namespace, labels } = slice.metadata;
    return `${namespace}/${labels?.[serviceNameLabel] ?? ''}`;
  });
  const importSlices = Map.groupBy(sliceList, ({ metadata: { namespace, labels } }) => {
    return `${namespace}/${labels?.[importNameLabel] ?? ''}`;
  });
  return {
    services: byKey(serviceList),
    slices,
    pods: byKey(podList),
    nodes: byKey(nodeList),
    ingresses: ingressList,
    ingressClasses: classList,
    clusterDomain,
    ...(announcements === undefined ? {} : { announcements }),
    zones: {
      ...(zones.external === undefined ? {} : { external: zones.external }),
      clusterset: zones.clusterset ?? 'clusterset.local',
      imports,
      importSlices,
      gateways: byKey(gatewayList),
      routes,
    },
  };
}

/** A Pod's addresses, one per family, the preferred one first. */
export function podAddresses({ status }: Pod): string[] {
  const one = status?.podIP === undefined ? [] : [status.podIP];
  return status?.podIPs?.map(({ ip }) => ip) ?? one;
}

/** The Pod that has an address, for names in explanations. */
export function podOfAddress(world: World, address: string): Stored<Pod> | undefined {
  for (const pod of world.pods.values()) {
    if (podAddresses(pod).includes(address) && pod.spec?.hostNetwork !== true) return pod;
  }
  return undefined;
}

/** Internal and external addresses of a node. */
export function nodeAddresses(node: Stored<Node>): string[] {
  return (node.status?.addresses ?? [])
    .filter((entry) => entry.type === 'InternalIP' || entry.type === 'ExternalIP')
    .map((entry) => entry.address);
}
