// Hot path: turns program changes into one transaction. Cost follows the changed Services, never the total.
import type { ElementMessages } from '../wire/nft/element-messages.ts';
import { type NftChain, nftTableBody } from '../wire/nft/table.ts';
import { type NftFamily, NftTransaction } from '../wire/nft/transaction.ts';
import type { RememberedClient } from './affinity-memory.ts';
import { lbChainRules } from './balance-rules.ts';
import type { IpFamily } from './cidr.ts';
import { FrontendClaims, type FrontendKey } from './frontend-claims.ts';
import {
  collectElements,
  type ElementId,
  type ElementSets,
  nodePortFrontendKey,
  type PortPlacement,
  placePort,
  type ServiceElements,
  vipFrontendKey,
} from './nft-elements.ts';
import { hostPortChains, hostPortLayout } from './nft-host-ports.ts';
import { type NftLayoutOptions, nftLayout } from './nft-layout.ts';
import { classMaps, firstSpecialClass, lbClass, nftFamilyOf, nftTableName, preparedLbChains } from './nft-names.ts';
import { addPortElements, synProxyChains } from './port-elements.ts';
import { allPorts, type ServicePortKey, type ServiceProgram } from './program.ts';
import { StableNumbers } from './stable-numbers.ts';
import { synProxyLayout } from './syn-proxy.ts';
import { UndoJournal } from './undo-journal.ts';

/** New programs by Service key; `undefined`: the Service is gone. */
export type ProgramChanges = ReadonlyMap<string, ServiceProgram | undefined>;

/** What is remembered of an installed Service; its elements follow from it and are made again when needed. */
interface InstalledService {
  readonly program: ServiceProgram;
  readonly placements: ReadonlyMap<ServicePortKey, PortPlacement>;
  /** Frontends that another Service has. */
  readonly denied: ReadonlySet<FrontendKey>;
}

const noFrontends: ReadonlySet<FrontendKey> = new Set();
const noPlacements: ReadonlyMap<ServicePortKey, PortPlacement> = new Map();

type HookedLayout = (ip: NftFamily, options: NftLayoutOptions) => readonly NftChain[];

/** Hooked chains that are there only while they are used, by the shared element that stands for them. */
const hookedOnDemand: readonly (readonly [ElementId, HookedLayout])[] = [
  [synProxyChains, synProxyLayout],
  [hostPortChains, hostPortLayout],
];

function isOfChains(id: ElementId): boolean {
  return hookedOnDemand.some(([of]) => of === id);
}

function noElements(add: ServiceElements['add']): ServiceElements {
  return { add, shared: new Set(), chains: new Map(), lbChains: new Map() };
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, index) => rule === b[index]);
}

/** Options of a planner. */
export interface NftPlannerOptions extends NftLayoutOptions {
  /** Default: {@link nftTableName}. */
  readonly table?: string;
  /** The table takes no packets: its chains are not hooked. For trying out what the kernel accepts. */
  readonly dormant?: boolean;
  /** The table begins dormant, and what these take of its first transaction is sent otherwise. */
  readonly staged?: ElementMessages;
}

/**
 * The shadow of one family's table: what was installed, and what a change makes of it.
 *
 * A planner believes that the transaction it hands out is committed, until it is
 * told otherwise by {@link NftPlanner.rollback}. A refused transaction may also
 * mean that the table is not what the planner thinks (foreign changes): then
 * throw it away and plan everything with a new one.
 */
export class NftPlanner {
  readonly #family: IpFamily;
  readonly #options: NftPlannerOptions;
  readonly #table: string;
  readonly #journal = new UndoJournal();
  readonly #services = new Map<string, InstalledService>();
  readonly #claims = new FrontendClaims(this.#journal);
  readonly #sharedCount = new Map<ElementId, number>();
  readonly #lbChains = new Set<string>();
  readonly #retired = new Set<string>();
  readonly #numbers = new StableNumbers();
  readonly #classes = new StableNumbers(firstSpecialClass);
  #started = false;

  constructor(family: IpFamily, options: NftPlannerOptions) {
    this.#family = family;
    this.#table = options.table ?? nftTableName;
    this.#options = options;
    for (let count = 1; count <= preparedLbChains; count++) this.#lbChains.add(`lb-${count}`);
  }

  /** Chains that are empty and unreferenced, waiting for {@link planChainRemoval}. */
  get retiredChains(): number {
    return this.#retired.size;
  }

  /** Whether any Service port wants its handshakes answered by the kernel. */
  get usesSynProxy(): boolean {
    return this.#sharedCount.has(synProxyChains);
  }

  /** Whether any Service port remembers clients. */
  get usesAffinity(): boolean {
    return this.#numbers.size > 0;
  }

  /** The transaction for these changes; the first one replaces the whole table. */
  plan(changes: ProgramChanges): NftTransaction {
    this.#journal.accept();
    const transaction = this.#transaction(this.#started ? undefined : this.#options.staged);
    if (!this.#started) {
      const body = nftTableBody(nftLayout(this.#family, this.#options));
      const asleep = this.#options.dormant === true || this.#options.staged !== undefined;
      transaction.replaceTable(asleep ? `  flags dormant;\n${body}` : body);
      this.#journal.record(() => {
        this.#started = false;
      });
      this.#started = true;
    }
    const retired: string[] = [];
    const before = hookedOnDemand.map(([id]) => this.#sharedCount.has(id));
    // Removals and shrinking first, so that a frontend that moves between Services is free for the other.
    const pending = new Map(changes);
    for (const key of this.#release(changes)) {
      if (!pending.has(key)) pending.set(key, this.#services.get(key)?.program);
    }
    for (const [key, program] of pending) this.#planService(transaction, retired, key, program);
    for (const [index, [id, layout]] of hookedOnDemand.entries())
      this.#planHooked(transaction, before[index] === true, id, layout);
    for (const chain of retired) {
      transaction.flushChain(chain);
      this.#addTo(this.#retired, chain);
    }
    return transaction;
  }

  /** Adds to `transaction` what clients remember from before, as far as Service port and endpoint are still there. */
  restoreAffinity(transaction: NftTransaction, remembered: Iterable<RememberedClient>): void {
    const slotsOf = new Map<number, ReadonlySet<number>>();
    for (const { placements } of this.#services.values()) {
      for (const { affinityCluster, affinityLocal } of placements.values()) {
        for (const numbers of [affinityCluster, affinityLocal]) {
          if (numbers !== undefined) slotsOf.set(numbers.id, new Set(numbers.slots.values()));
        }
      }
    }
    for (const { client, id, slot, timeoutMs, expiresMs } of remembered) {
      if (slotsOf.get(id)?.has(slot) !== true) continue;
      const times = `timeout ${timeoutMs}ms expires ${expiresMs}ms`;
      transaction.addElement('affinity', `${client} . ${id} ${times}`, String(slot));
    }
  }

  /** The last planned transaction is committed: forgets how to take it back. */
  accept(): void {
    this.#journal.accept();
  }

  /** The last planned transaction was refused, and the kernel's table is what it was before. */
  rollback(): void {
    this.#journal.rollback();
  }

  #transaction(elements?: ElementMessages): NftTransaction {
    return new NftTransaction(nftFamilyOf(this.#family), this.#table, elements);
  }

  #addTo(set: Set<string>, name: string): void {
    this.#journal.record(() => set.delete(name));
    set.add(name);
  }

  /** A chain whose name is in use again must not be deleted. */
  #revive(chain: string): void {
    if (!this.#retired.delete(chain)) return;
    this.#journal.record(() => this.#retired.add(chain));
  }

  #setService(key: string, service: InstalledService | undefined): void {
    const before = this.#services.get(key);
    this.#journal.record(() => {
      if (before === undefined) this.#services.delete(key);
      else this.#services.set(key, before);
    });
    // Most Services have nothing in one of the families, and then no entry here.
    if (service === undefined || service.placements.size === 0) this.#services.delete(key);
    else this.#services.set(key, service);
  }

  #setSharedCount(id: ElementId, count: number): void {
    const before = this.#sharedCount.get(id);
    this.#journal.record(() => {
      if (before === undefined) this.#sharedCount.delete(id);
      else this.#sharedCount.set(id, before);
    });
    if (count === 0) this.#sharedCount.delete(id);
    else this.#sharedCount.set(id, count);
  }

  /**
   * Deletes the chains retired before. Only some time after the transaction that retired them:
   * kernels before 6.2 refuse to delete a chain whose last map reference just went.
   */
  planChainRemoval(): NftTransaction {
    this.#journal.accept();
    const transaction = this.#transaction();
    for (const chain of this.#retired) transaction.deleteChain(chain);
    this.#retired.clear();
    return transaction;
  }

  /** Gives up frontends that changed Services no longer want; returns Services that may now have them. */
  #release(changes: ProgramChanges): Set<string> {
    const askAgain = new Set<string>();
    for (const [key, program] of changes) {
      const installed = this.#services.get(key);
      if (installed === undefined) continue;
      const wanted = program === undefined ? new Set<FrontendKey>() : this.#frontendsOf(program);
      for (const frontend of this.#frontendsOf(installed.program)) {
        if (wanted.has(frontend)) continue;
        for (const waiting of this.#claims.release(frontend, key)) askAgain.add(waiting);
      }
    }
    return askAgain;
  }

  #frontendsOf(program: ServiceProgram): Set<FrontendKey> {
    const frontends = new Set<FrontendKey>();
    for (const port of allPorts(program)) {
      if (port.family !== this.#family) continue;
      for (const vip of port.vips) frontends.add(vipFrontendKey(port, vip));
      if (port.nodePort !== undefined && this.#options.nodePorts) {
        frontends.add(nodePortFrontendKey(port, port.nodePort));
      }
    }
    return frontends;
  }

  #planService(transaction: NftTransaction, retired: string[], key: string, program: ServiceProgram | undefined): void {
    const installed = this.#services.get(key);
    const old: ElementSets = new Map();
    const before = this.#elementsOf(installed, collectElements(old));
    const next = program === undefined ? undefined : this.#claimAndPlace(key, program, installed?.placements);
    const wanted: ElementSets = new Map();
    // Nothing to compare with: straight into the transaction. At start that saves a map entry per endpoint.
    const add = installed === undefined ? transaction.addElement.bind(transaction) : collectElements(wanted);
    const after = this.#elementsOf(next, add);
    this.#ensureLbChains(transaction, after.lbChains);
    for (const [name, rules] of after.chains) {
      const known = before.chains.get(name);
      if (known === undefined || !sameRules(known, rules)) transaction.setChain(name, rules);
      this.#revive(name);
    }
    for (const [set, elements] of old) {
      const kept = wanted.get(set);
      for (const [element, value] of elements)
        if (kept?.get(element) !== value) transaction.deleteElement(set, element);
    }
    for (const [set, elements] of wanted) {
      const known = old.get(set);
      for (const [element, value] of elements) {
        if (known?.get(element) !== value) transaction.addElement(set, element, value);
      }
    }
    for (const id of after.shared) if (!before.shared.has(id)) this.#addShared(transaction, id);
    for (const id of before.shared) if (!after.shared.has(id)) this.#deleteShared(transaction, id);
    for (const name of before.chains.keys()) if (!after.chains.has(name)) retired.push(name);
    this.#setService(key, next);
  }

  #claimAndPlace(
    key: string,
    program: ServiceProgram,
    previous: ReadonlyMap<ServicePortKey, PortPlacement> | undefined,
  ): InstalledService {
    let denied: Set<FrontendKey> | undefined;
    for (const frontend of this.#frontendsOf(program)) {
      if (this.#claims.claim(frontend, key)) continue;
      denied ??= new Set();
      denied.add(frontend);
    }
    let placements: Map<ServicePortKey, PortPlacement> | undefined;
    for (const port of allPorts(program)) {
      if (port.family !== this.#family) continue;
      placements ??= new Map();
      placements.set(port.key, placePort(previous?.get(port.key), port, this.#numbers));
    }
    return { program, placements: placements ?? noPlacements, denied: denied ?? noFrontends };
  }

  #elementsOf(service: InstalledService | undefined, add: ServiceElements['add']): ServiceElements {
    const out = noElements(add);
    if (service === undefined) return out;
    const { program, placements, denied } = service;
    const { nodePorts } = this.#options;
    const mayHave = (frontend: FrontendKey): boolean => !denied.has(frontend);
    for (const port of allPorts(program)) {
      const placement = placements.get(port.key);
      if (placement !== undefined)
        addPortElements(out, port, placement, { nodePorts, mayHave, classes: this.#classes });
    }
    return out;
  }

  #ensureLbChains(transaction: NftTransaction, wanted: ServiceElements['lbChains']): void {
    for (const [name, { kind, count }] of wanted) {
      if (this.#lbChains.has(name)) continue;
      this.#addTo(this.#lbChains, name);
      transaction.setChain(name, lbChainRules(nftFamilyOf(this.#family), kind, count));
      for (const map of classMaps) transaction.addElement(map, String(lbClass(kind, count)), `goto ${name}`);
    }
  }

  #addShared(transaction: NftTransaction, id: ElementId): void {
    const count = this.#sharedCount.get(id) ?? 0;
    const bar = id.indexOf('|');
    if (count === 0 && !isOfChains(id)) transaction.addElement(id.slice(0, bar), id.slice(bar + 1), '');
    this.#setSharedCount(id, count + 1);
  }

  #deleteShared(transaction: NftTransaction, id: ElementId): void {
    const count = this.#sharedCount.get(id) ?? 0;
    this.#setSharedCount(id, Math.max(0, count - 1));
    if (count > 1) return;
    const bar = id.indexOf('|');
    if (!isOfChains(id)) transaction.deleteElement(id.slice(0, bar), id.slice(bar + 1));
  }

  /** Such chains come with the first that uses them and go with the last. */
  #planHooked(transaction: NftTransaction, wasUsed: boolean, id: ElementId, layout: HookedLayout): void {
    const used = this.#sharedCount.has(id);
    // A table without packets has no hooks.
    if (used === wasUsed || this.#options.dormant === true) return;
    for (const { name, hook, rules } of layout(nftFamilyOf(this.#family), this.#options)) {
      if (used) transaction.setChain(name, rules, hook);
      else {
        transaction.flushChain(name);
        // Hooked chains are nobody's target: they can go at once.
        transaction.deleteChain(name);
      }
    }
  }
}
