import type { NftFamily } from '../wire/nft/transaction.ts';
import {
  endpointMapName,
  type LbChainKind,
  localIndexOffset,
  mapFor,
  protocols,
  type Translation,
} from './nft-names.ts';
import type { Protocol, SlotTable, SourceLimits } from './program.ts';

/** Rules of the shared chain that picks one of `count` endpoints at random. */
export function lbChainRules(ip: NftFamily, kind: LbChainKind, count: number): string[] {
  const byPort = kind === 'lb-port' || kind === 'lb-port-local';
  const offset = kind === 'lb-local' || kind === 'lb-port-local' ? ` offset ${localIndexOffset}` : '';
  return protocols.map((protocol) => {
    const dport = `${protocol.toLowerCase()} dport`;
    const key = byPort ? dport : `${ip} daddr . ${dport}`;
    const map = endpointMapName(protocol, byPort ? 'node-port' : 'address');
    return `dnat ${ip} to ${key} . numgen random mod ${count}${offset} map @${map}`;
  });
}

/** Same on every node, so that a client's connection has the same slot wherever it arrives. */
const hashSeed = 0x5eed;

/**
 * What the map `affinity` knows of a client: its address, in IPv6 a hash of it. nft up to 1.0.6 aborts where a rule
 * adds an element whose key has more than 16 bytes to a map. Two clients of one hash share an endpoint.
 */
function affinityClient(ip: NftFamily): string {
  return ip === 'ip' ? 'ip saddr' : `jhash ip6 saddr mod ${0xffff_ffff} seed ${hashSeed}`;
}

/**
 * Rules of the chain of a Service port with client affinity.
 *
 * `affinity` remembers (client, id) → slot, a number that stands for one
 * endpoint of one Service port. `update` keeps a remembered slot and renews its
 * time; only a new client gets the slot just drawn. A slot whose endpoint is
 * gone has no address, so the first dnat does not match, the memory is deleted
 * and drawn anew: nothing has to be purged from outside. `meta priority` is the
 * only register that a rule can fill from a map and use as a key; it is set for
 * the first packet of a connection only.
 */
export function affinityChainRules(
  ip: NftFamily,
  protocol: Protocol,
  id: number,
  count: number,
  timeoutSeconds: number,
  translation: Translation = 'place',
): string[] {
  // numgen with modulus 1 is nft's only way to put a constant into a concatenation.
  const constant = `numgen inc mod 1 offset ${id}`;
  const client = `${affinityClient(ip)} . ${constant}`;
  const remember = [
    `meta priority set ${constant} . numgen random mod ${count} map @affinity-slots`,
    `update @affinity { ${client} timeout ${timeoutSeconds}s : meta priority }`,
    `meta priority set ${client} map @affinity`,
    `meta l4proto ${protocol.toLowerCase()} dnat ${translation === 'place' ? `${ip} ` : ''}to meta priority map @${mapFor('slots', translation, protocol)}`,
  ];
  return [...remember, `delete @affinity { ${client} : meta priority }`, ...remember];
}

/** Rule of the chain of a Service port whose connections are spread by a slot table. */
export function slotChainRule(
  ip: NftFamily,
  protocol: Protocol,
  id: number,
  table: SlotTable,
  translation: Translation = 'place',
): string {
  const name = protocol.toLowerCase();
  const hashed = table.by === 'source' ? `${ip} saddr` : `${ip} saddr . ${name} sport`;
  const size = table.places.length;
  const slot = table.by === 'random' ? `numgen random mod ${size}` : `jhash ${hashed} mod ${size} seed ${hashSeed}`;
  const target = translation === 'place' ? `dnat ${ip} to` : 'dnat to';
  const map = mapFor('slot-tables', translation, protocol);
  return `meta l4proto ${name} ${target} numgen inc mod 1 offset ${id} . ${slot} map @${map}`;
}

/** Rule of the chain of a port range: the endpoint's address at random, the port as it is. */
export function rangeChainRule(protocol: Protocol, id: number, count: number): string {
  const key = `numgen inc mod 1 offset ${id} . numgen random mod ${count}`;
  return `meta l4proto ${protocol.toLowerCase()} dnat to ${key} map @range-endpoints`;
}

/** Rules of the chain that bounds what each source may do to a Service port. */
export function limitChainRules(ip: NftFamily, id: number, limits: SourceLimits): string[] {
  const source = `${ip} saddr . numgen inc mod 1 offset ${id}`;
  const { newConnections: rate, maxConnections } = limits;
  return [
    ...(rate === undefined
      ? []
      : [
          `update @source-rates { ${source} limit rate over ${rate.count}/${rate.per} burst ${rate.burst} packets } drop`,
        ]),
    ...(maxConnections === undefined
      ? []
      : [`add @source-connections { ${source} ct count over ${maxConnections} } drop`]),
  ];
}
