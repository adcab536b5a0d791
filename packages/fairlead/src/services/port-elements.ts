// Hot path: runs for every endpoint of every Service at start, and for one Service per change.

import { affinityChainRules, limitChainRules, rangeChainRule, slotChainRule } from './balance-rules.ts';
import {
  type FrontendFilter,
  nodePortFrontendKey,
  type PortPlacement,
  type ServiceElements,
  targetText,
  vipFrontendKey,
} from './nft-elements.ts';
import { hostPortChains, hostPortElement } from './nft-host-ports.ts';
import {
  classMaps,
  dispatchClass,
  endpointMapName,
  type LbChainKind,
  lbClass,
  localIndexOffset,
  mapFor,
  nftFamilyOf,
  type Translation,
} from './nft-names.ts';
import {
  type EndpointTarget,
  externalVerdict,
  internalVerdict,
  lastPortOf,
  type PortRangeProgram,
  type ServicePortKey,
  type ServicePortProgram,
  shortCircuitVerdict,
  type VipFrontend,
} from './program.ts';
import type { StableNumbers } from './stable-numbers.ts';

/** Names of the sets and chains of one sort of frontend: an address, a node port, a range on an address. */
interface FrontendNames {
  /** Where connections are dispatched from. */
  readonly frontends: string;
  /** Chain of what comes from outside. */
  readonly dispatch: 'external' | 'external-port' | 'external-range';
  readonly backends: string;
  readonly localBackends: string;
  /** Nobody serves: connections are answered with a refusal. */
  readonly refused: string;
  /** Nobody on this node serves: no answer. */
  readonly silent: string;
  readonly restricted: string;
  readonly admitted: string;
  readonly denied: string;
  readonly limited: string;
  /** Frontends for which the sets above are asked at all; absent: they always are. */
  readonly guarded?: string;
  readonly synProxied?: string;
  readonly lb: LbChainKind;
  readonly lbLocal: LbChainKind;
}

const addressNames: FrontendNames = {
  frontends: 'frontends',
  dispatch: 'external',
  backends: 'backends',
  localBackends: 'local-backends',
  refused: 'refused',
  silent: 'silent',
  restricted: 'restricted',
  admitted: 'admitted',
  denied: 'denied',
  limited: 'limited',
  synProxied: 'syn-proxied',
  lb: 'lb',
  lbLocal: 'lb-local',
};
const nodePortNames: FrontendNames = {
  frontends: 'node-ports',
  dispatch: 'external-port',
  backends: 'port-backends',
  localBackends: 'port-local-backends',
  refused: 'refused-ports',
  silent: 'silent-ports',
  restricted: 'restricted-ports',
  admitted: 'admitted-ports',
  denied: 'denied-ports',
  limited: 'limited-ports',
  guarded: 'guarded-ports',
  synProxied: 'syn-proxied-ports',
  lb: 'lb-port',
  lbLocal: 'lb-port-local',
};
const rangeNames: FrontendNames = {
  frontends: 'range-frontends',
  dispatch: 'external-range',
  backends: 'range-backends',
  localBackends: 'range-local-backends',
  refused: 'range-refused',
  silent: 'range-silent',
  restricted: 'range-restricted',
  admitted: 'range-admitted',
  denied: 'range-denied',
  limited: 'range-limited',
  guarded: 'range-guarded',
  lb: 'lb',
  lbLocal: 'lb-local',
};

/** Shared element that stands for the chains of the SYN proxy, which exist while a Service uses them. */
export const synProxyChains = 'chains|syn-proxy';

/** Readable in `nft list`; the number makes it unique, so that cutting the rest is harmless. */
function specialChainName(kind: 'affinity' | 'slots' | 'limit' | 'range', id: number, key: ServicePortKey): string {
  return `${kind}-${id}/${key.replace(/[^A-Za-z0-9./-]/g, '/')}`.slice(0, 120);
}

class PortElements {
  readonly #out: ServiceElements;
  readonly #port: ServicePortProgram | PortRangeProgram;
  readonly #names: FrontendNames;
  readonly #translation: Translation;
  readonly #placement: PortPlacement;
  readonly #classes: StableNumbers;
  readonly #protocol: string;
  readonly #affinityChains = new Map<'cluster' | 'local', string>();

  constructor(
    out: ServiceElements,
    port: ServicePortProgram | PortRangeProgram,
    placement: PortPlacement,
    classes: StableNumbers,
  ) {
    this.#classes = classes;
    const range = 'lastPort' in port;
    this.#out = out;
    this.#port = port;
    this.#names = range ? rangeNames : addressNames;
    this.#translation = range ? 'address' : 'place';
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
    this.#out.chains.set(
      name,
      affinityChainRules(ip, port.protocol, numbers.id, placed.length, timeoutSeconds, this.#translation),
    );
    for (const [index, target] of placed.entries()) {
      const text = targetText(target);
      const slot = String(numbers.slots.get(text));
      this.#element('affinity-slots', `${numbers.id} . ${index}`, slot);
      this.#element(mapFor('slots', this.#translation, this.#port.protocol), slot, text);
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
    this.#out.chains.set(name, [slotChainRule(nftFamilyOf(port.family), port.protocol, id, table, this.#translation)]);
    const targets = (set === 'cluster' ? port.clusterEndpoints : port.localEndpoints).map(targetText);
    for (const [slot, place] of table.places.entries()) {
      this.#element(
        mapFor('slot-tables', this.#translation, port.protocol),
        `${id} . ${slot}`,
        targets[place] as string,
      );
    }
    return name;
  }

  /** The chain of a port range, which no other Service port can share. */
  #rangeChain(set: 'cluster' | 'local'): string | undefined {
    const { rangeCluster, rangeLocal } = this.#placement;
    const id = set === 'cluster' ? rangeCluster : rangeLocal;
    if (id === undefined) return undefined;
    const port = this.#port;
    const placed = this.#placement[set];
    const name = specialChainName('range', id, port.key);
    if (this.#out.chains.has(name)) return name;
    this.#out.chains.set(name, [rangeChainRule(port.protocol, id, placed.length)]);
    for (const [index, target] of placed.entries()) {
      this.#element('range-endpoints', `${id} . ${index}`, targetText(target));
    }
    return name;
  }

  /** The class of a chain of this Service port alone. */
  #specialClass(chain: string): string {
    const number = String(this.#classes.of(chain));
    for (const map of classMaps) this.#element(map, number, `goto ${chain}`);
    return number;
  }

  /** Who may connect, and how often. */
  #admission(frontend: string, ranges: readonly string[] | undefined, names: FrontendNames): void {
    const { deniedSources, limits, key, family } = this.#port;
    const id = this.#placement.limits;
    if (ranges !== undefined) {
      this.#element(names.restricted, frontend, '');
      for (const range of ranges) this.#element(names.admitted, `${frontend} . ${range}`, '');
    }
    for (const range of deniedSources ?? []) this.#element(names.denied, `${frontend} . ${range}`, '');
    if (limits !== undefined && id !== undefined) {
      const name = specialChainName('limit', id, key);
      this.#out.chains.set(name, limitChainRules(nftFamilyOf(family), id, limits));
      this.#element(names.limited, frontend, `goto ${name}`);
    }
    const guarded = ranges !== undefined || deniedSources !== undefined || limits !== undefined;
    if (names.guarded !== undefined && guarded) this.#element(names.guarded, frontend, '');
  }

  /** Only where somebody serves: a completed handshake that nobody takes would hang instead of being refused. */
  #synProxy(frontend: string, names: FrontendNames): void {
    if (this.#port.synProxy !== true || names.synProxied === undefined) return;
    this.#element(names.synProxied, frontend, '');
    this.#out.shared.add(synProxyChains);
  }

  /** Balances over one endpoint set: the class to put into a frontend or back-end map. */
  #balance(set: 'cluster' | 'local', kind: LbChainKind, prefix: string): string {
    const timeoutSeconds = this.#port.affinityTimeoutSeconds;
    const chain = timeoutSeconds === undefined ? undefined : this.#affinityChain(set, timeoutSeconds);
    if (chain !== undefined) return this.#specialClass(chain);
    const slots = this.#slotChain(set);
    if (slots !== undefined) return this.#specialClass(slots);
    const range = this.#rangeChain(set);
    if (range !== undefined) return this.#specialClass(range);
    const placed = this.#placement[set];
    const byPort = kind === 'lb-port' || kind === 'lb-port-local';
    const map = endpointMapName(this.#port.protocol, byPort ? 'node-port' : 'address');
    const offset = kind === 'lb-local' || kind === 'lb-port-local' ? localIndexOffset : 0;
    for (let index = 0; index < placed.length; index++) {
      this.#element(map, `${prefix} . ${offset + index}`, targetText(placed[index] as EndpointTarget));
    }
    const name = `${kind}-${placed.length}`;
    this.#out.lbChains.set(name, { kind, count: placed.length });
    return String(lbClass(kind, placed.length));
  }

  /** Key of an address frontend: one port or a range of them. */
  #frontendAt(ip: string): string {
    const port = this.#port;
    const last = lastPortOf(port);
    return `${ip} . ${this.#protocol} . ${last === port.port ? last : `${port.port}-${last}`}`;
  }

  clusterIp(vip: VipFrontend): void {
    const port = this.#port;
    const names = this.#names;
    const frontend = this.#frontendAt(vip.ip);
    const verdict = internalVerdict(port);
    this.#element('cluster-ips', vip.ip, '');
    this.#admission(frontend, vip.sourceRanges, names);
    if (verdict.kind === 'balance') {
      this.#element(names.frontends, frontend, this.#balance(verdict.set, names.lb, `${vip.ip} . ${port.port}`));
      this.#synProxy(frontend, names);
    } else this.#element(verdict.kind === 'drop' ? names.silent : names.refused, frontend, '');
  }

  externalVip(vip: VipFrontend): void {
    const frontend = this.#frontendAt(vip.ip);
    // Several Services may share the address.
    if (vip.announced === true) this.#out.shared.add(`announced-ips|${vip.ip}`);
    this.#admission(frontend, vip.sourceRanges, this.#names);
    this.#external(frontend, `${vip.ip} . ${this.#port.port}`, this.#names);
  }

  /** Its only endpoint, without a chain between. */
  hostPort(vip: VipFrontend): void {
    const [target] = this.#placement.cluster;
    if (target === undefined) return;
    const { map, key } = hostPortElement(this.#port.protocol, vip.ip, this.#port.port);
    this.#element(map, key, targetText(target));
    this.#out.shared.add(hostPortChains);
  }

  nodePort(nodePort: number): void {
    const frontend = `${this.#protocol} . ${nodePort}`;
    this.#admission(frontend, this.#port.nodePortSources, nodePortNames);
    this.#external(frontend, `${nodePort}`, nodePortNames);
  }

  #external(frontend: string, prefix: string, names: FrontendNames): void {
    const port = this.#port;
    if (shortCircuitVerdict(port).kind !== 'balance') {
      this.#element(names.refused, frontend, '');
      return;
    }
    this.#element(names.backends, frontend, this.#balance('cluster', names.lb, prefix));
    const policyCluster = port.externalTrafficPolicy === 'Cluster';
    const chain = policyCluster ? names.dispatch : (`${names.dispatch}-local` as const);
    this.#element(names.frontends, frontend, String(dispatchClass(chain)));
    if (policyCluster) {
      this.#synProxy(frontend, names);
      return;
    }
    if (externalVerdict(port).kind === 'balance') {
      this.#element(names.localBackends, frontend, this.#balance('local', names.lbLocal, prefix));
      this.#synProxy(frontend, names);
    } else this.#element(names.silent, frontend, '');
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
  port: ServicePortProgram | PortRangeProgram,
  placement: PortPlacement,
  options: { readonly nodePorts: boolean; readonly mayHave: FrontendFilter; readonly classes: StableNumbers },
): void {
  const builder = new PortElements(out, port, placement, options.classes);
  for (const vip of port.vips) {
    if (!options.mayHave(vipFrontendKey(port, vip))) continue;
    if (vip.kind === 'clusterIP') builder.clusterIp(vip);
    else if (vip.kind === 'hostPort') builder.hostPort(vip);
    else builder.externalVip(vip);
  }
  if (options.nodePorts && port.nodePort !== undefined && options.mayHave(nodePortFrontendKey(port, port.nodePort))) {
    builder.nodePort(port.nodePort);
  }
  builder.hairpins();
}
