import { Duplex } from 'node:stream';
import { FrameReader, type SpdyFrame } from '../../wire/spdy/frame-reader.ts';
import { DATA_FRAME_MAX_BYTES, FrameWriter } from '../../wire/spdy/frame-writer.ts';
import type { SpdyHeaders } from '../../wire/spdy/header-block.ts';
import { SpdyError } from '../../wire/spdy/spdy-error.ts';

/** One stream of a connection; ending it half-closes, destroying it resets. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #connection: SpdyConnection;
  #finished = false;

  constructor(connection: SpdyConnection, id: number, headers: SpdyHeaders) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#connection = connection;
    this.on('error', () => {});
  }

  override _read(): void {
    this.#connection.resume(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finished = true;
    this.#connection.sendEnd(this.id, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.forget(this, !this.#finished);
    done(error);
  }
}

const CANCEL = 5;

/** The server's end of a SPDY/3.1 connection over any byte stream. */
export class SpdyConnection {
  /** Resolves when the byte stream is gone. */
  readonly closed: Promise<void>;
  readonly #transport: Duplex;
  readonly #writer = new FrameWriter();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #waiting = new Set<SpdyStream>();
  readonly #onStream: (stream: SpdyStream) => void;
  #lastStream = 0;

  constructor(transport: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#transport = transport;
    this.#onStream = onStream;
    const reader = new FrameReader((frame) => this.#take(frame));
    this.closed = new Promise((resolve) => {
      transport.once('close', () => {
        for (const stream of [...this.#streams.values()]) stream.destroy();
        resolve();
      });
    });
    transport.on('error', () => transport.destroy());
    transport.on('end', () => transport.end());
    transport.on('data', (chunk: Buffer) => {
      try {
        reader.feed(chunk);
      } catch (error) {
        if (!(error instanceof SpdyError)) throw error;
        transport.destroy();
      }
    });
  }

  /** Says goodbye after all that was written, and ends the byte stream. */
  close(): void {
    if (this.#transport.writableEnded || this.#transport.destroyed) return;
    this.#transport.end(this.#writer.goAway(this.#lastStream));
  }

  sendData(id: number, data: Buffer, done: (error?: Error | null) => void): void {
    if (!this.#writable) {
      done(new SpdyError('the connection is gone'));
      return;
    }
    for (let at = 0; at < data.length; at += DATA_FRAME_MAX_BYTES) {
      const part = data.subarray(at, at + DATA_FRAME_MAX_BYTES);
      this.#transport.write(this.#writer.dataHead(id, part.length, false));
      this.#transport.write(part, at + part.length === data.length ? done : undefined);
    }
    if (data.length === 0) done();
  }

  sendEnd(id: number, done: (error?: Error | null) => void): void {
    if (this.#writable) this.#transport.write(this.#writer.dataHead(id, 0, true), () => done());
    else done();
  }

  /** A stream has room again. */
  resume(stream: SpdyStream): void {
    if (this.#waiting.delete(stream) && this.#waiting.size === 0) this.#transport.resume();
  }

  forget(stream: SpdyStream, reset: boolean): void {
    if (!this.#streams.delete(stream.id)) return;
    this.resume(stream);
    if (reset && this.#writable) this.#transport.write(this.#writer.reset(stream.id, CANCEL));
  }

  get #writable(): boolean {
    return !this.#transport.destroyed && !this.#transport.writableEnded;
  }

  #take(frame: SpdyFrame): void {
    switch (frame.type) {
      case 'syn-stream': {
        // Clients open odd streams, each number once and growing.
        if (frame.stream % 2 === 0 || frame.stream <= this.#lastStream) throw new SpdyError('bad stream number');
        this.#lastStream = frame.stream;
        const stream = new SpdyStream(this, frame.stream, frame.headers);
        this.#streams.set(frame.stream, stream);
        if (this.#writable) this.#transport.write(this.#writer.synReply(frame.stream));
        if (frame.fin) stream.push(null);
        this.#onStream(stream);
        break;
      }
      case 'data': {
        const stream = this.#streams.get(frame.stream);
        if (stream === undefined) break;
        if (frame.data.length > 0 && !stream.push(Buffer.from(frame.data))) {
          this.#waiting.add(stream);
          this.#transport.pause();
        }
        if (frame.fin) stream.push(null);
        break;
      }
      case 'headers':
        if (frame.fin) this.#streams.get(frame.stream)?.push(null);
        break;
      case 'reset': {
        const stream = this.#streams.get(frame.stream);
        this.#streams.delete(frame.stream);
        stream?.destroy();
        break;
      }
      case 'ping':
        if (frame.id % 2 === 1 && this.#writable) this.#transport.write(this.#writer.ping(frame.id));
        break;
      case 'go-away':
      case 'syn-reply':
        break;
    }
  }
}
