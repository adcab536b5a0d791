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

/** Writes a line of a name, a value and CRLF. */
function writeLine(
  bytes: Uint8Array,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
  to: Uint8Array,
  at: number,
): number {
  at = copyBytes(bytes, nameStart, nameEnd, to, at);
  to[at] = 58;
  to[at + 1] = 32;
  at = copyBytes(bytes, valueStart, valueEnd, to, at + 2);
  to[at] = 13;
  to[at + 1] = 10;
  return at + 2;
}

function writeKeptFields(head: MessageHead, to: Uint8Array, at: number): number {
  const { bytes, dropped, fieldCount } = head;
  for (let i = 0; i < fieldCount; i++) {
    if (dropped[i] !== 0) continue;
    at = writeLine(bytes, head.nameStart(i), head.nameEnd(i), head.valueStart(i), head.valueEnd(i), to, at);
  }
  return at;
}

/** Copies all fields that are not dropped as lines, in order, in runs as long as possible. */
export function copyKeptFields(head: MessageHead, to: Uint8Array, at: number): number {
  if (head.isPacked) return writeKeptFields(head, to, at);
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
