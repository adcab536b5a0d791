/** A mistake in what the user typed or wrote; printed as one line. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}
