import type { RouteCertificate } from '../../routing/route-table.ts';
import { demandsStaple, responderOf } from '../../sys/certificate-status.ts';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { tlsContexts } from '../../sys/tls-contexts.ts';

/** Asks a responder; rejects when there is no answer. */
export type AskResponder = (url: string, request: Buffer, signal: AbortSignal) => Promise<Buffer>;

/** What a {@link Stapler} works with. */
export interface StaplerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Undefined: nobody is asked; what Secrets bear is stapled all the same. */
  readonly ask: AskResponder | undefined;
  /** A certificate's next handshakes staple this; undefined: nothing. */
  readonly onStaple: (key: string, response: Uint8Array | undefined) => void;
}

interface Entry {
  readonly key: string;
  readonly chain: string;
  readonly url: string | undefined;
  readonly demands: boolean;
  /** Bears its own response. */
  readonly given: string | undefined;
  current: { readonly response: Buffer; readonly expiresMs: number } | undefined;
  askAtMs: number;
  failures: number;
  cancel: () => void;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A responder's clock may be ahead of ours. */
const SKEW_MS = 5 * MINUTE_MS;
/** Timers of the runtime are no longer than 24 days. */
const WAIT_MAX_MS = 24 * HOUR_MS;
const FAILURE_MAX_MS = HOUR_MS;
/** Of a response that says that there is always a newer one. */
const UNDATED_MS = 4 * HOUR_MS;

/**
 * Keeps an OCSP response at hand for each certificate that names a responder, or whose Secret bears one:
 *
 *     asked ──good──▶ stapled ──half of its time──▶ asked again ──failure──▶ after 1, 2, 4… minutes, up to an hour
 *                        └────── nextUpdate ──────▶ stapled no more
 *
 * A failure leaves the last response in place, as long as that one is valid. Main thread.
 */
export class Stapler {
  readonly #options: StaplerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #stop = new AbortController();

  constructor(options: StaplerOptions) {
    this.#options = options;
  }

  /** Follows a difference of the certificates, once workers have it: they forget what they stapled with the old ones. */
  update(changes: readonly (readonly [string, RouteCertificate | undefined])[]): void {
    for (const [key, certificate] of changes) {
      const before = this.#entries.get(key);
      if (certificate === undefined || certificate.clientAuth === 'refuse') this.#forget(before);
      else if (before?.chain === certificate.certificate && before.given === certificate.staple) this.#tell(before);
      else {
        this.#forget(before);
        this.#begin(key, certificate);
      }
    }
  }

  /** What a new worker is to staple. */
  staples(): readonly (readonly [key: string, response: Uint8Array])[] {
    return [...this.#entries.values()].flatMap(({ key, current }) =>
      current === undefined ? [] : [[key, current.response] as const],
    );
  }

  stop(): void {
    this.#stop.abort();
    for (const { cancel } of this.#entries.values()) cancel();
    this.#entries.clear();
  }

  #forget(entry: Entry | undefined): void {
    if (entry === undefined) return;
    entry.cancel();
    this.#entries.delete(entry.key);
  }

  #tell(entry: Entry): void {
    if (entry.current !== undefined) this.#options.onStaple(entry.key, entry.current.response);
  }

  #begin(key: string, { certificate: chain, staple: given }: RouteCertificate): void {
    const url = this.#options.ask === undefined ? undefined : responderOf(chain);
    if (tlsContexts.readStaple === undefined || (url === undefined && given === undefined)) return;
    const entry: Entry = {
      key,
      chain,
      url,
      demands: demandsStaple(chain),
      given,
      current: undefined,
      askAtMs: 0,
      failures: 0,
      cancel: () => {},
    };
    this.#entries.set(key, entry);
    if (given === undefined) void this.#ask(entry);
    else {
      const problem = this.#take(entry, Buffer.from(given, 'base64'));
      if (problem !== undefined)
        this.#options.log('warn', 'OCSP response in a Secret not stapled', { certificate: key, problem });
      // Renewing it is for whoever writes the Secret.
      entry.askAtMs = Infinity;
      this.#wait(entry);
    }
  }

  async #ask(entry: Entry): Promise<void> {
    const { clock, log } = this.#options;
    const problem = await this.#fetch(entry).catch((error: unknown) => (error as Error).message);
    if (this.#entries.get(entry.key) !== entry) return;
    if (problem === undefined) entry.failures = 0;
    else {
      const pauseMs = Math.min(MINUTE_MS * 2 ** entry.failures++, FAILURE_MAX_MS);
      entry.askAtMs = clock.now() + pauseMs;
      const level = entry.failures === 1 && entry.current === undefined ? 'warn' : 'debug';
      log(level, 'no OCSP response to staple', {
        certificate: entry.key,
        responder: entry.url,
        problem,
        retryMs: pauseMs,
      });
      if (entry.demands && entry.current === undefined) {
        log('warn', 'clients may refuse a certificate that demands stapling', { certificate: entry.key });
      }
    }
    this.#wait(entry);
  }

  /** @returns what went wrong. */
  async #fetch(entry: Entry): Promise<string | undefined> {
    const request = tlsContexts.createStatusRequest!(entry.chain);
    if (!request.ok) return request.problem;
    const response = await this.#options.ask!(entry.url!, request.value, this.#stop.signal);
    return this.#take(entry, response);
  }

  /** Staples a response if it is good and of today; else says why not. */
  #take(entry: Entry, response: Buffer): string | undefined {
    const { clock, random } = this.#options;
    const read = tlsContexts.readStaple!(response, entry.chain);
    if (!read.ok) return read.problem;
    const { status, thisUpdateMs, nextUpdateMs } = read.value;
    const now = clock.now();
    const expiresMs = nextUpdateMs ?? now + UNDATED_MS;
    if (thisUpdateMs > now + SKEW_MS) return 'it is of the future';
    if (expiresMs <= now) return 'it has expired';
    if (status === 'good') {
      entry.current = { response, expiresMs };
      this.#tell(entry);
    } else if (entry.current !== undefined) {
      // What is known better must not be said any more.
      this.#withdraw(entry);
    }
    // Somewhere around the half, so that not all come at once.
    entry.askAtMs = now + Math.max(MINUTE_MS, (expiresMs - now) * (0.4 + 0.2 * random()));
    return status === 'good' ? undefined : `the certificate is ${status}`;
  }

  #withdraw(entry: Entry): void {
    entry.current = undefined;
    this.#options.onStaple(entry.key, undefined);
  }

  #wait(entry: Entry): void {
    const { clock, log } = this.#options;
    const expiresMs = entry.current?.expiresMs ?? Infinity;
    const dueMs = Math.min(entry.askAtMs, expiresMs);
    if (dueMs === Infinity) return;
    entry.cancel = clock.after(Math.min(Math.max(dueMs - clock.now(), 0), WAIT_MAX_MS), () => {
      const now = clock.now();
      if (entry.current !== undefined && now >= entry.current.expiresMs) {
        log('warn', 'OCSP response has expired and is not stapled any more', { certificate: entry.key });
        this.#withdraw(entry);
      }
      if (now >= entry.askAtMs) void this.#ask(entry);
      else this.#wait(entry);
    });
  }
}
