// Hot path: every frame of every stream.
import { H3_EXCESSIVE_LOAD, H3_FRAME_ERROR, Http3Error } from './protocol.ts';
import { readVarint, varintLength } from './varint.ts';

/** What {@link FrameReader.next} found. */
export const NEED_MORE = 0;
/** A frame's head: {@link FrameReader.type} and {@link FrameReader.length} are set. */
export const FRAME_HEAD = 1;
/** Payload of a frame that is read piece by piece: `[start, end)` of the input. */
export const PAYLOAD = 2;
/** A frame's whole payload: `[start, end)` of {@link FrameReader.bytes}. */
export const WHOLE = 3;
/** The frame that was to be skipped is over. */
export const SKIPPED = 4;

const HEAD_MAX_BYTES = 16;

/** How the payload of the frame just begun is wanted. */
export type PayloadMode = 'pieces' | 'whole' | 'skip';

/**
 * Cuts a stream into frames (RFC 9114 7.1), fed in any pieces. After {@link FRAME_HEAD} the caller says with
 * {@link take} how it wants the payload.
 */
export class FrameReader {
  type: number = 0;
  length: number = 0;
  /** Of the payload, in {@link bytes} (whole) or in the input (pieces). */
  start: number = 0;
  end: number = 0;
  bytes: Uint8Array = NOTHING;
  /** Where reading of the input goes on. */
  position: number = 0;
  #mode: PayloadMode | 'head' | 'asked' = 'head';
  #left = 0;
  /** Bytes of a head or a whole payload that came in pieces. */
  #kept: Uint8Array = NOTHING;
  #keptLength = 0;

  /** Nothing of a frame has been read that is not finished. */
  get isBetweenFrames(): boolean {
    return this.#mode === 'head' && this.#keptLength === 0;
  }

  /** @throws Http3Error for a frame longer than `maxBytes`, when it is wanted whole. */
  take(mode: PayloadMode, maxBytes: number): void {
    if (mode === 'whole' && this.length > maxBytes) throw new Http3Error(H3_EXCESSIVE_LOAD, 'frame too long');
    this.#mode = mode;
    this.#left = this.length;
  }

  /**
   * Goes on at `at`, up to `end` of the input.
   * @throws Http3Error for a head that is none.
   */
  next(input: Uint8Array, at: number, end: number): number {
    this.position = at;
    switch (this.#mode) {
      case 'head':
        return this.#head(input, at, end);
      case 'whole':
        return this.#whole(input, at, end);
      default:
        return this.#pieces(at, end);
    }
  }

  #head(input: Uint8Array, at: number, end: number): number {
    if (this.#keptLength === 0) {
      const after = headEnd(input, at, end);
      if (after > 0) return this.#begin(input, at, after);
    }
    // The head lies in several pieces: collect it byte by byte.
    if (this.#kept.length < HEAD_MAX_BYTES) this.#kept = new Uint8Array(HEAD_MAX_BYTES);
    while (at < end) {
      this.#kept[this.#keptLength++] = input[at++]!;
      if (headEnd(this.#kept, 0, this.#keptLength) > 0) {
        this.#keptLength = 0;
        return this.#begin(this.#kept, 0, at);
      }
    }
    this.position = at;
    return NEED_MORE;
  }

  #begin(bytes: Uint8Array, at: number, position: number): number {
    this.type = readVarint(bytes, at);
    this.length = readVarint(bytes, at + varintLength(bytes[at]!));
    if (this.type < 0 || this.length < 0) throw new Http3Error(H3_FRAME_ERROR, 'frame head beyond 2^53');
    this.position = position;
    this.#mode = 'asked';
    return FRAME_HEAD;
  }

  #whole(input: Uint8Array, at: number, end: number): number {
    const take = Math.min(this.#left, end - at);
    this.position = at + take;
    if (this.#keptLength === 0 && take === this.#left) {
      this.bytes = input;
      this.start = at;
      this.end = at + take;
    } else {
      if (this.#kept.length < this.length) this.#kept = new Uint8Array(this.length);
      this.#kept.set(input.subarray(at, at + take), this.#keptLength);
      this.#keptLength += take;
      this.#left -= take;
      if (this.#left > 0) return NEED_MORE;
      this.bytes = this.#kept;
      this.start = 0;
      this.end = this.#keptLength;
      this.#keptLength = 0;
    }
    this.#mode = 'head';
    return WHOLE;
  }

  #pieces(at: number, end: number): number {
    const take = Math.min(this.#left, end - at);
    this.#left -= take;
    this.position = at + take;
    const isSkipped = this.#mode === 'skip';
    if (this.#left === 0) this.#mode = 'head';
    else if (take === 0) return NEED_MORE;
    if (isSkipped) return this.#left === 0 ? SKIPPED : NEED_MORE;
    this.start = at;
    this.end = at + take;
    return PAYLOAD;
  }
}

const NOTHING = new Uint8Array(0);

/** End of the frame head at `at`, or 0 while it is not whole. */
function headEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  const length = at + varintLength(bytes[at]!);
  if (length >= end) return 0;
  const after = length + varintLength(bytes[length]!);
  return after <= end ? after : 0;
}
