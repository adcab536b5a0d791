import { headerBytes, rrClass } from '../../wire/dns/constants.ts';
import type { DnsRecord } from '../../wire/dns/message.ts';
import type { WireName } from '../../wire/dns/name.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import { bucketPairs, type ForeignBuffers, foreignHeaderWords, questionHash, questionTag } from './foreign-layout.ts';
import { NameKey } from './name-key.ts';
import { SharedArena, sizeClass } from './shared-arena.ts';

/** An answer of an upstream, for everybody who asks without DNSSEC bits. */
export interface ForeignAnswer {
  readonly name: WireName;
  readonly type: number;
  /** View that it is for; 0: none. */
  readonly view: number;
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  /** Seconds that it may be used, from `madeAt` (Unix seconds). */
  readonly ttlSeconds: number;
  readonly madeAt: number;
}

const buckets = 4096;
/** Larger answers are rare, and do not go over UDP anyway. */
const bodyMaxBytes = 1200;

/** Publishes forwarded answers to the UDP workers; see foreign-layout.ts. */
export class ForeignTable {
  readonly #slots: Int32Array = new Int32Array(new SharedArrayBuffer(buckets * bucketPairs * 8));
  readonly #arena: SharedArena;
  readonly #key: NameKey = new NameKey();
  readonly #scratch: Uint8Array = new Uint8Array(bodyMaxBytes + headerBytes + 260);

  /** `controlWords`: those of the answer table, with the workers' batch counters. */
  constructor(controlWords: Int32Array, workers: number) {
    this.#arena = new SharedArena(controlWords, workers);
  }

  /** What a reader needs. */
  get buffers(): ForeignBuffers {
    return { slots: this.#slots.buffer as SharedArrayBuffer, arena: this.#arena.buffer };
  }

  /** Memory in use. */
  get usedBytes(): number {
    return this.#arena.usedBytes;
  }

  /** Puts an answer in the place of an older one. One that is too large stays with the main thread. */
  publish(answer: ForeignAnswer): void {
    const { name, type } = answer;
    const writer = new MessageWriter(this.#scratch);
    writer.question({ name, type, class: rrClass.IN });
    const start = writer.length;
    const offsets: number[] = [];
    for (const section of ['answer', 'authority'] as const) {
      for (const record of section === 'answer' ? answer.answers : answer.authority) {
        const at = writer.length;
        if (!writer.record(section, record)) return;
        offsets.push(ttlOffset(this.#scratch, at) - start);
      }
    }
    this.#key.setBytes(name, 0, name.length);
    this.#key.fold();
    this.#write(answer, offsets, this.#scratch.subarray(start, writer.length));
  }

  #write(answer: ForeignAnswer, offsets: readonly number[], body: Uint8Array): void {
    const key = this.#key;
    const tag = questionTag(answer.type, answer.view);
    const hash = questionHash(key.hash, tag);
    const nameWords = (key.length + 3) >> 2;
    const offsetWords = (offsets.length + 1) >> 1;
    const bytes = (foreignHeaderWords + nameWords + offsetWords) * 4 + body.length;
    const entry = this.#arena.allocate(bytes);
    const words = this.#arena.words;
    words[entry] = key.length | (answer.rcode << 8) | (offsets.length << 16);
    words[entry + 1] = tag;
    words[entry + 2] = sizeClass(bytes);
    words[entry + 3] = answer.madeAt | 0;
    words[entry + 4] = answer.ttlSeconds | 0;
    words[entry + 5] = answer.answers.length | (answer.authority.length << 16);
    words[entry + 6] = body.length;
    words[entry + 7] = 0;
    let at = entry + foreignHeaderWords;
    for (let index = 0; index < nameWords; index++) words[at++] = key.words[index]!;
    for (let index = 0; index < offsets.length; index += 2)
      words[at++] = offsets[index]! | ((offsets[index + 1] ?? 0) << 16);
    this.#arena.bytes.set(body, at * 4);
    const slot = this.#slotFor(hash, tag);
    const old = this.#slots[slot + 1]!;
    // The hash belongs to the new entry a moment before it is there: a reader compares the name in any case.
    this.#slots[slot] = hash;
    Atomics.store(this.#slots, slot + 1, entry);
    if (old !== 0) this.#arena.retire(old);
    this.#arena.settle(false, (block) => this.#arena.words[block + 2]!);
  }

  /** Word index of the pair for a question: its own, a free one, or that of the oldest. */
  #slotFor(hash: number, tag: number): number {
    const words = this.#arena.words;
    const first = (hash & (buckets - 1)) * bucketPairs * 2;
    let oldest = first;
    let free = -1;
    for (let slot = first; slot < first + bucketPairs * 2; slot += 2) {
      const entry = this.#slots[slot + 1]!;
      if (entry === 0) free = slot;
      else if (this.#slots[slot] === hash && words[entry + 1] === tag && this.#hasName(entry)) return slot;
      else if (words[entry + 3]! < words[this.#slots[oldest + 1]! + 3]!) oldest = slot;
    }
    return free < 0 ? oldest : free;
  }

  #hasName(entry: number): boolean {
    const words = this.#arena.words;
    if ((words[entry]! & 0xff) !== this.#key.length) return false;
    const count = (this.#key.length + 3) >> 2;
    for (let index = 0; index < count; index++) {
      if (words[entry + foreignHeaderWords + index] !== this.#key.words[index]) return false;
    }
    return true;
  }
}

/** Offset of the TTL of the record at `at`. */
function ttlOffset(message: Uint8Array, at: number): number {
  let next = at;
  while (message[next] !== 0 && message[next]! < 0xc0) next += message[next]! + 1;
  return next + (message[next] === 0 ? 1 : 2) + 4;
}
