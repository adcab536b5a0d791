// Hot path: every consistent read joins a round.

/**
 * Runs an asynchronous step for many callers at once. A caller gets a run that began after its call: one that is
 * under way may have looked too early, so callers that come meanwhile share the next one.
 */
export class SharedRounds {
  readonly #step: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(step: () => Promise<void>) {
    this.#step = step;
  }

  join(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  #begin(): Promise<void> {
    const running = this.#step();
    this.#running = running;
    const clear = (): void => {
      // With a next round waiting, this one stays to be joined behind until that begins.
      if (this.#running === running && this.#next === undefined) this.#running = undefined;
    };
    running.then(clear, clear);
    return running;
  }
}
