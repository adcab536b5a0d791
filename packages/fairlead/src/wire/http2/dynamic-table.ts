// Hot path: entries live in one byte arena, nothing is allocated per entry.

/** What an entry costs beside its bytes (RFC 7541 4.1). */
export const ENTRY_OVERHEAD_BYTES = 32;
/** Largest table that this implementation keeps, in either direction. */
export const TABLE_MAX_BYTES = 4096;

const ENTRIES_MAX = TABLE_MAX_BYTES / ENTRY_OVERHEAD_BYTES;
const SLOT_MASK = ENTRIES_MAX - 1;
const ARENA_MIN_BYTES = 1024;

/**
 * The dynamic table of one direction (RFC 7541 2.3.2). Entries are named by the number of their
 * insertion; the newest is `inserted - 1`. Memory comes with the first entry.
 */
export class DynamicTable {
  /** Limit in force, at most {@link TABLE_MAX_BYTES}. */
  maxBytes: number = TABLE_MAX_BYTES;
  /** Entries ever inserted. */
  inserted: number = 0;
  count: number = 0;
  /** Names and values of the entries. */
  bytes: Uint8Array = EMPTY;
  #size = 0;
  #tail = 0;
  #starts: Uint16Array = NONE;
  #values: Uint16Array = NONE;
  #ends: Uint16Array = NONE;

  /** Bytes in the table by RFC 7541 4.1. */
  get size(): number {
    return this.#size;
  }

  /** Where the entry's name begins in {@link bytes}. */
  start(entry: number): number {
    return this.#starts[entry & SLOT_MASK]!;
  }

  /** Where its name ends and its value begins. */
  value(entry: number): number {
    return this.#values[entry & SLOT_MASK]!;
  }

  end(entry: number): number {
    return this.#ends[entry & SLOT_MASK]!;
  }

  holds(entry: number): boolean {
    return entry < this.inserted && entry >= this.inserted - this.count;
  }

  resize(maxBytes: number): void {
    this.maxBytes = Math.min(maxBytes, TABLE_MAX_BYTES);
    this.#evictTo(this.maxBytes);
  }

  /** Inserts name `[start, value)` with value `[value, end)` of `from`, which must not be this table's own memory. */
  insert(from: Uint8Array, start: number, value: number, end: number): void {
    const length = end - start;
    const cost = length + ENTRY_OVERHEAD_BYTES;
    this.#evictTo(this.maxBytes - cost);
    // Larger than the table: it stays empty (RFC 7541 4.4).
    if (cost > this.maxBytes) return;
    if (this.#tail + length > this.bytes.length) this.#makeRoom(length);
    const at = this.#tail;
    const { bytes } = this;
    for (let i = 0; i < length; i++) bytes[at + i] = from[start + i]!;
    const slot = this.inserted & SLOT_MASK;
    this.#starts[slot] = at;
    this.#values[slot] = at + value - start;
    this.#ends[slot] = at + length;
    this.#tail = at + length;
    this.#size += cost;
    this.inserted++;
    this.count++;
  }

  #evictTo(limit: number): void {
    while (this.#size > limit && this.count > 0) {
      const oldest = this.inserted - this.count;
      this.#size -= this.end(oldest) - this.start(oldest) + ENTRY_OVERHEAD_BYTES;
      this.count--;
    }
  }

  /** Moves the entries to the front of an arena that has room for `length` more. */
  #makeRoom(length: number): void {
    if (this.#starts === NONE) {
      this.#starts = new Uint16Array(ENTRIES_MAX);
      this.#values = new Uint16Array(ENTRIES_MAX);
      this.#ends = new Uint16Array(ENTRIES_MAX);
    }
    const oldest = this.inserted - this.count;
    const from = this.count > 0 ? this.start(oldest) : this.#tail;
    const live = this.#tail - from;
    let capacity = Math.max(this.bytes.length, ARENA_MIN_BYTES);
    // Twice what lives there, so that moving is rare.
    while (capacity < (live + length) * 2) capacity *= 2;
    if (capacity === this.bytes.length) this.bytes.copyWithin(0, from, this.#tail);
    else {
      const bytes = new Uint8Array(capacity);
      bytes.set(this.bytes.subarray(from, this.#tail));
      this.bytes = bytes;
    }
    for (let entry = oldest; entry < this.inserted; entry++) {
      const slot = entry & SLOT_MASK;
      this.#starts[slot]! -= from;
      this.#values[slot]! -= from;
      this.#ends[slot]! -= from;
    }
    this.#tail = live;
  }
}

const EMPTY = new Uint8Array(0);
const NONE = new Uint16Array(0);
