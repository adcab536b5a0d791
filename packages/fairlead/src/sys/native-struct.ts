// Hot path: fields of C structures, little-endian, as every platform of ours is.
import { addressOf } from './libc.ts';

const HIGH = 2 ** 32;

/** A C structure in memory that does not move; keep the object as long as C may use the address. */
export class NativeStruct {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly address: number;
  readonly #words: Uint32Array;

  /** @param lengthBytes a multiple of 4; all zero at first */
  constructor(lengthBytes: number) {
    // An ArrayBuffer of its own is never moved by the collector.
    const memory = new ArrayBuffer(lengthBytes);
    this.bytes = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
    this.address = addressOf(this.bytes);
  }

  /** Writes a 64-bit field below 2^53: a pointer or a size. */
  setPointer(at: number, value: number): void {
    this.#words[at >> 2] = value % HIGH;
    this.#words[(at >> 2) + 1] = Math.floor(value / HIGH);
  }

  getPointer(at: number): number {
    return this.#words[at >> 2]! + this.#words[(at >> 2) + 1]! * HIGH;
  }

  set32(at: number, value: number): void {
    this.#words[at >> 2] = value;
  }

  get32(at: number): number {
    return this.#words[at >> 2]!;
  }
}
