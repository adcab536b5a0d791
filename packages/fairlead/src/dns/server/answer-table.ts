import { rrType } from '../../wire/dns/constants.ts';
import type { EntryBlock } from './entry-block.ts';
import type { NameKey } from './name-key.ts';
import type { PrebuiltSet } from './prebuild.ts';
import { SharedArena, sizeClass } from './shared-arena.ts';
import { SlotTable } from './slot-table.ts';
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

/** Names and their answers in shared memory; see table-layout.ts. Each name changes as a whole, at once. */
export class AnswerTable {
  readonly #control: Int32Array;
  readonly #onReplaced: (buffers: TableBuffers) => void;
  readonly #arena: SharedArena;
  readonly #slots: SlotTable = new SlotTable();
  /** What the readers know. */
  #publishedSlots: Int32Array = this.#slots.slots;

  /** `onReplaced` hands grown slots to the workers; it runs before the generation is raised. */
  constructor(workers: number, onReplaced: (buffers: TableBuffers) => void = () => {}) {
    this.#onReplaced = onReplaced;
    const words = control.batchCounters + Math.max(1, workers) * counterStrideWords;
    this.#control = new Int32Array(new SharedArrayBuffer(words * 4));
    this.#arena = new SharedArena(this.#control, workers);
  }

  /** What a reader needs. */
  get buffers(): TableBuffers {
    return {
      control: this.#control.buffer as SharedArrayBuffer,
      slots: this.#slots.slots.buffer as SharedArrayBuffer,
      arena: this.#arena.buffer,
    };
  }

  /** The control words, for the owner of the workers. */
  get control(): Int32Array {
    return this.#control;
  }

  get stats(): AnswerTableStats {
    return { names: this.#slots.names, arenaBytes: this.#arena.byteLength, usedBytes: this.#arena.usedBytes };
  }

  /** Makes names of a zone (0: the cluster's) answerable; `serial` is the SOA serial from now on. */
  markSynced(serial: number, zone = 0): void {
    this.setSerial(serial);
    Atomics.or(this.#control, control.synced, 1 << zone);
  }

  /** Whether names that are not there may be matched by a wildcard of the zone. */
  markWildcards(zone: number, isUsed: boolean): void {
    if (isUsed) Atomics.or(this.#control, control.wildcards, 1 << zone);
    else Atomics.and(this.#control, control.wildcards, ~(1 << zone));
  }

  setSerial(serial: number): void {
    Atomics.store(this.#control, control.serial, serial | 0);
  }

  /** Entry of a name; 0: not there. */
  find(name: NameKey): number {
    return this.#slots.find(name.hash, (entry) => this.#hasName(entry, name));
  }

  /** Identity of an entry's name, as given to {@link put}. */
  identity(entry: number): number {
    return this.#arena.words[entry + 1]!;
  }

  /** Reads the name of an entry. */
  readName(entry: number, into: NameKey): void {
    const words = this.#arena.words;
    const length = words[entry]! & 0xff;
    into.setBytes(this.#arena.bytes, (entry + entryHeaderWords + (words[entry]! >>> 16) * setWords) * 4, length);
  }

  /** Sets of an entry as views into the table: valid until the name changes. */
  *sets(entry: number): Generator<PrebuiltSet> {
    const { words, bytes } = this.#arena;
    for (let at = entry + entryHeaderWords, left = words[entry]! >>> 16; left > 0; left--, at += setWords) {
      const from = words[at + 1]!;
      const answerBytes = words[at + 3]! & 0xffff;
      yield {
        type: words[at]! & 0xffff,
        flags: words[at]! >>> 16,
        answers: words[at + 2]! & 0xffff,
        answer: bytes.subarray(from, from + answerBytes),
        additionals: words[at + 2]! >>> 16,
        additional: bytes.subarray(from + answerBytes, from + answerBytes + (words[at + 3]! >>> 16)),
      };
    }
  }

  /** Adds a name or replaces its sets; returns its entry. End a group of changes with {@link settle}. */
  put(name: NameKey, identity: number, sets: readonly PrebuiltSet[]): number {
    const entry = this.#writeEntry(name, identity, sets);
    const old = this.#slots.set(name.hash, entry, (other) => this.#hasName(other, name));
    if (old > 0) this.#arena.retire(old);
    return entry;
  }

  /** {@link put} with the sets of a block's entry. */
  putWritten(name: NameKey, identity: number, block: EntryBlock, written: number): number {
    const entry = this.#copyEntry(identity, block, written);
    const old = this.#slots.set(name.hash, entry, (other) => this.#hasName(other, name));
    if (old > 0) this.#arena.retire(old);
    return entry;
  }

  /** {@link hasSets} with the sets of a block's entry, of the same name. */
  hasWritten(entry: number, block: EntryBlock, written: number): boolean {
    const { words, bytes } = this.#arena;
    const start = block.start(written);
    const sets = block.words[start]! >>> 16;
    if (words[entry]! >>> 16 !== sets) return false;
    for (let at = entryHeaderWords; at < entryHeaderWords + sets * setWords; at++) {
      const isOffset = (at - entryHeaderWords) % setWords === 1;
      if (words[entry + at]! - (isOffset ? entry * 4 : 0) !== block.words[start + at]) return false;
    }
    const size = block.size(written);
    for (let at = (entryHeaderWords + sets * setWords) * 4; at < size; at++) {
      if (bytes[entry * 4 + at] !== block.bytes[start * 4 + at]) return false;
    }
    return true;
  }

  /** Whether an entry has exactly these sets. */
  hasSets(entry: number, sets: readonly PrebuiltSet[]): boolean {
    const { words, bytes } = this.#arena;
    if (words[entry]! >>> 16 !== sets.length) return false;
    let at = entry + entryHeaderWords;
    for (const set of sets) {
      const from = words[at + 1]!;
      if (
        words[at] !== (set.type | (set.flags << 16)) ||
        words[at + 2] !== (set.answers | (set.additionals << 16)) ||
        words[at + 3] !== (set.answer.length | (set.additional.length << 16)) ||
        !isSameBytes(bytes, from, set.answer) ||
        !isSameBytes(bytes, from + set.answer.length, set.additional)
      ) {
        return false;
      }
      at += setWords;
    }
    return true;
  }

  /** Removes a name. */
  remove(name: NameKey): void {
    const entry = this.#slots.remove(name.hash, (other) => this.#hasName(other, name));
    if (entry > 0) this.#arena.retire(entry);
  }

  /** Ends a group of changes: tells the workers of new slots, and reuses what nobody reads any more. */
  settle(): void {
    const isMoved = this.#publishedSlots !== this.#slots.slots;
    if (isMoved) {
      this.#publishedSlots = this.#slots.slots;
      this.#onReplaced(this.buffers);
      Atomics.add(this.#control, control.generation, 1);
    }
    this.#arena.settle(isMoved, (entry) => this.#arena.words[entry + 2]!);
  }

  /** Copies an entry of a block, and sets what depends on its place. */
  #copyEntry(identity: number, block: EntryBlock, written: number): number {
    const start = block.start(written);
    const size = block.size(written);
    const entry = this.#arena.allocate(size);
    const { words } = this.#arena;
    const count = (size + 3) >> 2;
    if (count > 64) words.set(block.words.subarray(start, start + count), entry);
    else for (let index = 0; index < count; index++) words[entry + index] = block.words[start + index]!;
    const head = words[entry]!;
    const sets = head >>> 16;
    words[entry + 1] = identity;
    words[entry + 2] = sizeClass(size);
    for (let set = 0; set < sets; set++) words[entry + entryHeaderWords + set * setWords + 1]! += entry * 4;
    return entry;
  }

  #writeEntry(name: NameKey, identity: number, sets: readonly PrebuiltSet[]): number {
    const nameWords = (name.length + 3) >> 2;
    const blobStart = (entryHeaderWords + sets.length * setWords + nameWords) * 4;
    let size = blobStart;
    let flags = 0;
    for (const set of sets) {
      size += set.answer.length + set.additional.length;
      if (set.type === rrType.CNAME) flags |= entryHasAlias;
    }
    const entry = this.#arena.allocate(size);
    const { words, bytes } = this.#arena;
    words[entry] = name.length | (flags << 8) | (sets.length << 16);
    words[entry + 1] = identity;
    words[entry + 2] = sizeClass(size);
    let at = entry + entryHeaderWords;
    let blob = entry * 4 + blobStart;
    for (const set of sets) {
      words[at] = set.type | (set.flags << 16);
      words[at + 1] = blob;
      words[at + 2] = set.answers | (set.additionals << 16);
      words[at + 3] = set.answer.length | (set.additional.length << 16);
      putBytes(bytes, blob, set.answer);
      putBytes(bytes, blob + set.answer.length, set.additional);
      blob += set.answer.length + set.additional.length;
      at += setWords;
    }
    for (let index = 0; index < nameWords; index++) words[at + index] = name.words[index]!;
    return entry;
  }

  #hasName(entry: number, name: NameKey): boolean {
    const words = this.#arena.words;
    if ((words[entry]! & 0xff) !== name.length) return false;
    const at = entry + entryHeaderWords + (words[entry]! >>> 16) * setWords;
    const count = (name.length + 3) >> 2;
    for (let index = 0; index < count; index++) if (words[at + index] !== name.words[index]) return false;
    return true;
  }
}

function putBytes(target: Uint8Array, at: number, source: Uint8Array): void {
  if (source.length > 128) target.set(source, at);
  else for (let index = 0; index < source.length; index++) target[at + index] = source[index]!;
}

function isSameBytes(bytes: Uint8Array, from: number, expected: Uint8Array): boolean {
  for (let index = 0; index < expected.length; index++) if (bytes[from + index] !== expected[index]) return false;
  return true;
}
