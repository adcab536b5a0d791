// Hot path: requests of backends with adaptive concurrency or admission control.
import type { GradientState } from './adaptive-concurrency.ts';
import { ADMISSION_PARTS, type AdmissionState } from './admission-control.ts';
import { createSlotMemory, FIRST_WORD, type SlotLayout, SlotTable } from './slot-table.ts';

const IS_KNOWN = FIRST_WORD;
/** Doubles, at even words. */
const LIMIT = 4;
const MIN_RTT = 6;
const LIMIT_BEFORE = 8;
const UPDATE_AT = 10;
const MEASURE_AT = 12;
const IN_FLIGHT = 14;
const PART = 15;
const REQUESTS = 16;
const ACCEPTED = REQUESTS + ADMISSION_PARTS;
const LAYOUT: SlotLayout = { words: ACCEPTED + ADMISSION_PARTS, gauges: [IN_FLIGHT] };

export { LAYOUT as LIMIT_LAYOUT };

/** Memory for the limits of this many backends, to be shared by all threads. Also the size of a ledger. */
export function createLimitMemory(backends: number = 2048): SharedArrayBuffer {
  return createSlotMemory(LAYOUT, backends);
}

/** What limits of backends know that go by how requests went, over all threads. */
export class LimitMemory extends SlotTable {
  constructor(memory: SharedArrayBuffer, ledger?: SharedArrayBuffer) {
    super(LAYOUT, memory, ledger);
  }

  /** State of adaptive concurrency; undefined for the spare slot, which mixes backends. */
  gradient(slot: number): GradientState | undefined {
    return slot === this.spare ? undefined : new SharedGradientState(this, slot);
  }

  /** State of admission control; undefined for the spare slot. */
  admission(slot: number): AdmissionState | undefined {
    if (slot === this.spare) return undefined;
    const view = (word: number, length: number): Int32Array => {
      const at = this.at(slot, word);
      return this.words.subarray(at, at + length);
    };
    return {
      part: view(PART, 1),
      requests: view(REQUESTS, ADMISSION_PARTS),
      accepted: view(ACCEPTED, ADMISSION_PARTS),
    };
  }
}

class SharedGradientState implements GradientState {
  readonly #memory: LimitMemory;
  readonly #slot: number;
  readonly #base: number;

  constructor(memory: LimitMemory, slot: number) {
    this.#memory = memory;
    this.#slot = slot;
    this.#base = memory.doubleAt(slot, 0);
  }

  get limit(): number {
    return this.#memory.doubles[this.#base + LIMIT / 2]!;
  }
  set limit(value: number) {
    this.#memory.doubles[this.#base + LIMIT / 2] = value;
  }

  get minRttMs(): number {
    return this.#memory.doubles[this.#base + MIN_RTT / 2]!;
  }
  set minRttMs(value: number) {
    this.#memory.doubles[this.#base + MIN_RTT / 2] = value;
  }

  get limitBefore(): number {
    return this.#memory.doubles[this.#base + LIMIT_BEFORE / 2]!;
  }
  set limitBefore(value: number) {
    this.#memory.doubles[this.#base + LIMIT_BEFORE / 2] = value;
  }

  get updateAtMs(): number {
    return this.#memory.doubles[this.#base + UPDATE_AT / 2]!;
  }
  set updateAtMs(value: number) {
    this.#memory.doubles[this.#base + UPDATE_AT / 2] = value;
  }

  get measureAtMs(): number {
    return this.#memory.doubles[this.#base + MEASURE_AT / 2]!;
  }
  set measureAtMs(value: number) {
    this.#memory.doubles[this.#base + MEASURE_AT / 2] = value;
  }

  get isMeasuring(): boolean {
    return this.#memory.get(this.#slot, IS_KNOWN) === 0;
  }

  get inFlight(): number {
    return this.#memory.get(this.#slot, IN_FLIGHT);
  }

  addInFlight(amount: number): number {
    return this.#memory.add(this.#slot, IN_FLIGHT, amount);
  }

  setMeasuring(isMeasuring: boolean): boolean {
    const { words } = this.#memory;
    const before = isMeasuring ? 1 : 0;
    return Atomics.compareExchange(words, this.#memory.at(this.#slot, IS_KNOWN), before, 1 - before) === before;
  }
}
