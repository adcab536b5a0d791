// Hot path: moving a deadline later is one assignment; the wheel looks again when the old one is due.

const TICK_MS = 16;
const SLOTS = 4096;
const MASK = SLOTS - 1;
/** Deadlines further away are looked at again after this long. */
const HORIZON_TICKS = SLOTS - 2;

/** One timer, usually embedded in a connection and set many times. */
export class WheelTimer {
  /** Monotonic ms, Infinity when off. */
  deadline: number = Infinity;
  /** Tick under which it is linked; Infinity when it is not. */
  dueTick: number = Infinity;
  previous: WheelTimer | undefined = undefined;
  next: WheelTimer | undefined = undefined;
  readonly fire: () => void;

  constructor(fire: () => void) {
    this.fire = fire;
  }
}

/** Coarse timers (16 ms) with O(1) set and cancel. Never early. */
export class TimerWheel {
  readonly #slots: (WheelTimer | undefined)[] = new Array<WheelTimer | undefined>(SLOTS).fill(undefined);
  #tick: number;
  #linked = 0;
  /** No linked timer is due before this tick. */
  #nextTick = Infinity;

  constructor(nowMs: number) {
    this.#tick = Math.floor(nowMs / TICK_MS);
  }

  /** Sets or moves a timer; Infinity switches it off. */
  set(timer: WheelTimer, deadlineMs: number): void {
    timer.deadline = deadlineMs;
    if (deadlineMs >= timer.dueTick * TICK_MS || deadlineMs === Infinity) return;
    if (timer.dueTick !== Infinity) this.#unlink(timer);
    this.#link(timer);
  }

  /** Forgets a timer. */
  remove(timer: WheelTimer): void {
    timer.deadline = Infinity;
    if (timer.dueTick !== Infinity) this.#unlink(timer);
  }

  #link(timer: WheelTimer): void {
    const wanted = Math.ceil(timer.deadline / TICK_MS);
    const tick = Math.min(Math.max(wanted, this.#tick + 1), this.#tick + HORIZON_TICKS);
    const slot = tick & MASK;
    const head = this.#slots[slot];
    timer.dueTick = tick;
    timer.previous = undefined;
    timer.next = head;
    if (head !== undefined) head.previous = timer;
    this.#slots[slot] = timer;
    this.#linked++;
    if (tick < this.#nextTick) this.#nextTick = tick;
  }

  #unlink(timer: WheelTimer): void {
    if (timer.previous === undefined) this.#slots[timer.dueTick & MASK] = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== undefined) timer.next.previous = timer.previous;
    timer.previous = undefined;
    timer.next = undefined;
    timer.dueTick = Infinity;
    this.#linked--;
  }

  /** Fires what is due. */
  advance(nowMs: number): void {
    const target = Math.floor(nowMs / TICK_MS);
    if (target < this.#nextTick) {
      if (target > this.#tick) this.#tick = target;
      return;
    }
    // Nothing is linked between #tick and #nextTick.
    let tick = Math.max(this.#tick, this.#nextTick - 1);
    while (tick < target) {
      tick++;
      this.#tick = tick;
      let timer = this.#slots[tick & MASK];
      this.#slots[tick & MASK] = undefined;
      // Detach the list first: a callback may set and remove any timer.
      const due: WheelTimer[] = [];
      while (timer !== undefined) {
        due.push(timer);
        timer = timer.next;
      }
      for (const entry of due) {
        entry.previous = undefined;
        entry.next = undefined;
        entry.dueTick = Infinity;
      }
      this.#linked -= due.length;
      for (const entry of due) {
        if (entry.dueTick !== Infinity) continue;
        if (entry.deadline <= nowMs) {
          entry.deadline = Infinity;
          entry.fire();
        } else if (entry.deadline !== Infinity) this.#link(entry);
      }
      if (this.#linked === 0) {
        this.#tick = target;
        break;
      }
    }
    this.#findNext();
  }

  #findNext(): void {
    if (this.#linked === 0) {
      this.#nextTick = Infinity;
      return;
    }
    let tick = this.#tick + 1;
    while (this.#slots[tick & MASK] === undefined) tick++;
    this.#nextTick = tick;
  }

  /** Milliseconds from `nowMs` until {@link advance} may have something to do; -1 for never. */
  waitMs(nowMs: number): number {
    if (this.#nextTick === Infinity) return -1;
    return Math.max(0, Math.ceil(this.#nextTick * TICK_MS - nowMs));
  }
}
