import { addressFamily } from '../owner-names.ts';

/** Name servers of a resolv.conf(5) text, in order, without repetition; at most three, as in the C library. */
export function parseNameservers(text: string): string[] {
  const servers: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, value = ''] = line.trim().split(/\s+/);
    // A scope (`fe80::1%eth0`) stays: node:dgram understands it.
    if (keyword !== 'nameserver' || addressFamily(value.split('%')[0]!) === undefined) continue;
    if (!servers.includes(value) && servers.length < 3) servers.push(value);
  }
  return servers;
}
