// Hot path: `add` runs several times per request.

/** Shape of the records of a {@link SlotTable}, in 32-bit words. */
export interface SlotLayout {
  /** Words per record, even. The first three are the table's own: uses, and a hash of the name. */
  readonly words: number;
  /** Words that count something at present: taken back when a thread that added to them dies. */
  readonly gauges: readonly number[];
}

/** Own words of every record. */
const USES = 0;
const HASH = 1;
/** First word that a layout may use. */
export const FIRST_WORD = 3;
/** Words before the first record. Word 0: {@link SlotTable.epoch}. */
const HEADER_WORDS = 16;
const CLAIMED = -1;
/** A thread that takes longer to claim a slot has died over it. */
const CLAIM_MS = 1000;
/** Slots looked at for a name before giving up. */
const PROBES = 64;

/** Memory for `slots` records and one spare, to be shared by all threads. */
export function createSlotMemory(layout: SlotLayout, slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer((HEADER_WORDS + (slots + 1) * layout.words) * 4);
}

/**
 * Records found by name, one truth for all threads, in a lock-free table: no thread hands out
 * numbers. The last record is a spare that all names share for which there is no room.
 *
 * A thread that may die counts what it adds in a ledger (memory of the same size) that outlives it.
 */
export class SlotTable {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly layout: SlotLayout;
  readonly #ledger: Int32Array | undefined;
  readonly #slots: number;

  constructor(layout: SlotLayout, memory: SharedArrayBuffer, ledger?: SharedArrayBuffer) {
    this.layout = layout;
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.#ledger = ledger === undefined ? undefined : new Int32Array(ledger);
    this.#slots = Math.floor((this.words.length - HEADER_WORDS) / layout.words) - 1;
  }

  /** The slot for names without room of their own; never claimed, never judged. */
  get spare(): number {
    return this.#slots;
  }

  /** Changes whenever somebody calls {@link touch}: cheap to watch. */
  get epoch(): number {
    return this.words[0]!;
  }

  /** Tells all threads that something changed which they should look at again. */
  touch(): void {
    Atomics.add(this.words, 0, 1);
  }

  /** Index of word `word` of a slot. */
  at(slot: number, word: number): number {
    return HEADER_WORDS + slot * this.layout.words + word;
  }

  /** Index, in {@link doubles}, of the double at the even word `word`. */
  doubleAt(slot: number, word: number): number {
    return this.at(slot, word) >> 1;
  }

  get(slot: number, word: number): number {
    return this.words[this.at(slot, word)]!;
  }

  /** Adds to a gauge, here and in the ledger; returns the sum. */
  add(slot: number, word: number, amount: number): number {
    const at = this.at(slot, word);
    if (this.#ledger !== undefined) this.#ledger[at] = this.#ledger[at]! + amount;
    return Atomics.add(this.words, at, amount) + amount;
  }

  /** The slot of a name until {@link release}; {@link spare} when the table is full around it. */
  acquire(name: string): number {
    const [low, high] = hashPair(name);
    const existing = this.#join(low, high, PROBES);
    if (existing >= 0) return this.#noteUse(existing, 1);
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = this.#probe(low, probe);
      if (!this.#claim(slot, low, high)) {
        // Threads learn of a name at the same time: another one may have been first right here.
        if (this.#joinAt(slot, low, high)) return this.#noteUse(slot, 1);
        continue;
      }
      // Or in front of here, in a slot that was still another's when this thread came by.
      const earlier = this.#join(low, high, probe);
      if (earlier < 0) return this.#noteUse(slot, 1);
      Atomics.sub(this.words, this.at(slot, USES), 1);
      return this.#noteUse(earlier, 1);
    }
    return this.spare;
  }

  /** Takes a free slot for a name; false if it is not free. */
  #claim(slot: number, low: number, high: number): boolean {
    const { words } = this;
    const at = this.at(slot, USES);
    if (Atomics.compareExchange(words, at, 0, CLAIMED) !== 0) return false;
    words[at + HASH] = low;
    words[at + HASH + 1] = high;
    words.fill(0, at + FIRST_WORD, at + this.layout.words);
    Atomics.store(words, at, 1);
    Atomics.notify(words, at);
    return true;
  }

  /** Uses a name's slot among the first `probes` of its path; -1 without one. */
  #join(low: number, high: number, probes: number): number {
    for (let probe = 0; probe < probes; probe++) {
      const slot = this.#probe(low, probe);
      if (this.#joinAt(slot, low, high)) return slot;
    }
    return -1;
  }

  /** Uses a slot once more if it is this name's. One that is being claimed may become so: that takes a moment. */
  #joinAt(slot: number, low: number, high: number): boolean {
    const { words } = this;
    const at = this.at(slot, USES);
    if (Atomics.load(words, at) === CLAIMED) Atomics.wait(words, at, CLAIMED, CLAIM_MS);
    for (;;) {
      const uses = Atomics.load(words, at);
      if (uses <= 0 || words[at + HASH] !== low || words[at + HASH + 1] !== high) return false;
      if (Atomics.compareExchange(words, at, uses, uses + 1) === uses) return true;
    }
  }

  /** The slot of a name that somebody holds, without holding it; -1 if nobody does. */
  find(name: string): number {
    const [low, high] = hashPair(name);
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = this.#probe(low, probe);
      const at = this.at(slot, USES);
      if (Atomics.load(this.words, at) > 0 && this.words[at + HASH] === low && this.words[at + HASH + 1] === high)
        return slot;
    }
    return -1;
  }

  release(slot: number): void {
    if (slot === this.spare) return;
    this.#noteUse(slot, -1);
    Atomics.sub(this.words, this.at(slot, USES), 1);
  }

  #noteUse(slot: number, amount: number): number {
    if (this.#ledger !== undefined) {
      const at = this.at(slot, USES);
      this.#ledger[at] = this.#ledger[at]! + amount;
    }
    return slot;
  }

  #probe(low: number, probe: number): number {
    return ((low >>> 0) + probe) % this.#slots;
  }
}

/** Takes back what a dead thread had added, and forgets it. Uses go last: they keep the records in place. */
export function settleLedger(layout: SlotLayout, memory: SharedArrayBuffer, ledger: SharedArrayBuffer): void {
  const words = new Int32Array(memory);
  const added = new Int32Array(ledger);
  for (const word of [...layout.gauges, USES]) {
    for (let at = HEADER_WORDS + word; at < words.length; at += layout.words) {
      if (added[at] !== 0) Atomics.sub(words, at, added[at]!);
      added[at] = 0;
    }
  }
}

/** Two independent 32-bit FNV-1a hashes: names that agree in both share a record, which is no harm. */
function hashPair(name: string): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x01234567;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ (code * 31 + i), 0x01000193);
  }
  return [low | 0, high | 0];
}
