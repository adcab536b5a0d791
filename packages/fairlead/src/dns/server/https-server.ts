import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { rrType } from '../../wire/dns/constants.ts';
import { decodeMessage } from '../../wire/dns/message.ts';
import { DnsError } from '../dns-error.ts';
import { type StreamAnswers, streamEnds } from './stream-answers.ts';
import type { TlsFiles } from './tcp-server.ts';

/** What the HTTPS service needs. */
export interface HttpsServerOptions {
  readonly listen: readonly SocketAddress[];
  readonly answers: StreamAnswers;
  readonly tls: TlsFiles;
  readonly clock: Clock;
  readonly log: Log;
}

const mediaType = 'application/dns-message';
const path = '/dns-query';
const messageMaxBytes = 65535;
/** Base64url of the largest message; longer parameters are refused unread. */
const parameterMaxLength = Math.ceil((messageMaxBytes * 4) / 3);
const idleTimeoutMs = 30_000;
const maxConnections = 1024;
const maxStreams = 100;

/** DNS over HTTPS (RFC 8484): GET and POST on /dns-query, HTTP/2 and HTTP/1.1. */
export class HttpsServer implements Running {
  readonly #options: HttpsServerOptions;
  readonly #servers: Http2SecureServer[] = [];
  readonly #connections: Set<Socket> = new Set();
  readonly #sessions: Set<ServerHttp2Session> = new Set();

  constructor(options: HttpsServerOptions) {
    this.#options = options;
  }

  /** Addresses that are listened on now. */
  get addresses(): readonly SocketAddress[] {
    return this.#servers.map((server) => {
      const { address, port, family } = server.address() as AddressInfo;
      return { family: family === 'IPv6' ? 'ipv6' : 'ipv4', address, port };
    });
  }

  /** @throws DnsError `listen` when an address cannot be had. */
  async start(): Promise<void> {
    for (const address of this.#options.listen) await this.#listen(address);
  }

  /** Handshakes from now on get this certificate; connections stay. @throws when it is none. */
  replaceCertificate({ cert, key }: TlsFiles): void {
    for (const server of this.#servers) server.setSecureContext({ cert, key });
  }

  /** Accepts nobody any more, and tells clients to go; streams that are open end first. */
  drain(): void {
    for (const server of this.#servers) server.close();
    for (const session of this.#sessions) session.close();
  }

  async stop(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(closed);
  }

  #listen(address: SocketAddress): Promise<void> {
    const { cert, key } = this.#options.tls;
    const settings = { maxConcurrentStreams: maxStreams, enablePush: false };
    const server = createSecureServer({ cert, key, allowHTTP1: true, settings }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        this.#options.log('debug', 'DNS over HTTPS', { error });
        response.stream?.destroy();
      });
    });
    server.setTimeout(idleTimeoutMs);
    server.on('connection', (socket: Socket) => {
      if (this.#connections.size >= maxConnections) {
        socket.destroy();
        return;
      }
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
    });
    server.on('tlsClientError', () => {});
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const text = `cannot listen on HTTPS ${address.address} port ${address.port}: ${error.code ?? error.message}`;
        reject(new DnsError('listen', text, error));
      });
      server.listen({ host: address.address, port: address.port, reusePort: true }, () => {
        server.on('error', (error) => this.#options.log('warn', 'DNS over HTTPS', { error }));
        this.#servers.push(server);
        resolve();
      });
    });
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const message = await readMessage(request);
    if (typeof message === 'number') {
      response.writeHead(message, { 'content-type': 'text/plain' });
      response.end();
      return;
    }
    const answer = await this.#options.answers.answer(message, streamEnds(request.socket), true);
    if (answer === undefined) {
      response.writeHead(400);
      response.end();
      return;
    }
    response.writeHead(200, {
      'content-type': mediaType,
      'content-length': answer.length,
      'cache-control': `max-age=${smallestTtl(answer)}`,
    });
    response.end(answer);
  }
}

/** The query of a request, or the HTTP status that refuses it. Sizes are checked before anything is decoded. */
async function readMessage(request: Http2ServerRequest): Promise<Uint8Array | number> {
  const question = request.url.indexOf('?');
  if ((question < 0 ? request.url : request.url.slice(0, question)) !== path) return 404;
  if (request.method === 'GET') {
    if (request.url.length > parameterMaxLength + 64) return 414;
    const text = question < 0 ? null : new URLSearchParams(request.url.slice(question + 1)).get('dns');
    if (text === null || !/^[A-Za-z0-9_-]+$/.test(text)) return 400;
    return Buffer.from(text, 'base64url');
  }
  if (request.method !== 'POST') return 405;
  if (request.headers['content-type'] !== mediaType) return 415;
  if (Number(request.headers['content-length'] ?? 0) > messageMaxBytes) return 413;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > messageMaxBytes) return 413;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Seconds that an answer may be cached: its lowest TTL (RFC 8484 5.1). */
function smallestTtl(answer: Uint8Array): number {
  const message = decodeMessage(answer);
  const records = [...(message?.answers ?? []), ...(message?.authority ?? [])].filter(
    ({ type }) => type !== rrType.OPT,
  );
  return records.length === 0 ? 0 : Math.min(...records.map(({ ttl }) => ttl));
}
