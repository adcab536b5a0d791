import { ApiError } from '@fairlead/client';

const attempts = 20;

/** True for an API error of a code. */
export function isStatus(error: unknown, code: number): boolean {
  return error instanceof ApiError && error.code === code;
}

/** Runs an idempotent step until no other server of the same store interferes (409). */
export async function settle(step: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await step();
      return;
    } catch (error) {
      if (!isStatus(error, 409) || attempt === attempts) throw error;
    }
  }
}
