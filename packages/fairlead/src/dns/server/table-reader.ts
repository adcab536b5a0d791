// Hot path: finds a name in the answer table. No allocation, no strings.

import { hashName, type ParsedQuery } from '../../wire/dns/query.ts';
import { entryHeaderWords, setWords, type TableBuffers } from './table-layout.ts';

/** One thread's view of an answer table. */
export class TableReader {
  /** The arena as words and as bytes: views of fixed length, because those that follow its growth are slower. */
  words: Int32Array;
  bytes: Uint8Array;
  #slots: Int32Array;
  #mask: number;
  #arena: SharedArrayBuffer;
  /** The wildcard looked for last, zero padded. */
  readonly #wildcard: Uint8Array = new Uint8Array(260);
  readonly #wildcardWords: Int32Array = new Int32Array(this.#wildcard.buffer);

  constructor(buffers: TableBuffers) {
    this.#slots = new Int32Array(buffers.slots);
    this.#mask = this.#slots.length / 2 - 1;
    this.#arena = buffers.arena;
    this.words = new Int32Array(buffers.arena, 0, buffers.arena.byteLength >> 2);
    this.bytes = new Uint8Array(buffers.arena, 0, buffers.arena.byteLength);
  }

  /** Takes over grown buffers. */
  replace(buffers: TableBuffers): void {
    this.#slots = new Int32Array(buffers.slots);
    this.#mask = this.#slots.length / 2 - 1;
    this.#arena = buffers.arena;
    this.#view();
  }

  #view(): void {
    const { byteLength } = this.#arena;
    this.words = new Int32Array(this.#arena, 0, byteLength >> 2);
    this.bytes = new Uint8Array(this.#arena, 0, byteLength);
  }

  /** Word index of a name's entry; 0: none. The name is zero padded to a word. */
  find(hash: number, nameBytes: number, nameWords: Int32Array): number {
    const slots = this.#slots;
    let words = this.words;
    const count = (nameBytes + 3) >> 2;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = slots[slot * 2 + 1]!;
      if (entry === 0) return 0;
      if (entry < 0 || slots[slot * 2] !== hash) continue;
      if (entry >= words.length) {
        this.#view();
        words = this.words;
      }
      const head = words[entry]!;
      if ((head & 0xff) !== nameBytes) continue;
      let at = entry + entryHeaderWords + (head >>> 16) * setWords;
      let index = 0;
      while (index < count && words[at++] === nameWords[index]) index++;
      if (index === count) return entry;
    }
  }

  /** Entry of a query's name with `*` in the place of its first label, which it stands for alone; 0: none. */
  findWildcard({ name, nameBytes }: ParsedQuery): number {
    const skip = name[0]! + 1;
    if (skip >= nameBytes) return 0;
    const wildcard = this.#wildcard;
    wildcard[0] = 1;
    wildcard[1] = 0x2a;
    let length = 2;
    for (let at = skip; at < nameBytes; at++) wildcard[length++] = name[at]!;
    for (let at = length; at < length + 3; at++) wildcard[at] = 0;
    return this.find(hashName(this.#wildcardWords, length), length, this.#wildcardWords);
  }
}
