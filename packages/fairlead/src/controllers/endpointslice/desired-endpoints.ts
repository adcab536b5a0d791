import {
  type DiscoveryEndpointPort,
  type Endpoint,
  ipFamilyOf,
  type Node,
  type Pod,
  type Service,
  type ServicePort,
  type Stored,
} from '@fairlead/api';
import { isPodFinished, isPodReady } from '../workload/pod-state.ts';

/** Families that a Service can select Pods by; slices of FQDNs are made by users. */
export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that share a family and a resolved set of ports: the content of one group of slices. */
export interface SliceGroup {
  readonly addressType: AddressType;
  readonly ports: readonly DiscoveryEndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** The families of a Service's addresses; before allocation and on old objects, IPv4. */
export function familiesOf(service: Service): readonly AddressType[] {
  const families = (service.spec?.ipFamilies ?? []).filter((family): family is AddressType => family !== '');
  if (families.length > 0) return families;
  return service.spec?.clusterIP !== undefined && ipFamilyOf(service.spec.clusterIP) === 6 ? ['IPv6'] : ['IPv4'];
}

/**
 * What a Service's slices must hold: a group per family and resolved port set. Finished Pods and Pods
 * without an address of the family are left out; terminating ones stay, and say so.
 * @param zoneOf the zone label of a node by name
 */
export function desiredEndpoints(
  service: Stored<Service>,
  pods: readonly Stored<Pod>[],
  zoneOf: (nodeName: string) => string | undefined,
): SliceGroup[] {
  const groups = new Map<string, { addressType: AddressType; ports: DiscoveryEndpointPort[]; endpoints: Endpoint[] }>();
  for (const addressType of familiesOf(service)) {
    for (const pod of pods) {
      if (isPodFinished(pod)) continue;
      const address = addressOf(pod, addressType);
      if (address === undefined) continue;
      const ports = resolvePorts(service, pod);
      const key = `${addressType} ${portsKey(ports)}`;
      let group = groups.get(key);
      if (group === undefined) {
        group = { addressType, ports, endpoints: [] };
        groups.set(key, group);
      }
      group.endpoints.push(endpointOf(service, pod, address, zoneOf));
    }
  }
  return [...groups.values()];
}

/** A text that is equal for equal port sets, whatever their order. */
export function portsKey(ports: readonly DiscoveryEndpointPort[] | undefined): string {
  return (ports ?? [])
    .map(
      ({ name, protocol, port, appProtocol }) =>
        `${name ?? ''}/${protocol ?? 'TCP'}/${port ?? ''}/${appProtocol ?? ''}`,
    )
    .sort()
    .join(' ');
}

/** The address of a Pod in a family. */
export function addressOf(pod: Pod, family: AddressType): string | undefined {
  const wanted = family === 'IPv6' ? 6 : 4;
  const addresses = pod.status?.podIPs?.map(({ ip }) => ip) ?? [];
  if (addresses.length === 0 && pod.status?.podIP !== undefined) addresses.push(pod.status.podIP);
  return addresses.find((ip) => ipFamilyOf(ip) === wanted);
}

/** The Service's ports as this Pod serves them; a port whose name the Pod does not have is left out. */
export function resolvePorts(service: Service, pod: Pod): DiscoveryEndpointPort[] {
  const ports: DiscoveryEndpointPort[] = [];
  for (const servicePort of service.spec?.ports ?? []) {
    const port = targetPortOf(servicePort, pod);
    if (port === undefined) continue;
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    ports.push({ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) });
  }
  return ports;
}

function targetPortOf({ port, targetPort, protocol = 'TCP' }: ServicePort, pod: Pod): number | undefined {
  if (targetPort === undefined || targetPort === 0 || targetPort === '') return port;
  if (typeof targetPort === 'number') return targetPort;
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const candidate of container.ports ?? []) {
      if (candidate.name === targetPort && (candidate.protocol ?? 'TCP') === protocol) return candidate.containerPort;
    }
  }
  return undefined;
}

function endpointOf(
  service: Stored<Service>,
  pod: Stored<Pod>,
  address: string,
  zoneOf: (nodeName: string) => string | undefined,
): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const { nodeName, hostname, subdomain } = pod.spec ?? {};
  const zone = nodeName === undefined ? undefined : zoneOf(nodeName);
  const named = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name;
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(named ? { hostname } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...hintsOf(service, ready, nodeName, zone),
  };
}

/** Hints of `trafficDistribution`, written for ready endpoints only. */
function hintsOf(
  service: Service,
  ready: boolean,
  nodeName: string | undefined,
  zone: string | undefined,
): Pick<Endpoint, 'hints'> {
  const distribution = service.spec?.trafficDistribution;
  if (!ready || distribution === undefined) return {};
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  if (distribution === 'PreferClose' || distribution === 'PreferSameZone') {
    return zone === undefined ? {} : { hints: forZones };
  }
  if (distribution === 'PreferSameNode' && nodeName !== undefined) {
    return { hints: { ...forZones, forNodes: [{ name: nodeName }] } };
  }
  return {};
}

/** The zone of a node, if it is labelled with one. */
export function zoneOfNode(node: Node | undefined): string | undefined {
  return node?.metadata?.labels?.['topology.kubernetes.io/zone'];
}
