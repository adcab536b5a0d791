// Content of messages that the gateway itself writes as HTTP/1.1, told without its framing.
import { CHUNK_DATA, CHUNK_END, ChunkedDecoder } from '../wire/http1/chunked.ts';
import type { ResponseFraming } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { trailerFields } from '../wire/http2/from-http1.ts';

const NOTHING = 0;
const LENGTH = 1;
const CHUNKED = 2;
const UNTIL_CLOSE = 3;

/** Takes the content of a message that was written. */
export interface WrittenContentParts {
  /** Range and list are valid during the call; with the last piece come the trailers, if there are any. */
  onWrittenContent(
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: FieldList | undefined,
  ): void;
}

/** Reads the content of one message after the other, each written in any pieces. */
export class WrittenContentReader {
  readonly #parts: WrittenContentParts;
  #phase = NOTHING;
  #remaining = 0;
  #chunks: ChunkedDecoder | undefined = undefined;

  constructor(parts: WrittenContentParts) {
    this.#parts = parts;
  }

  /** The content has no end of its own: the connection's is. */
  get isUntilClose(): boolean {
    return this.#phase === UNTIL_CLOSE;
  }

  /**
   * A head was read: content of this framing follows, `length` bytes where its length is declared.
   * @returns false if there is none.
   */
  begin(framing: ResponseFraming, length: number): boolean {
    this.#phase = NOTHING;
    if (framing === 'length' && length > 0) {
      this.#phase = LENGTH;
      this.#remaining = length;
    } else if (framing === 'chunked') {
      this.#phase = CHUNKED;
      this.#chunks ??= new ChunkedDecoder();
      this.#chunks.reset();
    } else if (framing === 'until-close') this.#phase = UNTIL_CLOSE;
    return this.#phase !== NOTHING;
  }

  /** Reads what was written of it. `fields` is scratch. */
  read(bytes: Uint8Array, at: number, end: number, fields: FieldList): void {
    if (this.#phase === LENGTH) {
      this.#remaining -= end - at;
      this.#parts.onWrittenContent(bytes, at, end, this.#remaining <= 0, undefined);
    } else if (this.#phase === CHUNKED) this.#readChunks(bytes, at, end, fields);
    else if (this.#phase === UNTIL_CLOSE) this.#parts.onWrittenContent(bytes, at, end, false, undefined);
  }

  #readChunks(bytes: Uint8Array, at: number, end: number, fields: FieldList): void {
    const chunks = this.#chunks!;
    for (;;) {
      const event = chunks.next(bytes, at, end);
      at = chunks.position;
      if (event === CHUNK_DATA) this.#parts.onWrittenContent(bytes, chunks.dataStart, chunks.dataEnd, false, undefined);
      else {
        if (event === CHUNK_END) this.#onEnd(bytes, at, chunks.trailers, fields);
        return;
      }
    }
  }

  #onEnd(bytes: Uint8Array, at: number, lines: Uint8Array, fields: FieldList): void {
    if (lines.length > 0) trailerFields(lines, fields);
    this.#parts.onWrittenContent(bytes, at, at, true, lines.length > 0 ? fields : undefined);
  }
}
