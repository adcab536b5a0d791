import { rrType } from '../../wire/dns/constants.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import { hashName } from '../../wire/dns/query.ts';
import type { DnsProgramDiff, NameRecords, OwnerName, ZoneFacts } from '../program.ts';
import { type PrebuiltSet, prebuildSets } from './prebuild.ts';
import { SharedArena } from './shared-arena.ts';
import {
  control,
  counterStrideWords,
  entryHasAlias,
  entryHeaderWords,
  setWords,
  type TableBuffers,
} from './table-layout.ts';

/** Size and occupancy of a table, for metrics. */
export interface AnswerTableStats {
  readonly names: number;
  readonly arenaBytes: number;
  readonly usedBytes: number;
}

/** Writes program differences into shared memory; see table-layout.ts. */
export class AnswerTable {
  readonly #zone: ZoneFacts;
  readonly #control: Int32Array;
  readonly #onReplaced: (buffers: TableBuffers) => void;
  readonly #arena: SharedArena;
  #slots: Int32Array;
  /** Slots that are not free: names and deleted ones. */
  #usedSlots = 0;
  #names = 0;

  /** `onReplaced` hands grown buffers to the workers; it runs before the generation is raised. */
  constructor(zone: ZoneFacts, workers: number, onReplaced: (buffers: TableBuffers) => void = () => {}) {
    this.#zone = zone;
    this.#onReplaced = onReplaced;
    const words = control.batchCounters + Math.max(1, workers) * counterStrideWords;
    this.#control = new Int32Array(new SharedArrayBuffer(words * 4));
    this.#arena = new SharedArena(this.#control, workers);
    this.#slots = new Int32Array(new SharedArrayBuffer(1024 * 8));
  }

  /** What a reader needs. */
  get buffers(): TableBuffers {
    return {
      control: this.#control.buffer as SharedArrayBuffer,
      slots: this.#slots.buffer as SharedArrayBuffer,
      arena: this.#arena.buffer,
    };
  }

  /** The control words, for the owner of the workers. */
  get control(): Int32Array {
    return this.#control;
  }

  get stats(): AnswerTableStats {
    return { names: this.#names, arenaBytes: this.#arena.buffer.byteLength, usedBytes: this.#arena.usedBytes };
  }

  /** Installs a difference. Readers see each name change as a whole, at once. */
  apply(diff: DnsProgramDiff): void {
    const before = this.buffers;
    for (const [owner, records] of diff) this.#setName(owner, records);
    const after = this.buffers;
    if (before.slots !== after.slots) {
      this.#onReplaced(after);
      Atomics.add(this.#control, control.generation, 1);
      // A batch that began before this point may still follow the old slots to a retired entry.
      this.#arena.renewRetired();
    }
    this.#arena.reclaim();
  }

  /** Makes names of the zone answerable; `serial` is the SOA serial from now on. */
  markSynced(serial: number): void {
    this.setSerial(serial);
    Atomics.store(this.#control, control.synced, 1);
  }

  setSerial(serial: number): void {
    Atomics.store(this.#control, control.serial, serial | 0);
  }

  #setName(owner: OwnerName, records: NameRecords | undefined): void {
    const name = nameFromText(owner);
    if (name === undefined) return;
    const words = new Int32Array((name.length + 3) >> 2);
    new Uint8Array(words.buffer).set(name);
    const hash = hashName(words, name.length);
    const slot = this.#findSlot(words, name.length, hash);
    const old = this.#slots[slot * 2 + 1]!;
    if (records === undefined) {
      if (old <= 0) return;
      Atomics.store(this.#slots, slot * 2 + 1, -1);
      this.#arena.retire(old);
      this.#names--;
      return;
    }
    const entry = this.#writeEntry(words, name.length, prebuildSets(name, records, this.#zone));
    if (old > 0) {
      Atomics.store(this.#slots, slot * 2 + 1, entry);
      this.#arena.retire(old);
      return;
    }
    this.#slots[slot * 2] = hash;
    Atomics.store(this.#slots, slot * 2 + 1, entry);
    this.#names++;
    this.#usedSlots++;
    // At most half full, so that a miss, the common case of search lists, ends after a step or two.
    if (this.#usedSlots * 4 > this.#slots.length) this.#rebuildSlots();
  }

  #writeEntry(name: Int32Array, nameBytes: number, sets: readonly PrebuiltSet[]): number {
    const blobStart = (entryHeaderWords + sets.length * setWords + name.length) * 4;
    const bytes = sets.reduce((sum, set) => sum + set.answer.length + set.additional.length, blobStart);
    const arena = this.#arena.buffer;
    const entry = this.#arena.allocate(bytes);
    // A grown arena comes with its own slots: the old pair stays as it was for those who still read it.
    if (this.#arena.buffer !== arena) this.#slots = copySlots(this.#slots);
    const words = this.#arena.words;
    const isAlias = sets.some((set) => set.type === rrType.CNAME);
    words[entry] = nameBytes;
    words[entry + 1] = sets.length | ((isAlias ? entryHasAlias : 0) << 16);
    let at = entry + entryHeaderWords;
    let blob = entry * 4 + blobStart;
    for (const set of sets) {
      words[at] = set.type | (set.flags << 16);
      words[at + 1] = blob;
      words[at + 2] = set.answers;
      words[at + 3] = set.answer.length;
      words[at + 4] = set.additionals;
      words[at + 5] = set.additional.length;
      this.#arena.bytes.set(set.answer, blob);
      this.#arena.bytes.set(set.additional, blob + set.answer.length);
      blob += set.answer.length + set.additional.length;
      at += setWords;
    }
    words.set(name, at);
    return entry;
  }

  /** The slot of a name, or the free slot where it belongs. Deleted slots are not reused: readers may be on them. */
  #findSlot(name: Int32Array, nameBytes: number, hash: number): number {
    const mask = this.#slots.length / 2 - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot * 2 + 1]!;
      if (entry === 0) return slot;
      if (entry > 0 && this.#slots[slot * 2] === hash && this.#hasName(entry, name, nameBytes)) return slot;
    }
  }

  #hasName(entry: number, name: Int32Array, nameBytes: number): boolean {
    const words = this.#arena.words;
    if (words[entry] !== nameBytes) return false;
    const at = entry + entryHeaderWords + (words[entry + 1]! & 0xffff) * setWords;
    return name.every((word, index) => words[at + index] === word);
  }

  #rebuildSlots(): void {
    let capacity = 1024;
    while (capacity < this.#names * 4) capacity *= 2;
    const slots = new Int32Array(new SharedArrayBuffer(capacity * 8));
    for (let at = 0; at < this.#slots.length; at += 2) {
      const entry = this.#slots[at + 1]!;
      if (entry <= 0) continue;
      let slot = this.#slots[at]! & (capacity - 1);
      while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & (capacity - 1);
      slots[slot * 2] = this.#slots[at]!;
      slots[slot * 2 + 1] = entry;
    }
    this.#slots = slots;
    this.#usedSlots = this.#names;
  }
}

function copySlots(slots: Int32Array): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(slots.byteLength));
  copy.set(slots);
  return copy;
}
