// Hot path: content on its way into a stream whose window may be closed.
import type { FieldList } from '../wire/http2/field-list.ts';

const NOTHING = Buffer.alloc(0);

/** How a message goes out on a stream, of either side and of HTTP/2 or HTTP/3. */
export interface MessageCommands<Stream> {
  sendHeaders(stream: Stream, fields: FieldList, endStream: boolean): void;
  /** Returns how many bytes were taken; for the rest the stream's owner is told when to go on. */
  sendData(stream: Stream, bytes: Uint8Array, start: number, end: number, endStream: boolean): number;
}

/** What waits to be sent on one stream: content, then trailers. */
export class Http2Sender<Stream> {
  queuedBytes: number = 0;
  /** The end has been given, though it may not have been sent. */
  endQueued: boolean = false;
  readonly #queue: Buffer[] = [];
  /** Behind the content; kept only while something waits. */
  #trailers: FieldList | undefined = undefined;

  reset(): void {
    // Also of an empty array, setting the length is slow.
    if (this.#queue.length > 0) this.#queue.length = 0;
    this.queuedBytes = 0;
    this.endQueued = false;
    this.#trailers = undefined;
  }

  /**
   * Sends content as far as the windows allow and keeps the rest.
   * @param trailers with `isLast` only.
   * @returns whether the stream's end was sent.
   */
  send(
    http2: MessageCommands<Stream>,
    stream: Stream,
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: FieldList | undefined,
  ): boolean {
    if (isLast) this.endQueued = true;
    if (this.#queue.length === 0) {
      const ends = isLast && trailers === undefined;
      if (end > start || ends) start += http2.sendData(stream, bytes, start, end, ends);
      if (start === end) {
        if (trailers !== undefined) http2.sendHeaders(stream, trailers, true);
        return isLast;
      }
    }
    this.#trailers = trailers?.compact();
    if (start < end) {
      this.#queue.push(Buffer.from(bytes.subarray(start, end)));
      this.queuedBytes += end - start;
    }
    return false;
  }

  /** Goes on after a window has grown; true when the stream's end was sent. */
  resume(http2: MessageCommands<Stream>, stream: Stream): boolean {
    while (this.#queue.length > 0) {
      const next = this.#queue[0]!;
      const ends = this.endQueued && this.#queue.length === 1 && this.#trailers === undefined;
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
    if (this.#trailers === undefined) http2.sendData(stream, NOTHING, 0, 0, true);
    else http2.sendHeaders(stream, this.#trailers, true);
    return true;
  }
}
