import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { isLinkLocal, parseIp } from '@fairlead/api';
import { type IpFamily, machineNetworks } from './machine-network.ts';
import { MACHINE_LINK } from './node-namespaces.ts';

type Links = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** A machine's first address of a family that others could reach; without any, its own one on the machine link. */
function firstAddress(links: Links, family: IpFamily): string | undefined {
  for (const [link, addresses] of Object.entries(links)) {
    if (link.startsWith('fl-') || link === MACHINE_LINK) continue;
    for (const { address, internal } of addresses ?? []) {
      const ip = parseIp(address);
      if (!internal && ip?.family === family && !isLinkLocal(ip)) return address;
    }
  }
  const own = machineNetworks[family].address;
  return links[MACHINE_LINK]?.some(({ address }) => address === own) === true ? own : undefined;
}

/** The InternalIPs of a node that was given none: at most one per family, in the order of the families. */
export function chooseNodeIps(
  mode: 'kernel' | 'userspace',
  families: readonly IpFamily[],
  links: Links = networkInterfaces(),
): string[] {
  if (mode === 'userspace') return ['127.0.0.1'];
  const found = families.flatMap((family) => firstAddress(links, family) ?? []);
  return found.length > 0 ? found : [families[0] === 6 ? '::1' : '127.0.0.1'];
}
