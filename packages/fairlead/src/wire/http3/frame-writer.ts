// Hot path: frames of responses.
import type { FieldList } from '../http2/field-list.ts';
import type { OutputBuffer } from '../http2/output-buffer.ts';
import { FRAME_DATA, FRAME_HEADERS } from './protocol.ts';
import { encodeSection, sectionRoomFor } from './qpack-encoder.ts';
import { writeVarint } from './varint.ts';

/** Type and length of a frame below 2^30 bytes. */
const FRAME_HEAD_MAX_BYTES = 5;

/** Appends HEADERS. */
export function writeHeaders(fields: FieldList, out: OutputBuffer): void {
  out.reserve(sectionRoomFor(fields) + FRAME_HEAD_MAX_BYTES);
  const start = out.length + FRAME_HEAD_MAX_BYTES;
  const end = encodeSection(fields, out.bytes, start);
  // The length is known only now; what it needs less is closed up.
  const head = writeVarint(out.bytes, out.length, FRAME_HEADERS);
  const payload = writeVarint(out.bytes, head, end - start);
  out.bytes.copyWithin(payload, start, end);
  out.length = payload + end - start;
}

/** Appends the head of a DATA frame. */
export function writeDataHead(length: number, out: OutputBuffer): void {
  out.reserve(FRAME_HEAD_MAX_BYTES);
  out.length = writeVarint(out.bytes, writeVarint(out.bytes, out.length, FRAME_DATA), length);
}
