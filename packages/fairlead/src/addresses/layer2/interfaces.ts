import { cidrContains, ipFromBytes, parseIp } from '@fairlead/api';
import type { Clock } from '../../sys/clock.ts';
import { NETLINK_ROUTE, type NetlinkGroup, netlinkMessage, openNetlink, openNetlinkGroup } from '../../sys/netlink.ts';
import type { Log, Running } from '../../sys/role.ts';
import {
  allAddresses,
  allLinks,
  type LinkAddress,
  type LinkInfo,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_LINK,
  readLink,
  readLinkAddress,
} from '../../wire/rtnetlink/links.ts';
import type { Layer2Link } from './layer2-responder.ts';

/** The interfaces of this machine at one moment. */
export interface Interfaces {
  readonly links: readonly LinkInfo[];
  readonly addresses: readonly LinkAddress[];
}

const NLM_F_REQUEST_DUMP = 0x301;
/** Changes are noticed within this time. */
const pollMs = 200;

/** Reads links and addresses from the kernel; a negative number is -errno. */
export async function readInterfaces(): Promise<Interfaces | number> {
  const netlink = openNetlink(NETLINK_ROUTE);
  if (typeof netlink === 'number') return netlink;
  const links: LinkInfo[] = [];
  const addresses: LinkAddress[] = [];
  try {
    const first = await netlink.request(netlinkMessage(RTM_GETLINK, NLM_F_REQUEST_DUMP, allLinks), (type, payload) => {
      const link = type === RTM_NEWLINK ? readLink(payload) : undefined;
      if (link !== undefined) links.push(link);
    });
    if (first < 0) return first;
    const message = netlinkMessage(RTM_GETADDR, NLM_F_REQUEST_DUMP, allAddresses);
    const second = await netlink.request(message, (type, payload) => {
      const address = type === RTM_NEWADDR ? readLinkAddress(payload) : undefined;
      if (address !== undefined) addresses.push(address);
    });
    return second < 0 ? second : { links, addresses };
  } finally {
    netlink.close();
  }
}

/** Whether a name matches a pattern in which `*` stands for any text. */
export function matchesPattern(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

function holds(address: LinkAddress, text: string): boolean {
  const own = ipFromBytes(address.address);
  const ip = parseIp(text);
  if (own === undefined || ip === undefined || own.family !== ip.family) return false;
  const host = BigInt((own.family === 4 ? 32 : 128) - address.prefix);
  return cidrContains({ family: own.family, network: (own.value >> host) << host, prefix: address.prefix }, ip);
}

/**
 * The links that an address is announced on: those of the given names; without names, those with a subnet that holds
 * it, else those with an address of the node. Only links that are up. Pure.
 */
export function linksFor(
  address: string,
  patterns: readonly string[],
  { links, addresses }: Interfaces,
  nodeIps: readonly string[],
): Layer2Link[] {
  const usable = links.filter((link) => link.isShared);
  const having = (fits: (one: LinkAddress) => boolean): LinkInfo[] => {
    const indexes = new Set(addresses.filter(fits).map(({ index }) => index));
    return usable.filter(({ index }) => indexes.has(index));
  };
  let chosen = usable.filter(({ name }) => patterns.some((pattern) => matchesPattern(pattern, name)));
  if (patterns.length === 0) {
    chosen = having((one) => holds(one, address));
    if (chosen.length === 0) {
      const own = new Set(nodeIps.map((ip) => parseIp(ip)?.value));
      chosen = having((one) => own.has(ipFromBytes(one.address)?.value));
    }
  }
  return chosen.filter(({ isUp }) => isUp).map(({ index, mac }) => ({ index, mac }));
}

/** Calls back when links or addresses may have changed. */
export function watchInterfaces(clock: Clock, log: Log, onChange: () => void): Running {
  const groups: NetlinkGroup[] = [];
  for (const number of [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR]) {
    const group = openNetlinkGroup(NETLINK_ROUTE, number);
    if (typeof group !== 'number') groups.push(group);
    else log('warn', 'changes of interfaces are not noticed', { errno: -group });
  }
  let cancel = (): void => {};
  const poll = (): void => {
    let changed = false;
    for (const group of groups) {
      const lost = group.read(() => {
        changed = true;
      });
      if (lost < 0) changed = true;
    }
    if (changed) onChange();
    cancel = clock.after(pollMs, poll);
  };
  cancel = clock.after(pollMs, poll);
  return {
    async stop() {
      cancel();
      for (const group of groups) group.close();
    },
  };
}
