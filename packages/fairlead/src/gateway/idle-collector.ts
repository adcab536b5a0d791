/** Rounds without any event before a worker counts as idle: 5 s of housekeeping. */
const QUIET_ROUNDS = 10;
/** Rounds between two collections at least: a minute. */
const SPACING_ROUNDS = 120;

/**
 * Gives memory back once a worker has had nothing to do for a while: what its start and the last burst left behind
 * stays with the process otherwise, a third of an idle worker. The pause is some 20 ms, when nobody waits.
 */
export class IdleCollector {
  readonly #collect: () => void;
  #batches = -1;
  #quietRounds = 0;
  #roundsSince = Infinity;
  /** Something happened since the last collection. */
  #isDue = true;

  constructor(collect: () => void) {
    this.#collect = collect;
  }

  /**
   * One round of housekeeping.
   * @param batches of events that the worker has dealt with so far.
   */
  round(batches: number): void {
    this.#roundsSince++;
    if (batches !== this.#batches) {
      this.#batches = batches;
      this.#quietRounds = 0;
      this.#isDue = true;
      return;
    }
    if (!this.#isDue || ++this.#quietRounds < QUIET_ROUNDS || this.#roundsSince < SPACING_ROUNDS) return;
    this.#isDue = false;
    this.#roundsSince = 0;
    this.#collect();
  }
}
