// Hot path for uploads: reframes a request's body from the input into the output buffer.
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, ChunkedDecoder, writeChunkSize } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { writeChunk, writeEnd } from './chunk-writer.ts';

const CRLF = Buffer.from('\r\n', 'latin1');
const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');

/** A body that comes more slowly than this, bytes a second, over a whole idle time, ties up an endpoint on purpose. */
export const RATE_MIN = 240;

/** Results of {@link RequestBody.encode} that are no position. */
const BODY_MALFORMED = -1;
/** The body is longer than its route allows: 413. */
export const BODY_TOO_LONG = -2;

const NONE = 0;
const LENGTH = 1;
const CHUNKED = 2;
/** Content of a stream: it comes as it is, and its end is told. */
const STREAM = 3;

/** Where a request's body stands. */
export class RequestBody {
  /** The whole request has been read. */
  isDone: boolean = true;
  /** After {@link encode}: where the input continues behind the body. */
  position: number = 0;
  /** Most bytes of content, of a body whose length is not declared. */
  maxBytes: number = Infinity;
  #contentBytes = 0;
  #kind = NONE;
  #remaining = 0;
  /** Its length was declared. */
  #isSized = false;
  #chunks: ChunkedDecoder | undefined = undefined;
  // Since the rate was looked at last.
  #sinceMs = 0;
  #received = 0;
  #wasHeldBack = false;

  get isNone(): boolean {
    return this.#kind === NONE;
  }

  start(head: RequestHead, nowMs: number): void {
    this.#lookAgain(nowMs);
    const framed = head.isChunked ? CHUNKED : head.contentLength > 0 ? LENGTH : NONE;
    this.#kind = head.isPacked && framed !== NONE ? STREAM : framed;
    this.#isSized = framed === LENGTH;
    this.#remaining = head.contentLength;
    this.maxBytes = Infinity;
    this.#contentBytes = 0;
    this.#chunks?.reset();
    this.isDone = this.#kind === NONE;
  }

  #lookAgain(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#received = 0;
    this.#wasHeldBack = false;
  }

  /** The client was not let send: it is not to blame for the rate. */
  noteHeldBack(): void {
    this.#wasHeldBack = true;
  }

  /** Whether the unfinished body came too slowly since the last look. */
  isTooSlow(nowMs: number): boolean {
    if (this.isDone) return false;
    const slow = !this.#wasHeldBack && this.#received * 1000 < RATE_MIN * (nowMs - this.#sinceMs);
    this.#lookAgain(nowMs);
    return slow;
  }

  /** Before a head is known to have a body. */
  reset(): void {
    this.#kind = NONE;
    this.isDone = false;
  }

  /** Whether `length` bytes can be passed on as they are; if so, counts them. */
  takeWhole(length: number): boolean {
    if (this.#kind !== LENGTH || length > this.#remaining) return false;
    this.#remaining -= length;
    this.#received += length;
    this.isDone = this.#remaining === 0;
    return true;
  }

  /**
   * Counts content of a stream.
   * @returns 0, or {@link BODY_TOO_LONG}.
   */
  takeContent(length: number, isLast: boolean): number {
    this.#received += length;
    if (!this.#isSized) {
      this.#contentBytes += length;
      if (this.#contentBytes > this.maxBytes) return BODY_TOO_LONG;
    }
    if (isLast) this.isDone = true;
    return 0;
  }

  /** Writes content of a stream, which {@link takeContent} has counted, as HTTP/1.1 has it; returns its end in `to`. */
  frameContent(
    bytes: Uint8Array,
    start: number,
    end: number,
    trailers: FieldList | undefined,
    to: Uint8Array,
    at: number,
  ): number {
    if (this.#isSized) return copyBytes(bytes, start, end, to, at);
    if (start < end) at = writeChunk(bytes, start, end, to, at);
    return this.isDone ? writeEnd(trailers, to, at) : at;
  }

  /**
   * Appends what of the body is in `input[start, end)` to `output` at `at`.
   * @returns the end of the output, {@link BODY_MALFORMED} or {@link BODY_TOO_LONG}.
   */
  encode(input: Uint8Array, start: number, end: number, output: Uint8Array, at: number): number {
    this.#received += end - start;
    if (this.#kind === STREAM) return at;
    if (this.#kind !== CHUNKED) {
      const stop = this.#kind === NONE ? start : Math.min(end, start + this.#remaining);
      this.#remaining -= stop - start;
      if (this.#kind === LENGTH) this.isDone = this.#remaining === 0;
      this.position = stop;
      return copyBytes(input, start, stop, output, at);
    }
    this.#chunks ??= new ChunkedDecoder();
    const chunks = this.#chunks;
    this.position = start;
    for (;;) {
      const event = chunks.next(input, this.position, end);
      this.position = chunks.position;
      if (event === CHUNK_DATA) {
        this.#contentBytes += chunks.dataEnd - chunks.dataStart;
        if (this.#contentBytes > this.maxBytes) return BODY_TOO_LONG;
        at = writeChunkSize(output, at, chunks.dataEnd - chunks.dataStart);
        at = copyBytes(input, chunks.dataStart, chunks.dataEnd, output, at);
        at = copyBytes(CRLF, 0, 2, output, at);
      } else if (event === CHUNK_END) {
        at = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, output, at);
        at = copyBytes(chunks.trailers, 0, chunks.trailers.length, output, at);
        this.isDone = true;
        return copyBytes(CRLF, 0, 2, output, at);
      } else return event === CHUNK_ERROR ? BODY_MALFORMED : at;
    }
  }

  /**
   * Shows `take` what is content in `input[start, end)`, without the frame of chunks; trailers are left out.
   * @returns 0, {@link BODY_MALFORMED} or {@link BODY_TOO_LONG}.
   */
  decode(input: Uint8Array, start: number, end: number, take: (start: number, end: number) => void): number {
    this.#received += end - start;
    if (this.#kind === STREAM) return 0;
    if (this.#kind !== CHUNKED) {
      const stop = this.#kind === NONE ? start : Math.min(end, start + this.#remaining);
      this.#remaining -= stop - start;
      this.isDone = this.#remaining === 0 || this.#kind === NONE;
      this.position = stop;
      take(start, stop);
      return 0;
    }
    this.#chunks ??= new ChunkedDecoder();
    const chunks = this.#chunks;
    this.position = start;
    for (;;) {
      const event = chunks.next(input, this.position, end);
      this.position = chunks.position;
      if (event === CHUNK_DATA) {
        this.#contentBytes += chunks.dataEnd - chunks.dataStart;
        if (this.#contentBytes > this.maxBytes) return BODY_TOO_LONG;
        take(chunks.dataStart, chunks.dataEnd);
      } else if (event === CHUNK_END) {
        this.isDone = true;
        return 0;
      } else return event === CHUNK_ERROR ? BODY_MALFORMED : 0;
    }
  }
}
