// Hot path: frames as bytes (RFC 9113 4.1, 6).
import type { OutputBuffer } from './output-buffer.ts';
import * as h2 from './protocol.ts';

/**
 * ```
 * +-----------+---------+----------+---+--------------+
 * | length 24 | type 8  | flags 8  | R | stream id 31 |
 * +-----------+---------+----------+---+--------------+
 * ```
 * Writes the header at `at`; returns where the payload begins.
 */
export function writeFrameHeader(
  to: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  to[at] = length >>> 16;
  to[at + 1] = length >>> 8;
  to[at + 2] = length;
  to[at + 3] = type;
  to[at + 4] = flags;
  return write32(to, at + 5, streamId);
}

/** Writes 32 bits, most significant first; returns their end. */
function write32(to: Uint8Array, at: number, value: number): number {
  to[at] = value >>> 24;
  to[at + 1] = value >>> 16;
  to[at + 2] = value >>> 8;
  to[at + 3] = value;
  return at + 4;
}

/** Reads 32 bits as an unsigned number. */
export function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** One identifier and value of a SETTINGS frame. */
export type Setting = readonly [id: number, value: number];

/** SETTINGS (RFC 9113 6.5). */
export function appendSettings(out: OutputBuffer, settings: readonly Setting[]): void {
  out.reserve(h2.FRAME_HEADER_BYTES + settings.length * 6);
  let at = writeFrameHeader(out.bytes, out.length, settings.length * 6, h2.SETTINGS, 0, 0);
  for (const [id, value] of settings) {
    out.bytes[at] = id >>> 8;
    out.bytes[at + 1] = id;
    at = write32(out.bytes, at + 2, value);
  }
  out.length = at;
}

/** SETTINGS with ACK: the peer's settings hold now. */
export function appendSettingsAck(out: OutputBuffer): void {
  out.reserve(h2.FRAME_HEADER_BYTES);
  out.length = writeFrameHeader(out.bytes, out.length, 0, h2.SETTINGS, h2.ACK, 0);
}

/** @param payload eight bytes at `from`. */
export function appendPing(out: OutputBuffer, ack: boolean, payload: Uint8Array, from: number): void {
  out.reserve(h2.FRAME_HEADER_BYTES + 8);
  const at = writeFrameHeader(out.bytes, out.length, 8, h2.PING, ack ? h2.ACK : 0, 0);
  for (let i = 0; i < 8; i++) out.bytes[at + i] = payload[from + i]!;
  out.length = at + 8;
}

/** WINDOW_UPDATE (RFC 9113 6.9); stream 0 is the connection. */
export function appendWindowUpdate(out: OutputBuffer, streamId: number, increment: number): void {
  out.reserve(h2.FRAME_HEADER_BYTES + 4);
  const at = writeFrameHeader(out.bytes, out.length, 4, h2.WINDOW_UPDATE, 0, streamId);
  out.length = write32(out.bytes, at, increment);
}

/** RST_STREAM (RFC 9113 6.4). */
export function appendReset(out: OutputBuffer, streamId: number, code: number): void {
  out.reserve(h2.FRAME_HEADER_BYTES + 4);
  const at = writeFrameHeader(out.bytes, out.length, 4, h2.RST_STREAM, 0, streamId);
  out.length = write32(out.bytes, at, code);
}

/** @param debug text for whoever reads a trace; no secrets. */
export function appendGoaway(out: OutputBuffer, lastStreamId: number, code: number, debug: string): void {
  const text = Buffer.from(debug, 'latin1');
  out.reserve(h2.FRAME_HEADER_BYTES + 8 + text.length);
  let at = writeFrameHeader(out.bytes, out.length, 8 + text.length, h2.GOAWAY, 0, 0);
  at = write32(out.bytes, at, lastStreamId);
  at = write32(out.bytes, at, code);
  out.bytes.set(text, at);
  out.length = at + text.length;
}
