import type { Node, Stored } from '@fairlead/api';
import { formatCidr, type ParsedCidr, parseCidr, withoutNestedCidrs } from './cidr.ts';
import type { NodeContext } from './compile.ts';
import type { NftLayoutOptions } from './nft-layout.ts';

/** Which sources count as Pods of this node. */
export type LocalDetection =
  /** Those in the cluster's Pod ranges, so Pods of other nodes too. */
  | { readonly by: 'cluster-cidr' }
  /** Those in the ranges of the Node object; until it has any, as `cluster-cidr`. */
  | { readonly by: 'node-cidr' }
  /** Those that come over links with this name; `cali*` is a beginning of names. */
  | { readonly by: 'interface'; readonly name: string };

/** What the user says of the node and of sources. */
export interface NodeSettings {
  readonly nodeName: string;
  /** Addresses of the node, in addition to those of its Node object. */
  readonly nodeIps?: readonly string[];
  /** Prefixes of Pods; empty: sources are not told apart, nothing is masqueraded to cluster IPs. */
  readonly podCidr: readonly string[];
  /** Cluster IP ranges; addresses in them that no Service has are dropped. */
  readonly serviceCidr: readonly string[];
  /** Default: `node-cidr`. */
  readonly localDetection?: LocalDetection;
  /** Every connection to a cluster IP is masqueraded. */
  readonly masqueradeAll?: boolean;
  /** Node ports answer on addresses in these ranges only; `primary`: on the first of each family of the node. */
  readonly nodePortCidrs?: 'primary' | readonly string[];
  /** Services with this value of `service.kubernetes.io/service-proxy-name` are served, and no others. */
  readonly proxyName?: string;
  /** Ranges of Pods and nodes that nobody outside has a route to. Absent: the network is somebody else's business. */
  readonly insideCidrs?: readonly string[];
  /** A machine that is not a node: cluster IPs only, no node ports. */
  readonly edge?: boolean;
}

const zoneLabel = 'topology.kubernetes.io/zone';

/** Addresses at which a node is reached. */
export function nodeAddresses(node: Stored<Node>): string[] {
  return (node.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP' || type === 'ExternalIP')
    .map(({ address }) => address);
}

/** What compiling needs to know of the node. */
export function nodeContext(settings: NodeSettings, node: Stored<Node> | undefined): NodeContext {
  const zone = node?.metadata.labels?.[zoneLabel];
  const addresses = node === undefined ? [] : nodeAddresses(node);
  return {
    nodeName: settings.nodeName,
    nodeIps: [...new Set([...(settings.nodeIps ?? []), ...addresses])],
    ...(zone === undefined ? {} : { zone }),
    ...(settings.proxyName === undefined ? {} : { proxyName: settings.proxyName }),
    ...(settings.edge === true ? { isNode: false } : {}),
  };
}

/** Whether two contexts compile Services alike. */
export function sameContext(a: NodeContext, b: NodeContext): boolean {
  return a.zone === b.zone && a.nodeIps.join() === b.nodeIps.join();
}

/** Whether load balancers should send new connections here: not while the node is being removed. */
export function isEligible(node: Stored<Node> | undefined): boolean {
  if (node?.metadata.deletionTimestamp !== undefined) return false;
  return node?.spec?.taints?.some(({ key }) => key === 'ToBeDeletedByClusterAutoscaler') !== true;
}

function podCidrsOf(settings: NodeSettings, node: Stored<Node> | undefined): readonly string[] {
  if (settings.localDetection?.by === 'cluster-cidr' || settings.podCidr.length === 0) return settings.podCidr;
  const own = node?.spec?.podCIDRs ?? (node?.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR]);
  const good = own.filter((text) => parseCidr(text) !== undefined);
  return good.length > 0 ? good : settings.podCidr;
}

function primaryAddresses({ nodeIps }: NodeContext): string[] {
  const first = (v6: boolean): string[] => nodeIps.filter((ip) => ip.includes(':') === v6).slice(0, 1);
  return [...first(false).map((ip) => `${ip}/32`), ...first(true).map((ip) => `${ip}/128`)];
}

/** Whether two layouts make the same rules. */
export function sameLayout(a: NftLayoutOptions, b: NftLayoutOptions): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** As the kernel's interval sets want them: none inside another. What is no range is left out. */
function disjoint(cidrs: readonly string[]): readonly string[] {
  const parsed = cidrs.map(parseCidr).filter((cidr): cidr is ParsedCidr => cidr !== undefined);
  return withoutNestedCidrs(parsed).map(formatCidr);
}

/**
 * The part of the rules that does not depend on Services. `serviceRanges`: ranges of ServiceCIDR objects, beside those
 * that the user named.
 */
export function layoutFor(
  settings: NodeSettings,
  node: Stored<Node> | undefined,
  serviceRanges: readonly string[] = [],
): NftLayoutOptions {
  const { localDetection } = settings;
  const nodePortCidrs =
    settings.nodePortCidrs === 'primary' ? primaryAddresses(nodeContext(settings, node)) : settings.nodePortCidrs;
  return {
    podCidrs: localDetection?.by === 'interface' ? [] : disjoint(podCidrsOf(settings, node)),
    serviceCidrs: disjoint([...settings.serviceCidr, ...serviceRanges]),
    nodePorts: settings.edge !== true,
    ...(localDetection?.by === 'interface' ? { podInterface: localDetection.name } : {}),
    ...(settings.masqueradeAll === true ? { masqueradeAll: true } : {}),
    ...(nodePortCidrs === undefined ? {} : { nodePortCidrs: disjoint(nodePortCidrs) }),
    ...(settings.insideCidrs === undefined ? {} : { insideCidrs: disjoint(settings.insideCidrs) }),
  };
}
