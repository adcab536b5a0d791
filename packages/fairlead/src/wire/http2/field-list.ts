// Hot path: one list per header block, reused; names and values are ranges of one buffer.
import { LOWER } from '../http1/byte-class.ts';
import { copyBytes } from '../http1/head-writer.ts';
import { ENTRY_OVERHEAD_BYTES } from './dynamic-table.ts';

/** Most fields of a list, pseudo-header fields included. */
const LIST_FIELDS_MAX = 128;
/** Default limit of a list's size by RFC 9113 6.5.2: bytes of names and values, and 32 per field. */
export const LIST_MAX_BYTES: number = 60 * 1024;

const STRIDE = 3;
const INITIAL_BYTES = 8 * 1024;
/** What a list can hold: fields, and bytes before it must grow. */
interface Room {
  readonly fields: number;
  readonly bytes: number;
}
const FULL_ROOM: Room = { fields: LIST_FIELDS_MAX, bytes: INITIAL_BYTES };

/** An ordered list of header fields as bytes. Also the input of the encoder. */
export class FieldList {
  /** Names and values; field i is `[start(i), value(i))` and `[value(i), end(i))`. */
  bytes: Uint8Array;
  count: number = 0;
  /** End of what is used of {@link bytes}. */
  length: number = 0;
  /** Size by RFC 9113 6.5.2. */
  listBytes: number = 0;
  /** A limit was exceeded; the fields beyond it are missing. */
  isTooLarge: boolean = false;
  /** 1: must never be indexed (RFC 7541 7.1.3). */
  readonly sensitive: Uint8Array;
  readonly #maxBytes: number;
  readonly #ranges: Int32Array;

  constructor(maxBytes: number = LIST_MAX_BYTES, room: Room = FULL_ROOM) {
    this.#maxBytes = maxBytes;
    this.bytes = new Uint8Array(room.bytes);
    this.sensitive = new Uint8Array(room.fields);
    this.#ranges = new Int32Array(room.fields * STRIDE);
  }

  /** A copy that is no larger than it must be, to be kept. */
  compact(): FieldList {
    const copy = new FieldList(this.#maxBytes, { fields: this.count, bytes: this.length });
    copy.addAll(this);
    return copy;
  }

  /** Whether it holds what another list has, cleared before, without more memory. */
  hasRoomFor(list: FieldList): boolean {
    return list.count <= this.sensitive.length && list.length <= this.bytes.length;
  }

  /** Adds the fields of another list. */
  addAll(list: FieldList): void {
    const { count, length, listBytes } = list;
    const first = this.count;
    if (first + count > this.sensitive.length || this.listBytes + listBytes > this.#maxBytes || list.isTooLarge) {
      this.isTooLarge = true;
      return;
    }
    this.reserve(length);
    const shift = this.length;
    copyBytes(list.bytes, 0, length, this.bytes, shift);
    const from = list.#ranges;
    const to = this.#ranges;
    const base = first * STRIDE;
    for (let i = 0; i < count * STRIDE; i++) to[base + i] = from[i]! + shift;
    for (let i = 0; i < count; i++) this.sensitive[first + i] = list.sensitive[i]!;
    this.count = first + count;
    this.length = shift + length;
    this.listBytes += listBytes;
  }

  /** Adds lines of HTTP/1.1, each with its CRLF, their names in lower case (RFC 9113 8.2). They are known to be fields. */
  addLines(lines: Uint8Array): void {
    let at = 0;
    while (at < lines.length) {
      const start = at;
      while (lines[at] !== 58) at++;
      const nameEnd = at;
      let end = lines.indexOf(13, nameEnd);
      at = end + 2;
      let from = nameEnd + 1;
      while (from < end && isBlank(lines[from]!)) from++;
      while (end > from && isBlank(lines[end - 1]!)) end--;
      this.addLower(lines, start, nameEnd, from, end);
    }
  }

  /** Adds a copy of a field with its name in lower case. */
  addLower(from: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    this.reserve(nameEnd - nameStart + valueEnd - valueStart);
    const { bytes } = this;
    let at = this.length;
    for (let i = nameStart; i < nameEnd; i++) bytes[at++] = LOWER[from[i]!]!;
    const value = at;
    this.commit(value, copyBytes(from, valueStart, valueEnd, bytes, at), 0);
  }

  /** Takes away the fields for whose name `isWanted` is false. */
  keepOnly(isWanted: (bytes: Uint8Array, start: number, end: number) => boolean): void {
    const ranges = this.#ranges;
    let kept = 0;
    for (let index = 0; index < this.count; index++) {
      const start = this.start(index);
      const value = this.value(index);
      if (!isWanted(this.bytes, start, value)) {
        this.listBytes -= this.end(index) - start + ENTRY_OVERHEAD_BYTES;
        continue;
      }
      if (kept < index) {
        ranges.copyWithin(kept * STRIDE, index * STRIDE, (index + 1) * STRIDE);
        this.sensitive[kept] = this.sensitive[index]!;
      }
      kept++;
    }
    this.count = kept;
  }

  clear(): void {
    this.count = 0;
    this.length = 0;
    this.listBytes = 0;
    this.isTooLarge = false;
  }

  start(index: number): number {
    return this.#ranges[index * STRIDE]!;
  }

  value(index: number): number {
    return this.#ranges[index * STRIDE + 1]!;
  }

  end(index: number): number {
    return this.#ranges[index * STRIDE + 2]!;
  }

  /** Makes room for `bytes` behind {@link length}. */
  reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    let capacity = this.bytes.length * 2;
    while (capacity < needed) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Adds what was written behind {@link length}: a name up to `value`, a value up to `end`. */
  commit(value: number, end: number, sensitive: 0 | 1): void {
    const cost = end - this.length + ENTRY_OVERHEAD_BYTES;
    if (this.isTooLarge || this.count === this.sensitive.length || this.listBytes + cost > this.#maxBytes) {
      this.isTooLarge = true;
      return;
    }
    const slot = this.count * STRIDE;
    this.#ranges[slot] = this.length;
    this.#ranges[slot + 1] = value;
    this.#ranges[slot + 2] = end;
    this.sensitive[this.count] = sensitive;
    this.count++;
    this.length = end;
    this.listBytes += cost;
  }

  /** Adds copies of a name and a value. */
  add(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    from: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.reserve(nameEnd - nameStart + valueEnd - valueStart);
    const { bytes } = this;
    let at = this.length;
    for (let i = nameStart; i < nameEnd; i++) bytes[at++] = name[i]!;
    const value = at;
    this.commit(value, copyBytes(from, valueStart, valueEnd, bytes, at), 0);
  }

  /** Gives field `index` another value. Not for hot paths. */
  replaceValue(index: number, value: Uint8Array): void {
    const name = this.bytes.slice(this.start(index), this.value(index));
    this.reserve(name.length + value.length);
    this.bytes.set(name, this.length);
    this.bytes.set(value, this.length + name.length);
    const slot = index * STRIDE;
    this.#ranges[slot] = this.length;
    this.#ranges[slot + 1] = this.length + name.length;
    this.length += name.length + value.length;
    this.#ranges[slot + 2] = this.length;
  }

  /** Adds text, one byte per character. Not for hot paths. */
  addText(name: string, value: string): void {
    const bytes = Buffer.from(name + value, 'latin1');
    this.add(bytes, 0, name.length, bytes, name.length, bytes.length);
  }

  /** Whether field `index` has this name. */
  isNamed(index: number, name: Uint8Array): boolean {
    const start = this.start(index);
    if (this.value(index) - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (this.bytes[start + i] !== name[i]) return false;
    return true;
  }

  /** Index of the first field of a lower-case name, or -1. */
  find(name: Uint8Array): number {
    for (let index = 0; index < this.count; index++) if (this.isNamed(index, name)) return index;
    return -1;
  }

  /** Names and values as text, for logs and tests. */
  toPairs(): [string, string][] {
    return Array.from({ length: this.count }, (_, index) => [
      Buffer.from(this.bytes.subarray(this.start(index), this.value(index))).toString('latin1'),
      Buffer.from(this.bytes.subarray(this.value(index), this.end(index))).toString('latin1'),
    ]);
  }
}

function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9;
}
