import type { Clock } from '../sys/clock.ts';

/** Longest stretch of work in one turn of the event loop, so that queries wait no longer. */
const sliceMs = 4;
/** Steps between two looks at the clock. */
const stepsPerLook = 64;

/**
 * Runs steps to their end, with other events in between when there are many: the first slice at once, so that little
 * work is done when this returns. `onDone` gets what the steps return.
 */
export function runInSlices<T>(
  steps: Generator<unknown, T, undefined>,
  clock: Pick<Clock, 'monotonicMs'>,
  onDone: (result: T) => void,
  defer: (callback: () => void) => void = setImmediate,
): void {
  const endMs = clock.monotonicMs() + sliceMs;
  for (let step = 1; ; step++) {
    const { done, value } = steps.next();
    if (done === true) {
      onDone(value);
      return;
    }
    if (step % stepsPerLook === 0 && clock.monotonicMs() >= endMs) break;
  }
  defer(() => runInSlices(steps, clock, onDone, defer));
}
