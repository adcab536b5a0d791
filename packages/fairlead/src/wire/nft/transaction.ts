// Hot path: a transaction of a full load has hundreds of thousands of elements.
import type { ElementMessages } from './element-messages.ts';

/** nft table families used here. */
export type NftFamily = 'ip' | 'ip6';

/** Families of which tables are changed by transactions. */
export type NftTableFamily = NftFamily | 'netdev';

/** How many commands and elements a transaction holds, for tests and metrics. */
export interface NftOperationCount {
  readonly addedElements: number;
  readonly deletedElements: number;
  /** Chains added, flushed or deleted, and rules added. */
  readonly chainOperations: number;
}

/** Elements per command. Each command costs nft a set look-up; one by one is ten times slower. */
const elementsPerCommand = 1000;

/**
 * Builds the text of one atomic nft transaction on one table.
 *
 * Elements are grouped by set and batched. Order in the text: chains and rules
 * first (elements refer to chains), then deletions, then additions (so that an
 * element can be deleted and added with another value), then removal of chains.
 */
export class NftTransaction {
  /** What was left out of the text because it is sent otherwise. */
  readonly elements: ElementMessages | undefined;
  readonly #family: NftTableFamily;
  readonly #table: string;
  readonly #head: string[] = [];
  readonly #tail: string[] = [];
  readonly #added = new Map<string, ElementBatches>();
  readonly #deleted = new Map<string, ElementBatches>();
  #addedElements = 0;
  #deletedElements = 0;
  #chainOperations = 0;

  /** @param elements takes the elements of its sets, which are then not in the text */
  constructor(family: NftTableFamily, table: string, elements?: ElementMessages) {
    this.#family = family;
    this.#table = `${family} ${table}`;
    this.elements = elements;
  }

  /** Hooks the chains of a table that was declared dormant. */
  wakeTable(): void {
    this.#head.push(`add table ${this.#table}`);
  }

  /** Replaces the table, in this transaction, by what `body` declares (text between the braces). */
  replaceTable(body: string): void {
    // `add` makes `delete` valid when there is none yet.
    this.#head.push(`add table ${this.#table}`, `delete table ${this.#table}`, `table ${this.#table} {\n${body}}`);
  }

  /** Removes the table, or another one of the family, if there is one. */
  deleteTable(name?: string): void {
    const table = name === undefined ? this.#table : `${this.#family} ${name}`;
    this.#head.push(`add table ${table}`, `delete table ${table}`);
  }

  /** Adds a chain, or empties it if it exists, and gives it these rules. `hook` makes it a base chain. */
  setChain(chain: string, rules: readonly string[], hook?: string): void {
    const declaration = hook === undefined ? '' : ` { ${hook} ; }`;
    this.#head.push(`add chain ${this.#table} ${chain}${declaration}`, `flush chain ${this.#table} ${chain}`);
    for (const rule of rules) this.#head.push(`add rule ${this.#table} ${chain} ${rule}`);
    this.#chainOperations += 1 + rules.length;
  }

  /** Empties a chain after all elements that point to it are gone. */
  flushChain(chain: string): void {
    this.#tail.push(`flush chain ${this.#table} ${chain}`);
    this.#chainOperations++;
  }

  /** Deletes an empty chain that no rule or element points to. */
  deleteChain(chain: string): void {
    this.#tail.push(`delete chain ${this.#table} ${chain}`);
    this.#chainOperations++;
  }

  addElement(set: string, key: string, value: string): void {
    this.#addedElements++;
    if (this.elements?.take(set, key, value) === true) return;
    batchesOf(this.#added, set).add(value === '' ? key : `${key} : ${value}`);
  }

  /** A map's element is deleted by its key alone. */
  deleteElement(set: string, key: string): void {
    batchesOf(this.#deleted, set).add(key);
    this.#deletedElements++;
  }

  get isEmpty(): boolean {
    return this.#head.length === 0 && this.#tail.length === 0 && this.#addedElements + this.#deletedElements === 0;
  }

  get count(): NftOperationCount {
    return {
      addedElements: this.#addedElements,
      deletedElements: this.#deletedElements,
      chainOperations: this.#chainOperations,
    };
  }

  /** Characters of {@link text}, about. */
  get length(): number {
    let length = 0;
    for (const line of this.#head) length += line.length;
    for (const sets of [this.#deleted, this.#added]) for (const batches of sets.values()) length += batches.length;
    return length;
  }

  /** The transaction for `nft -f -`, ending in a newline; empty when there is nothing to do. */
  text(): string {
    return [...this.parts()].join('');
  }

  /** {@link text} in parts of some ten thousand characters. A full load has megabytes, which nobody needs as one. */
  *parts(): Generator<string> {
    if (this.#head.length > 0) yield `${this.#head.join('\n')}\n`;
    for (const [set, batches] of this.#deleted) yield* this.#commands('delete', set, batches);
    for (const [set, batches] of this.#added) yield* this.#commands('add', set, batches);
    if (this.#tail.length > 0) yield `${this.#tail.join('\n')}\n`;
  }

  *#commands(verb: 'add' | 'delete', set: string, batches: ElementBatches): Generator<string> {
    for (const batch of batches.all()) yield `${verb} element ${this.#table} ${set} { ${batch} }\n`;
  }
}

/** Elements of one set, joined as they come: as many small strings they would take thrice the memory. */
class ElementBatches {
  readonly #full: string[] = [];
  #open: string[] = [];
  length = 0;

  add(element: string): void {
    this.length += element.length + 2;
    if (this.#open.push(element) < elementsPerCommand) return;
    this.#full.push(this.#open.join(', '));
    this.#open = [];
  }

  *all(): Generator<string> {
    yield* this.#full;
    if (this.#open.length > 0) yield this.#open.join(', ');
  }
}

function batchesOf(sets: Map<string, ElementBatches>, set: string): ElementBatches {
  let batches = sets.get(set);
  if (batches === undefined) {
    batches = new ElementBatches();
    sets.set(set, batches);
  }
  return batches;
}
