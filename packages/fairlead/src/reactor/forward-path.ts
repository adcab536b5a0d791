// Hot path: one step per readable event of a relayed connection.
import { EAGAIN } from '../sys/errno.ts';
import { recv } from '../sys/socket.ts';
import { type PipeEnds, splice } from '../sys/splice.ts';
import { OPEN } from './connection-state.ts';
import type { EpollConnection } from './epoll-connection.ts';
import { INPUT_BASE } from './reactor.ts';

/** A read of at least this much is taken for part of a bulk transfer. */
const BULK_READ_BYTES = 48 * 1024;
/** Bulk reads in a row after which splice(2) takes over. */
const BULK_READS = 3;
/** Small splices in a row after which copying takes over again: it needs one call less per piece. */
const SMALL_SPLICES = 8;
const SMALL_SPLICE_BYTES = 16 * 1024;
/** Splices in a row before others get their turn. */
const SPLICES_PER_TURN = 4;

/**
 * One direction of a relay between two connections: how its bytes move.
 *
 *     copy     socket ─recv─▶ shared buffer ─send─▶ socket        small messages, and TLS
 *     splice   socket ─splice─▶ pipe ─splice─▶ socket             bulk: pages move, bytes are not touched
 *
 * While the pipe holds bytes nothing more is read, so an empty socket and a full pipe cannot be
 * mistaken for one another.
 */
export class ForwardPath {
  readonly source: EpollConnection;
  readonly target: EpollConnection;
  /** Bytes in the pipe. */
  #heldBytes = 0;
  #pipe: PipeEnds | undefined = undefined;
  #bulk = 0;
  #small = 0;

  constructor(source: EpollConnection, target: EpollConnection) {
    this.source = source;
    this.target = target;
    target.feeder = this;
  }

  /** The target did not take everything yet: it waits for EPOLLOUT. */
  get isHeldUp(): boolean {
    return this.#heldBytes > 0;
  }

  /** Moves what a plain source has. What the last read said: positive, 0 at the end of stream, or -errno. */
  read(): number {
    for (let splices = 0; this.#pipe !== undefined; splices++) {
      if (this.target.hasOutput) {
        // What was copied before goes out first.
        this.source.pauseReading();
        return 1;
      }
      const moved = splice(this.source.fd, this.#pipe.writeFd, this.#pipe.capacityBytes);
      if (moved <= 0) return moved;
      this.source.bytesRead += moved;
      this.source.reactor.movedBytes += moved;
      this.#heldBytes += moved;
      this.#small = moved < SMALL_SPLICE_BYTES ? this.#small + 1 : 0;
      this.push();
      if (this.isHeldUp || splices === SPLICES_PER_TURN || this.source.reactor.isBusy) return moved;
    }
    const { reactor, fd } = this.source;
    const received = recv(fd, reactor.input, INPUT_BASE, reactor.readMaxBytes);
    if (received <= 0) return received;
    this.source.bytesRead += received;
    reactor.movedBytes += received;
    this.copy(INPUT_BASE, INPUT_BASE + received);
    this.#noteCopied(received);
    return received;
  }

  /** Sends input bytes `[start, end)` on. */
  copy(start: number, end: number): void {
    this.target.write(this.source.reactor.input, start, end);
    if (this.target.isCongested) this.source.pauseReading();
  }

  #noteCopied(length: number): void {
    if (length < BULK_READ_BYTES || this.target.tls !== undefined || this.target.state !== OPEN) this.#bulk = 0;
    else if (++this.#bulk >= BULK_READS) {
      this.#bulk = 0;
      this.#small = 0;
      this.#pipe = this.source.reactor.pipes.take();
    }
  }

  /** Pipe → target, until the pipe is empty or the socket full. */
  push(): void {
    while (this.#heldBytes > 0) {
      const moved = splice(this.#pipe!.readFd, this.target.fd, this.#heldBytes);
      if (moved === -EAGAIN) break;
      if (moved < 0) {
        this.target.fail(moved);
        return;
      }
      this.#heldBytes -= moved;
      this.target.bytesWritten += moved;
    }
    if (this.#heldBytes > 0) this.source.pauseReading();
    else {
      if (this.#small >= SMALL_SPLICES) this.#givePipe();
      this.source.resumeReading();
    }
    this.target.updateInterest();
  }

  #givePipe(): void {
    if (this.#pipe === undefined) return;
    this.source.reactor.pipes.give(this.#pipe, this.#heldBytes === 0);
    this.#pipe = undefined;
    this.#heldBytes = 0;
  }

  /** Ends the path; bytes in the pipe are lost, as they are when a kernel socket is closed. */
  end(): void {
    this.#givePipe();
    if (this.target.feeder === this) this.target.feeder = undefined;
  }
}
