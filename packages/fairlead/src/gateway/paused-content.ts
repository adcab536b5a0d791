// Hot path: asked for each piece of content of a stream.
import type { FieldList } from '../wire/http2/field-list.ts';

/** A piece of a message's content; the last one may bear trailers. */
export interface ContentPiece {
  readonly bytes: Buffer;
  readonly isLast: boolean;
  readonly trailers: FieldList | undefined;
}

/** What arrived on a stream while its handler was not reading. Windows, which go back later, bound it. */
export class PausedContent {
  /** The handler does not read. */
  isPaused: boolean = false;
  #pieces: ContentPiece[] = [];

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** The message's end is among what waits. */
  get hasEnd(): boolean {
    return this.#pieces.at(-1)?.isLast === true;
  }

  /** Keeps a copy if the handler does not read, or other pieces wait; false: it may have it at once. */
  keep(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): boolean {
    if (!this.isPaused && this.#pieces.length === 0) return false;
    this.#pieces.push({ bytes: Buffer.from(bytes.subarray(start, end)), isLast, trailers: trailers?.compact() });
    return true;
  }

  /** The next piece for the handler; undefined if there is none, or it does not read. */
  next(): ContentPiece | undefined {
    return this.isPaused ? undefined : this.#pieces.shift();
  }

  /** Drops what waits. */
  drop(): void {
    // Most have nothing, and a new array for each would cost more than the question.
    if (this.#pieces.length > 0) this.#pieces = [];
  }
}
