import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { Clock } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { DnsError } from '../dns-error.ts';
import type { StreamAnswers } from './stream-answers.ts';
import { defaultTcpLimits, TcpConnection, type TcpLimits } from './tcp-connection.ts';

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
  readonly #connections: Map<Socket, TcpConnection> = new Map();
  readonly #byClient: Map<string, number> = new Map();
  readonly #retries: Set<() => void> = new Set();
  #certificate: TlsFiles | undefined;

  constructor(options: TcpServerOptions) {
    this.#options = options;
    this.#limits = options.limits ?? defaultTcpLimits;
    this.#certificate = options.tls;
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

  /** Handshakes from now on get this certificate; connections stay. @throws when it is none. */
  replaceCertificate(files: TlsFiles): void {
    this.#certificate = files;
    for (const server of this.#servers) (server as TlsServer).setSecureContext({ cert: files.cert, key: files.key });
  }

  /** Accepts nobody any more; connections end once their queries are answered. */
  drain(): void {
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
    for (const server of this.#servers) server.close();
    for (const connection of this.#connections.values()) connection.drain();
  }

  async stop(): Promise<void> {
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of this.#connections.keys()) connection.destroy();
    await Promise.all(closed);
  }

  #listen(address: SocketAddress): Promise<void> {
    const accept = (connection: Socket): void => this.#accept(connection);
    const tls = this.#certificate;
    const server =
      tls === undefined
        ? createServer({ noDelay: true, allowHalfOpen: true }, accept)
        : createTlsServer(
            {
              cert: tls.cert,
              key: tls.key,
              noDelay: true,
              ALPNProtocols: ['dot'],
              handshakeTimeout: this.#limits.idleTimeoutMs,
            },
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
      // Shared, so that the next process can listen before this one leaves.
      server.listen({ host: address.address, port: address.port, reusePort: true }, () => {
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
    const { answers, clock, log, tls } = this.#options;
    const served = new TcpConnection(connection, { answers, clock, log, isSecret: tls !== undefined }, this.#limits);
    this.#connections.set(connection, served);
    connection.once('close', () => {
      this.#connections.delete(connection);
      const left = (this.#byClient.get(client) ?? 1) - 1;
      if (left > 0) this.#byClient.set(client, left);
      else this.#byClient.delete(client);
    });
    connection.on('error', () => connection.destroy());
  }
}
