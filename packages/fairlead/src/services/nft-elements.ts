// Hot path: runs for every endpoint of every Service at start, and for one Service per change.
import type { FrontendKey } from './frontend-claims.ts';
import {
  affinityChainRules,
  endpointMapName,
  type LbChainKind,
  limitChainRules,
  localIndexOffset,
  nftFamilyOf,
  slotChainRule,
} from './nft-layout.ts';
import {
  type EndpointTarget,
  externalVerdict,
  internalVerdict,
  type ServicePortKey,
  type ServicePortProgram,
  shortCircuitVerdict,
  type VipFrontend,
} from './program.ts';
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

function targetText(target: EndpointTarget): string {
  return `${target.ip} . ${target.port}`;
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
  port: ServicePortProgram,
  numbers: StableNumbers,
): PortPlacement {
  const affinity = port.affinityTimeoutSeconds !== undefined;
  const { clusterSlots, localSlots, limits } = port;
  return {
    ...(clusterSlots === undefined ? {} : { slotsCluster: numbers.of(`${port.key} cluster slots`) }),
    ...(localSlots === undefined ? {} : { slotsLocal: numbers.of(`${port.key} local slots`) }),
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

/** Key of an address frontend, for claims. */
export function vipFrontendKey(port: ServicePortProgram, ip: string): FrontendKey {
  return `${port.family}/${ip}/${port.protocol}/${port.port}`;
}

/** Key of a node port, for claims. */
export function nodePortFrontendKey(port: ServicePortProgram, nodePort: number): FrontendKey {
  return `${port.family}/node-port/${port.protocol}/${nodePort}`;
}

/** Readable in `nft list`; the number makes it unique, so that cutting the rest is harmless. */
function specialChainName(kind: 'affinity' | 'slots' | 'limit', id: number, key: ServicePortKey): string {
  return `${kind}-${id}/${key.replace(/[^A-Za-z0-9./-]/g, '/')}`.slice(0, 120);
}

class PortElements {
  readonly #out: ServiceElements;
  readonly #port: ServicePortProgram;
  readonly #placement: PortPlacement;
  readonly #protocol: string;
  readonly #affinityChains = new Map<'cluster' | 'local', string>();

  constructor(out: ServiceElements, port: ServicePortProgram, placement: PortPlacement) {
    this.#out = out;
    this.#port = port;
    this.#placement = placement;
    this.#protocol = port.protocol.toLowerCase();
  }

  #element(set: string, key: string, value: string): void {
    this.#out.add(set, key, value);
  }

  #affinityChain(set: 'cluster' | 'local', timeoutSeconds: number): string | undefined {
    const known = this.#affinityChains.get(set);
    if (known !== undefined) return known;
    const numbers = set === 'cluster' ? this.#placement.affinityCluster : this.#placement.affinityLocal;
    if (numbers === undefined) return undefined;
    const port = this.#port;
    const placed = this.#placement[set];
    const name = specialChainName('affinity', numbers.id, port.key);
    const ip = nftFamilyOf(port.family);
    this.#out.chains.set(name, affinityChainRules(ip, port.protocol, numbers.id, placed.length, timeoutSeconds));
    for (const [index, target] of placed.entries()) {
      const text = targetText(target);
      const slot = String(numbers.slots.get(text));
      this.#element('affinity-slots', `${numbers.id} . ${index}`, slot);
      this.#element('slots', slot, text);
    }
    this.#affinityChains.set(set, name);
    return name;
  }

  #slotChain(set: 'cluster' | 'local'): string | undefined {
    const port = this.#port;
    const table = set === 'cluster' ? port.clusterSlots : port.localSlots;
    const id = set === 'cluster' ? this.#placement.slotsCluster : this.#placement.slotsLocal;
    if (table === undefined || id === undefined) return undefined;
    const name = specialChainName('slots', id, port.key);
    if (this.#out.chains.has(name)) return name;
    this.#out.chains.set(name, [slotChainRule(nftFamilyOf(port.family), port.protocol, id, table)]);
    const targets = (set === 'cluster' ? port.clusterEndpoints : port.localEndpoints).map(targetText);
    for (const [slot, place] of table.places.entries()) {
      this.#element('slot-tables', `${id} . ${slot}`, targets[place] as string);
    }
    return name;
  }

  /** Who may connect, and how often. `suffix` is that of the sets' names. */
  #admission(frontend: string, ranges: readonly string[] | undefined, suffix: '' | '-ports'): void {
    const { deniedSources, limits, key, family } = this.#port;
    const id = this.#placement.limits;
    if (ranges !== undefined) {
      this.#element(`restricted${suffix}`, frontend, '');
      for (const range of ranges) this.#element(`admitted${suffix}`, `${frontend} . ${range}`, '');
    }
    for (const range of deniedSources ?? []) this.#element(`denied${suffix}`, `${frontend} . ${range}`, '');
    if (limits !== undefined && id !== undefined) {
      const name = specialChainName('limit', id, key);
      this.#out.chains.set(name, limitChainRules(nftFamilyOf(family), id, limits));
      this.#element(`limited${suffix}`, frontend, `goto ${name}`);
    }
    const guarded = ranges !== undefined || deniedSources !== undefined || limits !== undefined;
    if (suffix === '-ports' && guarded) this.#element('guarded-ports', frontend, '');
  }

  /** Balances over one endpoint set: the verdict to put into a frontend or back-end map. */
  #balance(set: 'cluster' | 'local', kind: LbChainKind, prefix: string): string {
    const timeoutSeconds = this.#port.affinityTimeoutSeconds;
    const chain = timeoutSeconds === undefined ? undefined : this.#affinityChain(set, timeoutSeconds);
    if (chain !== undefined) return `goto ${chain}`;
    const slots = this.#slotChain(set);
    if (slots !== undefined) return `goto ${slots}`;
    const placed = this.#placement[set];
    const byPort = kind === 'lb-port' || kind === 'lb-port-local';
    const map = endpointMapName(this.#port.protocol, byPort ? 'node-port' : 'address');
    const offset = kind === 'lb-local' || kind === 'lb-port-local' ? localIndexOffset : 0;
    for (let index = 0; index < placed.length; index++) {
      this.#element(map, `${prefix} . ${offset + index}`, targetText(placed[index] as EndpointTarget));
    }
    const name = `${kind}-${placed.length}`;
    this.#out.lbChains.set(name, { kind, count: placed.length });
    return `goto ${name}`;
  }

  clusterIp(vip: VipFrontend): void {
    const port = this.#port;
    const frontend = `${vip.ip} . ${this.#protocol} . ${port.port}`;
    const verdict = internalVerdict(port);
    this.#element('cluster-ips', vip.ip, '');
    this.#admission(frontend, vip.sourceRanges, '');
    if (verdict.kind === 'balance') {
      this.#element('frontends', frontend, this.#balance(verdict.set, 'lb', `${vip.ip} . ${port.port}`));
    } else this.#element('unavailable', frontend, verdict.kind === 'drop' ? 'drop' : 'goto refuse');
  }

  externalVip(vip: VipFrontend): void {
    const frontend = `${vip.ip} . ${this.#protocol} . ${this.#port.port}`;
    this.#admission(frontend, vip.sourceRanges, '');
    this.#external(frontend, `${vip.ip} . ${this.#port.port}`, {
      frontends: 'frontends',
      dispatch: 'external',
      backends: 'backends',
      localBackends: 'local-backends',
      unavailable: 'unavailable',
      lb: 'lb',
      lbLocal: 'lb-local',
    });
  }

  nodePort(nodePort: number): void {
    this.#admission(`${this.#protocol} . ${nodePort}`, this.#port.nodePortSources, '-ports');
    this.#external(`${this.#protocol} . ${nodePort}`, `${nodePort}`, {
      frontends: 'node-ports',
      dispatch: 'external-port',
      backends: 'port-backends',
      localBackends: 'port-local-backends',
      unavailable: 'unavailable-ports',
      lb: 'lb-port',
      lbLocal: 'lb-port-local',
    });
  }

  #external(
    frontend: string,
    prefix: string,
    names: {
      readonly frontends: string;
      readonly dispatch: string;
      readonly backends: string;
      readonly localBackends: string;
      readonly unavailable: string;
      readonly lb: LbChainKind;
      readonly lbLocal: LbChainKind;
    },
  ): void {
    const port = this.#port;
    if (shortCircuitVerdict(port).kind !== 'balance') {
      this.#element(names.unavailable, frontend, 'goto refuse');
      return;
    }
    this.#element(names.backends, frontend, this.#balance('cluster', names.lb, prefix));
    if (port.externalTrafficPolicy === 'Cluster') {
      this.#element(names.frontends, frontend, `goto ${names.dispatch}`);
      return;
    }
    this.#element(names.frontends, frontend, `goto ${names.dispatch}-local`);
    if (externalVerdict(port).kind === 'balance') {
      this.#element(names.localBackends, frontend, this.#balance('local', names.lbLocal, prefix));
    } else this.#element(names.unavailable, frontend, 'drop');
  }

  hairpins(): void {
    for (const set of [this.#placement.cluster, this.#placement.local]) {
      for (const target of set) {
        if (target.onThisNode !== 'no') this.#out.shared.add(`hairpin|${target.ip} . ${target.ip}`);
      }
    }
  }
}

/** Adds to `out` all that one Service port has in its family's table. */
export function addPortElements(
  out: ServiceElements,
  port: ServicePortProgram,
  placement: PortPlacement,
  options: { readonly nodePorts: boolean; readonly mayHave: FrontendFilter },
): void {
  const builder = new PortElements(out, port, placement);
  for (const vip of port.vips) {
    if (!options.mayHave(vipFrontendKey(port, vip.ip))) continue;
    if (vip.kind === 'clusterIP') builder.clusterIp(vip);
    else builder.externalVip(vip);
  }
  if (options.nodePorts && port.nodePort !== undefined && options.mayHave(nodePortFrontendKey(port, port.nodePort))) {
    builder.nodePort(port.nodePort);
  }
  builder.hairpins();
}
