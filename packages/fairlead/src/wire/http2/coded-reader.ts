// Hot path: every integer and string of a header block (RFC 7541 5, RFC 9204 4.1).
import { huffmanDecode } from './huffman.ts';

/** Reads what HPACK and QPACK have in common. After each read {@link position} is where it ended. */
export class CodedReader {
  protected position: number = 0;

  /** An integer whose prefix is the low bits of `bytes[at]` (RFC 7541 5.1), below 2^28; -1 if it is not. */
  protected integer(bytes: Uint8Array, at: number, end: number, mask: number): number {
    let value = bytes[at]! & mask;
    at++;
    if (value === mask) {
      for (let shift = 0; ; shift += 7) {
        if (at === end || shift > 21) return -1;
        const byte = bytes[at++]!;
        value += (byte & 127) << shift;
        if (byte < 128) break;
      }
    }
    this.position = at;
    return value;
  }

  /**
   * A string literal to `to` at `toAt`; returns the end there, or -1. Its length has the bits of `mask`; the one above
   * them tells of Huffman code, so `to` must have room for 8/5 of the input.
   */
  protected string(bytes: Uint8Array, at: number, end: number, mask: number, to: Uint8Array, toAt: number): number {
    if (at >= end) return -1;
    const isHuffman = (bytes[at]! & (mask + 1)) !== 0;
    const length = this.integer(bytes, at, end, mask);
    const start = this.position;
    if (length < 0 || length > end - start) return -1;
    this.position = start + length;
    if (isHuffman) return huffmanDecode(bytes, start, start + length, to, toAt);
    for (let i = 0; i < length; i++) to[toAt + i] = bytes[start + i]!;
    return toAt + length;
  }
}
