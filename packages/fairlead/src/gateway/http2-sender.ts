// Hot path: content on its way into a stream whose window may be closed.
import type { Http2Connection } from '../wire/http2/connection.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { trailerFields } from '../wire/http2/from-http1.ts';
import type { Http2Stream } from '../wire/http2/stream.ts';

const NOTHING = Buffer.alloc(0);

/** What waits to be sent on one stream: content, then trailers. */
export class Http2Sender<Owner> {
  queuedBytes: number = 0;
  /** The end has been given, though it may not have been sent. */
  endQueued: boolean = false;
  readonly #queue: Buffer[] = [];
  #trailers: Uint8Array = NOTHING;

  reset(): void {
    this.#queue.length = 0;
    this.queuedBytes = 0;
    this.endQueued = false;
    this.#trailers = NOTHING;
  }

  /**
   * Sends content as far as the windows allow and keeps the rest.
   * @param trailers lines, with `isLast` only.
   * @param fields scratch.
   * @returns whether the stream's end was sent.
   */
  send(
    http2: Http2Connection<Owner>,
    stream: Http2Stream<Owner>,
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: Uint8Array,
    fields: FieldList,
  ): boolean {
    if (isLast) {
      this.endQueued = true;
      this.#trailers = trailers;
    }
    if (this.#queue.length === 0) {
      const ends = isLast && trailers.length === 0;
      if (end > start || ends) start += http2.sendData(stream, bytes, start, end, ends);
      if (start === end) {
        if (isLast && !ends) this.#sendTrailers(http2, stream, fields);
        return isLast;
      }
    }
    if (start < end) {
      this.#queue.push(Buffer.from(bytes.subarray(start, end)));
      this.queuedBytes += end - start;
    }
    return false;
  }

  /** Goes on after a window has grown; true when the stream's end was sent. */
  resume(http2: Http2Connection<Owner>, stream: Http2Stream<Owner>, fields: FieldList): boolean {
    while (this.#queue.length > 0) {
      const next = this.#queue[0]!;
      const ends = this.endQueued && this.#queue.length === 1 && this.#trailers.length === 0;
      const taken = http2.sendData(stream, next, 0, next.length, ends);
      this.queuedBytes -= taken;
      if (taken < next.length) {
        this.#queue[0] = next.subarray(taken);
        return false;
      }
      this.#queue.shift();
      if (ends) return true;
    }
    if (!this.endQueued) return false;
    if (this.#trailers.length > 0) this.#sendTrailers(http2, stream, fields);
    else http2.sendData(stream, NOTHING, 0, 0, true);
    return true;
  }

  #sendTrailers(http2: Http2Connection<Owner>, stream: Http2Stream<Owner>, fields: FieldList): void {
    trailerFields(this.#trailers, fields);
    http2.sendHeaders(stream, fields, true);
  }
}
