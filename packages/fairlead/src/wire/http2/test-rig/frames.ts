import { FieldList } from '../field-list.ts';
import { writeFrameHeader } from '../frame-writer.ts';
import { HpackEncoder } from '../hpack-encoder.ts';
import * as h2 from '../protocol.ts';

/** Any frame, right or wrong. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(h2.FRAME_HEADER_BYTES + payload.length);
  bytes.set(payload, writeFrameHeader(bytes, 0, payload.length, type, flags, streamId));
  return bytes;
}

/** A payload from hexadecimal digits. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replace(/\s/g, ''), 'hex');
}

/** Numbers of 32 bits one after the other. */
export function words(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(number >>> 0, i * 4);
  return bytes;
}

/** A SETTINGS frame. */
export function settings(...entries: (readonly [number, number])[]): Buffer {
  const bytes = Buffer.alloc(entries.length * 6);
  for (const [i, [id, value]] of entries.entries()) {
    bytes.writeUInt16BE(id, i * 6);
    bytes.writeUInt32BE(value, i * 6 + 2);
  }
  return frame(h2.SETTINGS, 0, 0, bytes);
}

/** A header block that uses no dynamic table. */
export function block(...pairs: (readonly [string, string])[]): Buffer {
  const encoder = new HpackEncoder();
  encoder.table.resize(0);
  const fields = new FieldList();
  for (const [name, value] of pairs) fields.addText(name, value);
  const to = Buffer.alloc(HpackEncoder.roomFor(fields));
  return to.subarray(0, encoder.encode(fields, to, 0));
}

/** Pseudo-header fields of a plain request. */
export const REQUEST_FIELDS: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'example.com'],
];

/** HEADERS of a request with a whole block. */
export function request(
  streamId: number,
  options: {
    readonly open?: boolean;
    readonly method?: string;
    readonly fields?: readonly (readonly [string, string])[];
  } = {},
): Buffer {
  const pseudo = REQUEST_FIELDS.map(
    ([name, value]) => [name, name === ':method' ? (options.method ?? value) : value] as const,
  );
  const flags = h2.END_HEADERS | (options.open === true ? 0 : h2.END_STREAM);
  return frame(h2.HEADERS, flags, streamId, block(...pseudo, ...(options.fields ?? [])));
}

/** DATA. */
export function data(streamId: number, text: string, endStream: boolean): Buffer {
  return frame(h2.DATA, endStream ? h2.END_STREAM : 0, streamId, Buffer.from(text));
}

/** A frame as sent. */
export interface SentFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Cuts bytes into frames. @throws when the last one is incomplete. */
export function framesOf(bytes: Uint8Array): SentFrame[] {
  const from = Buffer.from(bytes);
  const frames: SentFrame[] = [];
  let at = 0;
  while (at < from.length) {
    const length = from.readUIntBE(at, 3);
    const end = at + h2.FRAME_HEADER_BYTES + length;
    if (end > from.length) throw new Error(`frame at ${at} of ${length} bytes is incomplete`);
    frames.push({
      type: from[at + 3]!,
      flags: from[at + 4]!,
      streamId: from.readUInt32BE(at + 5),
      payload: from.subarray(at + h2.FRAME_HEADER_BYTES, end),
    });
    at = end;
  }
  return frames;
}
