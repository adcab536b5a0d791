import { ApiError } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';

const attempts = 20;
/** How long a step waits for a store that went away while the server starts, and between two tries, milliseconds. */
const storeAwayMostMs = 60_000;
const storeAwayPauseMs = 200;

/** True for an API error of a code. */
export function isStatus(error: unknown, code: number): boolean {
  return error instanceof ApiError && error.code === code;
}

/**
 * True when another server of the same store may have been faster: a conflict (409), or an address
 * that was allocated meanwhile (422) to the very Service that both are making.
 */
function isInterference(error: unknown): boolean {
  return isStatus(error, 409) || (isStatus(error, 422) && /already allocated/.test((error as ApiError).message));
}

function isStoreAway(error: unknown): boolean {
  return isStatus(error, 503) || isStatus(error, 504);
}

/**
 * Runs an idempotent step until no other server of the same store interferes, at most 20 times; while the store is away
 * (503, or 504 where an outcome is unknown), until it is back, for a minute. The server answers others while it starts, and must not end where they wait.
 */
export async function settle(clock: Clock, step: () => Promise<void>): Promise<void> {
  const endMs = clock.monotonicMs() + storeAwayMostMs;
  for (let attempt = 1; ; ) {
    try {
      await step();
      return;
    } catch (error) {
      if (isStoreAway(error) && clock.monotonicMs() < endMs) {
        await clock.sleep(storeAwayPauseMs);
        continue;
      }
      if (!isInterference(error) || attempt++ === attempts) throw error;
    }
  }
}
