import { X509Certificate } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { ApiServerError } from '../api-server-error.ts';
import type { UserInfo } from './api-request.ts';
import { userOfCertificate } from './authenticate.ts';
import { Http1Front } from './http1-front.ts';
import { Http2Session } from './http2-session.ts';
import { RequestFront, type RequestFrontOptions } from './request-front.ts';

const retryBindMs = 500;
const stopWithinMs = 500;

/** One address to listen on; port 0 takes any. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What a listener serves with. */
export interface ListenerOptions extends RequestFrontOptions {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  /** How long a client of HTTP/1.1 may take for the head of a request; default one minute. */
  readonly headMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The HTTPS front of the API server: HTTP/2 and HTTP/1.1 on the same ports. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #front: RequestFront;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<Http2Session>();
  /** Made for the first client of its kind. */
  #http1: Http1Front | undefined;
  readonly #stopping = new AbortController();
  readonly #retries = new Set<() => void>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#front = new RequestFront(options);
  }

  /** Binds an address; throws AddressInUse or AddressUnavailable. Answers with the port. */
  async bind(address: ListenAddress): Promise<number> {
    const { certificate, key, ca } = this.#options;
    const server = createServer({
      ALPNProtocols: ['h2', 'http/1.1'],
      cert: certificate,
      key,
      ca,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.on('secureConnection', (socket) => this.#take(socket));
    server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
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
    for (const session of this.#sessions) session.stop();
    this.#http1?.stop();
    const cancel = this.#options.clock.after(stopWithinMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await Promise.all(closed);
    cancel();
  }

  /** A connection whose handshake is done. */
  #take(socket: TLSSocket): void {
    socket.on('error', () => {});
    const user = certificateUser(socket);
    if (socket.alpnProtocol === 'h2') {
      const session = new Http2Session(socket, this.#front, user, this.#options.clock);
      this.#sessions.add(session);
      socket.once('close', () => this.#sessions.delete(session));
    } else {
      this.#http1 ??= new Http1Front(this.#front, this.#options.headMs);
      this.#http1.take(socket, user);
    }
  }
}

/** The user of a connection, by a client certificate that our authority signed. */
function certificateUser(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const raw = socket.getPeerCertificate(false)?.raw;
  return raw === undefined ? undefined : userOfCertificate(new X509Certificate(raw));
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
