// Takes apart what the gateway itself writes as HTTP/1.1: its own answers, interim and compressed ones.
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { responseFields } from '../wire/http2/from-http1.ts';
import { type WrittenContentParts, WrittenContentReader } from './written-content-reader.ts';

/** Takes the parts of an answer. */
export interface AnswerParts extends WrittenContentParts {
  /** An interim (1xx) head. False: what follows is not to be read as an answer. */
  onInterim(head: ResponseHead, fields: FieldList): boolean;
  /** The list is valid during the call. */
  onAnswerHead(status: number, fields: FieldList, isEmpty: boolean): void;
}

/** Reads one answer after the other, each written in pieces of whole heads. */
export class Http1AnswerReader {
  readonly #parts: AnswerParts;
  readonly #content: WrittenContentReader;
  #hasHead = false;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#content = new WrittenContentReader(parts);
  }

  /** The content has no end of its own: the connection's is. */
  get isUntilClose(): boolean {
    return this.#hasHead && this.#content.isUntilClose;
  }

  reset(): void {
    this.#hasHead = false;
  }

  /**
   * Reads what was written.
   *
   * @param fields scratch, as `head` is.
   * @returns false if that is no answer.
   */
  read(bytes: Uint8Array, at: number, end: number, isHead: boolean, head: ResponseHead, fields: FieldList): boolean {
    while (!this.#hasHead && at < end) {
      head.reset();
      const length = head.parse(bytes, at, end);
      if (length <= 0) return false;
      at += length;
      if (!this.#onHead(head, isHead, fields)) return true;
    }
    if (this.#hasHead) this.#content.read(bytes, at, end, fields);
    return true;
  }

  #onHead(head: ResponseHead, isHead: boolean, fields: FieldList): boolean {
    responseFields(head, fields);
    if (head.status < 200) return this.#parts.onInterim(head, fields);
    this.#hasHead = true;
    const isEmpty = !this.#content.begin(head.framing(isHead), head.contentLength);
    this.#parts.onAnswerHead(head.status, fields, isEmpty);
    return true;
  }
}
