// Hot path: one pass over a field list.
import type { FieldList } from '../http2/field-list.ts';
import { writeInteger } from '../http2/hpack-encoder.ts';
import { huffmanEncode, huffmanLength } from '../http2/huffman.ts';
import { hashBytes } from '../http2/static-table.ts';
import { findField, findName } from './qpack-table.ts';

/** Bytes that a field takes at most beside its name and value, with the section's prefix. */
const FIELD_OVERHEAD_BYTES = 24;

/** Room that {@link encodeSection} may need for a list. */
export function sectionRoomFor(fields: FieldList): number {
  return fields.length + (fields.count + 1) * FIELD_OVERHEAD_BYTES;
}

/** Writes a list as a field section without references to a dynamic table (RFC 9204 4.5); returns its end. */
export function encodeSection(fields: FieldList, to: Uint8Array, at: number): number {
  to[at++] = 0;
  to[at++] = 0;
  const { bytes } = fields;
  for (let index = 0; index < fields.count; index++) {
    const start = fields.start(index);
    const value = fields.value(index);
    const end = fields.end(index);
    const nameHash = hashBytes(bytes, start, value, 0);
    const field = findField(bytes, start, value, end, hashBytes(bytes, value, end, nameHash));
    if (field >= 0) {
      at = writeInteger(to, at, 0xc0, 63, field);
      continue;
    }
    const never = fields.sensitive[index] === 1;
    const name = findName(bytes, start, value, nameHash);
    if (name >= 0) at = writeInteger(to, at, never ? 0x70 : 0x50, 15, name);
    else at = writeText(bytes, start, value, to, at, never ? 0x30 : 0x20, 7);
    at = writeText(bytes, value, end, to, at, 0, 127);
  }
  return at;
}

/** A string in Huffman code where that is shorter; the bit above `mask` says so. */
function writeText(
  bytes: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
  pattern: number,
  mask: number,
): number {
  const length = end - start;
  const coded = huffmanLength(bytes, start, end);
  if (coded < length) {
    at = writeInteger(to, at, pattern | (mask + 1), mask, coded);
    return huffmanEncode(bytes, start, end, to, at);
  }
  at = writeInteger(to, at, pattern, mask, length);
  for (let i = start; i < end; i++) to[at++] = bytes[i]!;
  return at;
}
