import { isIPv6 } from 'node:net';

/** The machine's link to the nodes. */
export const MACHINE_LINK = 'fairlead0';

/** An address family by its number. */
export type IpFamily = 4 | 6;

/** The machine's link to its nodes, in one address family. */
export interface MachineNetwork {
  /** The machine's own address on the link. */
  readonly address: string;
  readonly prefixLength: number;
  /** Addresses for Services of type LoadBalancer, as an AddressPool has them. No node has one of these. */
  readonly pool: string;
  /** InternalIP of node `index`, from 1 to 64. */
  nodeAddress(index: number): string;
}

/** The link's networks. In IPv6 the last group reads like the last part of the IPv4 address. */
export const machineNetworks: Readonly<Record<IpFamily, MachineNetwork>> = {
  4: {
    address: '172.29.0.1',
    prefixLength: 24,
    pool: '172.29.0.128-172.29.0.254',
    nodeAddress: (index) => `172.29.0.${10 + index}`,
  },
  6: {
    address: 'fd00:172:29::1',
    prefixLength: 64,
    pool: 'fd00:172:29::128-fd00:172:29::254',
    nodeAddress: (index) => `fd00:172:29::${10 + index}`,
  },
};

/** The family of an address or a range, which must be one. */
export function familyOf(text: string): IpFamily {
  return isIPv6(text.split('/')[0] ?? '') ? 6 : 4;
}

/** The networks of the families of some ranges, in their order. */
export function networksOf(ranges: readonly string[]): MachineNetwork[] {
  return ranges.map((range) => machineNetworks[familyOf(range)]);
}

/** Ranges that only this system's nodes and this machine have routes to: those of Pods, and of the machine's link. */
export function ownRanges(podCidrs: readonly string[]): readonly string[] {
  return [...podCidrs, ...networksOf(podCidrs).map(({ address, prefixLength }) => `${address}/${prefixLength}`)];
}
