/** A discrete-event clock: callbacks in order of time, those of one moment in order of arrival. */
export class EventQueue {
  now: number = 0;
  readonly #times: number[] = [];
  readonly #order: number[] = [];
  readonly #calls: (() => void)[] = [];
  #count = 0;

  after(delayMs: number, call: () => void): void {
    const time = this.now + delayMs;
    const order = this.#count++;
    let at = this.#times.length;
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(time, order, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, time, order, call);
  }

  /** Runs until nothing is left or the time has come. */
  run(untilMs: number = Infinity): void {
    while (this.#times.length > 0 && this.#times[0]! <= untilMs) {
      this.now = this.#times[0]!;
      const call = this.#calls[0]!;
      this.#removeFirst();
      call();
    }
  }

  #removeFirst(): void {
    const time = this.#times.pop()!;
    const order = this.#order.pop()!;
    const call = this.#calls.pop()!;
    const size = this.#times.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(this.#times[child + 1]!, this.#order[child + 1]!, child)) child++;
      if (this.#isBefore(time, order, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, time, order, call);
  }

  #isBefore(time: number, order: number, other: number): boolean {
    return time < this.#times[other]! || (time === this.#times[other]! && order < this.#order[other]!);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from]!, this.#order[from]!, this.#calls[from]!);
  }

  #put(at: number, time: number, order: number, call: () => void): void {
    this.#times[at] = time;
    this.#order[at] = order;
    this.#calls[at] = call;
  }
}

/** Exponential with this mean: gaps of a Poisson process. */
export function exponential(mean: number, random: () => number): number {
  return -mean * Math.log(1 - random());
}

/** Log-normal with this median. */
export function logNormal(median: number, sigma: number, random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}
