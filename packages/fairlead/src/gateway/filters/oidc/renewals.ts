import { createHash } from 'node:crypto';
import type { FilterServices } from '../filter-services.ts';
import type { GrantResult } from './provider.ts';

/** How long requests that were sent with the old cookie get the same answer. */
const KEPT_MS = 30_000;
const RENEWALS_MAX = 1_000;

interface Renewal {
  result: GrantResult | undefined;
  readonly waiting: Set<(result: GrantResult) => void>;
}

/**
 * Renewals of sessions, one for each refresh token: a browser sends several requests at a time, and a provider that rotates tokens
 * takes the second use of one for a theft.
 */
export class Renewals {
  readonly #services: Pick<FilterServices, 'after'>;
  readonly #byToken = new Map<string, Renewal>();

  constructor(services: Pick<FilterServices, 'after'>) {
    this.#services = services;
  }

  /**
   * The result of a renewal: `ask` is called for the first who wants it. Returns it at once, or how to give up waiting for
   * `done`; undefined when there is too much of this.
   */
  renew(
    refreshToken: string,
    ask: (done: (result: GrantResult) => void) => void,
    done: (result: GrantResult) => void,
  ): GrantResult | (() => void) | undefined {
    const key = createHash('sha256').update(refreshToken).digest('base64');
    const known = this.#byToken.get(key);
    if (known?.result !== undefined) return known.result;
    const renewal = known ?? { result: undefined, waiting: new Set() };
    renewal.waiting.add(done);
    if (known === undefined) {
      if (this.#byToken.size >= RENEWALS_MAX) return undefined;
      this.#byToken.set(key, renewal);
      ask((result) => {
        // What could not be had now may be had in a moment.
        if (result.ok || result.reason === 'refused') renewal.result = result;
        const forget = (): void => void this.#byToken.delete(key);
        if (renewal.result === undefined) forget();
        else this.#services.after(KEPT_MS, forget);
        for (const each of renewal.waiting) each(result);
      });
    }
    return () => renewal.waiting.delete(done);
  }
}
