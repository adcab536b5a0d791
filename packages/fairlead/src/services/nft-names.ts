import type { NftFamily } from '../wire/nft/transaction.ts';
import type { IpFamily } from './cidr.ts';
import type { Protocol } from './program.ts';

/** Which shared chain balances: over cluster or local endpoints, found by address or by node port. */
export type LbChainKind = 'lb' | 'lb-local' | 'lb-port' | 'lb-port-local';

/** What is translated: address and port, or in a port range the address alone. */
export type Translation = 'place' | 'address';

/** nft table name, in both families. */
export const nftTableName = 'fairlead';

/** Its other name: a big table is built beside the one that is there, and takes its place (docs/decisions/0012). */
export const nftSecondTableName = 'fairlead-2';

/** A table without packets, in which the applier tries out what the kernel accepts. There only meanwhile. */
export const nftTrialTableName = 'fairlead-trial';

/** Local endpoints have their own indexes in the endpoint maps, from here on. */
export const localIndexOffset = 65536;

/**
 * Shared chains made at start, while the endpoint maps are empty; higher counts come with the first Service that needs
 * them. Whenever a new chain refers to a map, the kernel walks all its elements (nf_tables_bind_set): 12 ms of CPU with
 * 100,000 endpoints, 45 ms with 250,000. Each chain makes an element a little dearer to add.
 */
export const preparedLbChains = 16;

/** Transport protocols, each with maps of its own. */
export const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

const lbKinds: readonly LbChainKind[] = ['lb', 'lb-local', 'lb-port', 'lb-port-local'];
/** Chains of connections from outside: policy Cluster, and policy Local. */
export type DispatchChain = `external${'' | '-port' | '-range'}${'' | '-local'}`;
/** All of them. */
export const dispatchChains: readonly DispatchChain[] = [
  'external',
  'external-local',
  'external-port',
  'external-port-local',
  'external-range',
  'external-range-local',
];
/** The maps that lead from a class to its chain: from frontends, and from chains of connections from outside. */
export const classMaps = ['classes', 'backend-classes'] as const;
/** Numbers of chains of single Service ports begin here. */
export const firstSpecialClass = 0x8000_0000;

/**
 * The number by which elements name a chain, in the maps `classes` and `backend-classes`.
 *
 * Not by a verdict of their own: whenever an element with a `goto` is added, the kernel looks for loops
 * in the whole table, which means at every element of every verdict map. With 25,000 Services that is
 * 4 ms for each change; a number is just data.
 */
export function lbClass(kind: LbChainKind, count: number): number {
  return lbKinds.indexOf(kind) * 0x10000 + count;
}

/** As {@link lbClass}. */
export function dispatchClass(chain: DispatchChain): number {
  return 0x40000 + dispatchChains.indexOf(chain);
}

/** nft family of an address family. */
export function nftFamilyOf(family: IpFamily): NftFamily {
  return family === 'IPv4' ? 'ip' : 'ip6';
}

/** Name of the map of a protocol's endpoints, keyed (address, port, index) or (node port, index). */
export function endpointMapName(protocol: Protocol, by: 'address' | 'node-port'): string {
  return by === 'address' ? `endpoints-${protocol.toLowerCase()}` : `port-endpoints-${protocol.toLowerCase()}`;
}

/**
 * Name of the map of this purpose whose values are places or addresses. A place has a port of its protocol: nft refuses
 * to translate UDP by a map of TCP ports.
 */
export function mapFor(purpose: 'slots' | 'slot-tables', translation: Translation, protocol: Protocol): string {
  return translation === 'place' ? `${purpose}-${protocol.toLowerCase()}` : `range-${purpose}`;
}
