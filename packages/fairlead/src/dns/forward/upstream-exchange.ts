import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '../../sys/clock.ts';
import { headerFlag } from '../../wire/dns/constants.ts';
import { type DnsMessage, type DnsQuestion, decodeMessage } from '../../wire/dns/message.ts';
import { nameKey } from '../../wire/dns/name.ts';

/** A resolver that queries are forwarded to. */
export interface Upstream {
  readonly address: string;
  readonly port: number;
  /** DNS over TLS (RFC 7858), with the name that the certificate must have; absent: UDP, then TCP. */
  readonly tlsName?: string;
  /** DNS over HTTPS (RFC 8484) at this path; then `tlsName` is the name of the server, too. */
  readonly httpsPath?: string;
}

/** Result of asking one upstream once. */
export type ExchangeResult =
  | { readonly ok: true; readonly message: DnsMessage }
  | { readonly ok: false; readonly reason: 'timeout' | 'unreachable' | 'aborted' };

/** Whether a message answers a query: same ID, QR set, and the same question (names without regard to case). */
export function isAnswerTo(message: DnsMessage, id: number, question: DnsQuestion): boolean {
  const [asked] = message.questions;
  return (
    message.id === id &&
    (message.flags & headerFlag.QR) !== 0 &&
    message.questions.length === 1 &&
    asked !== undefined &&
    asked.type === question.type &&
    asked.class === question.class &&
    nameKey(asked.name) === nameKey(question.name)
  );
}

/** One attempt's inputs. `id` is unpredictable; the query carries it. */
export interface ExchangeOptions {
  readonly upstream: Upstream;
  readonly query: Uint8Array;
  readonly id: number;
  readonly question: DnsQuestion;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of every datagram that was not the answer. */
  readonly onMismatch?: () => void;
}

/**
 * Asks over UDP from a fresh socket: a random source port, connected, so that the kernel drops datagrams
 * of other senders. Answers that do not match are ignored, not believed.
 */
export function exchangeUdp(options: ExchangeOptions): Promise<ExchangeResult> {
  const { upstream, query, id, question, clock, signal } = options;
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(upstream.address.split('%')[0]!) ? 'udp6' : 'udp4');
    let isDone = false;
    const finish = (result: ExchangeResult): void => {
      if (isDone) return;
      isDone = true;
      cancel();
      signal.removeEventListener('abort', onAbort);
      socket.close();
      resolve(result);
    };
    const onAbort = (): void => finish({ ok: false, reason: 'aborted' });
    const cancel = clock.after(options.timeoutMs, () => finish({ ok: false, reason: 'timeout' }));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', () => finish({ ok: false, reason: 'unreachable' }));
    socket.on('message', (bytes) => {
      const message = decodeMessage(bytes);
      if (message !== undefined && isAnswerTo(message, id, question)) finish({ ok: true, message });
      else options.onMismatch?.();
    });
    socket.once('connect', () => {
      if (!isDone) socket.send(query, (error) => error !== null && finish({ ok: false, reason: 'unreachable' }));
    });
    socket.connect(upstream.port, upstream.address);
  });
}
