import { type ClientHttp2Session, connect } from 'node:http2';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { decodeMessage } from '../../wire/dns/message.ts';
import { type ExchangeOptions, type ExchangeResult, isAnswerTo, type Upstream } from './upstream-exchange.ts';

/** A session that nobody asks on for this long is closed. */
const idleMs = 30_000;
const answerMaxBytes = 65535;
const mediaType = 'application/dns-message';

/** Sessions with upstreams over HTTPS (RFC 8484, POST over HTTP/2): one per upstream, kept open. */
export class HttpsUpstreams {
  readonly #tlsAuthorities: string | undefined;
  readonly #sessions: Map<Upstream, ClientHttp2Session> = new Map();
  /** Queries that found a session open. */
  reused = 0;

  /** `tlsAuthorities`: PEM; absent: the authorities that Node knows. */
  constructor(tlsAuthorities?: string) {
    this.#tlsAuthorities = tlsAuthorities;
  }

  /** Asks once. The ID of the message is 0, so that caches of HTTP work (RFC 8484 4.1). */
  exchange(options: ExchangeOptions): Promise<ExchangeResult> {
    const { upstream, question, clock, signal } = options;
    const query = Uint8Array.from(options.query);
    query[0] = 0;
    query[1] = 0;
    const session = this.#session(upstream);
    return new Promise((resolve) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': upstream.httpsPath ?? '/',
        ':authority': authorityOf(upstream),
        accept: mediaType,
        'content-type': mediaType,
        'content-length': String(query.length),
      });
      const chunks: Buffer[] = [];
      let bytes = 0;
      let status = 0;
      let isDone = false;
      const finish = (result: ExchangeResult): void => {
        if (isDone) return;
        isDone = true;
        cancel();
        signal.removeEventListener('abort', onAbort);
        stream.destroy();
        resolve(result);
      };
      const onAbort = (): void => finish({ ok: false, reason: 'aborted' });
      const cancel = clock.after(options.timeoutMs, () => {
        finish({ ok: false, reason: 'timeout' });
        session.destroy();
      });
      signal.addEventListener('abort', onAbort, { once: true });
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerMaxBytes) finish({ ok: false, reason: 'unreachable' });
        else chunks.push(chunk);
      });
      stream.on('error', () => finish({ ok: false, reason: 'unreachable' }));
      stream.on('close', () => finish({ ok: false, reason: 'unreachable' }));
      stream.on('end', () => {
        const message = status === 200 ? decodeMessage(Buffer.concat(chunks)) : undefined;
        const isGood = message !== undefined && isAnswerTo(message, 0, question);
        finish(isGood ? { ok: true, message } : { ok: false, reason: 'unreachable' });
      });
      stream.end(query);
    });
  }

  /** Closes all sessions; what waits on them fails. */
  close(): void {
    for (const session of this.#sessions.values()) session.destroy();
  }

  #session(upstream: Upstream): ClientHttp2Session {
    const known = this.#sessions.get(upstream);
    if (known !== undefined && !known.destroyed && !known.closed) {
      this.reused++;
      return known;
    }
    const { address, port, tlsName = address } = upstream;
    const session = connect(`https://${authorityOf(upstream)}`, {
      createConnection: () =>
        connectTls({
          host: address,
          port,
          // A name that is an address has no SNI.
          ...(isIP(tlsName) === 0 ? { servername: tlsName } : {}),
          ...(this.#tlsAuthorities === undefined ? {} : { ca: this.#tlsAuthorities }),
          ALPNProtocols: ['h2'],
        }),
    });
    this.#sessions.set(upstream, session);
    session.on('error', () => {});
    session.setTimeout(idleMs, () => session.close());
    session.once('close', () => {
      if (this.#sessions.get(upstream) === session) this.#sessions.delete(upstream);
    });
    return session;
  }
}

function authorityOf({ address, port, tlsName = address }: Upstream): string {
  const host = tlsName.includes(':') ? `[${tlsName}]` : tlsName;
  return port === 443 ? host : `${host}:${port}`;
}
