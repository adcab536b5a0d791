// Hot path: turns program changes into one transaction. Cost follows the changed Services, never the total.
import { nftTableBody } from '../wire/nft/table.ts';
import { NftTransaction } from '../wire/nft/transaction.ts';
import type { RememberedClient } from './affinity-memory.ts';
import type { IpFamily } from './cidr.ts';
import { FrontendClaims, type FrontendKey } from './frontend-claims.ts';
import {
  addPortElements,
  type ElementId,
  nodePortFrontendKey,
  type PortPlacement,
  placePort,
  type ServiceElements,
  vipFrontendKey,
} from './nft-elements.ts';
import {
  lbChainRules,
  type NftLayoutOptions,
  nftFamilyOf,
  nftLayout,
  nftTableName,
  preparedLbChains,
} from './nft-layout.ts';
import type { ServicePortKey, ServiceProgram } from './program.ts';
import { StableNumbers } from './stable-numbers.ts';
import { UndoJournal } from './undo-journal.ts';

/** New programs by Service key; `undefined`: the Service is gone. */
export type ProgramChanges = ReadonlyMap<string, ServiceProgram | undefined>;

interface InstalledService {
  readonly program: ServiceProgram;
  readonly placements: ReadonlyMap<ServicePortKey, PortPlacement>;
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly shared: ReadonlySet<ElementId>;
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly frontends: ReadonlySet<FrontendKey>;
}

const nothing: Omit<InstalledService, 'program'> = {
  placements: new Map(),
  elements: new Map(),
  shared: new Set(),
  chains: new Map(),
  frontends: new Set(),
};

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, index) => rule === b[index]);
}

/** Options of a planner. */
export interface NftPlannerOptions extends NftLayoutOptions {
  /** Default: {@link nftTableName}. */
  readonly table?: string;
  /** The table takes no packets: its chains are not hooked. For trying out what the kernel accepts. */
  readonly dormant?: boolean;
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

  /** Whether any Service port remembers clients. */
  get usesAffinity(): boolean {
    return this.#numbers.size > 0;
  }

  /** The transaction for these changes; the first one replaces the whole table. */
  plan(changes: ProgramChanges): NftTransaction {
    this.#journal.accept();
    const transaction = this.#transaction();
    if (!this.#started) {
      const body = nftTableBody(nftLayout(this.#family, this.#options));
      transaction.replaceTable(this.#options.dormant === true ? `  flags dormant;\n${body}` : body);
      this.#journal.record(() => {
        this.#started = false;
      });
      this.#started = true;
    }
    const retired: string[] = [];
    // Removals and shrinking first, so that a frontend that moves between Services is free for the other.
    const pending = new Map(changes);
    for (const key of this.#release(changes)) {
      if (!pending.has(key)) pending.set(key, this.#services.get(key)?.program);
    }
    for (const [key, program] of pending) this.#planService(transaction, retired, key, program);
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

  /** The last planned transaction was refused, and the kernel's table is what it was before. */
  rollback(): void {
    this.#journal.rollback();
  }

  #transaction(): NftTransaction {
    return new NftTransaction(nftFamilyOf(this.#family), this.#table);
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
    if (service === undefined) this.#services.delete(key);
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
      for (const frontend of installed.frontends) {
        if (wanted.has(frontend)) continue;
        for (const waiting of this.#claims.release(frontend, key)) askAgain.add(waiting);
      }
    }
    return askAgain;
  }

  #frontendsOf(program: ServiceProgram): Set<FrontendKey> {
    const frontends = new Set<FrontendKey>();
    for (const port of program.ports) {
      if (port.family !== this.#family) continue;
      for (const vip of port.vips) frontends.add(vipFrontendKey(port, vip.ip));
      if (port.nodePort !== undefined && this.#options.nodePorts) {
        frontends.add(nodePortFrontendKey(port, port.nodePort));
      }
    }
    return frontends;
  }

  #planService(transaction: NftTransaction, retired: string[], key: string, program: ServiceProgram | undefined): void {
    const before = this.#services.get(key) ?? nothing;
    const after = program === undefined ? undefined : this.#compose(key, program, before.placements);
    this.#ensureLbChains(transaction, after?.lbChains);
    for (const [name, rules] of after?.chains ?? []) {
      const old = before.chains.get(name);
      if (old === undefined || !sameRules(old, rules)) transaction.setChain(name, rules);
      this.#revive(name);
    }
    for (const [set, elements] of before.elements) {
      const kept = after?.elements.get(set);
      for (const [key, value] of elements) if (kept?.get(key) !== value) transaction.deleteElement(set, key);
    }
    for (const [set, elements] of after?.elements ?? []) {
      const old = before.elements.get(set);
      for (const [key, value] of elements) if (old?.get(key) !== value) transaction.addElement(set, key, value);
    }
    for (const id of after?.shared ?? []) if (!before.shared.has(id)) this.#addShared(transaction, id);
    for (const id of before.shared) if (after?.shared.has(id) !== true) this.#deleteShared(transaction, id);
    for (const name of before.chains.keys()) if (after?.chains.has(name) !== true) retired.push(name);
    this.#setService(key, after);
  }

  #compose(
    key: string,
    program: ServiceProgram,
    previous: ReadonlyMap<ServicePortKey, PortPlacement>,
  ): InstalledService & ServiceElements {
    const out: ServiceElements = { elements: new Map(), shared: new Set(), chains: new Map(), lbChains: new Map() };
    const placements = new Map<ServicePortKey, PortPlacement>();
    const mayHave = (frontend: FrontendKey): boolean => this.#claims.claim(frontend, key);
    for (const port of program.ports) {
      if (port.family !== this.#family) continue;
      const placement = placePort(previous.get(port.key), port, this.#numbers);
      placements.set(port.key, placement);
      addPortElements(out, port, placement, { nodePorts: this.#options.nodePorts, mayHave });
    }
    return { program, placements, frontends: this.#frontendsOf(program), ...out };
  }

  #ensureLbChains(transaction: NftTransaction, wanted: ServiceElements['lbChains'] | undefined): void {
    for (const [name, { kind, count }] of wanted ?? []) {
      if (this.#lbChains.has(name)) continue;
      this.#addTo(this.#lbChains, name);
      transaction.setChain(name, lbChainRules(nftFamilyOf(this.#family), kind, count));
    }
  }

  #addShared(transaction: NftTransaction, id: ElementId): void {
    const count = this.#sharedCount.get(id) ?? 0;
    const bar = id.indexOf('|');
    if (count === 0) transaction.addElement(id.slice(0, bar), id.slice(bar + 1), '');
    this.#setSharedCount(id, count + 1);
  }

  #deleteShared(transaction: NftTransaction, id: ElementId): void {
    const count = this.#sharedCount.get(id) ?? 0;
    this.#setSharedCount(id, Math.max(0, count - 1));
    if (count > 1) return;
    const bar = id.indexOf('|');
    transaction.deleteElement(id.slice(0, bar), id.slice(bar + 1));
  }
}
