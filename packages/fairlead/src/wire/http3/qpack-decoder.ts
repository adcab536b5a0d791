// Hot path: one pass over a field section, no strings, nothing allocated once buffers have grown.
import { CodedReader } from '../http2/coded-reader.ts';
import type { FieldList } from '../http2/field-list.ts';
import { QPACK_FIELDS, QPACK_NAMES, QPACK_VALUES } from './qpack-table.ts';

/**
 * Decodes field sections (RFC 9204) of a peer that was told of a dynamic table of no bytes: every
 * reference to one is an error, and no section depends on another.
 */
export class QpackDecoder extends CodedReader {
  /**
   * Decodes the whole section `[start, end)` into a list, which is cleared first. A list that grows
   * too large is marked so.
   * @returns false if the section is malformed, which ends the connection with QPACK_DECOMPRESSION_FAILED.
   */
  decode(bytes: Uint8Array, start: number, end: number, fields: FieldList): boolean {
    fields.clear();
    // Required Insert Count of 0, and a base that nothing can refer to.
    if (start >= end || bytes[start] !== 0) return false;
    if (start + 1 >= end || this.integer(bytes, start + 1, end, 127) < 0) return false;
    let at = this.position;
    while (at < end) {
      const first = bytes[at]!;
      if (first >= 0xc0) at = this.#indexed(bytes, at, end, fields);
      else if (first >= 0x50 && first < 0x80 && (first & 0x10) !== 0) at = this.#named(bytes, at, end, fields, first);
      else if (first >= 0x20 && first < 0x40) at = this.#literal(bytes, at, end, fields, first);
      else return false;
      if (at < 0) return false;
    }
    return true;
  }

  /** `11` and an index. */
  #indexed(bytes: Uint8Array, at: number, end: number, fields: FieldList): number {
    const index = this.integer(bytes, at, end, 63);
    if (index < 0 || index >= QPACK_FIELDS.length) return -1;
    const name = QPACK_NAMES[index]!;
    const value = QPACK_VALUES[index]!;
    fields.add(name, 0, name.length, value, 0, value.length);
    return this.position;
  }

  /** `01N1`, the index of a name, and a value. */
  #named(bytes: Uint8Array, at: number, end: number, fields: FieldList, first: number): number {
    const index = this.integer(bytes, at, end, 15);
    if (index < 0 || index >= QPACK_FIELDS.length) return -1;
    const name = QPACK_NAMES[index]!;
    // Huffman coding shrinks to 5/8 at best.
    fields.reserve(name.length + (end - at) * 2);
    fields.bytes.set(name, fields.length);
    const value = fields.length + name.length;
    return this.#value(bytes, end, fields, value, (first & 0x20) === 0 ? 0 : 1);
  }

  /** `001N`, a name whose length follows the bit of its code, and a value. */
  #literal(bytes: Uint8Array, at: number, end: number, fields: FieldList, first: number): number {
    fields.reserve((end - at) * 2);
    const value = this.string(bytes, at, end, 7, fields.bytes, fields.length);
    return value < 0 ? -1 : this.#value(bytes, end, fields, value, (first & 0x10) === 0 ? 0 : 1);
  }

  #value(bytes: Uint8Array, end: number, fields: FieldList, value: number, sensitive: 0 | 1): number {
    const valueEnd = this.string(bytes, this.position, end, 127, fields.bytes, value);
    if (valueEnd < 0) return -1;
    fields.commit(value, valueEnd, sensitive);
    return this.position;
  }
}
