import { networkInterfaces } from 'node:os';
import { ipJson } from './commands.ts';

/** What Ethernet has, where nothing else is known. */
const DEFAULT_MTU = 1500;

/**
 * MTU in bytes of the link that has this address, on which packets of Pods leave the node: 1500 where there is
 * no such link, or where it is the loopback.
 */
export async function underlayMtu(address: string): Promise<number> {
  const found = Object.entries(networkInterfaces()).find(([, all]) =>
    all?.some((one) => one.address === address && !one.internal),
  );
  if (found === undefined) return DEFAULT_MTU;
  // Not /sys/class/net: within a namespace entered from outside that may still be the one of the outside.
  const [link] = await ipJson<{ mtu?: number }>(['link', 'show', 'dev', found[0]]);
  return link?.mtu ?? DEFAULT_MTU;
}
