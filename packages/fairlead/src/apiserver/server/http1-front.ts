import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { nodeHttp } from '../../sys/node-http.ts';
import type { AnswerSink, ApiAnswer, UserInfo } from './api-request.ts';
import { Departure } from './departure.ts';
import { ReceivedBody, type RequestFront } from './request-front.ts';
import { StatusError, statusAnswer } from './status-error.ts';
import { sendUpgrade } from './upgrade-answer.ts';

/** How long a connection may be idle: longer than clients keep one, or one of their requests meets the end of it. */
const idleMs = 120_000;
/** How long a client may take to send the head of a request; as the real server's library. */
const headDefaultMs = 60_000;
const nothing = new Uint8Array(0);

/** The clients that speak HTTP/1.1: what they ask for, and requests for another protocol on their connection. */
export class Http1Front {
  readonly #front: RequestFront;
  readonly #server: Server;
  readonly #users = new WeakMap<object, UserInfo>();
  readonly #departures = new Set<Departure>();

  /** `headMs`: within which a request's head must have come; default one minute. */
  constructor(front: RequestFront, headMs: number = headDefaultMs) {
    this.#front = front;
    const times = { headersTimeout: headMs, connectionsCheckingInterval: headMs / 2 };
    this.#server = nodeHttp.createServer(times, (request, response) => void this.#serve(request, response));
    // It listens to no port, and Node follows the connections of a server, and their times, from this event on.
    this.#server.emit('listening');
    this.#server.keepAliveTimeout = idleMs;
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#upgrade(request, socket, head);
    });
  }

  /** Takes over a connection whose handshake is done. */
  take(socket: TLSSocket, certificateUser: UserInfo | undefined): void {
    if (certificateUser !== undefined) this.#users.set(socket, certificateUser);
    this.#server.emit('connection', socket);
  }

  /** Ends all streams properly, and closes connections that ask for nothing. */
  stop(): void {
    for (const departure of this.#departures) departure.depart();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const departure = this.#follow();
    response.on('error', () => {});
    request.on('error', () => {});
    response.once('close', () => this.#depart(departure));
    let answer: ApiAnswer;
    try {
      const user = this.#front.identify(this.#users.get(request.socket), request.headers);
      answer = await this.#answer(request, user, await readBody(request), departure);
    } catch (error) {
      if (!(error instanceof StatusError)) {
        response.destroy();
        return;
      }
      answer = statusAnswer(error);
    }
    if (response.destroyed) return;
    await send(response, answer).catch(() => response.destroy());
  }

  /** A request that wants another protocol on its connection. */
  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const departure = this.#follow();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#depart(departure));
    let answer: ApiAnswer;
    try {
      const user = this.#front.identify(this.#users.get(request.socket), request.headers);
      answer = await this.#answer(request, user, nothing, departure);
    } catch (error) {
      if (!(error instanceof StatusError)) {
        socket.destroy();
        return;
      }
      answer = statusAnswer(error);
    }
    sendUpgrade(socket, head, answer);
  }

  #answer(request: IncomingMessage, user: UserInfo, body: Uint8Array, departure: Departure): Promise<ApiAnswer> {
    const { method = 'GET', url: target = '/', headers, socket } = request;
    const { remoteAddress: sourceAddress } = socket;
    return this.#front.answer({ method, target, headers, body, user, departure, sourceAddress });
  }

  #follow(): Departure {
    const departure = new Departure();
    this.#departures.add(departure);
    return departure;
  }

  #depart(departure: Departure): void {
    this.#departures.delete(departure);
    departure.depart();
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  if (request.method === 'GET' || request.method === 'HEAD') {
    request.resume();
    return nothing;
  }
  const body = new ReceivedBody();
  for await (const chunk of request as AsyncIterable<Buffer>) body.add(chunk);
  return body.bytes;
}

async function send(response: ServerResponse, answer: ApiAnswer): Promise<void> {
  response.statusCode = answer.status;
  for (const name in answer.headers) {
    const value = answer.headers[name]!;
    response.setHeader(name, typeof value === 'string' ? value : [...value]);
  }
  if (answer.stream === undefined) {
    const body = answer.body ?? '';
    response.setHeader('content-length', typeof body === 'string' ? Buffer.byteLength(body) : body.length);
    response.end(body);
    return;
  }
  response.flushHeaders();
  await answer.stream(new ResponseSink(response));
}

/** A response as the end of a stream. */
class ResponseSink implements AnswerSink {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get queuedBytes(): number {
    return this.#response.writableLength;
  }

  write(chunk: Uint8Array): void {
    if (!this.#response.destroyed && !this.#response.writableEnded) this.#response.write(chunk);
  }

  async drained(): Promise<void> {
    if (this.#response.destroyed || !this.#response.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      this.#response.once('drain', resolve);
      this.#response.once('close', resolve);
    });
  }

  end(): void {
    if (!this.#response.writableEnded) this.#response.end();
  }

  abort(): void {
    this.#response.destroy();
  }
}
