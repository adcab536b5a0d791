import type { Clock } from '../sys/clock.ts';

/** After the first change: several that belong together are one NOTIFY. */
const gatherMs = 1000;
/** Between two: a cluster changes all the time, and each NOTIFY makes secondaries transfer the whole zone. */
const pauseMs = 15_000;

/** Says when secondaries are to hear of a zone that changes often: soon after a change, and then not for a while. */
export class SerialNotifier {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #tell: () => void;
  #cancel: (() => void) | undefined;
  #isPausing = false;
  #isChanged = false;

  constructor(clock: Pick<Clock, 'after'>, tell: () => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** The serial has grown. */
  note(): void {
    if (this.#isPausing) this.#isChanged = true;
    else if (this.#cancel === undefined) this.#wait(gatherMs);
  }

  stop(): void {
    this.#cancel?.();
  }

  #wait(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#tell();
      this.#isChanged = false;
      this.#isPausing = true;
      this.#cancel = this.#clock.after(pauseMs, () => {
        this.#isPausing = false;
        this.#cancel = undefined;
        if (this.#isChanged) this.#wait(0);
      });
    });
  }
}
