// Takes apart what the gateway itself writes as HTTP/1.1: its own answers, interim and compressed ones.
import { CHUNK_DATA, CHUNK_END, ChunkedDecoder } from '../wire/http1/chunked.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { responseFields, trailerFields } from '../wire/http2/from-http1.ts';

const HEAD = 0;
const LENGTH = 1;
const CHUNKED = 2;
const UNTIL_CLOSE = 3;
const DONE = 4;

/** Takes the parts of an answer. */
export interface AnswerParts {
  /** An interim (1xx) head. False: what follows is not to be read as an answer. */
  onInterim(head: ResponseHead, fields: FieldList): boolean;
  /** Ranges and list are valid during the call. */
  onAnswerHead(status: number, fields: FieldList, isEmpty: boolean): void;
  onAnswerContent(
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: FieldList | undefined,
  ): void;
}

/** Reads one answer after the other, each written in pieces of whole heads. */
export class Http1AnswerReader {
  readonly #parts: AnswerParts;
  #phase = HEAD;
  #remaining = 0;
  #chunks: ChunkedDecoder | undefined = undefined;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  /** The content has no end of its own: the connection's is. */
  get isUntilClose(): boolean {
    return this.#phase === UNTIL_CLOSE;
  }

  reset(): void {
    this.#phase = HEAD;
  }

  /**
   * Reads what was written.
   *
   * @param fields scratch, as `head` is.
   * @returns false if that is no answer.
   */
  read(bytes: Uint8Array, at: number, end: number, isHead: boolean, head: ResponseHead, fields: FieldList): boolean {
    while (this.#phase === HEAD && at < end) {
      head.reset();
      const length = head.parse(bytes, at, end);
      if (length <= 0) return false;
      at += length;
      if (!this.#onHead(head, isHead, fields)) return true;
    }
    if (this.#phase === LENGTH) {
      this.#remaining -= end - at;
      this.#parts.onAnswerContent(bytes, at, end, this.#remaining <= 0, undefined);
    } else if (this.#phase === CHUNKED) this.#readChunks(bytes, at, end, fields);
    else if (this.#phase === UNTIL_CLOSE) this.#parts.onAnswerContent(bytes, at, end, false, undefined);
    return true;
  }

  #onHead(head: ResponseHead, isHead: boolean, fields: FieldList): boolean {
    responseFields(head, fields);
    if (head.status < 200) return this.#parts.onInterim(head, fields);
    const framing = head.framing(isHead);
    const isEmpty = framing === 'none' || (framing === 'length' && head.contentLength === 0);
    if (isEmpty) this.#phase = DONE;
    else if (framing === 'length') {
      this.#phase = LENGTH;
      this.#remaining = head.contentLength;
    } else if (framing === 'chunked') {
      this.#phase = CHUNKED;
      this.#chunks ??= new ChunkedDecoder();
      this.#chunks.reset();
    } else this.#phase = UNTIL_CLOSE;
    this.#parts.onAnswerHead(head.status, fields, isEmpty);
    return true;
  }

  #readChunks(bytes: Uint8Array, at: number, end: number, fields: FieldList): void {
    const chunks = this.#chunks!;
    for (;;) {
      const event = chunks.next(bytes, at, end);
      at = chunks.position;
      if (event === CHUNK_DATA) this.#parts.onAnswerContent(bytes, chunks.dataStart, chunks.dataEnd, false, undefined);
      else {
        if (event === CHUNK_END) this.#onEnd(bytes, at, chunks.trailers, fields);
        return;
      }
    }
  }

  #onEnd(bytes: Uint8Array, at: number, trailers: Uint8Array, fields: FieldList): void {
    if (trailers.length > 0) trailerFields(trailers, fields);
    this.#parts.onAnswerContent(bytes, at, at, true, trailers.length > 0 ? fields : undefined);
  }
}
