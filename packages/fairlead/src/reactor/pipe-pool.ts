import { close } from '../sys/socket.ts';
import { openPipe, type PipeEnds } from '../sys/splice.ts';
import type { DescriptorLedger } from './descriptor-ledger.ts';

/** Capacity asked for: larger than the usual receive buffer of a fast connection, so that one splice empties it. */
const PIPE_BYTES = 256 * 1024;
/** Empty pipes kept for the next transfer. */
const IDLE_MAX = 32;
/** Pipes in use at a time: beyond, transfers are copied. Two descriptors each. */
const BUSY_MAX = 512;

/** The pipes of one reactor, through which splice(2) moves bytes between sockets. */
export class PipePool {
  readonly #ledger: DescriptorLedger;
  readonly #idle: PipeEnds[] = [];
  #busy = 0;

  constructor(ledger: DescriptorLedger) {
    this.#ledger = ledger;
  }

  /** An empty pipe; undefined when there is none to be had. */
  take(): PipeEnds | undefined {
    if (this.#busy >= BUSY_MAX) return undefined;
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#busy++;
      return idle;
    }
    const opened = openPipe(PIPE_BYTES);
    if (typeof opened === 'number') return undefined;
    this.#ledger.opened(opened.readFd);
    this.#ledger.opened(opened.writeFd);
    this.#busy++;
    return opened;
  }

  /** Takes a pipe back; one that still holds bytes is of no more use. */
  give(pipe: PipeEnds, isEmpty: boolean): void {
    this.#busy--;
    if (isEmpty && this.#idle.length < IDLE_MAX) this.#idle.push(pipe);
    else this.#close(pipe);
  }

  /** Closes the idle ones. */
  close(): void {
    for (const pipe of this.#idle.splice(0)) this.#close(pipe);
  }

  #close(pipe: PipeEnds): void {
    for (const fd of [pipe.readFd, pipe.writeFd]) {
      this.#ledger.closed(fd);
      close(fd);
    }
  }
}
