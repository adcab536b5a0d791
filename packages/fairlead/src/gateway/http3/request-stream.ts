// Hot path: one object per HTTP/3 exchange.
import { ECONNRESET } from '../../sys/errno.ts';
import { PinnedBuffer } from '../../sys/pinned.ts';
import type { QuicStream } from '../../sys/quic-connection.ts';
import type { Http3Stream } from '../../wire/http3/stream.ts';
import type { ExchangeStream } from '../exchange-session.ts';
import type { Http2Exchange } from '../http2-exchange.ts';

/** Content that may wait in an exchange before its stream is read no further. */
const UNCONSUMED_MAX_BYTES = 64 * 1024;
/** Bytes on their way to OpenSSL; shared, because no call outlives an event. */
const OUT = new PinnedBuffer(64 * 1024);

/** A request stream: what was read and not yet dealt with, what was written and not yet taken. */
export class RequestStream implements ExchangeStream {
  owner: Http2Exchange | undefined = undefined;
  readonly quic: QuicStream;
  readonly wire: Http3Stream<RequestStream>;
  /** Content given to the exchange that it has not dealt with. */
  unconsumedBytes: number = 0;
  /** The exchange waits for room. */
  isBlocked: boolean = false;
  /** The peer's end was read, or what it sends is not wanted any more. */
  readEnded: boolean = false;
  /** Our end was given; it goes out behind the queue. */
  endGiven: boolean = false;
  /** Our end is with OpenSSL, or our side was reset. */
  writeEnded: boolean = false;
  readonly #queue: Buffer[] = [];

  constructor(quic: QuicStream, wire: Http3Stream<RequestStream>) {
    this.quic = quic;
    this.wire = wire;
    wire.owner = this;
  }

  get remoteEnded(): boolean {
    return this.wire.remoteEnded;
  }

  get isOver(): boolean {
    return this.readEnded && this.writeEnded;
  }

  get mayRead(): boolean {
    return !this.readEnded && this.unconsumedBytes < UNCONSUMED_MAX_BYTES;
  }

  /** Written bytes wait for OpenSSL. */
  get isQueued(): boolean {
    return this.#queue.length > 0;
  }

  /** Writes what OpenSSL takes and keeps the rest. False when the stream is broken. */
  write(bytes: Uint8Array, start: number, end: number, isLast: boolean): boolean {
    if (isLast) this.endGiven = true;
    while (this.#queue.length === 0 && start < end) {
      const length = Math.min(end - start, OUT.length);
      OUT.bytes.set(bytes.subarray(start, start + length));
      const taken = this.quic.write(OUT, 0, length, false);
      if (taken === -ECONNRESET) return false;
      if (taken > 0) start += taken;
      if (taken < length) break;
    }
    if (start < end) this.#queue.push(Buffer.from(bytes.subarray(start, end)));
    else if (this.#queue.length === 0 && this.endGiven && !this.writeEnded) this.#conclude();
    return true;
  }

  /** Goes on with what waits. False when the stream is broken. */
  resume(): boolean {
    for (const next of this.#queue.splice(0)) if (!this.write(next, 0, next.length, false)) return false;
    return true;
  }

  #conclude(): void {
    this.quic.conclude();
    this.writeEnded = true;
  }

  /** Breaks our side off. */
  reset(code: number): void {
    this.#queue.length = 0;
    if (!this.writeEnded) this.quic.reset(code);
    this.writeEnded = true;
    this.readEnded = true;
    this.wire.remoteEnded = true;
  }
}
