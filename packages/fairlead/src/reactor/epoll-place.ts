// Hot path: set() runs for every message that the kernel does not take at once.
import type { Epoll } from '../sys/epoll.ts';

/** Interest of a descriptor that is not registered. */
const UNREGISTERED = -1;

/** The two epoll instances of a reactor. */
export interface Lanes {
  readonly epoll: Epoll;
  /** Of connections that move much; each turn takes a few of its events. */
  readonly bulk: Epoll;
}

/** Where a connection's descriptor is registered, and what it waits for there. Results are 0 or -errno. */
export class EpollPlace {
  /** To be changed before {@link enter} only; later by {@link moveTo}. */
  isBulk: boolean = false;
  readonly #lanes: Lanes;
  readonly #fd: number;
  readonly #token: number;
  #interest: number;
  #isEntered = false;

  constructor(lanes: Lanes, fd: number, token: number, interest: number) {
    this.#lanes = lanes;
    this.#fd = fd;
    this.#token = token;
    this.#interest = interest;
  }

  get #epoll(): Epoll {
    return this.isBulk ? this.#lanes.bulk : this.#lanes.epoll;
  }

  enter(): number {
    const result = this.#epoll.add(this.#fd, this.#interest, this.#token);
    this.#isEntered = result >= 0;
    return result;
  }

  set(interest: number): number {
    if (interest === this.#interest) return 0;
    const isKnown = this.#interest !== UNREGISTERED;
    const result = isKnown
      ? this.#epoll.modify(this.#fd, interest, this.#token)
      : this.#epoll.add(this.#fd, interest, this.#token);
    if (result >= 0) this.#interest = interest;
    return result;
  }

  /** Until {@link set} the descriptor has no events, not even that it hung up. */
  leave(): void {
    if (this.#interest === UNREGISTERED) return;
    this.#epoll.remove(this.#fd);
    this.#interest = UNREGISTERED;
  }

  moveTo(isBulk: boolean): number {
    if (isBulk === this.isBulk) return 0;
    const isRegistered = this.#isEntered && this.#interest !== UNREGISTERED;
    if (isRegistered) this.#epoll.remove(this.#fd);
    this.isBulk = isBulk;
    return isRegistered ? this.#epoll.add(this.#fd, this.#interest, this.#token) : 0;
  }
}
