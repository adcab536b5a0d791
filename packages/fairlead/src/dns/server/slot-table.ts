/** Slots of the old table that one change of a name moves into the new one, while the table grows. */
export const slotsPerChange = 64;

/** A table under construction: what a change adds, and a part of what was there, goes into it. */
interface NextTable {
  readonly slots: Int32Array;
  /** Slots that are not free. */
  used: number;
  /** Slots of the old table that have been moved. */
  moved: number;
}

/**
 * The hash slots of the answer table (see table-layout.ts): hash to entry, with linear probing. Growing costs the same
 * with every change (`slotsPerChange`) instead of everything at once: a second generation is filled beside the first, which stays
 * right and readable meanwhile. Deleted slots are not reused: readers may be on them.
 */
export class SlotTable {
  #slots: Int32Array = new Int32Array(new SharedArrayBuffer(1024 * 8));
  /** Slots that are not free: names and deleted ones. */
  #used = 0;
  #names = 0;
  #next: NextTable | undefined;
  #movedSlots = 0;

  /** What readers search: pairs of hash and entry. Another array once the table has grown. */
  get slots(): Int32Array {
    return this.#slots;
  }

  get names(): number {
    return this.#names;
  }

  /** Slots that growing has looked at so far. */
  get movedSlots(): number {
    return this.#movedSlots;
  }

  /** Entry of a name; 0: not there. `isSame` compares an entry's name, when the hash is the same. */
  find(hash: number, isSame: (entry: number) => boolean): number {
    const entry = this.#slots[this.#slotOf(hash, isSame) * 2 + 1]!;
    return entry > 0 ? entry : 0;
  }

  /** Sets the entry of a name, in one store that readers see; returns the entry before, 0 for none. */
  set(hash: number, entry: number, isSame: (entry: number) => boolean): number {
    const slot = this.#slotOf(hash, isSame);
    const old = this.#slots[slot * 2 + 1]!;
    this.#slots[slot * 2] = hash;
    Atomics.store(this.#slots, slot * 2 + 1, entry);
    if (old <= 0) {
      this.#names++;
      this.#used++;
    }
    // At most half full, so that a miss, the common case of search lists, ends after a step or two.
    if (this.#next === undefined && this.#used * 4 > this.#slots.length) this.#next = newTable(this.#names);
    if (this.#next !== undefined) {
      if (old > 0) replaceEntry(this.#next, hash, old, entry);
      else addEntry(this.#next, hash, entry);
      this.#move(this.#next);
    }
    return Math.max(0, old);
  }

  /** Takes a name away; returns its entry, 0 for none. */
  remove(hash: number, isSame: (entry: number) => boolean): number {
    const slot = this.#slotOf(hash, isSame);
    const old = this.#slots[slot * 2 + 1]!;
    if (old <= 0) return 0;
    Atomics.store(this.#slots, slot * 2 + 1, -1);
    if (this.#next !== undefined) replaceEntry(this.#next, hash, old, -1);
    this.#names--;
    return old;
  }

  #slotOf(hash: number, isSame: (entry: number) => boolean): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot * 2 + 1]!;
      if (entry === 0 || (entry > 0 && slots[slot * 2] === hash && isSame(entry))) return slot;
    }
  }

  /** Moves some slots; after the last one the new table takes the old one's place. */
  #move(next: NextTable): void {
    const end = Math.min(next.moved + slotsPerChange, this.#slots.length / 2);
    this.#movedSlots += end - next.moved;
    for (; next.moved < end; next.moved++) {
      const entry = this.#slots[next.moved * 2 + 1]!;
      if (entry > 0) addEntry(next, this.#slots[next.moved * 2]!, entry);
    }
    if (end < this.#slots.length / 2) return;
    this.#slots = next.slots;
    this.#used = next.used;
    this.#next = undefined;
  }
}

function newTable(names: number): NextTable {
  let capacity = 1024;
  // A third full at most: with a quarter, a table that has just become half full would grow fourfold.
  while (capacity < names * 3) capacity *= 2;
  return { slots: new Int32Array(new SharedArrayBuffer(capacity * 8)), used: 0, moved: 0 };
}

/** Slot of an entry, or the free one where it belongs. */
function slotOfEntry({ slots }: NextTable, hash: number, wanted: number): number {
  const mask = slots.length / 2 - 1;
  let slot = hash & mask;
  for (; slots[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) if (slots[slot * 2 + 1] === wanted) break;
  return slot;
}

/** Adds an entry, unless it is there already: a name that came while the table was being filled is met again. */
function addEntry(table: NextTable, hash: number, entry: number): void {
  const slot = slotOfEntry(table, hash, entry);
  if (table.slots[slot * 2 + 1] === entry) return;
  table.slots[slot * 2] = hash;
  table.slots[slot * 2 + 1] = entry;
  table.used++;
}

/** Replaces an entry; one that has not been moved yet is met in the old table as it is by then. */
function replaceEntry(table: NextTable, hash: number, old: number, entry: number): void {
  const slot = slotOfEntry(table, hash, old);
  if (table.slots[slot * 2 + 1] === old) table.slots[slot * 2 + 1] = entry;
}
