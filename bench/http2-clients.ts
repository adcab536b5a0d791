// Hot path: what the client costs is missing from what the server can do, as both share the machine.
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Http2Connection } from '../packages/fairlead/src/wire/http2/connection.ts';
import { type Http2Events, http2Scratch } from '../packages/fairlead/src/wire/http2/events.ts';
import { FieldList } from '../packages/fairlead/src/wire/http2/field-list.ts';
import type { MessageShape } from '../packages/fairlead/src/wire/http2/message-rules.ts';
import { OutputBuffer } from '../packages/fairlead/src/wire/http2/output-buffer.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../packages/fairlead/src/wire/http2/settings.ts';
import type { Http2Stream } from '../packages/fairlead/src/wire/http2/stream.ts';

/** A request's head: pseudo-header fields and others, in their order; scheme and authority are those of the origin. */
export type RequestFields = Readonly<Record<string, string>>;

/** A whole answer. */
export interface Answer {
  readonly status: number;
  /** Of the trailers, else of the head. */
  readonly grpcStatus: string | undefined;
  readonly body: Buffer;
}

/** What becomes of one request. */
interface Exchange {
  status: number;
  grpcStatus: string | undefined;
  readonly chunks: Buffer[];
  readonly begun: () => void;
  /** Gets the content as it comes; absent: it is kept. */
  readonly onData: ((chunk: Buffer) => void) | undefined;
  readonly finished: (answer: Answer) => void;
  readonly failed: (error: Error) => void;
}

const options = { ...DEFAULT_HTTP2_OPTIONS, streamWindowBytes: 1 << 20, connectionWindowBytes: 1 << 24 };
const scratch = http2Scratch(options.maxHeaderListBytes);
const fields = new FieldList();
const grpcStatusName = Buffer.from('grpc-status');

/**
 * One HTTP/2 connection of a load generator. Not `node:http2`: its client takes as much processor time as the server
 * that is to be measured, on the same machine. A request leaves in one write, and an answer costs one callback.
 */
export class Http2Client implements Http2Events<Exchange> {
  readonly #socket: Socket;
  readonly #scheme: string;
  readonly #authority: string;
  readonly #out = new OutputBuffer();
  readonly #connection: Http2Connection<Exchange>;
  /** Content that waits for a window, by stream. */
  readonly #rests = new Map<Http2Stream<Exchange>, Uint8Array>();

  private constructor(socket: Socket, url: URL) {
    this.#socket = socket;
    this.#scheme = url.protocol.slice(0, -1);
    this.#authority = url.host;
    this.#connection = new Http2Connection('client', options, this, this.#out, scratch);
    this.#connection.start();
    this.#flush();
    socket.on('data', (bytes: Buffer) => {
      this.#connection.feed(bytes, 0, bytes.length, 0);
      this.#flush();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#connection.abandonStreams(0));
  }

  /** Connects; `tls` is what an `https` origin is to be believed by, and our own certificate. */
  static async open(origin: string, tls: ConnectionOptions = {}): Promise<Http2Client> {
    const url = new URL(origin);
    const place = { host: url.hostname, port: Number(url.port) };
    const socket =
      url.protocol === 'https:' ? connectTls({ ...tls, ...place, ALPNProtocols: ['h2'] }) : connectPlain(place);
    await once(socket, url.protocol === 'https:' ? 'secureConnect' : 'connect');
    socket.setNoDelay(true);
    return new Http2Client(socket, url);
  }

  /** Resolves with status and body once the stream has ended; trailers (gRPC) win over headers. */
  send(head: RequestFields, body?: Uint8Array): Promise<Answer> {
    return new Promise((finished, failed) => {
      this.#open(head, body, { begun: () => undefined, onData: undefined, finished, failed });
    });
  }

  /** Opens a stream whose content goes to `onData`; resolves when its answer begins. */
  follow(head: RequestFields, onData: (chunk: Buffer) => void): Promise<void> {
    return new Promise((begun, failed) => {
      this.#open(head, undefined, { begun, onData, finished: () => undefined, failed });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #open(
    head: RequestFields,
    body: Uint8Array | undefined,
    exchange: Omit<Exchange, 'status' | 'grpcStatus' | 'chunks'>,
  ): void {
    fields.clear();
    fields.addText(':scheme', this.#scheme);
    fields.addText(':authority', this.#authority);
    if (head[':method'] === undefined) fields.addText(':method', 'GET');
    for (const name in head) fields.addText(name, head[name]!);
    const stream = this.#connection.openStream(fields, body === undefined, false);
    if (stream === undefined) {
      exchange.failed(new Error('the connection takes no more streams'));
      return;
    }
    stream.owner = { ...exchange, status: 0, grpcStatus: undefined, chunks: [] };
    if (body !== undefined) this.#sendRest(stream, body);
    this.#flush();
  }

  #sendRest(stream: Http2Stream<Exchange>, rest: Uint8Array): void {
    const taken = this.#connection.sendData(stream, rest, 0, rest.length, true);
    if (taken < rest.length) this.#rests.set(stream, rest.subarray(taken));
    else this.#rests.delete(stream);
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    this.#socket.write(Buffer.from(this.#out.bytes.subarray(0, this.#out.length)));
    this.#out.clear();
  }

  onHead(stream: Http2Stream<Exchange>, list: FieldList, shape: MessageShape, endStream: boolean): void {
    const exchange = stream.owner!;
    exchange.status = shape.status;
    this.#noteGrpcStatus(exchange, list);
    exchange.begun();
    if (endStream) finish(exchange);
  }

  onInterim(): void {}

  onData(stream: Http2Stream<Exchange>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const exchange = stream.owner!;
    // The piece is a part of a buffer of its own, which nobody writes again.
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
    if (exchange.onData === undefined) exchange.chunks.push(chunk);
    else exchange.onData(chunk);
    this.#connection.consume(stream, end - start);
    if (endStream) finish(exchange);
  }

  onTrailers(stream: Http2Stream<Exchange>, list: FieldList): void {
    this.#noteGrpcStatus(stream.owner!, list);
    finish(stream.owner!);
  }

  #noteGrpcStatus(exchange: Exchange, list: FieldList): void {
    const index = list.find(grpcStatusName);
    if (index < 0) return;
    exchange.grpcStatus = Buffer.from(list.bytes.subarray(list.value(index), list.end(index))).toString('latin1');
  }

  onReset(stream: Http2Stream<Exchange>, code: number): void {
    this.#rests.delete(stream);
    stream.owner?.failed(new Error(`stream reset with code ${code}`));
  }

  onWritable(stream: Http2Stream<Exchange>): void {
    const rest = this.#rests.get(stream);
    if (rest !== undefined) this.#sendRest(stream, rest);
  }

  onGoaway(): void {}

  onConnectionError(code: number, reason: string): void {
    this.#socket.destroy(new Error(`HTTP/2 error ${code}: ${reason}`));
  }
}

function finish({ status, grpcStatus, chunks, finished }: Exchange): void {
  finished({ status, grpcStatus, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) });
}

/** Runs `total` operations over the clients, one at a time on each; resolves to seconds. */
export async function runOverClients(
  clients: readonly Http2Client[],
  total: number,
  operation: (client: Http2Client, index: number) => Promise<void>,
): Promise<number> {
  let next = 0;
  const began = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      while (next < total) {
        const index = next;
        next += 1;
        await operation(client, index);
      }
    }),
  );
  return (performance.now() - began) / 1000;
}
