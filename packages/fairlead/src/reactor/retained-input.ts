// Hot path: once per piece of input that a handler could not use yet.
import type { PinnedBuffer } from '../sys/pinned.ts';
import { INPUT_BASE, RETAIN_MAX_BYTES } from './reactor.ts';

/** A copy of the input's bytes `[start, end)`, to be put in front of what comes next; undefined if there are none. */
export function retainInput(input: PinnedBuffer, start: number, end: number): Buffer | undefined {
  if (end - start > RETAIN_MAX_BYTES) throw new RangeError(`${end - start} bytes are too many to retain`);
  return end > start ? Buffer.from(input.bytes.subarray(start, end)) : undefined;
}

/** Puts retained bytes in front of INPUT_BASE and returns where they start. */
export function restoreInput(input: PinnedBuffer, retained: Buffer): number {
  const start = INPUT_BASE - retained.length;
  input.bytes.set(retained, start);
  return start;
}
