import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { decodeMessage } from '../../wire/dns/message.ts';
import { type ExchangeOptions, type ExchangeResult, isAnswerTo, type Upstream } from './upstream-exchange.ts';

/** A connection that nobody asks on for this long is closed. */
const idleMs = 10_000;

interface Waiter {
  readonly options: ExchangeOptions;
  readonly finish: (result: ExchangeResult) => void;
}

/**
 * Connections to upstreams over TCP (after a truncated answer, RFC 7766 5) and TLS (RFC 7858): one per
 * upstream, kept open, with many queries in flight.
 */
export class UpstreamConnections {
  readonly #tlsAuthorities: string | undefined;
  readonly #open: Map<Upstream, UpstreamConnection> = new Map();
  /** Queries that found a connection open. */
  reused = 0;

  /** `tlsAuthorities`: PEM; absent: the authorities that Node knows. */
  constructor(tlsAuthorities?: string) {
    this.#tlsAuthorities = tlsAuthorities;
  }

  async exchange(options: ExchangeOptions): Promise<ExchangeResult> {
    const { upstream } = options;
    const known = this.#open.get(upstream);
    if (known?.mayTake(options.id) === true) {
      this.reused++;
      const result = await known.exchange(options);
      // The server may have closed it for its idleness, just when the query was sent: once more.
      if (result.ok || result.reason !== 'unreachable') return result;
    }
    const fresh = new UpstreamConnection(
      openStream(upstream, this.#tlsAuthorities),
      upstream.tlsName !== undefined,
      () => {
        if (this.#open.get(upstream) === fresh) this.#open.delete(upstream);
      },
    );
    if (this.#open.has(upstream)) fresh.isSingle = true;
    else this.#open.set(upstream, fresh);
    return fresh.exchange(options);
  }

  /** Closes all connections; what waits on them fails. */
  close(): void {
    for (const connection of this.#open.values()) connection.close();
  }
}

class UpstreamConnection {
  /** It is closed after its first answer. */
  isSingle = false;
  readonly #socket: Socket;
  readonly #waiters: Map<number, Waiter> = new Map();
  readonly #onClosed: () => void;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, isSecure: boolean, onClosed: () => void) {
    this.#socket = socket;
    this.#onClosed = onClosed;
    socket.on('error', () => {});
    socket.once('close', () => this.#fail());
    socket.once(isSecure ? 'secureConnect' : 'connect', () => socket.setTimeout(idleMs));
    socket.on('timeout', () => this.#waiters.size === 0 && socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** Whether a query with this ID may go over the connection. */
  mayTake(id: number): boolean {
    return !this.#socket.destroyed && !this.#waiters.has(id);
  }

  exchange(options: ExchangeOptions): Promise<ExchangeResult> {
    const { query, id, clock, signal } = options;
    return new Promise((resolve) => {
      const finish = (result: ExchangeResult): void => {
        if (!this.#waiters.delete(id)) return;
        cancel();
        signal.removeEventListener('abort', onAbort);
        // An idle connection must not keep the process.
        if (this.#waiters.size === 0) this.#socket.unref();
        if (this.isSingle) this.close();
        resolve(result);
      };
      const onAbort = (): void => finish({ ok: false, reason: 'aborted' });
      const cancel = clock.after(options.timeoutMs, () => {
        finish({ ok: false, reason: 'timeout' });
        // A connection that does not answer is not asked again.
        this.close();
      });
      this.#waiters.set(id, { options, finish });
      signal.addEventListener('abort', onAbort, { once: true });
      const frame = Buffer.alloc(2 + query.length);
      frame.writeUInt16BE(query.length, 0);
      frame.set(query, 2);
      this.#socket.ref();
      this.#socket.write(frame);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 2) {
      const end = 2 + this.#received.readUInt16BE(0);
      if (this.#received.length < end) return;
      const message = decodeMessage(this.#received.subarray(2, end));
      this.#received = this.#received.subarray(end);
      const waiter = message && this.#waiters.get(message.id);
      // On a stream nothing strange can be slipped in between: what does not fit means a broken server.
      if (message === undefined || waiter === undefined || !isAnswerTo(message, message.id, waiter.options.question)) {
        this.close();
        return;
      }
      waiter.finish({ ok: true, message });
    }
  }

  #fail(): void {
    this.#onClosed();
    for (const { finish } of [...this.#waiters.values()]) finish({ ok: false, reason: 'unreachable' });
  }
}

function openStream({ address, port, tlsName }: Upstream, authorities: string | undefined): Socket {
  if (tlsName === undefined) return connect({ host: address, port, noDelay: true });
  return connectTls({
    host: address,
    port,
    // A name that is an address has no SNI.
    ...(isIP(tlsName) === 0 ? { servername: tlsName } : {}),
    ...(authorities === undefined ? {} : { ca: authorities }),
    ALPNProtocols: ['dot'],
  });
}
