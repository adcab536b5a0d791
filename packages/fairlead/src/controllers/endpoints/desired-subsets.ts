import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service, Stored } from '@fairlead/api';
import { addressOf, familiesOf, resolvePorts } from '../endpointslice/desired-endpoints.ts';
import { isPodFinished, isPodReady } from '../workload/pod-state.ts';

/** More addresses than this are cut off, with an annotation that says so. */
export const maxAddresses = 1000;

/** Content of an Endpoints object. */
export interface DesiredSubsets {
  readonly subsets: readonly EndpointSubset[];
  readonly truncated: boolean;
}

/** The old form of a Service's endpoints: one family, subsets by port set, terminating Pods left out. */
export function desiredSubsets(service: Stored<Service>, pods: readonly Stored<Pod>[]): DesiredSubsets {
  const [family = 'IPv4'] = familiesOf(service);
  const publishAll = service.spec?.publishNotReadyAddresses === true;
  const groups = new Map<string, { ready: EndpointAddress[]; notReady: EndpointAddress[]; ports: EndpointPort[] }>();
  let count = 0;
  let truncated = false;
  // Ready ones first, so that cutting off keeps them.
  const candidates = pods
    .filter((pod) => !isPodFinished(pod) && (publishAll || pod.metadata.deletionTimestamp === undefined))
    .sort((a, b) => Number(isPodReady(b)) - Number(isPodReady(a)));
  for (const pod of candidates) {
    const ip = addressOf(pod, family);
    if (ip === undefined) continue;
    if (++count > maxAddresses) {
      truncated = true;
      break;
    }
    const ports = resolvePorts(service, pod).map(
      ({ name, port, protocol, appProtocol }): EndpointPort => ({
        ...(name === undefined || name === '' ? {} : { name }),
        port: port ?? 0,
        protocol: protocol ?? 'TCP',
        ...(appProtocol === undefined ? {} : { appProtocol }),
      }),
    );
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ready: [], notReady: [], ports };
    groups.set(key, group);
    (publishAll || isPodReady(pod) ? group.ready : group.notReady).push(endpointAddress(service, pod, ip));
  }
  const subsets = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([, { ready, notReady, ports }]): EndpointSubset => ({
        ...(ready.length === 0 ? {} : { addresses: ready.sort(byIp) }),
        ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.sort(byIp) }),
        ...(ports.length === 0 ? {} : { ports }),
      }),
    );
  return { subsets, truncated };
}

function endpointAddress(service: Stored<Service>, pod: Stored<Pod>, ip: string): EndpointAddress {
  const { nodeName, hostname, subdomain } = pod.spec ?? {};
  const { name, namespace, uid } = pod.metadata;
  const named = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name;
  return {
    ip,
    ...(named ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

function byIp(a: EndpointAddress, b: EndpointAddress): number {
  return a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0;
}
