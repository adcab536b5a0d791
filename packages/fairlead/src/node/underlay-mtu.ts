import { networkInterfaces } from 'node:os';
import { NETLINK_ROUTE, netlinkMessage, openNetlink } from '../sys/netlink.ts';
import { allLinks, RTM_GETLINK, RTM_NEWLINK, readLink } from '../wire/rtnetlink/links.ts';

/** What Ethernet has, where nothing else is known. */
const DEFAULT_MTU = 1500;
const NLM_F_REQUEST_DUMP = 0x301;

/**
 * MTU in bytes of the link that has this address, on which packets of Pods leave the node: 1500 where there is
 * no such link, or where it is the loopback.
 */
export async function underlayMtu(address: string): Promise<number> {
  const found = Object.entries(networkInterfaces()).find(([, all]) =>
    all?.some((one) => one.address === address && !one.internal),
  );
  // Not /sys/class/net: within a namespace entered from outside that may still be the one of the outside.
  const netlink = found === undefined ? -1 : openNetlink(NETLINK_ROUTE);
  if (typeof netlink === 'number') return DEFAULT_MTU;
  let mtu = 0;
  try {
    await netlink.request(netlinkMessage(RTM_GETLINK, NLM_F_REQUEST_DUMP, allLinks), (type, payload) => {
      const link = type === RTM_NEWLINK ? readLink(payload) : undefined;
      if (link?.name === found?.[0]) mtu = link?.mtu ?? 0;
    });
  } finally {
    netlink.close();
  }
  return mtu === 0 ? DEFAULT_MTU : mtu;
}
