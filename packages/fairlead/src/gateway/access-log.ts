import type { Clock } from '../sys/clock.ts';

/** One finished request. */
export interface AccessRecord {
  readonly client: string;
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly status: number;
  readonly bytesSent: number;
  readonly durationMs: number;
  /** `namespace/service:port`, absent when the gateway answered itself. */
  readonly backend?: string;
  readonly upstream?: string;
  readonly attempts?: number;
  /** Object that the route came from: `Ingress namespace/name`. */
  readonly route?: string;
  /** Why the gateway itself answered or broke off, e.g. `no-route`, `upstream-connect`. */
  readonly reason?: string;
}

const FLUSH_BYTES = 32 * 1024;

/** Collects access log lines (JSON) and hands them over in batches, so that no request waits for a disk. */
export class AccessLog {
  readonly #clock: Clock;
  readonly #write: (lines: string) => void;
  #pending = '';

  constructor(clock: Clock, write: (lines: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  add(record: AccessRecord): void {
    const time = new Date(this.#clock.now()).toISOString();
    const durationMs = Math.round(record.durationMs * 1000) / 1000;
    this.#pending += `${JSON.stringify({ time, ...record, durationMs })}\n`;
    if (this.#pending.length >= FLUSH_BYTES) this.flush();
  }

  flush(): void {
    if (this.#pending === '') return;
    const lines = this.#pending;
    this.#pending = '';
    this.#write(lines);
  }
}
