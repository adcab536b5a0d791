import type { Clock, Random } from '../sys/clock.ts';
import { nodeHttp } from '../sys/node-http.ts';
import type { Log, Running } from '../sys/role.ts';
import { encodeSpans } from './otlp-json.ts';
import type { Span, SpanAttribute } from './span.ts';

/** Where spans go, and in whose name. */
export interface OtlpExporterOptions {
  /** `http://HOST:PORT/v1/traces` or https. */
  readonly url: URL;
  /** Who speaks: `service.name` and more. */
  readonly resource: readonly SpanAttribute[];
  /** Further headers of a request (lower-case names), asked for each one: tokens change. It never rejects. Default none. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What became of spans. */
export interface OtlpExporterStats {
  readonly sent: number;
  /** No room, refused, or given up on. */
  readonly dropped: number;
}

/** Sends spans to a collector. */
export interface RunningOtlpExporter extends Running {
  /** Takes spans; those beyond {@link SPANS_MAX} are dropped. */
  add(spans: readonly Span[]): void;
  stats(): OtlpExporterStats;
}

/** Spans that wait for the collector. */
export const SPANS_MAX = 8_192;
const BATCH_MAX = 512;
/** A batch that is not full waits for more. */
const BATCH_WAIT_MS = 1_000;
const TIMEOUT_MS = 10_000;
/** Answers are a few bytes; of longer ones the rest is not read. */
const ANSWER_MAX_BYTES = 64 * 1024;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;
/** A batch is given up on after as many. */
const TRIES_MAX = 6;
/** At the end what is left has one try, and this long. */
const STOP_MS = 2_000;
/** Worth another try, as OTLP says. */
const RETRYABLE = new Set([429, 502, 503, 504]);

/** Sends spans in batches, one at a time, with OTLP over HTTP in JSON. Nobody waits for it. */
export function startOtlpExporter(options: OtlpExporterOptions): RunningOtlpExporter {
  const exporter = new OtlpExporter(options);
  exporter.start();
  return exporter;
}

type Outcome =
  | { readonly type: 'sent'; readonly rejected: number }
  | { readonly type: 'refused'; readonly why: string }
  | { readonly type: 'failed'; readonly why: string; readonly retryAfterMs: number | undefined };

class OtlpExporter implements RunningOtlpExporter {
  readonly #options: OtlpExporterOptions;
  readonly #queue: Span[] = [];
  readonly #stopping = new AbortController();
  #wake = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();
  #sent = 0;
  #dropped = 0;
  /** A trouble is told when it begins, and when it ends. */
  #isTroubled = false;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  add(spans: readonly Span[]): void {
    const room = Math.max(0, SPANS_MAX - this.#queue.length);
    this.#queue.push(...spans.slice(0, room));
    this.#dropped += Math.max(0, spans.length - room);
    this.#wake.resolve();
  }

  stats(): OtlpExporterStats {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.resolve();
    await this.#running;
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      if (this.#queue.length < BATCH_MAX) await this.#pause(BATCH_WAIT_MS);
      while (this.#queue.length > 0 && !this.#isStopping) await this.#deliver(this.#queue.splice(0, BATCH_MAX));
    }
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_MAX);
      const outcome = await this.#send(batch, STOP_MS);
      if (outcome.type !== 'sent') {
        this.#dropped += batch.length + this.#queue.length;
        return;
      }
      this.#count(batch.length, outcome.rejected);
    }
  }

  /** Sends one batch, again and again where that may help. */
  async #deliver(batch: readonly Span[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.#send(batch, TIMEOUT_MS);
      if (outcome.type === 'sent') {
        this.#count(batch.length, outcome.rejected);
        if (this.#isTroubled) this.#options.log('info', 'spans are taken again', { url: this.#options.url.href });
        this.#isTroubled = false;
        return;
      }
      if (!this.#isTroubled) {
        this.#isTroubled = true;
        this.#options.log('warn', 'spans are not taken', { url: this.#options.url.href, error: outcome.why });
      }
      if (outcome.type === 'refused' || tries >= TRIES_MAX || this.#isStopping) {
        this.#dropped += batch.length;
        return;
      }
      const backoffMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (tries - 1));
      await this.#pause(outcome.retryAfterMs ?? backoffMs * (0.5 + this.#options.random() / 2));
    }
  }

  #count(size: number, rejected: number): void {
    this.#sent += size - rejected;
    this.#dropped += rejected;
  }

  async #pause(ms: number): Promise<void> {
    await this.#options.clock.sleep(ms, this.#stopping.signal).catch(() => {});
  }

  async #send(batch: readonly Span[], timeoutMs: number): Promise<Outcome> {
    const { url, resource } = this.#options;
    const body = Buffer.from(encodeSpans(batch, resource));
    const own = (await this.#options.headers?.()) ?? {};
    const headers = { ...own, 'content-type': 'application/json', 'content-length': body.length };
    const { request } = url.protocol === 'https:' ? await import('node:https') : nodeHttp;
    return new Promise((resolve) => {
      const failed = (error: Error): void => resolve({ type: 'failed', why: error.message, retryAfterMs: undefined });
      const signal = AbortSignal.timeout(timeoutMs);
      const sending = request(url, { method: 'POST', headers, signal }, (response) => {
        const { statusCode = 0 } = response;
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (text.length < ANSWER_MAX_BYTES) text += chunk;
        });
        response.on('error', failed);
        response.on('end', () => resolve(outcomeOf(statusCode, response.headers['retry-after'], text, batch.length)));
      });
      sending.on('error', failed);
      sending.end(body);
    });
  }
}

function outcomeOf(status: number, retryAfter: string | undefined, text: string, size: number): Outcome {
  if (status >= 200 && status < 300) return { type: 'sent', rejected: Math.min(size, rejectedOf(text)) };
  const why = `status ${status}`;
  if (!RETRYABLE.has(status)) return { type: 'refused', why };
  const seconds = /^\d{1,4}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
  return { type: 'failed', why, retryAfterMs: seconds === undefined ? undefined : Math.min(60, seconds) * 1000 };
}

/** `partialSuccess.rejectedSpans`, a number or a text of one. */
function rejectedOf(text: string): number {
  try {
    const answer = JSON.parse(text) as { readonly partialSuccess?: { readonly rejectedSpans?: string | number } };
    const rejected = Number(answer.partialSuccess?.rejectedSpans ?? 0);
    return rejected > 0 ? rejected : 0;
  } catch {
    return 0;
  }
}
