// Hot path: runs for every endpoint of every Service at start, and for one Service per change.
import type { FrontendKey } from './frontend-claims.ts';
import type { LbChainKind } from './nft-names.ts';
import type { EndpointTarget, PortRangeProgram, ServicePortProgram, VipFrontend } from './program.ts';
import type { StableNumbers } from './stable-numbers.ts';

/** Identity of an element that several Services may have: `set|key`. */
export type ElementId = string;

/** Endpoints in the order of their indexes in the endpoint map. Holes are not allowed: chains draw below the count. */
export type Placement = readonly EndpointTarget[];

/** Numbers that stand for one Service port's endpoint set in the affinity maps. */
export interface AffinityNumbers {
  readonly id: number;
  /** `ip . port` → slot. */
  readonly slots: ReadonlyMap<string, number>;
}

/** What must stay the same from one compilation of a Service port to the next, so that little changes in the kernel. */
export interface PortPlacement {
  readonly cluster: Placement;
  readonly local: Placement;
  readonly affinityCluster?: AffinityNumbers;
  readonly affinityLocal?: AffinityNumbers;
  /** Numbers of the slot tables and of the limits. */
  readonly slotsCluster?: number;
  readonly slotsLocal?: number;
  readonly limits?: number;
  /** Numbers of a port range's endpoint sets. */
  readonly rangeCluster?: number;
  readonly rangeLocal?: number;
}

/** Keys and values by set. Nested, so that no identity has to be joined and split for every element. */
export type ElementSets = Map<string, Map<string, string>>;

/** Collects elements by set. */
export function collectElements(into: ElementSets): ServiceElements['add'] {
  return (set, key, value) => {
    const known = into.get(set);
    if (known === undefined) into.set(set, new Map([[key, value]]));
    else known.set(key, value);
  };
}

/** Everything one Service has in one family's table. */
export interface ServiceElements {
  /** Takes one element (`value` empty for a set); the same one may come twice. */
  readonly add: (set: string, key: string, value: string) => void;
  /** Elements that other Services may have too. */
  readonly shared: Set<ElementId>;
  /** Special chains and their rules. */
  readonly chains: Map<string, readonly string[]>;
  /** Shared chains that elements point to, as `kind-count`. */
  readonly lbChains: Map<string, { readonly kind: LbChainKind; readonly count: number }>;
}

/** Which of the program's frontends this Service may have. */
export type FrontendFilter = (frontend: FrontendKey) => boolean;

/** An endpoint as a value of nft's maps. */
export function targetText(target: EndpointTarget): string {
  // In a port range the port stays as it is.
  return target.port === 0 ? target.ip : `${target.ip} . ${target.port}`;
}

/**
 * Gives `next` indexes below its length, each endpoint keeping the one it had where possible.
 *
 * Adding one endpoint adds one index; removing one moves at most the last into the hole.
 */
export function placeEndpoints(previous: Placement, next: readonly EndpointTarget[]): Placement {
  if (previous.length === 0) return next;
  const wanted = new Map(next.map((target) => [targetText(target), target]));
  const placed: (EndpointTarget | undefined)[] = new Array(next.length).fill(undefined);
  for (const [index, old] of previous.entries()) {
    if (index >= placed.length) break;
    const text = targetText(old);
    const target = wanted.get(text);
    if (target === undefined) continue;
    placed[index] = target;
    wanted.delete(text);
  }
  const rest = wanted.values();
  return placed.map((target) => target ?? (rest.next().value as EndpointTarget));
}

function numberSlots(owner: string, endpoints: readonly EndpointTarget[], numbers: StableNumbers): AffinityNumbers {
  const slots = new Map<string, number>();
  for (const target of endpoints) {
    const text = targetText(target);
    slots.set(text, numbers.of(`${owner} ${text}`));
  }
  return { id: numbers.of(owner), slots };
}

/** The placement of a port's endpoints, following `previous` as far as possible. */
export function placePort(
  previous: PortPlacement | undefined,
  port: ServicePortProgram | PortRangeProgram,
  numbers: StableNumbers,
): PortPlacement {
  const affinity = port.affinityTimeoutSeconds !== undefined;
  const { clusterSlots, localSlots, limits } = port;
  return {
    ...(clusterSlots === undefined ? {} : { slotsCluster: numbers.of(`${port.key} cluster slots`) }),
    ...(localSlots === undefined ? {} : { slotsLocal: numbers.of(`${port.key} local slots`) }),
    ...('lastPort' in port
      ? { rangeCluster: numbers.of(`${port.key} cluster range`), rangeLocal: numbers.of(`${port.key} local range`) }
      : {}),
    // Another limit counts anew: the kernel keeps the old one with each source it has seen.
    ...(limits === undefined ? {} : { limits: numbers.of(`${port.key} ${JSON.stringify(limits)}`) }),
    cluster: placeEndpoints(previous?.cluster ?? [], port.clusterEndpoints),
    local: placeEndpoints(previous?.local ?? [], port.localEndpoints),
    ...(affinity && port.clusterEndpoints.length > 0
      ? { affinityCluster: numberSlots(`${port.key} cluster`, port.clusterEndpoints, numbers) }
      : {}),
    ...(affinity && port.localEndpoints.length > 0
      ? { affinityLocal: numberSlots(`${port.key} local`, port.localEndpoints, numbers) }
      : {}),
  };
}

/**
 * Key of an address frontend, for claims. All ranges of an address and protocol belong to one Service. Host ports are
 * claimed among themselves: Services come first, by the order of the chains.
 */
export function vipFrontendKey(
  port: ServicePortProgram | PortRangeProgram,
  { kind, ip }: Pick<VipFrontend, 'kind' | 'ip'>,
): FrontendKey {
  const place = `${ip}/${port.protocol}/${'lastPort' in port ? 'ranges' : port.port}`;
  return `${port.family}/${kind === 'hostPort' ? 'host-port/' : ''}${place}`;
}

/** Key of a node port, for claims. */
export function nodePortFrontendKey(port: ServicePortProgram, nodePort: number): FrontendKey {
  return `${port.family}/node-port/${port.protocol}/${nodePort}`;
}
