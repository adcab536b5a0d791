// Hot path where logs are on: one line per request.
import type { Clock, Random } from '../../sys/clock.ts';
import type { ExchangeRecord } from '../exchange-record.ts';
import type { AccessLogRules } from './access-log-rules.ts';
import { type CompiledLogFormat, compileLogFormat } from './log-format.ts';

/** Lines that all workers of a gateway have handed over and nobody has written yet, bytes. Beyond, lines are dropped. */
export const LOG_QUEUE_MAX_BYTES: number = 16 * 1024 * 1024;
const FLUSH_BYTES = 32 * 1024;

/** Collects lines and hands them over in batches, so that no request waits for a disk. */
export class AccessLog {
  /** Request headers that lines need. */
  readonly headers: readonly Buffer[];
  readonly #format: CompiledLogFormat;
  readonly #rules: AccessLogRules;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onDropped: () => void;
  /** Bytes handed over and not yet written, of all workers. */
  readonly #queued: Int32Array;
  readonly #write: (lines: string) => void;
  #pending = '';

  /** @throws Error for a format that cannot be compiled: the options should have been checked. */
  constructor(
    rules: AccessLogRules,
    around: {
      readonly clock: Clock;
      readonly random: Random;
      /** There is no room for a line. */
      readonly onDropped: () => void;
      readonly queue: SharedArrayBuffer;
      readonly write: (lines: string) => void;
    },
  ) {
    const result = compileLogFormat(rules.format);
    if (!result.ok) throw new Error(`access log: ${result.problems.join('; ')}`);
    this.#rules = rules;
    this.#format = result.format;
    this.headers = result.format.headers.map((name) => Buffer.from(name));
    this.#clock = around.clock;
    this.#random = around.random;
    this.#onDropped = around.onDropped;
    this.#queued = new Int32Array(around.queue);
    this.#write = around.write;
  }

  add(exchange: ExchangeRecord): void {
    const { share, statuses } = this.#rules;
    if (statuses.length > 0 && !isWithin(exchange.status, statuses)) return;
    if (share < 1 && this.#random() >= share) return;
    if (Atomics.load(this.#queued, 0) + this.#pending.length > LOG_QUEUE_MAX_BYTES) {
      this.#onDropped();
      return;
    }
    this.#pending += this.#format.line(exchange, this.#clock.now());
    if (this.#pending.length >= FLUSH_BYTES) this.flush();
  }

  flush(): void {
    if (this.#pending === '') return;
    const lines = this.#pending;
    this.#pending = '';
    Atomics.add(this.#queued, 0, lines.length);
    this.#write(lines);
  }
}

function isWithin(status: number, ranges: readonly (readonly [number, number])[]): boolean {
  for (let i = 0; i < ranges.length; i++) {
    const [first, last] = ranges[i]!;
    if (status >= first && status <= last) return true;
  }
  return false;
}
