// Hot path of loading: names and their answers are written here, and copied into the table as they are.

import { headerBytes, rrClass } from '../../wire/dns/constants.ts';
import { hashName } from '../../wire/dns/query.ts';
import type { PrebuiltSet } from './prebuild.ts';
import { entryHeaderWords, setWords } from './table-layout.ts';

/** Room that an entry may take: a name, and an answer of each type that an entry of a Service has. */
const entryMaxBytes = 4 * 65536;
/** Slots of the index of names per entry, at least. */
const slotsPerEntry = 2;

/**
 * Names with their answers, one behind the other in the layout of the table's entries (table-layout.ts). Offsets count
 * from the start of the entry, identity and size are not set. One is filled anew for each object.
 *
 * A writer begins an entry with its name and the number of its sets, then puts the bytes of each set at `at`.
 */
export class EntryBlock {
  bytes: Uint8Array = new Uint8Array(2 * entryMaxBytes);
  words: Int32Array = new Int32Array(this.bytes.buffer);
  /** Where the next byte goes. */
  at = 0;
  count = 0;
  /** Whether two entries have one name: then the block must be taken apart and merged. */
  hasRepeats = false;
  /** By entry: its first word, and the bytes up to its end. */
  #starts: Int32Array = new Int32Array(64);
  #sizes: Int32Array = new Int32Array(64);
  #hashes: Int32Array = new Int32Array(64);
  /** Open addressing over the hashes: number of an entry and 1, or 0. */
  #index: Int32Array = new Int32Array(128);
  #entryAt = 0;
  #nextSet = 0;
  /** Offset of a set's first byte in a message, less its place here. */
  #messageShift = 0;
  #setAt = 0;

  clear(): void {
    this.at = 0;
    this.count = 0;
    this.hasRepeats = false;
    this.#index.fill(0);
  }

  start(entry: number): number {
    return this.#starts[entry]!;
  }

  size(entry: number): number {
    return this.#sizes[entry]!;
  }

  hash(entry: number): number {
    return this.#hashes[entry]!;
  }

  /** Bytes of an entry's name. */
  nameBytes(entry: number): number {
    return this.words[this.#starts[entry]!]! & 0xff;
  }

  /** First word of an entry's name. */
  nameStart(entry: number): number {
    const start = this.#starts[entry]!;
    return start + entryHeaderWords + (this.words[start]! >>> 16) * setWords;
  }

  /** Begins an entry; the name is in lower case, in wire form. */
  begin(name: Uint8Array, nameAt: number, nameLength: number, sets: number): void {
    this.#reserve();
    const start = (this.at + 3) >> 2;
    const nameStart = start + entryHeaderWords + sets * setWords;
    const nameWords = (nameLength + 3) >> 2;
    this.words[start] = nameLength | (sets << 16);
    this.words[nameStart + nameWords - 1] = 0;
    const { bytes } = this;
    for (let index = 0, to = nameStart * 4; index < nameLength; index++) bytes[to++] = name[nameAt + index]!;
    this.#entryAt = start;
    this.#nextSet = start + entryHeaderWords;
    this.at = (nameStart + nameWords) * 4;
    this.#note(start, nameStart, nameLength);
  }

  /** Begins a set of the entry. */
  beginSet(type: number, flags: number): void {
    this.words[this.#nextSet] = type | (flags << 16);
    this.words[this.#nextSet + 1] = this.at - this.#entryAt * 4;
    this.#setAt = this.at;
    const nameLength = this.words[this.#entryAt]! & 0xff;
    this.#messageShift = headerBytes + nameLength + 4 - this.at;
  }

  /** Offset that the next byte of the set has in a message. */
  get messageAt(): number {
    return this.at + this.#messageShift;
  }

  /** Ends the answers of a set; further flags may have come up. */
  endAnswers(answers: number, flags = 0): void {
    this.words[this.#nextSet]! |= flags << 16;
    this.words[this.#nextSet + 2] = answers;
    this.words[this.#nextSet + 3] = this.at - this.#setAt;
    this.#setAt = this.at;
  }

  /** Ends a set. */
  endSet(additionals = 0): void {
    this.words[this.#nextSet + 2]! |= additionals << 16;
    this.words[this.#nextSet + 3]! |= (this.at - this.#setAt) << 16;
    this.#nextSet += setWords;
  }

  /** Ends an entry. */
  end(): void {
    this.#sizes[this.count - 1] = this.at - this.#entryAt * 4;
  }

  /** Type, class, TTL and data length, behind the owner's name. */
  putHead(type: number, ttl: number, dataBytes: number): void {
    this.put16(type);
    this.put16(rrClass.IN);
    this.put16(ttl >>> 16);
    this.put16(ttl & 0xffff);
    this.put16(dataBytes);
  }

  /** A compression pointer to an offset in the message. */
  putPointer(messageAt: number): void {
    this.put16(0xc000 | messageAt);
  }

  put16(value: number): void {
    this.bytes[this.at++] = value >> 8;
    this.bytes[this.at++] = value & 255;
  }

  putBytes(source: Uint8Array, from: number, length: number): void {
    const { bytes } = this;
    let { at } = this;
    for (let index = 0; index < length; index++) bytes[at++] = source[from + index]!;
    this.at = at;
  }

  /** Sets of an entry as views: valid until the block is filled anew. */
  *sets(entry: number): Generator<PrebuiltSet> {
    const { words, bytes } = this;
    const start = this.#starts[entry]!;
    for (let at = start + entryHeaderWords, left = words[start]! >>> 16; left > 0; left--, at += setWords) {
      const from = start * 4 + words[at + 1]!;
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

  /** A copy of an entry's name. */
  name(entry: number): Uint8Array {
    const at = this.nameStart(entry) * 4;
    return this.bytes.slice(at, at + this.nameBytes(entry));
  }

  /** Keeps where the entry is, and whether its name was there before. */
  #note(start: number, nameStart: number, nameLength: number): void {
    const entry = this.count++;
    if (entry === this.#starts.length) this.#growIndex();
    this.#starts[entry] = start;
    const hash = hashName(this.words, nameLength, nameStart);
    this.#hashes[entry] = hash;
    if (this.#insert(entry, hash)) this.hasRepeats = true;
  }

  /** Whether an entry of the same name was there before. */
  #insert(entry: number, hash: number): boolean {
    const index = this.#index;
    const mask = index.length - 1;
    let isKnown = false;
    let slot = hash & mask;
    for (; index[slot] !== 0; slot = (slot + 1) & mask) {
      const other = index[slot]! - 1;
      if (this.#hashes[other] === hash && this.#hasSameName(other, entry)) isKnown = true;
    }
    index[slot] = entry + 1;
    return isKnown;
  }

  #hasSameName(a: number, b: number): boolean {
    const length = this.nameBytes(a);
    if (length !== this.nameBytes(b)) return false;
    const [atA, atB] = [this.nameStart(a), this.nameStart(b)];
    for (let word = (length + 3) >> 2; word-- > 0; )
      if (this.words[atA + word] !== this.words[atB + word]) return false;
    return true;
  }

  #growIndex(): void {
    const entries = this.#starts.length * 2;
    this.#starts = grown(this.#starts, entries);
    this.#sizes = grown(this.#sizes, entries);
    this.#hashes = grown(this.#hashes, entries);
    this.#index = new Int32Array(entries * slotsPerEntry);
    for (let entry = 0; entry < this.count - 1; entry++) this.#insert(entry, this.#hashes[entry]!);
  }

  /** Makes room for an entry, so that its parts need not look. */
  #reserve(): void {
    if (this.at + entryMaxBytes <= this.bytes.length) return;
    const bytes = new Uint8Array(this.bytes.length * 2);
    bytes.set(this.bytes.subarray(0, this.at));
    this.bytes = bytes;
    this.words = new Int32Array(bytes.buffer);
  }
}

function grown(column: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(length);
  copy.set(column);
  return copy;
}
