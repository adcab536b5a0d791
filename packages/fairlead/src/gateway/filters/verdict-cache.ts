import { createHmac, randomBytes } from 'node:crypto';
import type { VerdictKey } from '../../routing/route-filters.ts';
import type { Clock } from '../../sys/clock.ts';
import type { SubAnswerField } from '../sub-request.ts';
import type { FilterRun } from './filter-run.ts';
import { verdictValue } from './request-values.ts';

/** Verdicts kept by one worker, of all routes; the oldest makes room. */
const KEPT_MAX = 8192;

const secret = randomBytes(32);
const kept = new Map<string, { readonly untilMs: number; readonly identity: readonly SubAnswerField[] }>();

/**
 * Remembers for a while whom an authorization service let pass. Keys are keyed digests: no credential is kept.
 * Routes with the same settings share what they know; changed settings know nothing.
 */
export class VerdictCache {
  readonly #settings: string;
  readonly #by: readonly VerdictKey[];
  readonly #ms: number;
  readonly #clock: Clock;

  /** @param settings tells apart who asks whom, and how. */
  constructor(settings: string, { by, ms }: { readonly by: readonly VerdictKey[]; readonly ms: number }, clock: Clock) {
    this.#settings = settings;
    this.#by = by;
    this.#ms = ms;
    this.#clock = clock;
  }

  /** Undefined for a request that has none of the headers, cookies and parameters: it is asked about each time. */
  keyOf(run: FilterRun): string | undefined {
    const values = this.#by.map((key) => verdictValue(run, key) ?? null);
    const hasNone = this.#by.every((key, index) => !('name' in key) || values[index] === null);
    if (hasNone && this.#by.some((key) => 'name' in key)) return undefined;
    // As JSON no value can run into the next.
    return createHmac('sha256', secret)
      .update(JSON.stringify([this.#settings, ...values]))
      .digest('base64');
  }

  /** Headers that came with the verdict. */
  find(key: string): readonly SubAnswerField[] | undefined {
    const found = kept.get(key);
    return found !== undefined && found.untilMs > this.#clock.now() ? found.identity : undefined;
  }

  remember(key: string, identity: readonly SubAnswerField[]): void {
    // Behind the others again, as it is the newest.
    kept.delete(key);
    if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!);
    kept.set(key, { untilMs: this.#clock.now() + this.#ms, identity });
  }
}
