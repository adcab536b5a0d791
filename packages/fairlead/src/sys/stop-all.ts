/**
 * Runs each of these ends, in order, whatever becomes of those before: what one leaves must not keep the rest from going.
 * Then rejects with the failure, or an `AggregateError` of several.
 */
export async function stopAll(ends: Iterable<(() => unknown) | undefined>): Promise<void> {
  const failures: unknown[] = [];
  for (const end of ends) {
    try {
      await end?.();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) {
    const texts = failures.map((error) => (error instanceof Error ? error.message : String(error)));
    throw new AggregateError(failures, texts.join('; '));
  }
}
