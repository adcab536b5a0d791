// Hot path: finds forwarded answers that the main thread has published. No allocation, no strings.

import type { ParsedQuery } from '../../wire/dns/query.ts';
import {
  bucketPairs,
  type ForeignBuffers,
  foreignHeaderWords,
  questionHash,
  refreshAsked,
  refreshMinHits,
} from './foreign-layout.ts';

/** Reads the table of forwarded answers. One per thread. */
export class ForeignAnswers {
  /** Facts of the entry that {@link find} returned. */
  rcode = 0;
  answers = 0;
  authority = 0;
  bodyBytes = 0;
  /** Whether the main thread should fetch it anew: it is in its last tenth, and popular. */
  wantsRefresh = false;
  #age = 0;
  readonly #slots: Int32Array;
  readonly #arena: SharedArrayBuffer;
  readonly #mask: number;
  #words: Int32Array;
  #bytes: Uint8Array;

  constructor(buffers: ForeignBuffers) {
    this.#slots = new Int32Array(buffers.slots);
    this.#mask = this.#slots.length / (bucketPairs * 2) - 1;
    this.#arena = buffers.arena;
    this.#words = new Int32Array(buffers.arena, 0, buffers.arena.byteLength >> 2);
    this.#bytes = new Uint8Array(buffers.arena, 0, buffers.arena.byteLength);
  }

  /** Entry of a question (`tag`: see {@link questionTag}) that may be used at `nowSeconds` (Unix); 0: none. */
  find(query: ParsedQuery, tag: number, nowSeconds: number): number {
    this.wantsRefresh = false;
    const hash = questionHash(query.hash, tag);
    const first = (hash & this.#mask) * bucketPairs * 2;
    for (let slot = first; slot < first + bucketPairs * 2; slot += 2) {
      const entry = this.#slots[slot + 1]!;
      if (entry === 0 || this.#slots[slot] !== hash) continue;
      if (entry >= this.#words.length) this.#view();
      const words = this.#words;
      if ((words[entry]! & 0xff) !== query.nameBytes || words[entry + 1] !== tag) continue;
      if (!this.#hasName(entry, query)) continue;
      const ttl = words[entry + 4]!;
      const age = nowSeconds - words[entry + 3]!;
      if (age < 0 || age >= ttl) return 0;
      this.#age = age;
      this.rcode = (words[entry]! >>> 8) & 0xff;
      this.answers = words[entry + 5]! & 0xffff;
      this.authority = words[entry + 5]! >>> 16;
      this.bodyBytes = words[entry + 6]!;
      const hits = words[entry + 7]!;
      if ((hits & refreshAsked) === 0) {
        words[entry + 7] = hits + 1;
        if ((ttl - age) * 10 <= ttl && hits >= refreshMinHits) {
          words[entry + 7] = hits | refreshAsked;
          this.wantsRefresh = true;
        }
      }
      return entry;
    }
    return 0;
  }

  /** Copies the body of an entry to `output` at `to`, with TTLs counted down. */
  copy(entry: number, output: Uint8Array, to: number): void {
    const words = this.#words;
    const nameWords = ((words[entry]! & 0xff) + 3) >> 2;
    const offsets = words[entry]! >>> 16;
    const firstOffset = entry + foreignHeaderWords + nameWords;
    const from = (firstOffset + ((offsets + 1) >> 1)) * 4;
    const bytes = this.#bytes;
    const count = this.bodyBytes;
    for (let at = 0; at < count; at++) output[to + at] = bytes[from + at]!;
    const age = this.#age;
    for (let index = 0; index < offsets; index++) {
      const word = words[firstOffset + (index >> 1)]!;
      const at = to + ((index & 1) === 0 ? word & 0xffff : word >>> 16);
      const ttl = ((output[at]! << 24) | (output[at + 1]! << 16) | (output[at + 2]! << 8) | output[at + 3]!) - age;
      const left = ttl < 0 ? 0 : ttl;
      output[at] = left >>> 24;
      output[at + 1] = (left >>> 16) & 255;
      output[at + 2] = (left >>> 8) & 255;
      output[at + 3] = left & 255;
    }
  }

  #hasName(entry: number, query: ParsedQuery): boolean {
    const words = this.#words;
    const count = (query.nameBytes + 3) >> 2;
    const at = entry + foreignHeaderWords;
    for (let index = 0; index < count; index++) if (words[at + index] !== query.nameWords[index]) return false;
    return true;
  }

  #view(): void {
    const { byteLength } = this.#arena;
    this.#words = new Int32Array(this.#arena, 0, byteLength >> 2);
    this.#bytes = new Uint8Array(this.#arena, 0, byteLength);
  }
}
