import type { NftChain, NftSet, NftTable } from '../wire/nft/table.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';
import type { IpFamily } from './cidr.ts';
import { egressRules, egressSets } from './nft-egress.ts';
import type { Protocol, SlotTable, SourceLimits } from './program.ts';

/** What the table skeleton depends on besides the family. */
export interface NftLayoutOptions {
  /** Sources that count as Pods of this node, in both families. Empty: no detection of local sources. */
  readonly podCidrs: readonly string[];
  /** Cluster IP ranges, in both families: an address in them that no Service has is dropped. */
  readonly serviceCidrs: readonly string[];
  /** False for a machine that is not a node: node ports are not served. */
  readonly nodePorts: boolean;
  /** Sources that come over links with this name count as Pods instead; `cali*` is a beginning of names. */
  readonly podInterface?: string;
  /** Every connection to a cluster IP is masqueraded. */
  readonly masqueradeAll?: boolean;
  /** Node ports answer on addresses of the machine in these ranges only. Default: on all but loopback. */
  readonly nodePortCidrs?: readonly string[];
  /** Ranges of Pods and nodes that nobody outside has a route to, in both families: left only under the node's address. */
  readonly insideCidrs?: readonly string[];
}

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

/** Packet mark bit of connections to masquerade; the one kube-proxy uses, so firewalls know it. */
const masqueradeBit = '0x4000';

/** Local endpoints have their own indexes in the endpoint maps, from here on. */
export const localIndexOffset = 65536;

/**
 * Shared chains made at start, while the endpoint maps are empty; higher counts come with the first Service that needs
 * them. Whenever a new chain refers to a map, the kernel walks all its elements (nf_tables_bind_set): 12 ms of CPU with
 * 100,000 endpoints, 45 ms with 250,000. Each chain makes an element a little dearer to add.
 */
export const preparedLbChains = 16;

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

const lbKinds: readonly LbChainKind[] = ['lb', 'lb-local', 'lb-port', 'lb-port-local'];
/** Chains of connections from outside: policy Cluster, and policy Local. */
export type DispatchChain = `external${'' | '-port' | '-range'}${'' | '-local'}`;
const dispatchChains: readonly DispatchChain[] = [
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

/**
 * Name of the map of this purpose whose values are places or addresses. A place has a port of its protocol: nft refuses
 * to translate UDP by a map of TCP ports.
 */
export function mapFor(purpose: 'slots' | 'slot-tables', translation: Translation, protocol: Protocol): string {
  return translation === 'place' ? `${purpose}-${protocol.toLowerCase()}` : `range-${purpose}`;
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

function ofFamily(cidrs: readonly string[], ip: NftFamily): string[] {
  return cidrs.filter((cidr) => cidr.includes(':') === (ip === 'ip6'));
}

function preparedClasses(): string[] {
  return Array.from({ length: preparedLbChains }, (_, index) => `${lbClass('lb', index + 1)} : goto lb-${index + 1}`);
}

/**
 * Follows the chain that a map names for a key. One rule: without an entry it ends before the second
 * look-up. The priority of the connection's first packet serves as register; forwarding sets it anew.
 */
function byClass(key: string, map: string, classes: string = 'classes'): string {
  return `meta priority set ${key} map @${map} meta priority vmap @${classes}`;
}

function layoutSets(ip: NftFamily, options: NftLayoutOptions): NftSet[] {
  const address = ip === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const frontend = `${address} . inet_proto . inet_service`;
  const endpointMaps = protocols.flatMap((protocol): NftSet[] => {
    const dport = `${protocol.toLowerCase()} dport`;
    const target = `${ip} daddr . ${dport}`;
    // The endpoint maps' keys end in an index; only `typeof` can express that.
    const index = 'numgen random mod 2';
    return [
      {
        kind: 'map',
        name: endpointMapName(protocol, 'address'),
        type: `typeof ${ip} daddr . ${dport} . ${index} : ${target}`,
      },
      {
        kind: 'map',
        name: endpointMapName(protocol, 'node-port'),
        type: `typeof ${dport} . ${index} : ${target}`,
      },
    ];
  });
  const verdictMap = (name: string, key: string): NftSet => ({ kind: 'map', name, type: `type ${key} : verdict` });
  const port = 'inet_proto . inet_service';
  const classMap = (name: string, key: string): NftSet => ({ kind: 'map', name, type: `type ${key} : classid` });
  return [
    {
      kind: 'set',
      name: 'pod-cidrs',
      type: `type ${address}`,
      flags: ['interval'],
      elements: ofFamily(options.podCidrs, ip),
    },
    {
      kind: 'set',
      name: 'service-cidrs',
      type: `type ${address}`,
      flags: ['interval'],
      elements: ofFamily(options.serviceCidrs, ip),
    },
    ...(options.nodePortCidrs === undefined
      ? []
      : [
          {
            kind: 'set',
            name: 'node-port-cidrs',
            type: `type ${address}`,
            flags: ['interval'],
            elements: ofFamily(options.nodePortCidrs, ip),
          } as const,
        ]),
    ...egressSets(ip, options.insideCidrs),
    { kind: 'set', name: 'cluster-ips', type: `type ${address}` },
    { kind: 'set', name: 'announced-ips', type: `type ${address}` },
    ...endpointMaps,
    {
      kind: 'map',
      name: 'classes',
      type: 'typeof meta priority : verdict',
      elements: [...preparedClasses(), ...dispatchChains.map((chain) => `${dispatchClass(chain)} : goto ${chain}`)],
    },
    // Apart, or chains of connections from outside would seem to lead to themselves.
    { kind: 'map', name: 'backend-classes', type: 'typeof meta priority : verdict', elements: preparedClasses() },
    ...['frontends', 'backends', 'local-backends'].map((name) => classMap(name, frontend)),
    { kind: 'set', name: 'refused', type: `type ${frontend}` },
    { kind: 'set', name: 'silent', type: `type ${frontend}` },
    ...['node-ports', 'port-backends', 'port-local-backends'].map((name) => classMap(name, port)),
    { kind: 'set', name: 'refused-ports', type: `type ${port}` },
    { kind: 'set', name: 'silent-ports', type: `type ${port}` },
    { kind: 'set', name: 'restricted', type: `type ${frontend}` },
    { kind: 'set', name: 'admitted', type: `type ${frontend} . ${address}`, flags: ['interval'] },
    { kind: 'set', name: 'denied', type: `type ${frontend} . ${address}`, flags: ['interval'] },
    { kind: 'set', name: 'guarded-ports', type: 'type inet_proto . inet_service' },
    { kind: 'set', name: 'restricted-ports', type: 'type inet_proto . inet_service' },
    { kind: 'set', name: 'admitted-ports', type: `type inet_proto . inet_service . ${address}`, flags: ['interval'] },
    { kind: 'set', name: 'denied-ports', type: `type inet_proto . inet_service . ${address}`, flags: ['interval'] },
    verdictMap('limited', frontend),
    ...rangeSets(ip, frontend, address),
    { kind: 'set', name: 'syn-proxied', type: `type ${frontend}` },
    { kind: 'set', name: 'syn-proxied-ports', type: 'type inet_proto . inet_service' },
    verdictMap('limited-ports', 'inet_proto . inet_service'),
    {
      kind: 'set',
      name: 'source-rates',
      type: `typeof ${ip} saddr . numgen inc mod 2`,
      flags: ['dynamic', 'timeout'],
      size: 1_000_000,
      timeout: '1h',
    },
    {
      kind: 'set',
      name: 'source-connections',
      type: `typeof ${ip} saddr . numgen inc mod 2`,
      flags: ['dynamic'],
      size: 1_000_000,
    },
    ...protocols.flatMap((protocol): NftSet[] => {
      const target = `${ip} daddr . ${protocol.toLowerCase()} dport`;
      const slot = 'numgen inc mod 2 . numgen random mod 2';
      return [
        { kind: 'map', name: mapFor('slot-tables', 'place', protocol), type: `typeof ${slot} : ${target}` },
        { kind: 'map', name: mapFor('slots', 'place', protocol), type: `typeof meta priority : ${target}` },
      ];
    }),
    { kind: 'set', name: 'hairpin', type: `type ${address} . ${address}` },
    {
      kind: 'map',
      name: 'affinity',
      // A hash is declared as what it is, a number: nft 1.0.6 cannot list a key declared by jhash.
      type: `typeof ${ip === 'ip' ? 'ip saddr' : 'numgen inc mod 2'} . numgen inc mod 2 : meta priority`,
      flags: ['dynamic', 'timeout'],
      size: 1_000_000,
    },
    { kind: 'map', name: 'affinity-slots', type: 'typeof numgen inc mod 2 . numgen random mod 2 : meta priority' },
  ];
}

/** Port ranges have their own sets, of intervals, so that single ports keep their hash look-up. */
function rangeSets(ip: NftFamily, frontend: string, address: string): NftSet[] {
  const intervals = (kind: 'map' | 'set', name: string, type: string): NftSet => {
    return { kind, name: `range-${name}`, type: `type ${type}`, flags: ['interval'] };
  };
  return [
    intervals('map', 'frontends', `${frontend} : classid`),
    intervals('map', 'backends', `${frontend} : classid`),
    intervals('map', 'local-backends', `${frontend} : classid`),
    intervals('set', 'refused', frontend),
    intervals('set', 'silent', frontend),
    intervals('set', 'guarded', frontend),
    intervals('set', 'restricted', frontend),
    intervals('set', 'admitted', `${frontend} . ${address}`),
    intervals('set', 'denied', `${frontend} . ${address}`),
    intervals('map', 'limited', `${frontend} : verdict`),
    { kind: 'map', name: 'range-endpoints', type: `typeof numgen inc mod 2 . numgen random mod 2 : ${ip} daddr` },
    { kind: 'map', name: 'range-slot-tables', type: `typeof numgen inc mod 2 . numgen random mod 2 : ${ip} daddr` },
    { kind: 'map', name: 'range-slots', type: `typeof meta priority : ${ip} daddr` },
  ];
}

/** Where node ports answer; never on loopback (KEP-6032: that takes a userspace proxy). */
export function nodeAddressMatch(ip: NftFamily, options: NftLayoutOptions): string {
  const loopback = ip === 'ip' ? '127.0.0.0/8' : '::1';
  const listed = options.nodePortCidrs === undefined ? '' : ` ${ip} daddr @node-port-cidrs`;
  return `fib daddr type local ${ip} daddr != ${loopback}${listed}`;
}

function layoutChains(ip: NftFamily, options: NftLayoutOptions): NftChain[] {
  const byInterface = options.podInterface;
  const detectsPods = byInterface !== undefined || ofFamily(options.podCidrs, ip).length > 0;
  const fromPod = byInterface === undefined ? `${ip} saddr @pod-cidrs` : `iifname "${byInterface}"`;
  const notFromPod = byInterface === undefined ? `${ip} saddr != @pod-cidrs` : `iifname != "${byInterface}"`;
  const frontend = `${ip} daddr . meta l4proto . th dport`;
  const port = 'meta l4proto . th dport';
  const onNodeAddress = nodeAddressMatch(ip, options);
  const icmp = ip === 'ip' ? 'icmp' : 'icmpv6';
  const mark = `meta mark set meta mark | ${masqueradeBit}`;
  const prepared = Array.from({ length: preparedLbChains }, (_, index): NftChain => {
    return { name: `lb-${index + 1}`, rules: lbChainRules(ip, 'lb', index + 1) };
  });
  const external = (name: string, key: string, backends: string, localBackends: string): NftChain[] => [
    { name, rules: [mark, byClass(key, backends, 'backend-classes')] },
    {
      // Policy Local: Pods reach every endpoint unmasqueraded, the node every endpoint, others local ones.
      name: `${name}-local`,
      rules: [
        ...(detectsPods ? [`${fromPod} ${byClass(key, backends, 'backend-classes')}`] : []),
        `fib saddr type local goto ${name}`,
        byClass(key, localBackends, 'backend-classes'),
      ],
    },
  ];
  return [
    ...prepared,
    { name: 'refuse', rules: ['meta l4proto tcp reject with tcp reset', `reject with ${icmp} type port-unreachable`] },
    ...external('external', frontend, 'backends', 'local-backends'),
    ...external('external-port', port, 'port-backends', 'port-local-backends'),
    ...external('external-range', frontend, 'range-backends', 'range-local-backends'),
    {
      name: 'dispatch',
      rules: [
        ...(options.masqueradeAll === true
          ? [`${ip} daddr @cluster-ips ${mark}`]
          : detectsPods
            ? [`${ip} daddr @cluster-ips ${notFromPod} ${mark}`]
            : []),
        byClass(frontend, 'frontends'),
        ...(options.nodePorts ? [`${onNodeAddress} ${byClass(port, 'node-ports')}`] : []),
        // Last: a range on an address of the node leaves node ports alone.
        byClass(frontend, 'range-frontends'),
      ],
    },
    {
      // After DNAT: whatever still has a Service's address was not translated.
      name: 'untranslated',
      rules: [
        `${frontend} @refused goto refuse`,
        `${frontend} @silent drop`,
        ...(options.nodePorts
          ? [`${onNodeAddress} ${port} @refused-ports goto refuse`, `${onNodeAddress} ${port} @silent-ports drop`]
          : []),
        `${frontend} @range-refused goto refuse`,
        `${frontend} @range-silent drop`,
        `${ip} daddr @cluster-ips goto refuse`,
        // Routed on, the packet would come back from the router that the address is announced to. An address of
        // the machine itself is answered by what listens there.
        `${ip} daddr @announced-ips fib daddr type != local goto refuse`,
        `${ip} daddr @service-cidrs drop`,
      ],
    },
    {
      name: 'port-admission',
      rules: [
        `${port} . ${ip} saddr @denied-ports drop`,
        `${port} @restricted-ports ${port} . ${ip} saddr != @admitted-ports drop`,
        `${port} vmap @limited-ports`,
      ],
    },
    {
      name: 'range-admission',
      rules: [
        `${frontend} . ${ip} saddr @range-denied drop`,
        `${frontend} @range-restricted ${frontend} . ${ip} saddr != @range-admitted drop`,
        `${frontend} vmap @range-limited`,
      ],
    },
    {
      name: 'admission',
      rules: [
        `${frontend} . ${ip} saddr @denied drop`,
        `${frontend} @restricted ${frontend} . ${ip} saddr != @admitted drop`,
        `${frontend} vmap @limited`,
        ...(options.nodePorts ? [`${port} @guarded-ports ${onNodeAddress} goto port-admission`] : []),
        `${frontend} @range-guarded goto range-admission`,
      ],
    },
    ...(['prerouting', 'output'] as const).flatMap((hook): NftChain[] => [
      {
        name: `${hook}-admission`,
        hook: `type filter hook ${hook} priority -110`,
        rules: ['ct state new jump admission'],
      },
      { name: `${hook}-dispatch`, hook: `type nat hook ${hook} priority -100`, rules: ['jump dispatch'] },
      {
        name: `${hook}-untranslated`,
        hook: `type filter hook ${hook} priority -99`,
        rules: ['ct state new jump untranslated'],
      },
    ]),
    {
      name: 'hide-source',
      // Cleared first: a tunnel device sends the inner packet's buffer, mark included, through here again.
      rules: [`meta mark set meta mark ^ ${masqueradeBit}`, 'masquerade fully-random'],
    },
    {
      name: 'postrouting',
      hook: 'type nat hook postrouting priority 100',
      rules: [
        `meta mark & ${masqueradeBit} == ${masqueradeBit} goto hide-source`,
        `ct status dnat ${ip} saddr . ${ip} daddr @hairpin masquerade fully-random`,
        ...egressRules(ip, options.insideCidrs),
      ],
    },
  ];
}

/**
 * The table of one family before any Service.
 *
 * ```
 * new connection ─ admission ─ dispatch ──────────┬─ frontends ─▶ lb-N ─▶ dnat by (address, port, random index)
 *                  (source     marks a foreign    │             ▶ external[-local] ─ backends ─▶ lb-N
 *                   ranges)    source of a        │             ▶ affinity-… ─▶ dnat by remembered slot
 *                              cluster IP         └─ node-ports ▶ external-port[-local] ─▶ lb-port-N
 *                  untranslated ─ unavailable: refuse | drop; other port of a cluster IP or announced address: refuse;
 *                                 cluster IP without Service: drop
 * leaving ──────── postrouting ─ marked, an endpoint talking to itself, from inside to outside: masquerade
 * ```
 */
export function nftLayout(family: IpFamily, options: NftLayoutOptions): NftTable {
  const ip = nftFamilyOf(family);
  return { sets: layoutSets(ip, options), chains: layoutChains(ip, options) };
}
