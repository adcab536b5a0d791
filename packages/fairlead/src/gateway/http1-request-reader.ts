// Takes apart requests that were written as HTTP/1.1: of clients that speak it, and the gateway's own.
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { type WrittenContentParts, WrittenContentReader } from './written-content-reader.ts';

/** Takes the parts of a request. */
export interface RequestParts extends WrittenContentParts {
  /** The head is valid during the call. False: it cannot be sent. */
  onRequestHead(head: RequestHead, isEmpty: boolean): boolean;
}

/** Reads requests that are written in pieces, their heads whole. */
export class Http1RequestReader {
  readonly #parts: RequestParts;
  readonly #content: WrittenContentReader;
  #hasHead = false;

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.#content = new WrittenContentReader(parts);
  }

  /** A new request begins. */
  reset(): void {
    this.#hasHead = false;
  }

  /**
   * Reads what was written. `head` and `fields` are scratch.
   * @returns false if it cannot be sent.
   */
  read(bytes: Uint8Array, start: number, end: number, head: RequestHead, fields: FieldList): boolean {
    let at = start;
    if (!this.#hasHead) {
      head.reset();
      const length = head.parse(bytes, start, end);
      if (length <= 0) return false;
      at += length;
      this.#hasHead = true;
      const isEmpty = !this.#content.begin(head.isChunked ? 'chunked' : 'length', head.contentLength);
      if (!this.#parts.onRequestHead(head, isEmpty)) return false;
    }
    this.#content.read(bytes, at, end, fields);
    return true;
  }
}
