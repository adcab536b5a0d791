/**
 * Which descriptors a worker thread has open, in memory it shares with its owner. A thread that
 * dies leaves its descriptors open in the process; the owner reads the ledger and closes them.
 */
export class DescriptorLedger {
  readonly memory: SharedArrayBuffer;
  readonly #open: Uint8Array;

  /** @param memory of an existing ledger; default a new one for descriptors below `limit`. */
  constructor(memory: SharedArrayBuffer | undefined = undefined, limit: number = 1 << 20) {
    this.memory = memory ?? new SharedArrayBuffer(limit);
    this.#open = new Uint8Array(this.memory);
  }

  opened(fd: number): void {
    this.#open[fd] = 1;
  }

  closed(fd: number): void {
    this.#open[fd] = 0;
  }

  /** All open descriptors, ascending; forgets them. */
  takeAll(): number[] {
    const fds: number[] = [];
    for (let fd = this.#open.indexOf(1); fd >= 0; fd = this.#open.indexOf(1, fd + 1)) fds.push(fd);
    this.#open.fill(0);
    return fds;
  }
}
