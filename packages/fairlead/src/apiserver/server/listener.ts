// Hot path: carries every request between sockets and the pipeline.
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { ApiServerError } from '../api-server-error.ts';
import type { AnswerSink, ApiAnswer, ApiRequest, UserInfo } from './api-request.ts';
import { authenticate, type TokenAuthenticator, userOfCertificate } from './authenticate.ts';
import type { Pipeline } from './pipeline.ts';
import { StatusError, statusAnswer } from './status-error.ts';
import { sendUpgrade } from './upgrade-answer.ts';

/** Largest request body in bytes; as the real server. */
const maxBodyBytes = 3 * 1024 * 1024;
const retryBindMs = 500;
const stopWithinMs = 500;

/** One address to listen on; port 0 takes any. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What a listener serves with. */
export interface ListenerOptions {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  readonly tokens: readonly TokenAuthenticator[];
  /** Audiences a token must be for. */
  readonly audiences: readonly string[];
  readonly pipeline: Pipeline;
  readonly clock: Clock;
  readonly log: Log;
}

/** The HTTPS front of the API server: HTTP/2 and HTTP/1.1 on the same ports. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #servers: Http2SecureServer[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #users = new WeakMap<Socket, UserInfo | 'none'>();
  readonly #stopping = new AbortController();
  readonly #retries = new Set<() => void>();
  readonly #sessions = new Set<Http2Session>();

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Binds an address; throws AddressInUse or AddressUnavailable. Answers with the port. */
  async bind(address: ListenAddress): Promise<number> {
    const { certificate, key, ca } = this.#options;
    const server = createSecureServer({
      allowHTTP1: true,
      cert: certificate,
      key,
      ca,
      requestCert: true,
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 },
    });
    server.on('request', (request, response) => void this.#serve(request, response));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#upgrade(request, socket, head);
    });
    server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
    });
    server.on('sessionError', () => {});
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(bindError(address, error)));
      server.listen(address.port, address.host, () => resolve());
    });
    server.on('error', (error) => this.#options.log('error', 'listener failed', { error: error.message }));
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Binds an address that may not exist yet, again and again until it does. */
  bindWhenPresent(address: ListenAddress): void {
    const attempt = (): void => {
      if (this.#stopping.signal.aborted) return;
      this.bind(address).then(
        () => this.#options.log('info', 'listening', { host: address.host, port: address.port }),
        (error: unknown) => {
          if (error instanceof ApiServerError && error.code === 'AddressInUse') {
            this.#options.log('warn', error.message);
          }
          const cancel = this.#options.clock.after(retryBindMs, () => {
            this.#retries.delete(cancel);
            attempt();
          });
          this.#retries.add(cancel);
        },
      );
    };
    attempt();
  }

  /** Ends all streams properly, then closes; cuts off what does not end within half a second. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const cancel of this.#retries) cancel();
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const session of this.#sessions) session.close();
    const cancel = this.#options.clock.after(stopWithinMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await Promise.all(closed);
    cancel();
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const gone = new AbortController();
    const onStop = (): void => gone.abort();
    response.on('error', () => {});
    request.on('error', () => {});
    response.once('close', () => {
      gone.abort();
      this.#stopping.signal.removeEventListener('abort', onStop);
    });
    this.#stopping.signal.addEventListener('abort', onStop, { once: true });
    let answer: ApiAnswer;
    try {
      const { tokens, audiences } = this.#options;
      const user = authenticate(this.#certificateUser(request), request.headers.authorization, tokens, audiences);
      const body = await readBody(request);
      const target = request.url;
      const mark = target.indexOf('?');
      const apiRequest: ApiRequest = {
        method: request.method,
        path: mark < 0 ? target : target.slice(0, mark),
        query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
        headers: request.headers,
        body,
        user,
        signal: gone.signal,
        ...sourceOf(request.socket),
      };
      answer = await this.#options.pipeline.handle(apiRequest);
    } catch (error) {
      if (!(error instanceof StatusError)) {
        response.stream?.destroy?.();
        return;
      }
      answer = statusAnswer(error);
    }
    if (response.destroyed) return;
    await send(response, answer);
  }

  /** A request that wants another protocol on its connection (HTTP/1.1 only). */
  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => gone.abort());
    let answer: ApiAnswer;
    try {
      const asServed = request as unknown as Http2ServerRequest;
      const { tokens, audiences } = this.#options;
      const user = authenticate(this.#certificateUser(asServed), request.headers.authorization, tokens, audiences);
      const url = request.url ?? '/';
      const mark = url.indexOf('?');
      answer = await this.#options.pipeline.handle({
        method: request.method ?? 'GET',
        path: mark < 0 ? url : url.slice(0, mark),
        query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
        headers: request.headers,
        body: new Uint8Array(),
        user,
        signal: gone.signal,
        ...sourceOf(request.socket),
      });
    } catch (error) {
      if (!(error instanceof StatusError)) {
        socket.destroy();
        return;
      }
      answer = statusAnswer(error);
    }
    sendUpgrade(socket, head, answer);
  }

  #certificateUser(request: Http2ServerRequest): UserInfo | undefined {
    const socket = (request.stream?.session?.socket ?? request.socket) as TLSSocket;
    const key = request.stream?.session === undefined ? socket : (request.stream.session as unknown as Socket);
    const known = this.#users.get(key);
    if (known !== undefined) return known === 'none' ? undefined : known;
    let user: UserInfo | undefined;
    if (socket.authorized) {
      const raw = socket.getPeerCertificate(false)?.raw;
      if (raw !== undefined) user = userOfCertificate(new X509Certificate(raw));
    }
    this.#users.set(key, user ?? 'none');
    return user;
  }
}

function bindError(address: ListenAddress, error: NodeJS.ErrnoException): ApiServerError {
  const where = `${address.host}:${address.port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new ApiServerError('AddressInUse', `address ${where} is already in use`, error);
    case 'EADDRNOTAVAIL':
      return new ApiServerError('AddressUnavailable', `address ${where} does not exist on this machine`, error);
    case 'EACCES':
      return new ApiServerError('AddressUnavailable', `no permission to listen on ${where}`, error);
    default:
      return new ApiServerError('AddressUnavailable', `cannot listen on ${where}: ${error.message}`, error);
  }
}

async function readBody(request: Http2ServerRequest): Promise<Uint8Array> {
  if (request.method === 'GET' || request.method === 'HEAD') {
    request.resume();
    return new Uint8Array();
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

async function send(response: Http2ServerResponse, answer: ApiAnswer): Promise<void> {
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
  const head = response as { flushHeaders?: () => void };
  head.flushHeaders?.();
  await answer.stream(new ResponseSink(response));
}

/** A response as the end of a stream. */
class ResponseSink implements AnswerSink {
  readonly #response: Http2ServerResponse;

  constructor(response: Http2ServerResponse) {
    this.#response = response;
  }

  get queuedBytes(): number {
    return this.#response.writableLength ?? 0;
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
    if (this.#response.stream !== undefined) this.#response.stream.close();
    else this.#response.destroy();
  }
}

function sourceOf(socket: { readonly remoteAddress?: string | undefined }): { readonly sourceAddress?: string } {
  const { remoteAddress } = socket;
  return remoteAddress === undefined ? {} : { sourceAddress: remoteAddress };
}
