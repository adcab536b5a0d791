// Hot path: heads are rewritten by copying byte ranges.
import type { MessageHead } from './message-head.ts';

/** Below this, a loop beats the call of a builtin. */
const COPY_LOOP_MAX_BYTES = 24;
/** Copies without an object for the range, as `set(subarray())` would make one: it takes any Uint8Array. */
const copyRange = Buffer.prototype.copy;

/** Copies `from[start, end)` to `to` at `at`; returns the end of the copy. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  if (end - start <= COPY_LOOP_MAX_BYTES) {
    for (let i = start; i < end; i++) to[at++] = from[i]!;
    return at;
  }
  copyRange.call(from as Buffer, to, at, start, end);
  return at + end - start;
}

/** Copies all fields that are not dropped, in order, in runs as long as possible. */
export function copyKeptFields(head: MessageHead, to: Uint8Array, at: number): number {
  const { bytes, dropped, fieldCount } = head;
  let runStart = -1;
  for (let index = 0; index < fieldCount; index++) {
    if (dropped[index] === 0) {
      if (runStart < 0) runStart = head.nameStart(index);
    } else if (runStart >= 0) {
      at = copyBytes(bytes, runStart, head.nameStart(index), to, at);
      runStart = -1;
    }
  }
  return runStart < 0 ? at : copyBytes(bytes, runStart, head.lineEnd(fieldCount - 1), to, at);
}
