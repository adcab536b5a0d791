import type { RateLimitFilter } from '../../routing/route-filters.ts';
import type { Clock } from '../../sys/clock.ts';
import { errorBody } from '../local-response.ts';
import type { CompiledFilter, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';
import type { RateTable } from './rate-table.ts';

/**
 * Lets only so many requests through, and says so (429, Retry-After of RFC 9110 10.2.3, and the usual
 * x-ratelimit fields, times in seconds).
 */
export class RateLimit implements CompiledFilter {
  readonly #filter: RateLimitFilter;
  readonly #table: RateTable;
  readonly #clock: Clock;
  readonly #header: Buffer | undefined;

  constructor(filter: RateLimitFilter, table: RateTable, clock: Clock) {
    this.#filter = filter;
    this.#table = table;
    this.#clock = clock;
    this.#header = typeof filter.per === 'string' ? undefined : Buffer.from(filter.per.header);
  }

  onRequest(run: FilterRun): Verdict {
    const { name, requests, burst } = this.#filter;
    const decision = this.#table.take(`${name}\n${this.#who(run)}`, this.#filter, this.#clock.now());
    const change = run.responseChange;
    change.add('x-ratelimit-limit', String(Math.max(requests, burst)));
    change.add('x-ratelimit-remaining', String(decision.remaining));
    change.add('x-ratelimit-reset', String(Math.ceil(decision.resetMs / 1000)));
    if (decision.allowed) return 'pass';
    const retry = String(Math.max(1, Math.ceil(decision.retryMs / 1000)));
    return { status: 429, body: errorBody(429), reason: 'rate-limited', fields: [['retry-after', retry]] };
  }

  /** Requests without the header share one bucket: leaving it out gains nothing. */
  #who(run: FilterRun): string {
    if (this.#header !== undefined) return run.header(this.#header) ?? '';
    return this.#filter.per === 'client' ? run.clientAddress() : '';
  }
}
