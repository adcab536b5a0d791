import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Clock } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { DnsError } from '../dns-error.ts';
import type { StreamAnswers } from './stream-answers.ts';

/** Limits of the TCP service (RFC 7766, RFC 9210). */
export interface TcpLimits {
  /** A connection without a whole query for this long is closed. */
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  /** Forwarded queries in flight on one connection; reading pauses at the limit. */
  readonly maxPipelined: number;
  /** Unread answers of a slow reader; reading pauses above it. */
  readonly writeMaxBytes: number;
}

export const defaultTcpLimits: TcpLimits = {
  idleTimeoutMs: 10_000,
  maxConnections: 1024,
  maxConnectionsPerClient: 128,
  maxPipelined: 64,
  writeMaxBytes: 256 * 1024,
};

/** What the TCP service needs. */
export interface TcpServerOptions {
  readonly listen: readonly SocketAddress[];
  readonly answers: StreamAnswers;
  /** DNS over TLS (RFC 7858); absent: plain TCP. */
  readonly tls?: TlsFiles;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: TcpLimits;
}

/** A server's certificate with its chain and its key, both PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** DNS over TCP or TLS: framed queries, answered in any order, on node:net. */
export class TcpServer implements Running {
  readonly #options: TcpServerOptions;
  readonly #limits: TcpLimits;
  readonly #servers: Server[] = [];
  readonly #connections: Set<Socket> = new Set();
  readonly #byClient: Map<string, number> = new Map();
  readonly #retries: Set<() => void> = new Set();

  constructor(options: TcpServerOptions) {
    this.#options = options;
    this.#limits = options.limits ?? defaultTcpLimits;
  }

  /** Addresses that are listened on now. */
  get addresses(): readonly SocketAddress[] {
    return this.#servers.flatMap((server) => {
      const bound = server.address();
      if (bound === null || typeof bound === 'string') return [];
      return [{ family: bound.family === 'IPv6' ? 'ipv6' : 'ipv4', address: bound.address, port: bound.port }];
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Listens on all addresses. One that does not exist yet is retried until it does. */
  async start(): Promise<void> {
    await Promise.all(this.#options.listen.map((address) => this.#listen(address)));
  }

  async stop(): Promise<void> {
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(closed);
  }

  #listen(address: SocketAddress): Promise<void> {
    const accept = (connection: Socket): void => this.#accept(connection);
    const { tls } = this.#options;
    const server =
      tls === undefined
        ? createServer({ noDelay: true, allowHalfOpen: true }, accept)
        : createTlsServer(
            { ...tls, noDelay: true, ALPNProtocols: ['dot'], handshakeTimeout: this.#limits.idleTimeoutMs },
            accept,
          ).on('tlsClientError', () => {});
    if (tls !== undefined) server.maxConnections = this.#limits.maxConnections;
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRNOTAVAIL') {
          const text = `cannot listen on TCP ${address.address} port ${address.port}: ${error.code ?? error.message}`;
          return reject(new DnsError('listen', text, error));
        }
        const cancel = this.#options.clock.after(200, () => {
          this.#retries.delete(cancel);
          this.#listen(address).catch((failure: unknown) => {
            this.#options.log('error', 'DNS over TCP is not served', { address: address.address, failure });
          });
        });
        this.#retries.add(cancel);
        resolve();
      });
      server.listen({ host: address.address, port: address.port, exclusive: true }, () => {
        this.#servers.push(server);
        server.on('error', (error) => this.#options.log('warn', 'DNS over TCP', { error }));
        resolve();
      });
    });
  }

  #accept(connection: Socket): void {
    const client = connection.remoteAddress ?? '';
    const open = this.#byClient.get(client) ?? 0;
    if (this.#connections.size >= this.#limits.maxConnections || open >= this.#limits.maxConnectionsPerClient) {
      connection.destroy();
      return;
    }
    this.#byClient.set(client, open + 1);
    this.#connections.add(connection);
    connection.once('close', () => {
      this.#connections.delete(connection);
      const left = (this.#byClient.get(client) ?? 1) - 1;
      if (left > 0) this.#byClient.set(client, left);
      else this.#byClient.delete(client);
    });
    connection.on('error', () => connection.destroy());
    new TcpConnection(connection, this.#options, this.#limits);
  }
}

/** One connection: bytes in, framed answers out. */
class TcpConnection {
  readonly #connection: Socket;
  readonly #options: TcpServerOptions;
  readonly #limits: TcpLimits;
  readonly #client: SocketAddress;
  #pending: Buffer = Buffer.alloc(0);
  #inFlight = 0;
  #hasEnded = false;
  #cancelIdle: () => void;

  constructor(connection: Socket, options: TcpServerOptions, limits: TcpLimits) {
    this.#connection = connection;
    this.#options = options;
    this.#limits = limits;
    const { remoteAddress = '0.0.0.0', remotePort = 0 } = connection;
    const family = remoteAddress.includes(':') ? 'ipv6' : 'ipv4';
    this.#client = { family, address: remoteAddress, port: remotePort };
    this.#cancelIdle = this.#startIdle();
    connection.on('data', (chunk: Buffer) => this.#read(chunk));
    connection.on('drain', () => this.#resume());
    connection.on('end', () => {
      this.#hasEnded = true;
      this.#endWhenDone();
    });
    connection.once('close', () => this.#cancelIdle());
  }

  #startIdle(): () => void {
    return this.#options.clock.after(this.#limits.idleTimeoutMs, () => this.#connection.destroy());
  }

  #read(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#drainPending();
  }

  #resume(): void {
    if (!this.#isBusy) {
      this.#connection.resume();
      this.#drainPending();
    }
  }

  get #isBusy(): boolean {
    return this.#inFlight >= this.#limits.maxPipelined || this.#connection.writableLength > this.#limits.writeMaxBytes;
  }

  #drainPending(): void {
    let at = 0;
    while (this.#pending.length - at >= 2 && !this.#connection.destroyed) {
      if (this.#isBusy) {
        this.#connection.pause();
        break;
      }
      const length = this.#pending.readUInt16BE(at);
      if (this.#pending.length - at - 2 < length) break;
      this.#answer(this.#pending.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    if (at > 0) {
      this.#pending = this.#pending.subarray(at);
      this.#cancelIdle();
      this.#cancelIdle = this.#startIdle();
    }
  }

  #answer(message: Uint8Array): void {
    const answer = this.#options.answers.answer(message, this.#client, this.#options.tls !== undefined);
    if (answer === undefined) this.#connection.destroy();
    else if (!(answer instanceof Promise)) this.#write(answer);
    else {
      this.#inFlight++;
      answer
        .then((resolved) => resolved !== undefined && this.#write(resolved))
        .catch((error: unknown) => this.#options.log('error', 'DNS query failed', { error }))
        .finally(() => {
          this.#inFlight--;
          this.#resume();
          this.#endWhenDone();
        });
    }
  }

  #write(answer: Uint8Array): void {
    if (this.#connection.destroyed) return;
    const frame = Buffer.allocUnsafe(2 + answer.length);
    frame.writeUInt16BE(answer.length, 0);
    frame.set(answer, 2);
    this.#connection.write(frame);
  }

  #endWhenDone(): void {
    if (this.#hasEnded && this.#inFlight === 0) this.#connection.end();
  }
}
