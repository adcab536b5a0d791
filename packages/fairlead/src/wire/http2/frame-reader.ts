// Hot path: cuts the input into frames; DATA passes in pieces as it comes, other payloads whole.
import { read32 } from './frame-writer.ts';
import * as h2 from './protocol.ts';

/** Receives frames. Ranges are valid during the call. */
export interface FrameSink {
  /** A header was read. Judges its length; returning false ends reading. */
  onFrameHeader(type: number, flags: number, streamId: number, length: number): boolean;
  /** A whole frame that is not DATA. */
  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void;
  /** Part of the DATA frame announced last, without padding. `isLast`: the frame ends here. */
  onDataPiece(bytes: Uint8Array, start: number, end: number, isLast: boolean): void;
  /** How the input breaks the framing itself. */
  onFramingError(code: number, reason: string): void;
}

const PREFACE = 0;
const HEADER = 1;
const PAYLOAD = 2;
const PAD_LENGTH = 3;
const DATA = 4;
const PADDING = 5;
const STOPPED = 6;

/** Splits bytes that come in any pieces. */
export class FrameReader {
  readonly #sink: FrameSink;
  #state: number;
  #collected = 0;
  readonly #header = new Uint8Array(h2.FRAME_HEADER_BYTES);
  #payload: Uint8Array = EMPTY;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  #left = 0;
  #padding = 0;

  constructor(sink: FrameSink, expectsPreface: boolean) {
    this.#sink = sink;
    this.#state = expectsPreface ? PREFACE : HEADER;
  }

  /** Ignores everything from now on. */
  stop(): void {
    this.#state = STOPPED;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case PREFACE:
          if (bytes[at++] !== h2.PREFACE[this.#collected++]) {
            this.#sink.onFramingError(h2.PROTOCOL_ERROR, 'not the HTTP/2 preface');
            return;
          }
          if (this.#collected === h2.PREFACE.length) this.#toHeader();
          break;
        case HEADER:
          if (this.#collected === 0 && end - at >= h2.FRAME_HEADER_BYTES) {
            if (!this.#readHeader(bytes, at)) return;
            at += h2.FRAME_HEADER_BYTES;
          } else {
            this.#header[this.#collected++] = bytes[at++]!;
            if (this.#collected === h2.FRAME_HEADER_BYTES && !this.#readHeader(this.#header, 0)) return;
          }
          break;
        case PAYLOAD:
          at = this.#readPayload(bytes, at, end);
          break;
        case PAD_LENGTH:
          this.#padding = bytes[at++]!;
          this.#left--;
          if (this.#padding > this.#left) {
            this.#sink.onFramingError(h2.PROTOCOL_ERROR, 'padding longer than its frame');
            return;
          }
          this.#left -= this.#padding;
          this.#afterPadLength(bytes, at);
          break;
        case DATA: {
          const take = Math.min(this.#left, end - at);
          this.#left -= take;
          const isLast = this.#left === 0 && this.#padding === 0;
          if (this.#left === 0) {
            if (isLast) this.#toHeader();
            else this.#state = PADDING;
          }
          this.#sink.onDataPiece(bytes, at, at + take, isLast);
          at += take;
          break;
        }
        case PADDING: {
          const take = Math.min(this.#padding, end - at);
          this.#padding -= take;
          at += take;
          if (this.#padding === 0) {
            this.#toHeader();
            this.#sink.onDataPiece(bytes, at, at, true);
          }
          break;
        }
        default:
          return;
      }
    }
  }

  #toHeader(): void {
    this.#state = HEADER;
    this.#collected = 0;
  }

  #readHeader(bytes: Uint8Array, at: number): boolean {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.#type = bytes[at + 3]!;
    this.#flags = bytes[at + 4]!;
    // The reserved bit is ignored (RFC 9113 4.1).
    this.#streamId = read32(bytes, at + 5) & h2.MAX_31_BITS;
    this.#left = length;
    this.#collected = 0;
    if (!this.#sink.onFrameHeader(this.#type, this.#flags, this.#streamId, length)) return false;
    if (this.#type === h2.DATA) {
      this.#padding = 0;
      if ((this.#flags & h2.PADDED) === 0) this.#afterPadLength(bytes, at);
      else if (length > 0) this.#state = PAD_LENGTH;
      else this.#sink.onFramingError(h2.FRAME_SIZE_ERROR, 'padded DATA without a pad length');
    } else {
      this.#state = PAYLOAD;
      if (length === 0) this.#emit(bytes, at, at);
    }
    return this.#state !== STOPPED;
  }

  #afterPadLength(bytes: Uint8Array, at: number): void {
    if (this.#left > 0) this.#state = DATA;
    else if (this.#padding > 0) this.#state = PADDING;
    else {
      this.#toHeader();
      this.#sink.onDataPiece(bytes, at, at, true);
    }
  }

  #readPayload(bytes: Uint8Array, at: number, end: number): number {
    if (this.#collected === 0 && end - at >= this.#left) {
      const to = at + this.#left;
      this.#emit(bytes, at, to);
      return to;
    }
    const take = Math.min(this.#left - this.#collected, end - at);
    if (this.#payload.length < this.#left) this.#payload = new Uint8Array(this.#left);
    this.#payload.set(bytes.subarray(at, at + take), this.#collected);
    this.#collected += take;
    if (this.#collected === this.#left) {
      const payload = this.#payload;
      // Large payloads are rare: the memory is not kept by an idle connection.
      this.#payload = EMPTY;
      this.#emit(payload, 0, this.#left);
    }
    return at + take;
  }

  #emit(bytes: Uint8Array, start: number, end: number): void {
    this.#toHeader();
    this.#sink.onFrame(this.#type, this.#flags, this.#streamId, bytes, start, end);
  }
}

const EMPTY = new Uint8Array(0);
