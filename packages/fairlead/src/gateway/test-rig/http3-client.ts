import { systemClock } from '../../sys/clock.ts';
import { EAGAIN } from '../../sys/errno.ts';
import { PinnedBuffer } from '../../sys/pinned.ts';
import type { QuicStream } from '../../sys/quic-connection.ts';
import { QuicClient } from '../../sys/testing/quic-client.ts';
import { FieldList } from '../../wire/http2/field-list.ts';
import { OutputBuffer } from '../../wire/http2/output-buffer.ts';
import { FRAME_HEAD, FrameReader, NEED_MORE, PAYLOAD, WHOLE } from '../../wire/http3/frame-reader.ts';
import { writeDataHead, writeHeaders } from '../../wire/http3/frame-writer.ts';
import { FRAME_DATA, FRAME_HEADERS } from '../../wire/http3/protocol.ts';
import { QpackDecoder } from '../../wire/http3/qpack-decoder.ts';

const PATIENCE_MS = 60_000;
const POLL_MS = 2;
const BUFFER = new PinnedBuffer(64 * 1024);

/** Names and values, pseudo-header fields first. */
export type Fields = readonly (readonly [string, string])[];

/** The pseudo-header fields of a request. */
export function requestFields(host: string, path: string, method: string): Fields {
  return [
    [':method', method],
    [':scheme', 'https'],
    [':authority', host],
    [':path', path],
  ];
}

/** One exchange: what was sent and what has come back. */
class Http3Exchange {
  readonly stream: QuicStream;
  /** Heads and trailers in their order. */
  readonly sections: [string, string][][] = [];
  body = '';
  state: 'open' | 'ended' | 'broken' = 'open';
  /** While set, the answer is not read. */
  isPaused = false;
  readonly #frames = new FrameReader();
  #unsent = Buffer.alloc(0);
  #ends = false;

  constructor(stream: QuicStream) {
    this.stream = stream;
  }

  get status(): string | undefined {
    return this.sections.find((pairs) => !pairs[0]?.[1].startsWith('1'))?.[0]?.[1];
  }

  field(name: string): string | undefined {
    return this.sections.flat().find(([one]) => one === name)?.[1];
  }

  sendFields(pairs: Fields, ends: boolean): void {
    const fields = new FieldList();
    for (const [name, value] of pairs) fields.addText(name, value);
    const out = new OutputBuffer();
    writeHeaders(fields, out);
    this.send(Buffer.from(out.bytes.subarray(0, out.length)), ends);
  }

  sendContent(content: Buffer, ends: boolean): void {
    const out = new OutputBuffer();
    writeDataHead(content.length, out);
    this.send(Buffer.concat([out.bytes.subarray(0, out.length), content]), ends);
  }

  /** Raw bytes of the stream. */
  send(bytes: Buffer, ends: boolean): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.#ends ||= ends;
  }

  /** Bytes that the server has not taken. */
  get unsentBytes(): number {
    return this.#unsent.length;
  }

  /** Moves what can be moved. */
  advance(): void {
    while (this.#unsent.length > 0) {
      const length = Math.min(this.#unsent.length, BUFFER.length);
      BUFFER.bytes.set(this.#unsent.subarray(0, length));
      // The end goes with the last bytes, so that the server sees a request without content for what it is.
      const taken = this.stream.write(BUFFER, 0, length, this.#ends && length === this.#unsent.length);
      if (taken <= 0) break;
      this.#unsent = this.#unsent.subarray(taken);
    }
    while (this.state === 'open' && !this.isPaused) {
      const length = this.stream.read(BUFFER, 0, BUFFER.length);
      if (length > 0) this.#receive(length);
      else if (length === -EAGAIN) return;
      else this.state = length === 0 ? 'ended' : 'broken';
    }
  }

  #receive(length: number): void {
    const frames = this.#frames;
    for (let at = 0; ; at = frames.position) {
      const event = frames.next(BUFFER.bytes, at, length);
      if (event === NEED_MORE) return;
      if (event === FRAME_HEAD) {
        frames.take(frames.type === FRAME_DATA ? 'pieces' : frames.type === FRAME_HEADERS ? 'whole' : 'skip', 65_536);
      } else if (event === PAYLOAD) {
        this.body += BUFFER.bytes.subarray(frames.start, frames.end).toString('latin1');
      } else if (event === WHOLE) {
        const fields = new FieldList();
        if (!new QpackDecoder().decode(frames.bytes, frames.start, frames.end, fields)) throw new Error('QPACK');
        this.sections.push(fields.toPairs());
      }
    }
  }
}

/** An HTTP/3 client on OpenSSL's QUIC, for tests. */
export class Http3Client {
  readonly quic: QuicClient;
  readonly #exchanges: Http3Exchange[] = [];
  readonly #others: QuicStream[] = [];

  constructor(port: number, serverName: string) {
    this.quic = new QuicClient(port, serverName);
  }

  /** Waits until something holds, or the connection is closed (unless `evenClosed`). */
  async until(what: string, holds: () => boolean, evenClosed = false): Promise<void> {
    const deadline = systemClock.monotonicMs() + PATIENCE_MS;
    for (;;) {
      this.quic.advance();
      for (const exchange of this.#exchanges) exchange.advance();
      this.quic.advance();
      if (holds()) return;
      const { closed } = this.quic.connection;
      if (closed !== undefined && !evenClosed) throw new Error(`closed with ${closed.code} before ${what}`);
      if (systemClock.monotonicMs() > deadline) throw new Error(`waited too long for ${what}`);
      await systemClock.sleep(POLL_MS);
    }
  }

  /** Finishes the handshake. */
  async connected(): Promise<this> {
    await this.until('a handshake', () => this.quic.connection.isEstablished);
    return this;
  }

  exchange(): Http3Exchange {
    const stream = this.quic.connection.openStream('bidirectional');
    if (stream === undefined) throw new Error('the server allows no more streams');
    const exchange = new Http3Exchange(stream);
    this.#exchanges.push(exchange);
    return exchange;
  }

  /** Bytes on a unidirectional stream of its own. */
  sendUni(bytes: readonly number[]): void {
    const stream = this.quic.connection.openStream('unidirectional')!;
    BUFFER.bytes.set(bytes);
    stream.write(BUFFER, 0, bytes.length, false);
    this.#others.push(stream);
  }

  /** Sends a request. */
  begin(host: string, path: string, method = 'GET', content?: Buffer): Http3Exchange {
    const exchange = this.exchange();
    const length: Fields = content === undefined ? [] : [['content-length', `${content.length}`]];
    exchange.sendFields([...requestFields(host, path, method), ...length], content === undefined);
    if (content !== undefined) exchange.sendContent(content, true);
    return exchange;
  }

  /** One whole exchange. */
  async request(host: string, path: string, method = 'GET', content?: Buffer): Promise<Http3Exchange> {
    const exchange = this.begin(host, path, method, content);
    await this.until(`the answer to ${method} ${path}`, () => exchange.state !== 'open');
    return exchange;
  }

  close(): void {
    for (const { stream } of this.#exchanges) stream.free();
    for (const stream of this.#others) stream.free();
    this.quic.free();
  }
}
