/**
 * Work that follows changes: one turn for all that come together, one turn at a time, and another for what has changed
 * during it.
 */
export class ChangeTurns {
  readonly #turn: () => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #work: Promise<void> = Promise.resolve();
  #isScheduled = false;
  #isClosed = false;

  /** @param onFailure a turn has failed; the next one comes with the next change */
  constructor(turn: () => Promise<void>, onFailure: (error: unknown) => void) {
    this.#turn = turn;
    this.#onFailure = onFailure;
  }

  /** Something has changed. */
  schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#work = this.#work.then(async () => {
      this.#isScheduled = false;
      if (this.#isClosed) return;
      try {
        await this.#turn();
      } catch (error) {
        this.#onFailure(error);
      }
    });
  }

  /** No turn begins any more; resolves when none is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }
}
