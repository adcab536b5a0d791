// Hot path: set() runs for every message that the kernel does not take at once.
import type { Epoll } from '../sys/epoll.ts';
import { EPOLLET, EPOLLIN, EPOLLRDHUP } from '../sys/linux-constants.ts';

/** Interest of a descriptor that is not registered. */
const UNREGISTERED = -1;
/** Input that is told of when it arrives, once. */
const EDGE_IN = EPOLLIN | EPOLLRDHUP | EPOLLET;
/** Reads in a row that left nothing, after which input is told of by edges. Fewer than this do not earn the call. */
const EMPTYING_READS = 4;

/** The two epoll instances of a reactor. */
export interface Lanes {
  readonly epoll: Epoll;
  /** Of connections that move much; each turn takes a few of its events. */
  readonly bulk: Epoll;
}

/**
 * Where a connection's descriptor is registered, and what it waits for there. Results are 0 or -errno.
 *
 * What is watched by levels the kernel looks at once more after each event, in the next epoll_wait. A connection whose
 * reads leave nothing behind does not need that, so it is watched by edges; whoever reads it must then look further
 * itself where an event told of an end or an error too. One that leaves something goes back to levels.
 */
export class EpollPlace {
  /** To be changed before {@link enter} only; later by {@link moveTo}. */
  isBulk: boolean = false;
  readonly #lanes: Lanes;
  readonly #fd: number;
  readonly #token: number;
  #interest: number;
  #isEntered = false;
  #emptyingReads = 0;

  constructor(lanes: Lanes, fd: number, token: number, interest: number) {
    this.#lanes = lanes;
    this.#fd = fd;
    this.#token = token;
    this.#interest = interest;
  }

  #epoll(): Epoll {
    return this.isBulk ? this.#lanes.bulk : this.#lanes.epoll;
  }

  enter(): number {
    const result = this.#epoll().add(this.#fd, this.#interest, this.#token);
    this.#isEntered = result >= 0;
    return result;
  }

  /** Input is told of once, when it arrives. */
  get isEdge(): boolean {
    return this.#interest === EDGE_IN;
  }

  /** A read took all that there was. */
  noteEmptied(): number {
    if (this.#emptyingReads === EMPTYING_READS || ++this.#emptyingReads < EMPTYING_READS) return 0;
    return this.#interest === EPOLLIN ? this.set(EPOLLIN) : 0;
  }

  /** A read may have left something. */
  noteRest(): number {
    this.#emptyingReads = 0;
    return this.isEdge ? this.set(EPOLLIN) : 0;
  }

  set(interest: number): number {
    if (interest === EPOLLIN && this.#emptyingReads === EMPTYING_READS) interest = EDGE_IN;
    if (interest === this.#interest) return 0;
    const isKnown = this.#interest !== UNREGISTERED;
    const result = isKnown
      ? this.#epoll().modify(this.#fd, interest, this.#token)
      : this.#epoll().add(this.#fd, interest, this.#token);
    if (result >= 0) this.#interest = interest;
    return result;
  }

  /** Until {@link set} the descriptor has no events, not even that it hung up. */
  leave(): void {
    if (this.#interest === UNREGISTERED) return;
    this.#epoll().remove(this.#fd);
    this.#interest = UNREGISTERED;
  }

  moveTo(isBulk: boolean): number {
    if (isBulk === this.isBulk) return 0;
    const isRegistered = this.#isEntered && this.#interest !== UNREGISTERED;
    if (isRegistered) this.#epoll().remove(this.#fd);
    this.isBulk = isBulk;
    return isRegistered ? this.#epoll().add(this.#fd, this.#interest, this.#token) : 0;
  }
}
