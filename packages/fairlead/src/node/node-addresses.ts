import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { isLinkLocal, parseIp } from '@fairlead/api';
import { type IpFamily, MACHINE_LINK, machineNetworks } from './machine-network.ts';

type Links = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** A machine's first address of a family that others could reach; `undefined` where only our own links have any. */
function firstAddress(links: Links, family: IpFamily): string | undefined {
  for (const [link, addresses] of Object.entries(links)) {
    if (link.startsWith('fl-') || link === MACHINE_LINK) continue;
    for (const { address, internal } of addresses ?? []) {
      const ip = parseIp(address);
      if (!internal && ip?.family === family && !isLinkLocal(ip)) return address;
    }
  }
  return undefined;
}

/** The machine's own address on the machine link, where it has one. */
function ownAddress(links: Links, family: IpFamily): string | undefined {
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
  const found = families.flatMap((family) => firstAddress(links, family) ?? ownAddress(links, family) ?? []);
  return found.length > 0 ? found : [families[0] === 6 ? '::1' : '127.0.0.1'];
}

/**
 * Addresses under which others reach what listens on all addresses of the machine: at most one per family. On a
 * machine without any, those of the machine link; at last the loopback.
 */
export function publicAddresses(families: readonly IpFamily[], links: Links = networkInterfaces()): string[] {
  const found = families.flatMap((family) => firstAddress(links, family) ?? []);
  if (found.length > 0) return found;
  const own = families.flatMap((family) => ownAddress(links, family) ?? []).slice(0, 1);
  return own.length > 0 ? own : ['127.0.0.1'];
}
