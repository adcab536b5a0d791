// Hot path: a few counts per request.
import { createSlotMemory, FIRST_WORD, type SlotLayout, SlotTable } from './slot-table.ts';

/** What a circuit breaker counts. */
export type BreakerCount = 'connections' | 'pending' | 'requests' | 'retries';
/** Urgent traffic has counts of its own, so that the ordinary cannot shut it out. */
export type TrafficPriority = 'default' | 'high';

const PER_PRIORITY = 4;
const wordOf = (count: BreakerCount, priority: TrafficPriority): number =>
  FIRST_WORD + 1 + indexOf(count) + (priority === 'high' ? PER_PRIORITY : 0);

/** Comparisons, because a look-up by name is a search where several names are asked for. */
function indexOf(count: BreakerCount): number {
  if (count === 'connections') return 0;
  if (count === 'pending') return 1;
  return count === 'requests' ? 2 : 3;
}

/** Requests ever begun, to tell whether there is traffic. Wraps around. */
const TRAFFIC = FIRST_WORD;
const LAYOUT: SlotLayout = {
  words: 12,
  gauges: Array.from({ length: 2 * PER_PRIORITY }, (_, index) => FIRST_WORD + 1 + index),
};

export { LAYOUT as BACKEND_LAYOUT };

/** Memory for this many backends, to be shared by all threads. Also the size of a ledger. */
export function createBackendMemory(backends: number = 8192): SharedArrayBuffer {
  return createSlotMemory(LAYOUT, backends);
}

/** Present counts of backends, over all threads: the state of their circuit breakers. */
export class BackendMemory extends SlotTable {
  constructor(memory: SharedArrayBuffer, ledger?: SharedArrayBuffer) {
    super(LAYOUT, memory, ledger);
  }

  count(slot: number, count: BreakerCount, priority: TrafficPriority = 'default'): number {
    return this.get(slot, wordOf(count, priority));
  }

  /**
   * Counts one more unless `limit` are there already; {@link leave} takes it back. Exact over all
   * threads: who goes beyond the limit steps back. The spare slot mixes backends, so it has no limit.
   */
  tryEnter(slot: number, count: BreakerCount, limit: number, priority: TrafficPriority = 'default'): boolean {
    const word = wordOf(count, priority);
    if (this.add(slot, word, 1) <= limit || slot === this.spare) return true;
    this.add(slot, word, -1);
    return false;
  }

  enter(slot: number, count: BreakerCount, priority: TrafficPriority = 'default'): void {
    this.add(slot, wordOf(count, priority), 1);
  }

  leave(slot: number, count: BreakerCount, priority: TrafficPriority = 'default'): void {
    this.add(slot, wordOf(count, priority), -1);
  }

  /** Notes that a request came. Not exact: two threads may count one. */
  noteTraffic(slot: number): void {
    const at = this.at(slot, TRAFFIC);
    this.words[at] = this.words[at]! + 1;
  }

  /** A number that changes with every request. */
  traffic(slot: number): number {
    return this.get(slot, TRAFFIC);
  }
}
