// Hot path of a first load: every byte of a list passes here once.

import type { ObjectMeta } from '@fairlead/api';

/** What a list says besides its items. */
export interface ListHead {
  readonly metadata?: Pick<ObjectMeta, 'resourceVersion'> & { readonly continue?: string };
}

/** A list that is read while it arrives. */
export interface ListReader {
  /** Hands over the items that this chunk completes. */
  push(chunk: Uint8Array): void;
  /**
   * Hands over the last items, and returns the rest of the list.
   *
   * @throws SyntaxError when what came was not one whole JSON object.
   */
  end(): ListHead;
}

/** How the array of items begins in what servers write. */
const itemsStart = '"items":[';
/** Head of the object that what is left is read as. */
const restHead = '{"items":[';

/**
 * Reads the JSON of a list (`{"kind": …, "metadata": {…}, "items": [{…}, …]}`) item by item, where it is written as servers
 * do, in one line and with items that begin with the same field: neither a text as large as a page, nor a turn as long as
 * parsing it takes. Of another one all is read in the end.
 */
export function createListReader(onItem: (item: unknown) => void): ListReader {
  return new ChunkedListReader(onItem);
}

/**
 * An item ends where its text up to the beginning of another one parses: no part of a JSON object is one. What
 * looks like a beginning may be within an item, then the text does not parse, and goes on.
 */
class ChunkedListReader implements ListReader {
  readonly #onItem: (item: unknown) => void;
  #buffer: Buffer = Buffer.allocUnsafe(1 << 16);
  /** What has not been read yet, and what of it has been searched. */
  #from = 0;
  #searched = 0;
  #end = 0;
  /** Everything before the items; absent: they have not begun. */
  #head: object | undefined;
  /** How an item ends and the next one begins; absent: not known yet. */
  #border: string | undefined;

  constructor(onItem: (item: unknown) => void) {
    this.#onItem = onItem;
  }

  push(chunk: Uint8Array): void {
    this.#append(chunk);
    if (this.#head === undefined && !this.#readHead()) return;
    if (this.#border === undefined && !this.#findBorder()) return;
    const border = this.#border!;
    for (;;) {
      const at = this.#buffer.subarray(0, this.#end).indexOf(border, this.#searched, 'latin1');
      if (at < 0) {
        this.#searched = Math.max(this.#from, this.#end - border.length + 1);
        return;
      }
      this.#searched = at + 1;
      const item = parsed(this.#buffer.toString('utf8', this.#from, at + 1));
      if (item === undefined) continue;
      this.#from = at + 2;
      this.#onItem(item);
    }
  }

  end(): ListHead {
    const rest = this.#buffer.toString('utf8', this.#from, this.#end);
    const list = JSON.parse(this.#head === undefined ? rest : restHead + rest) as { readonly items?: unknown };
    if (Array.isArray(list.items)) for (const item of list.items) this.#onItem(item);
    return { ...this.#head, ...list } as ListHead;
  }

  /** Looks for the beginning of the items. */
  #readHead(): boolean {
    const at = this.#buffer.subarray(0, this.#end).indexOf(itemsStart, this.#searched, 'latin1');
    if (at < 0) {
      this.#searched = Math.max(0, this.#end - itemsStart.length + 1);
      return false;
    }
    this.#searched = at + 1;
    const head = parsed(`${this.#buffer.toString('utf8', this.#from, at + itemsStart.length)}]}`);
    // Within another field, it does not parse: there may be another one behind.
    if (head === undefined) return this.#readHead();
    this.#head = head;
    this.#from = at + itemsStart.length;
    this.#searched = this.#from;
    return true;
  }

  /** Items begin alike: `{"metadata":`. */
  #findBorder(): boolean {
    const start = this.#buffer.toString('latin1', this.#from, Math.min(this.#end, this.#from + 256));
    const [, first] = /^(\{"\w+":)/.exec(start) ?? [];
    if (first === undefined) return false;
    this.#border = `},${first}`;
    return true;
  }

  #append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const left = this.#end - this.#from;
      const needed = left + chunk.length;
      const target = needed * 2 > this.#buffer.length ? Buffer.allocUnsafe(needed * 2) : this.#buffer;
      this.#buffer.copy(target, 0, this.#from, this.#end);
      this.#buffer = target;
      this.#searched -= this.#from;
      this.#from = 0;
      this.#end = left;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}

/** An object in JSON; absent: it is none. */
function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
