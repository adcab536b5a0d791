// Takes apart requests that were written as HTTP/1.1: of clients that speak it, and the gateway's own.
import { CHUNK_DATA, CHUNK_END, ChunkedDecoder } from '../wire/http1/chunked.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { trailerFields } from '../wire/http2/from-http1.ts';

const HEAD = 0;
const LENGTH = 1;
const CHUNKED = 2;
const DONE = 3;

/** Takes the parts of a request. Ranges, head and list are valid during the call. */
export interface RequestParts {
  /** False: it cannot be sent. */
  onRequestHead(head: RequestHead, isEmpty: boolean): boolean;
  onRequestContent(
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: FieldList | undefined,
  ): void;
}

/** Reads requests that are written in pieces, their heads whole. */
export class Http1RequestReader {
  readonly #parts: RequestParts;
  #phase = HEAD;
  #remaining = 0;
  #chunks: ChunkedDecoder | undefined = undefined;

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  /** A new request begins. */
  reset(): void {
    this.#phase = HEAD;
  }

  /**
   * Reads what was written. `head` and `fields` are scratch.
   * @returns false if it cannot be sent.
   */
  read(bytes: Uint8Array, start: number, end: number, head: RequestHead, fields: FieldList): boolean {
    let at = start;
    if (this.#phase === HEAD) {
      head.reset();
      const length = head.parse(bytes, start, end);
      if (length <= 0) return false;
      at += length;
      const isEmpty = !head.isChunked && head.contentLength <= 0;
      this.#phase = isEmpty ? DONE : head.isChunked ? CHUNKED : LENGTH;
      this.#remaining = head.contentLength;
      if (head.isChunked) {
        this.#chunks ??= new ChunkedDecoder();
        this.#chunks.reset();
      }
      if (!this.#parts.onRequestHead(head, isEmpty)) return false;
    }
    if (this.#phase === LENGTH) {
      this.#remaining -= end - at;
      this.#parts.onRequestContent(bytes, at, end, this.#remaining <= 0, undefined);
    } else if (this.#phase === CHUNKED) this.#readChunks(bytes, at, end, fields);
    return true;
  }

  #readChunks(bytes: Uint8Array, at: number, end: number, fields: FieldList): void {
    const chunks = this.#chunks!;
    for (;;) {
      const event = chunks.next(bytes, at, end);
      at = chunks.position;
      if (event === CHUNK_DATA) this.#parts.onRequestContent(bytes, chunks.dataStart, chunks.dataEnd, false, undefined);
      else {
        if (event === CHUNK_END) this.#onEnd(bytes, at, chunks.trailers, fields);
        return;
      }
    }
  }

  #onEnd(bytes: Uint8Array, at: number, lines: Uint8Array, fields: FieldList): void {
    if (lines.length > 0) trailerFields(lines, fields);
    this.#parts.onRequestContent(bytes, at, at, true, lines.length > 0 ? fields : undefined);
  }
}
