import type { NftChain, NftTable } from '../wire/nft/table.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';
import { lbChainRules } from './balance-rules.ts';
import type { IpFamily } from './cidr.ts';
import { egressRules } from './nft-egress.ts';
import { nftFamilyOf, preparedLbChains } from './nft-names.ts';
import { layoutSets, ofFamily } from './nft-sets.ts';

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

/** Packet mark bit of connections to masquerade; the one kube-proxy uses, so firewalls know it. */
const masqueradeBit = '0x4000';

/**
 * Follows the chain that a map names for a key. One rule: without an entry it ends before the second
 * look-up. The priority of the connection's first packet serves as register; forwarding sets it anew.
 */
function byClass(key: string, map: string, classes: string = 'classes'): string {
  return `meta priority set ${key} map @${map} meta priority vmap @${classes}`;
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
