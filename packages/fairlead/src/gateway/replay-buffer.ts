// Hot path: start() copies each request's head.
import { copyBytes } from '../wire/http1/head-writer.ts';
import type { FieldList } from '../wire/http2/field-list.ts';

/** Enough for most requests. */
const PIECE_BYTES = 2 * 1024;
/** Kept between requests. */
const KEPT_LIST_BYTES = 2 * 1024;
/** Most pieces that wait for the next requests. */
const SPARE_MAX = 256;

/** Memory of requests that are over, for the next ones of the same worker: connections that are idle hold none. */
export class ReplayPieces {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  }

  /** Takes a piece back; memory of another size is let go. */
  give(bytes: Buffer): void {
    if (bytes.length === PIECE_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push(bytes);
  }
}

/** What was sent of a request so far, to send it again to another endpoint. */
export class ReplayBuffer {
  readonly #pieces: ReplayPieces;
  #bytes: Buffer = EMPTY;
  #length = 0;
  #complete = false;
  #limitBytes = 0;
  #maxBytes = 0;
  /** Head of a request that is kept as a message: what follows is its content. Undefined: all is bytes of HTTP/1.1. */
  fields: FieldList | undefined = undefined;
  trailers: FieldList | undefined = undefined;
  /** Memory for {@link fields}. */
  #list: FieldList | undefined = undefined;
  /** The message is whole. */
  isEnded: boolean = false;

  constructor(pieces: ReplayPieces) {
    this.#pieces = pieces;
  }

  /** Everything sent is here. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /**
   * Requests longer than `maxBytes` are not kept, or with `keepsAll` only once they have been sent: until
   * {@link endKeeping} the caller lets nothing more be read, so what comes is about as long as one read.
   */
  start(from: Uint8Array, length: number, maxBytes: number, keepsAll: boolean): void {
    this.#start(undefined, maxBytes, keepsAll);
    this.append(from, 0, length);
  }

  /** The same for a message, of whose head a copy is made. */
  startMessage(fields: FieldList, isWhole: boolean, maxBytes: number, keepsAll: boolean): void {
    if (this.#list?.hasRoomFor(fields) === true) {
      this.#list.clear();
      this.#list.addAll(fields);
    } else this.#list = fields.compact();
    this.#start(this.#list, maxBytes, keepsAll);
    this.isEnded = isWhole;
  }

  #start(fields: FieldList | undefined, maxBytes: number, keepsAll: boolean): void {
    this.#limitBytes = maxBytes;
    this.#maxBytes = keepsAll ? Infinity : maxBytes;
    this.#length = 0;
    this.#complete = true;
    this.fields = fields;
    this.trailers = undefined;
    this.isEnded = false;
  }

  append(from: Uint8Array, start: number, end: number): void {
    if (!this.#complete) return;
    const length = this.#length + end - start;
    if (length > this.#maxBytes) {
      this.#forget();
      return;
    }
    if (length > this.#bytes.length) this.#grow(length);
    copyBytes(from, start, end, this.#bytes, this.#length);
    this.#length = length;
  }

  #grow(length: number): void {
    if (length <= PIECE_BYTES) {
      this.#bytes = this.#pieces.take();
      return;
    }
    let capacity = PIECE_BYTES;
    while (capacity < length) capacity *= 2;
    const bytes = Buffer.allocUnsafeSlow(capacity);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#pieces.give(this.#bytes);
    this.#bytes = bytes;
  }

  #forget(): void {
    this.#complete = false;
    this.#pieces.give(this.#bytes);
    this.#bytes = EMPTY;
  }

  /** It has been sent for the first time: what is longer than the limit is not kept for others. */
  endKeeping(): void {
    this.#maxBytes = this.#limitBytes;
    if (this.#length > this.#limitBytes) this.#forget();
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Gives memory back: the request is over. */
  shrink(): void {
    if (this.#list !== undefined && this.#list.bytes.length > KEPT_LIST_BYTES) this.#list = undefined;
    this.#forget();
    this.fields = undefined;
    this.trailers = undefined;
  }
}

const EMPTY = Buffer.alloc(0);
