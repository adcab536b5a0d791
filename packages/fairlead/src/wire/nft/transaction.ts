// Hot path: a transaction of a full load has hundreds of thousands of elements.

/** nft table families used here. */
export type NftFamily = 'ip' | 'ip6';

/** One element of a set (`value` empty) or map, in nft's own text. */
export interface NftElement {
  /** Name of the set or map. */
  readonly set: string;
  readonly key: string;
  readonly value: string;
}

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
  readonly #table: string;
  readonly #head: string[] = [];
  readonly #tail: string[] = [];
  readonly #added = new Map<string, string[]>();
  readonly #deleted = new Map<string, string[]>();
  #addedElements = 0;
  #deletedElements = 0;
  #chainOperations = 0;

  constructor(family: NftFamily, table: string) {
    this.#table = `${family} ${table}`;
  }

  /** Replaces the table, in this transaction, by what `body` declares (text between the braces). */
  replaceTable(body: string): void {
    // `add` makes `delete` valid when there is none yet.
    this.#head.push(`add table ${this.#table}`, `delete table ${this.#table}`, `table ${this.#table} {\n${body}}`);
  }

  /** Removes the table, if there is one. */
  deleteTable(): void {
    this.#head.push(`add table ${this.#table}`, `delete table ${this.#table}`);
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
    const text = value === '' ? key : `${key} : ${value}`;
    const list = this.#added.get(set);
    if (list === undefined) this.#added.set(set, [text]);
    else list.push(text);
    this.#addedElements++;
  }

  /** A map's element is deleted by its key alone. */
  deleteElement(set: string, key: string): void {
    const list = this.#deleted.get(set);
    if (list === undefined) this.#deleted.set(set, [key]);
    else list.push(key);
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

  /** The transaction for `nft -f -`, ending in a newline; empty when there is nothing to do. */
  text(): string {
    const lines = [...this.#head];
    for (const [set, keys] of this.#deleted) this.#batch('delete', set, keys, lines);
    for (const [set, elements] of this.#added) this.#batch('add', set, elements, lines);
    lines.push(...this.#tail);
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #batch(verb: 'add' | 'delete', set: string, elements: readonly string[], lines: string[]): void {
    for (let start = 0; start < elements.length; start += elementsPerCommand) {
      const batch = elements.slice(start, start + elementsPerCommand);
      lines.push(`${verb} element ${this.#table} ${set} { ${batch.join(', ')} }`);
    }
  }
}
