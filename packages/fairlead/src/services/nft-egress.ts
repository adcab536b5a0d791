import type { NftSet } from '../wire/nft/table.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';

const setName = 'inside-cidrs';

/** Set of the ranges whose addresses nobody outside has a route to; none where the network is not ours. */
export function egressSets(ip: NftFamily, insideCidrs: readonly string[] | undefined): NftSet[] {
  if (insideCidrs === undefined) return [];
  const elements = insideCidrs.filter((cidr) => cidr.includes(':') === (ip === 'ip6'));
  const type = ip === 'ip' ? 'type ipv4_addr' : 'type ipv6_addr';
  return [{ kind: 'set', name: setName, type, flags: ['interval'], elements }];
}

/** What leaves those ranges for another address goes out under the node's own. */
export function egressRules(ip: NftFamily, insideCidrs: readonly string[] | undefined): string[] {
  if (insideCidrs === undefined) return [];
  return [`${ip} saddr @${setName} ${ip} daddr != @${setName} masquerade fully-random`];
}
