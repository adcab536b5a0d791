import type { FaultFilter } from '../../routing/route-filters.ts';
import type { Random } from '../../sys/clock.ts';
import { errorBody } from '../local-response.ts';
import type { CompiledFilter, FilterAnswer, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';

/** Delays requests or answers them with an error, to see how callers take it. */
export class Fault implements CompiledFilter {
  readonly #filter: FaultFilter;
  readonly #random: Random;
  readonly #after: (ms: number, callback: () => void) => () => void;
  readonly #header: Buffer | undefined;
  #active = 0;

  constructor(filter: FaultFilter, random: Random, after: (ms: number, callback: () => void) => () => void) {
    this.#filter = filter;
    this.#random = random;
    this.#after = after;
    this.#header = filter.header === undefined ? undefined : Buffer.from(filter.header.name);
  }

  onRequest(run: FilterRun): Verdict {
    const { delay, abort, header, maxActive } = this.#filter;
    if (this.#header !== undefined) {
      const value = run.header(this.#header);
      if (value === undefined || (header?.value !== undefined && header.value !== value)) return 'pass';
    }
    const aborted: 'pass' | FilterAnswer =
      abort !== undefined && this.#random() < abort.share
        ? { status: abort.status, body: errorBody(abort.status, 'fault injected'), reason: 'fault', fields: [] }
        : 'pass';
    if (delay === undefined || this.#random() >= delay.share || this.#active >= maxActive) return aborted;
    return {
      begin: (done) => {
        this.#active++;
        const cancel = this.#after(delay.ms, () => {
          this.#active--;
          done(aborted);
        });
        return () => {
          this.#active--;
          cancel();
        };
      },
    };
  }
}
