import { createSocket } from 'node:dgram';
import type { Clock } from '../../sys/clock.ts';
import { runIp } from './run-ip.ts';

/** How packets leave for an address: over which link, to which link address, from which. */
export interface LinkPlace {
  readonly link: string;
  readonly mac: string;
  readonly ownMac: string;
}

interface Route {
  readonly dev?: string;
  readonly gateway?: string;
}

interface Neighbour {
  readonly lladdr?: string;
}

/** A port that nobody listens on: what matters is that the kernel asks for the link address. */
const discardPort = 9;
const attempts = 10;
const pauseMs = 100;

async function provoke(ip: string): Promise<void> {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve) => socket.send('', discardPort, ip, () => resolve()));
  socket.close();
}

async function ownAddress(link: string): Promise<string> {
  const links = (await runIp(['-j', 'link', 'show', 'dev', link])) as readonly { readonly address?: string }[];
  return links[0]?.address ?? '';
}

/**
 * Finds the place of an address on a link, asking the network for it if needed. `undefined`: it is not
 * on any link of this node (a router would send the packet back), or it does not answer.
 */
export async function findLinkPlace(ip: string, clock: Clock): Promise<LinkPlace | undefined> {
  const family = ip.includes(':') ? '-6' : '-4';
  const [route] = (await runIp([family, '-j', 'route', 'get', ip])) as readonly Route[];
  const [byDefault] = (await runIp([family, '-j', 'route', 'show', 'default'])) as readonly Route[];
  const link = route?.dev;
  if (link === undefined || link === 'lo') return undefined;
  if (route?.gateway !== undefined && route.gateway === byDefault?.gateway) return undefined;
  const next = route?.gateway ?? ip;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = (await runIp([family, '-j', 'neigh', 'show', 'to', next, 'dev', link])) as readonly Neighbour[];
    const mac = found[0]?.lladdr;
    if (mac !== undefined) return { link, mac, ownMac: await ownAddress(link) };
    await provoke(ip);
    await clock.sleep(pauseMs);
  }
  return undefined;
}

/** Links over which clients of other machines come: those with the node's addresses, and default routes. */
export async function findUplinks(nodeIps: readonly string[]): Promise<readonly string[]> {
  const links = (await runIp(['-j', 'address', 'show'])) as readonly {
    readonly ifname: string;
    readonly addr_info: readonly { readonly local?: string }[];
  }[];
  const defaults = (await runIp(['-4', '-j', 'route', 'show', 'default'])) as readonly Route[];
  const own = links.filter(({ addr_info }) => addr_info.some(({ local }) => nodeIps.includes(local ?? '')));
  const names = [...own.map(({ ifname }) => ifname), ...defaults.flatMap(({ dev }) => dev ?? [])];
  return [...new Set(names)].filter((name) => name !== 'lo');
}
