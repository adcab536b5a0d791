// Hot path: one pass over a header block, no strings, nothing allocated once buffers have grown.
import { copyBytes } from '../http1/head-writer.ts';
import { CodedReader } from './coded-reader.ts';
import { DynamicTable, TABLE_MAX_BYTES } from './dynamic-table.ts';
import type { FieldList } from './field-list.ts';
import { STATIC_BYTES, STATIC_COUNT, STATIC_END, STATIC_START, STATIC_VALUE } from './static-table.ts';

/** Size updates allowed at the start of a block: the smallest and the final one (RFC 7541 4.2). */
const SIZE_UPDATES_MAX = 2;

/** Decodes the header blocks of one connection and direction (RFC 7541), in the order of their arrival. */
export class HpackDecoder extends CodedReader {
  readonly table: DynamicTable = new DynamicTable();

  /**
   * Decodes the whole block `[start, end)` into a list, which is cleared first. A list that grows
   * too large is marked so; the block is still decoded to its end, because the table depends on it.
   * @returns false if the block is malformed, which ends the connection with COMPRESSION_ERROR.
   */
  decode(bytes: Uint8Array, start: number, end: number, fields: FieldList): boolean {
    fields.clear();
    let at = start;
    let sizeUpdates = 0;
    while (at < end) {
      const first = bytes[at]!;
      if (first >= 128) {
        const index = this.integer(bytes, at, end, 127);
        if (index <= 0 || !this.#addIndexed(index, fields)) return false;
        at = this.position;
        sizeUpdates = SIZE_UPDATES_MAX;
      } else if (first >= 32 && first < 64) {
        const size = this.integer(bytes, at, end, 31);
        if (size < 0 || size > TABLE_MAX_BYTES || ++sizeUpdates > SIZE_UPDATES_MAX) return false;
        this.table.resize(size);
        at = this.position;
      } else {
        at = this.#literal(bytes, at, end, fields, first);
        if (at < 0) return false;
        sizeUpdates = SIZE_UPDATES_MAX;
      }
    }
    return true;
  }

  #addIndexed(index: number, fields: FieldList): boolean {
    if (index <= STATIC_COUNT) {
      const start = STATIC_START[index]!;
      const length = STATIC_END[index]! - start;
      fields.reserve(length);
      const at = fields.length;
      const { bytes } = fields;
      copyBytes(STATIC_BYTES, start, start + length, bytes, at);
      fields.commit(at + STATIC_VALUE[index]! - start, at + length, 0);
      return true;
    }
    const { table } = this;
    const entry = table.inserted - (index - STATIC_COUNT);
    if (index - STATIC_COUNT > table.count) return false;
    const start = table.start(entry);
    const length = table.end(entry) - start;
    fields.reserve(length);
    const at = fields.length;
    copyBytes(table.bytes, start, start + length, fields.bytes, at);
    fields.commit(at + table.value(entry) - start, at + length, 0);
    return true;
  }

  /** A literal field: with indexing (01), without (0000), never (0001). Returns its end or -1. */
  #literal(bytes: Uint8Array, at: number, end: number, fields: FieldList, first: number): number {
    const indexed = first >= 64;
    const index = this.integer(bytes, at, end, indexed ? 63 : 15);
    if (index < 0) return -1;
    // Huffman coding shrinks to 5/8 at best.
    const room = (end - at) * 2;
    let value: number;
    if (index === 0) {
      fields.reserve(room);
      value = this.string(bytes, this.position, end, 127, fields.bytes, fields.length);
      if (value < 0) return -1;
    } else {
      value = this.#copyName(index, fields, room);
      if (value < 0) return -1;
    }
    const valueEnd = this.string(bytes, this.position, end, 127, fields.bytes, value);
    if (valueEnd < 0) return -1;
    if (indexed) this.table.insert(fields.bytes, fields.length, value, valueEnd);
    fields.commit(value, valueEnd, !indexed && first >= 16 ? 1 : 0);
    return this.position;
  }

  #copyName(index: number, fields: FieldList, room: number): number {
    let from = STATIC_BYTES;
    let start: number;
    let length: number;
    if (index <= STATIC_COUNT) {
      start = STATIC_START[index]!;
      length = STATIC_VALUE[index]! - start;
    } else {
      const { table } = this;
      if (index - STATIC_COUNT > table.count) return -1;
      const entry = table.inserted - (index - STATIC_COUNT);
      from = table.bytes;
      start = table.start(entry);
      length = table.value(entry) - start;
    }
    fields.reserve(length + room);
    const at = fields.length;
    const { bytes } = fields;
    for (let i = 0; i < length; i++) bytes[at + i] = from[start + i]!;
    return at + length;
  }
}
