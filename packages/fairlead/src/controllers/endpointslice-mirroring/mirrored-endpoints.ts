import { type Endpoint, type EndpointAddress, type Endpoints, ipFamilyOf, type Service } from '@fairlead/api';
import { type AddressType, portsKey, type SliceGroup } from '../endpointslice/desired-endpoints.ts';

/** More addresses of one subset are not mirrored. */
const maxPerSubset = 1000;

/** Whether hand-written Endpoints are to become slices: their Service exists and selects nothing. */
export function isMirrored(endpoints: Endpoints | undefined, service: Service | undefined): boolean {
  if (endpoints === undefined || service === undefined) return false;
  const { labels, annotations } = endpoints.metadata ?? {};
  return (
    labels?.['endpointslice.kubernetes.io/skip-mirror'] !== 'true' &&
    annotations?.['control-plane.alpha.kubernetes.io/leader'] === undefined &&
    Object.keys(service.spec?.selector ?? {}).length === 0
  );
}

/** The content of the slices: per family and port set, ready addresses first. */
export function mirroredEndpoints({ subsets = [] }: Endpoints): SliceGroup[] {
  const groups = new Map<string, { addressType: AddressType; ports: SliceGroup['ports']; endpoints: Endpoint[] }>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const slicePorts = ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    const all = [
      ...addresses.map((address) => ({ address, ready: true })),
      ...notReadyAddresses.map((address) => ({ address, ready: false })),
    ].slice(0, maxPerSubset);
    for (const { address, ready } of all) {
      const family = ipFamilyOf(address.ip);
      if (family === undefined) continue;
      const addressType = family === 6 ? 'IPv6' : 'IPv4';
      const key = `${addressType} ${portsKey(slicePorts)}`;
      const group = groups.get(key) ?? { addressType, ports: slicePorts, endpoints: [] };
      groups.set(key, group);
      group.endpoints.push(mirror(address, ready));
    }
  }
  return [...groups.values()];
}

function mirror({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
