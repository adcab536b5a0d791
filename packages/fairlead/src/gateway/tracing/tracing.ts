// Hot path where traces are on. Off, there is none of this.
import { randomFillSync } from 'node:crypto';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Span } from '../../telemetry/span.ts';
import { METRIC } from '../gateway-metrics.ts';

/** How requests are traced. */
export interface TraceRules {
  /** Part of the traces that begin here, 0 to 1. Callers' decisions are kept. */
  readonly share: number;
  /** Also read and write B3. */
  readonly b3: boolean;
}

/** Spans that all workers of a gateway have handed over and nobody has taken yet. Beyond, spans are dropped. */
export const SPANS_QUEUED_MAX = 8_192;
const FLUSH_SPANS = 128;
const POOL_BYTES = 4096;

/** The traces of one worker: identifiers, decisions, and finished spans on their way out. */
export class Tracing {
  readonly rules: TraceRules;
  readonly clock: Clock;
  readonly #random: Random;
  readonly #metrics: Float64Array;
  readonly #queued: Int32Array;
  readonly #send: (spans: readonly Span[]) => void;
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #at = POOL_BYTES;
  #pending: Span[] = [];

  constructor(
    rules: TraceRules,
    around: {
      readonly clock: Clock;
      readonly random: Random;
      readonly metrics: Float64Array;
      readonly queue: SharedArrayBuffer;
      readonly send: (spans: readonly Span[]) => void;
    },
  ) {
    this.rules = rules;
    this.clock = around.clock;
    this.#random = around.random;
    this.#metrics = around.metrics;
    this.#queued = new Int32Array(around.queue);
    this.#send = around.send;
  }

  /** Whether a trace that begins here is recorded. */
  decide(): boolean {
    return this.rules.share >= 1 || this.#random() < this.rules.share;
  }

  /** A new identifier of `bytes` bytes, in hexadecimal, not zero. */
  newId(bytes: 8 | 16): string {
    if (this.#at + bytes > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const id = this.#pool.toString('hex', this.#at, this.#at + bytes);
    this.#at += bytes;
    return /[^0]/.test(id) ? id : this.newId(bytes);
  }

  add(span: Span): void {
    if (Atomics.load(this.#queued, 0) + this.#pending.length >= SPANS_QUEUED_MAX) {
      this.#metrics[METRIC.spansDropped]! += 1;
      return;
    }
    this.#pending.push(span);
    if (this.#pending.length >= FLUSH_SPANS) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const spans = this.#pending;
    this.#pending = [];
    Atomics.add(this.#queued, 0, spans.length);
    this.#send(spans);
  }
}
