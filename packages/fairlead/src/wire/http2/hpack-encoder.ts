// Hot path: one pass over a field list; lookups by hash, verified byte by byte.
import { DynamicTable, ENTRY_OVERHEAD_BYTES, TABLE_MAX_BYTES } from './dynamic-table.ts';
import type { FieldList } from './field-list.ts';
import { huffmanEncode, huffmanLength } from './huffman.ts';
import { hashBytes, STATIC_COUNT, slotOf, staticField, staticName } from './static-table.ts';

const SLOTS_MASK = 255;
/** Bytes that a field takes at most beside its name and value, with a size update in front. */
const FIELD_OVERHEAD_BYTES = 24;

/** Names whose values are secrets: sent as never indexed, so no later hop puts them into a table (RFC 7541 7.1.3). */
const SENSITIVE = names('authorization', 'cookie', 'proxy-authorization', 'set-cookie');
/** Names whose values hardly ever come again: not worth a place in the table. */
const UNIQUE = names(
  ':path',
  'age',
  'audit-id',
  'content-length',
  'content-range',
  'etag',
  'expires',
  'grpc-message',
  'grpc-timeout',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
  'range',
  'referer',
  'traceparent',
  'x-request-id',
  'x-forwarded-for',
);

/** Encodes the header blocks of one connection and direction (RFC 7541). */
export class HpackEncoder {
  readonly table: DynamicTable = new DynamicTable();
  /** By hash: number of the entry, plus one. Allocated with the first entry. */
  #fieldSlots: Int32Array = NONE;
  #nameSlots: Int32Array = NONE;
  /** Smallest and last limit set since the last block; -1 for none. */
  #smallestUpdate = -1;
  #lastUpdate = -1;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. The next block begins with the size update. */
  setMaxTableBytes(maxBytes: number): void {
    const size = Math.min(maxBytes, TABLE_MAX_BYTES);
    if (size === this.table.maxBytes && this.#lastUpdate < 0) return;
    this.#smallestUpdate = this.#lastUpdate < 0 ? size : Math.min(this.#smallestUpdate, size);
    this.#lastUpdate = size;
    this.table.resize(size);
  }

  /** Room that {@link encode} may need for a list. */
  static roomFor(fields: FieldList): number {
    return fields.length + (fields.count + 1) * FIELD_OVERHEAD_BYTES;
  }

  /** Writes the block of a list at `at`; returns its end. */
  encode(fields: FieldList, to: Uint8Array, at: number): number {
    if (this.#lastUpdate >= 0) {
      if (this.#smallestUpdate < this.#lastUpdate) at = writeInteger(to, at, 0x20, 31, this.#smallestUpdate);
      at = writeInteger(to, at, 0x20, 31, this.#lastUpdate);
      this.#lastUpdate = -1;
    }
    for (let index = 0; index < fields.count; index++) at = this.#encodeField(fields, index, to, at);
    return at;
  }

  #encodeField(fields: FieldList, index: number, to: Uint8Array, at: number): number {
    const { bytes } = fields;
    const start = fields.start(index);
    const value = fields.value(index);
    const end = fields.end(index);
    const nameHash = hashBytes(bytes, start, value, 0);
    if (fields.sensitive[index] === 1 || includes(SENSITIVE, bytes, start, value)) {
      return this.#writeLiteral(bytes, start, value, end, nameHash, 0x10, 15, to, at);
    }
    const hash = hashBytes(bytes, value, end, nameHash);
    const fixed = staticField(bytes, start, value, end, hash);
    if (fixed !== 0) return writeInteger(to, at, 0x80, 127, fixed);
    const entry = this.#find(this.#fieldSlots, hash, bytes, start, value, end);
    if (entry >= 0) return writeInteger(to, at, 0x80, 127, STATIC_COUNT + this.table.inserted - entry);
    const cost = end - start + ENTRY_OVERHEAD_BYTES;
    if (cost * 2 > this.table.maxBytes || includes(UNIQUE, bytes, start, value)) {
      return this.#writeLiteral(bytes, start, value, end, nameHash, 0, 15, to, at);
    }
    at = this.#writeLiteral(bytes, start, value, end, nameHash, 0x40, 63, to, at);
    this.table.insert(bytes, start, value, end);
    if (this.#fieldSlots === NONE) {
      this.#fieldSlots = new Int32Array(SLOTS_MASK + 1);
      this.#nameSlots = new Int32Array(SLOTS_MASK + 1);
    }
    this.#fieldSlots[slotOf(hash, SLOTS_MASK)] = this.table.inserted;
    this.#nameSlots[slotOf(nameHash, SLOTS_MASK)] = this.table.inserted;
    return at;
  }

  /** Number of an entry equal to the name (`end` = `value`) or the field; -1 if none is known. */
  #find(slots: Int32Array, hash: number, bytes: Uint8Array, start: number, value: number, end: number): number {
    if (slots === NONE) return -1;
    const { table } = this;
    const entry = slots[slotOf(hash, SLOTS_MASK)]! - 1;
    if (entry < 0 || !table.holds(entry)) return -1;
    const from = table.start(entry);
    if (table.value(entry) - from !== value - start) return -1;
    if (end > value && table.end(entry) - from !== end - start) return -1;
    if (slots === this.#fieldSlots && table.end(entry) - from !== end - start) return -1;
    for (let i = 0; i < end - start; i++) if (table.bytes[from + i] !== bytes[start + i]) return -1;
    return entry;
  }

  #writeLiteral(
    bytes: Uint8Array,
    start: number,
    value: number,
    end: number,
    nameHash: number,
    pattern: number,
    mask: number,
    to: Uint8Array,
    at: number,
  ): number {
    let name = staticName(bytes, start, value, nameHash);
    if (name === 0) {
      const entry = this.#find(this.#nameSlots, nameHash, bytes, start, value, value);
      if (entry >= 0) name = STATIC_COUNT + this.table.inserted - entry;
    }
    at = writeInteger(to, at, pattern, mask, name);
    if (name === 0) at = writeString(bytes, start, value, to, at);
    return writeString(bytes, value, end, to, at);
  }
}

const NONE = new Int32Array(0);

/** Writes an integer with the pattern's bits in front of its prefix (RFC 7541 5.1). */
export function writeInteger(to: Uint8Array, at: number, pattern: number, mask: number, value: number): number {
  if (value < mask) {
    to[at] = pattern | value;
    return at + 1;
  }
  to[at++] = pattern | mask;
  value -= mask;
  while (value >= 128) {
    to[at++] = (value & 127) | 128;
    value >>>= 7;
  }
  to[at] = value;
  return at + 1;
}

/** Writes a string literal, in Huffman code where that is shorter. */
function writeString(bytes: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const length = end - start;
  const coded = huffmanLength(bytes, start, end);
  if (coded < length) return huffmanEncode(bytes, start, end, to, writeInteger(to, at, 0x80, 127, coded));
  at = writeInteger(to, at, 0, 127, length);
  for (let i = start; i < end; i++) to[at++] = bytes[i]!;
  return at;
}

function names(...list: string[]): readonly (readonly Uint8Array[] | undefined)[] {
  const byLength: Uint8Array[][] = [];
  for (const name of list) {
    byLength[name.length] ??= [];
    byLength[name.length]!.push(Buffer.from(name, 'latin1'));
  }
  return Array.from(byLength);
}

function includes(
  set: readonly (readonly Uint8Array[] | undefined)[],
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const candidates = set[end - start];
  if (candidates === undefined) return false;
  for (const name of candidates) {
    let i = 0;
    while (i < name.length && name[i] === bytes[start + i]) i++;
    if (i === name.length) return true;
  }
  return false;
}
