// Hot path: record() runs once per request.
import { LATENCY_BOUNDS_MS } from '../gateway-metrics.ts';

/** Series that can be told apart; the first one is for all beyond. */
export const TRAFFIC_SLOTS = 4096;
/** Where what has no series of its own is counted. */
export const OTHER_SLOT = 0;

/**
 * One slot, in doubles:
 *
 *   0 no answer   1-5 answers by class of their status   6… durations by bucket   last: their sum, ms
 */
const BUCKETS_AT = 6;
const SUM_AT: number = BUCKETS_AT + LATENCY_BOUNDS_MS.length + 1;
const STRIDE: number = SUM_AT + 1;

/** Shared memory for one worker's counts. Pages that are never touched cost nothing. */
export function createTrafficMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(TRAFFIC_SLOTS * STRIDE * 8);
}

/** Counts one request. `status` 0: it got no answer. */
export function recordTraffic(cells: Float64Array, slot: number, status: number, durationMs: number): void {
  const at = slot * STRIDE;
  cells[at + ((status / 100) | 0)]! += 1;
  let bucket = 0;
  while (bucket < LATENCY_BOUNDS_MS.length && durationMs > LATENCY_BOUNDS_MS[bucket]!) bucket++;
  cells[at + BUCKETS_AT + bucket]! += 1;
  cells[at + SUM_AT]! += durationMs;
}

/** Counts of one slot. */
export interface SlotCounts {
  /** By class: none, 1xx to 5xx. */
  readonly classes: readonly number[];
  /** By bucket of {@link LATENCY_BOUNDS_MS}, not cumulative; the last one is above all bounds. */
  readonly buckets: readonly number[];
  readonly sumMs: number;
}

/** Counts of a slot, summed over workers. */
export function readSlot(memories: readonly Float64Array[], slot: number): SlotCounts {
  const sums = new Float64Array(STRIDE);
  const at = slot * STRIDE;
  for (const memory of memories) for (let i = 0; i < STRIDE; i++) sums[i]! += memory[at + i]!;
  return {
    classes: [...sums.subarray(0, BUCKETS_AT)],
    buckets: [...sums.subarray(BUCKETS_AT, SUM_AT)],
    sumMs: sums[SUM_AT]!,
  };
}

/** Forgets a slot's counts. */
export function clearSlot(cells: Float64Array, slot: number): void {
  cells.fill(0, slot * STRIDE, (slot + 1) * STRIDE);
}

/** Adds what one worker counted to `sums`. */
export function addMemory(sums: Float64Array, memory: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += memory[i]!;
}
