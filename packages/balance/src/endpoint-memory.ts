// Hot path: in-flight counts and latencies are read and written per request.
import { createSlotMemory, type SlotLayout, SlotTable } from './slot-table.ts';

// Words of an endpoint's record; doubles at even words.
const IN_FLIGHT = 3;
/** Failures in a row, by kind. */
export const FAILURES_5XX = 4;
export const FAILURES_GATEWAY = 5;
export const FAILURES_LOCAL = 6;
/** Ejections in a row. */
export const EJECTIONS = 7;
/** Requests and successes of the present interval. */
export const WINDOW_TOTAL = 8;
export const WINDOW_GOOD = 9;
const ACTIVE = 10;
/** Double: Unix ms at which the ejection ends. */
export const EJECTED_UNTIL = 12;
const LATENCY = 14;
const SINCE = 18;
const LAYOUT: SlotLayout = { words: 20, gauges: [IN_FLIGHT] };

/** Verdict of active health checks. */
export type ActiveHealth = 'unknown' | 'healthy' | 'unhealthy';
const ACTIVE_NAMES: readonly ActiveHealth[] = ['unknown', 'healthy', 'unhealthy'];

/**
 * Memory for this many endpoints, to be shared by all threads that call them. Also the size of a ledger. What is
 * not used of it costs addresses only.
 */
export function createEndpointMemory(endpoints: number = 65_536): SharedArrayBuffer {
  return createSlotMemory(LAYOUT, endpoints);
}

export { LAYOUT as ENDPOINT_LAYOUT };

/**
 * What is known of endpoints, one truth for all threads: requests in flight, latency, failures,
 * ejection, active health, and since when they are known. Times are Unix milliseconds, since
 * threads share no monotonic clock.
 */
export class EndpointMemory extends SlotTable {
  constructor(memory: SharedArrayBuffer, ledger?: SharedArrayBuffer) {
    super(LAYOUT, memory, ledger);
  }

  /** Requests in flight over all threads. */
  inFlight(slot: number): number {
    return this.get(slot, IN_FLIGHT);
  }

  addInFlight(slot: number, amount: number): void {
    this.add(slot, IN_FLIGHT, amount);
  }

  /** Where a balancer finds the in-flight counts of these slots in {@link words}. */
  inFlightCells(slots: readonly number[]): Int32Array {
    return Int32Array.from(slots, (slot) => this.at(slot, IN_FLIGHT));
  }

  /** Where a balancer finds latency averages (and, one behind, their times) in {@link doubles}. */
  latencyCells(slots: readonly number[]): Int32Array {
    return Int32Array.from(slots, (slot) => this.doubleAt(slot, LATENCY));
  }

  /** Unix ms since which the endpoint is known or healthy again; 0 before {@link startSince}. */
  since(slot: number): number {
    return this.doubles[this.doubleAt(slot, SINCE)]!;
  }

  /** Starts the time of an endpoint, anew if it has one and `again` says so. */
  startSince(slot: number, nowMs: number, again: boolean): void {
    if (slot === this.spare) return;
    const at = this.doubleAt(slot, SINCE);
    if (again || this.doubles[at] === 0) this.doubles[at] = nowMs;
  }

  activeHealth(slot: number): ActiveHealth {
    return ACTIVE_NAMES[this.get(slot, ACTIVE)] ?? 'unknown';
  }

  /** Writes the verdict of a check and tells all threads. */
  setActiveHealth(slot: number, health: ActiveHealth): void {
    if (slot === this.spare) return;
    Atomics.store(this.words, this.at(slot, ACTIVE), ACTIVE_NAMES.indexOf(health));
    this.touch();
  }
}
