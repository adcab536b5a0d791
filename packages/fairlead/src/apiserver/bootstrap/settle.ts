import { ApiError } from '@fairlead/client';

const attempts = 20;

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

/** Runs an idempotent step until no other server of the same store interferes; at most 20 times. */
export async function settle(step: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await step();
      return;
    } catch (error) {
      if (!isInterference(error) || attempt === attempts) throw error;
    }
  }
}
