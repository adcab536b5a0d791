// Hot path: write() and onEvent() run for every message.
import { EAGAIN, ENOTCONN, EPIPE, ETIMEDOUT } from '../sys/errno.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, MSG_PEEK, SHUT_WR } from '../sys/linux-constants.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import { close, originalDestination, recv, resetOnClose, send, shutdown, takeSocketError } from '../sys/socket.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import { TLS_WANT_WRITE } from '../sys/tls-session.ts';
import { BROKEN, CLOSED, CONNECTING, HANDSHAKING, LINGERING, OPEN } from './connection-state.ts';
import { advanceHandshake } from './epoll-handshake.ts';
import { EpollPlace } from './epoll-place.ts';
import type { EpollReactor } from './epoll-reactor.ts';
import { ForwardPath } from './forward-path.ts';
import {
  type Acceptor,
  type ConnectionGate,
  type ConnectionHandler,
  INPUT_BASE,
  LOW_WATER_BYTES,
  type ProxiedConnection,
  READ_MAX_BYTES,
  type SocketConnection,
} from './reactor.ts';
import { restoreInput, retainInput } from './retained-input.ts';
import { SendQueue } from './send-queue.ts';
import { WheelTimer } from './timer-wheel.ts';
import type { TlsState, TlsTransport } from './tls-transport.ts';

/** How long a gracefully closed connection waits for the peer. */
const LINGER_MS = 2000;

/** TLS records read in a row before others get their turn. */
const RECORDS_PER_TURN = 8;

/** A connection record. The reactor keeps it under its token; handlers see {@link SocketConnection}. */
export class EpollConnection implements SocketConnection {
  handler: ConnectionHandler;
  readonly reactor: EpollReactor;
  readonly fd: number;
  readonly token: number;
  readonly place: EpollPlace;
  bytesWritten: number = 0;
  bytesRead: number = 0;
  isCongested: boolean = false;
  /** One of `connection-state.ts`. */
  state: number;
  #wantsRead = true;
  #ended = false;
  #endAfterFlush = false;
  #endSent = false;
  #error = 0;
  /** Undefined when empty. */
  #queue: SendQueue | undefined = undefined;
  #retained: Buffer | undefined = undefined;
  #redelivering = false;
  readonly #timer: WheelTimer;
  /** Undefined on a plain connection, and on one that turned out to be passed through. */
  #transport: TlsTransport | undefined;
  /** Deciphered or received bytes wait inside the TLS session, of which epoll knows nothing. */
  #readAgain = false;
  /** Where what arrives here goes, unseen by the handler. */
  #forward: ForwardPath | undefined = undefined;
  /** Whose bytes come here. Set by {@link ForwardPath} and {@link forwardTo}. */
  feeder: ForwardPath | undefined = undefined;
  /** Counts it, until it closes. */
  gate: ConnectionGate | undefined = undefined;
  /** Of an accepted connection. */
  peer: SocketAddress | undefined = undefined;
  proxied: ProxiedConnection | undefined = undefined;
  /** Makes the handler of an accepted connection; undefined once that is done, after the handshake if there is one. */
  acceptor: Acceptor | undefined = undefined;

  constructor(
    reactor: EpollReactor,
    fd: number,
    token: number,
    connecting: boolean,
    handler: ConnectionHandler,
    transport: TlsTransport | undefined,
  ) {
    this.#transport = transport;
    this.reactor = reactor;
    this.fd = fd;
    this.token = token;
    this.handler = handler;
    this.state = connecting ? CONNECTING : transport === undefined ? OPEN : HANDSHAKING;
    this.place = new EpollPlace(reactor, fd, token, connecting ? EPOLLOUT : EPOLLIN);
    this.#timer = new WheelTimer(() => this.reactor.guard(this, () => this.#onDeadline()));
  }

  get isOpen(): boolean {
    return this.state <= OPEN;
  }

  get hasUnread(): boolean {
    return this.isOpen && (this.#holdsInput() || recv(this.fd, this.reactor.input, 0, 1, MSG_PEEK) > 0);
  }

  /** Input was taken from the socket that the handler has not had, or given back; or a turn is due to look for some. */
  #holdsInput(): boolean {
    return this.#retained !== undefined || this.#readAgain || this.#transport?.session?.hasPending() === true;
  }

  get tls(): TlsState | undefined {
    return this.#transport;
  }

  get hasOutput(): boolean {
    return this.#queue !== undefined;
  }

  /** Gets the handler of an accepted connection, of another acceptor if the handshake has led to one. */
  becomeAccepted(instead: Acceptor | undefined): void {
    const accept = instead ?? this.acceptor!;
    this.acceptor = undefined;
    this.handler = accept(this, this.peer!, this.proxied);
  }

  /** Its next events come from the other lane. */
  changeLane(isBulk: boolean): void {
    if (this.state >= BROKEN) return;
    this.watched(this.place.moveTo(isBulk));
  }

  /** Takes what the kernel says to a change of what it watches: 0, or why it cannot. */
  watched(result: number): void {
    if (result < 0) this.fail(result);
  }

  write(from: PinnedBuffer, start: number, end: number): void {
    if (this.state > OPEN || start >= end) return;
    this.bytesWritten += end - start;
    if (this.#queue === undefined && this.state === OPEN) {
      const sent = this.#send(from, start, end - start);
      if (sent === end - start) return;
      if (sent >= 0) start += sent;
      else if (sent !== -EAGAIN) {
        this.fail(sent);
        return;
      }
    }
    this.#enqueue(Buffer.from(from.bytes.subarray(start, end)));
  }

  #send(from: PinnedBuffer, offset: number, length: number): number {
    const transport = this.#transport;
    return transport === undefined
      ? send(this.fd, from, offset, length)
      : transport.session!.write(from, offset, length);
  }

  writeBytes(bytes: Uint8Array): void {
    if (this.state > OPEN || bytes.length === 0) return;
    const scratch = this.reactor.flushScratch;
    if (bytes.length <= scratch.length) {
      scratch.bytes.set(bytes);
      this.write(scratch, 0, bytes.length);
      return;
    }
    this.bytesWritten += bytes.length;
    this.#enqueue(Buffer.from(bytes));
    if (this.state === OPEN) this.#flush();
  }

  #enqueue(chunk: Buffer): void {
    this.#queue ??= new SendQueue(this.reactor.queued);
    this.#queue.push(chunk);
    if (this.#queue.bytes > this.reactor.highWaterBytes) this.isCongested = true;
    this.updateInterest();
  }

  /** Sends from the queue until it is empty or the kernel's buffer is full. */
  #flush(): void {
    const queue = this.#queue;
    const scratch = this.reactor.flushScratch;
    while (queue !== undefined && queue.bytes > 0) {
      const filled = queue.gather(scratch);
      const sent = this.#send(scratch, 0, filled);
      if (sent === -EAGAIN) break;
      if (sent < 0) {
        this.fail(sent);
        return;
      }
      queue.consume(sent);
      this.reactor.movedBytes += sent;
      if (sent < filled || this.reactor.isBusy) break;
    }
    if (queue === undefined || queue.bytes === 0) {
      this.#queue = undefined;
      if (this.#endAfterFlush) this.#sendEnd();
      this.feeder?.source.resumeReading();
    }
    this.updateInterest();
    if (this.isCongested && (this.#queue === undefined || this.#queue.bytes < LOW_WATER_BYTES)) {
      this.isCongested = false;
      if (this.state !== OPEN) return;
      if (this.feeder === undefined) this.handler.onDrained();
      else this.feeder.source.resumeReading();
    }
  }

  /** Waits for what there is something to do about. */
  updateInterest(): void {
    const state = this.state;
    if (state >= BROKEN || state === HANDSHAKING) return;
    let wanted = this.#queue !== undefined || state === CONNECTING || this.feeder?.isHeldUp === true ? EPOLLOUT : 0;
    if (this.#wantsRead && !this.#ended && state !== CONNECTING) wanted |= EPOLLIN;
    this.watched(this.place.set(wanted));
  }

  /** Handles one epoll event. */
  onEvent(bits: number): void {
    if (this.state <= HANDSHAKING) {
      if (this.state === CONNECTING) this.#finishConnect(bits);
      else this.#handshake();
      return;
    }
    if ((bits & EPOLLIN) !== 0 && this.#wantsRead && !this.#ended) this.#read();
    if (bits === EPOLLIN) return;
    // Watched by edges, an end behind the input is not told of again.
    if (this.place.isEdge && this.#wantsRead && !this.#ended && this.state <= LINGERING) this.#readSoon();
    if ((bits & EPOLLOUT) !== 0 && this.state <= LINGERING) {
      if (this.#queue !== undefined) this.#flush();
      else if (this.feeder?.isHeldUp === true) this.feeder.push();
    }
    if ((bits & (EPOLLERR | EPOLLHUP)) !== 0 && (bits & EPOLLIN) === 0) this.#onHangUp(bits);
    else if ((bits & (EPOLLERR | EPOLLHUP)) !== 0 && (!this.#wantsRead || this.#ended)) this.#onHangUp(bits);
  }

  #finishConnect(bits: number): void {
    const error = (bits & (EPOLLERR | EPOLLHUP)) === 0 ? 0 : takeSocketError(this.fd);
    if (error < 0) {
      this.fail(error);
      return;
    }
    if ((bits & EPOLLOUT) === 0) return;
    if (this.#transport === undefined) this.#opened();
    else {
      this.state = HANDSHAKING;
      this.#handshake();
    }
  }

  /** The connection can carry data: tells the handler, sends what was queued meanwhile. */
  #opened(): void {
    this.state = OPEN;
    this.updateInterest();
    this.handler.onConnected();
    if (this.state === OPEN && this.#queue !== undefined) this.#flush();
    else if (this.state <= LINGERING && this.#endAfterFlush && this.#queue === undefined) this.#sendEnd();
  }

  #handshake(): void {
    const transport = this.#transport!;
    if (!advanceHandshake(this, transport)) return;
    if (transport.passthrough !== undefined) this.#transport = undefined;
    this.setDeadline(Infinity);
    if (this.acceptor !== undefined) {
      this.reactor.noteHandshakeEnd();
      this.becomeAccepted(transport.passthrough);
    }
    this.#opened();
    // The request may have come with the end of the handshake.
    if (this.state === OPEN && this.#wantsRead && transport.session?.hasPending() === true) this.#read();
  }

  #read(): void {
    if (this.#transport !== undefined && this.state === OPEN) {
      this.#readRecords(this.#transport);
      return;
    }
    if (this.#forward !== undefined && this.state === OPEN) {
      const moved = this.#forward.read();
      if (moved <= 0 && moved !== -EAGAIN) this.#onReadEnd(moved);
      return;
    }
    const input = this.reactor.input;
    const most = this.reactor.readMaxBytes;
    let received = recv(this.fd, input, INPUT_BASE, most);
    // A peer that was told of the end answers with little more than its own: no need to wait for another event.
    if (received > 0 && this.state === LINGERING) received = recv(this.fd, input, INPUT_BASE, READ_MAX_BYTES);
    if (received > 0) {
      this.watched(received < most ? this.place.noteEmptied() : this.place.noteRest());
      if (this.state === LINGERING) return;
      this.bytesRead += received;
      this.reactor.movedBytes += received;
      const start = this.#retained === undefined ? INPUT_BASE : this.#unretain();
      this.handler.onData(start, INPUT_BASE + received);
      return;
    }
    if (received !== -EAGAIN) this.#onReadEnd(received);
  }

  /** Hands input to whoever it is for. */
  #deliver(start: number, end: number): void {
    if (this.#forward === undefined) this.handler.onData(start, end);
    else this.#forward.copy(start, end);
  }

  forwardTo(target: SocketConnection | undefined): void {
    this.#forward?.end();
    this.#forward = target instanceof EpollConnection ? new ForwardPath(this, target) : undefined;
    if (this.#forward === undefined) return;
    // It moves as much as the target takes, and leaves the rest.
    this.watched(this.place.noteRest());
    if (this.#retained === undefined) return;
    const retained = this.#retained;
    this.#retained = undefined;
    this.#forward.target.writeBytes(retained);
  }

  /** Reads what the session has: a record may lie there of which the descriptor says nothing. */
  #readRecords(transport: TlsTransport): void {
    const session = transport.session!;
    const most = this.reactor.isBusy ? 1 : RECORDS_PER_TURN;
    for (let records = 0; records < most; records++) {
      const received = session.read(this.reactor.input, INPUT_BASE, this.reactor.readMaxBytes);
      if (received <= 0) {
        if (received !== -EAGAIN && received !== TLS_WANT_WRITE) this.#onReadEnd(received);
        return;
      }
      this.bytesRead += received;
      this.reactor.movedBytes += received;
      const start = this.#retained === undefined ? INPUT_BASE : this.#unretain();
      this.#deliver(start, INPUT_BASE + received);
      if (this.state !== OPEN || !session.hasPending()) return;
      // resumeReading looks at the rest.
      if (!this.#wantsRead) return;
    }
    this.#readSoon();
  }

  #readSoon(): void {
    if (this.#readAgain) return;
    this.#readAgain = true;
    this.reactor.readAgain(this);
  }

  /** The turn of {@link EpollReactor.readAgain}. */
  onReadAgain(): void {
    this.#readAgain = false;
    const isReading = this.state === OPEN || this.state === LINGERING;
    if (isReading && this.#wantsRead && !this.#ended) this.#read();
  }

  /** End of stream (0) or a negative errno. */
  #onReadEnd(received: number): void {
    if (received < 0) {
      this.fail(received);
      return;
    }
    this.#ended = true;
    if (this.state === LINGERING) {
      if (this.#queue === undefined) this.close();
      else this.updateInterest();
      return;
    }
    this.handler.onEnd();
    // Most handlers close now, which saves this call.
    this.updateInterest();
  }

  /** Both directions are gone, or an error is pending, and nobody reads: the event would repeat for ever. */
  #onHangUp(bits: number): void {
    if (this.state >= BROKEN) return;
    if (this.state === LINGERING) {
      this.close();
      return;
    }
    const error = (bits & EPOLLERR) === 0 ? 0 : takeSocketError(this.fd);
    if (error < 0 || this.#ended) {
      this.fail(error < 0 ? error : -EPIPE);
      return;
    }
    // Reading went on since the event: the next one says what there is to read.
    if (this.#wantsRead) return;
    // Data may still wait in the kernel for a reader that is paused: look again when it resumes.
    this.place.leave();
  }

  #unretain(): number {
    const retained = this.#retained!;
    this.#retained = undefined;
    return restoreInput(this.reactor.input, retained);
  }

  retain(start: number, end: number): void {
    this.#retained = retainInput(this.reactor.input, start, end);
  }

  redeliver(): void {
    if (this.#retained === undefined || this.#redelivering) return;
    this.#redelivering = true;
    this.reactor.defer(this);
  }

  /** Work that had to wait for the running callback to return. */
  onDeferred(): void {
    if (this.#redelivering) {
      this.#redelivering = false;
      if (this.state === OPEN && this.#retained !== undefined) this.handler.onData(this.#unretain(), INPUT_BASE);
    }
    if (this.state === BROKEN) {
      this.close();
      this.handler.onFailed(this.#error);
    }
  }

  /** Marks the connection as failed; its handler hears of it when the running callback has returned. */
  fail(error: number): void {
    if (this.state >= BROKEN) return;
    const silent = this.state === LINGERING;
    this.state = BROKEN;
    this.#error = error;
    if (silent) this.close();
    else this.reactor.defer(this);
  }

  pauseReading(): void {
    if (!this.#wantsRead) return;
    this.#wantsRead = false;
    this.updateInterest();
  }

  resumeReading(): void {
    if (this.#wantsRead) return;
    this.#wantsRead = true;
    this.updateInterest();
    if (this.state === OPEN && this.#transport?.session?.hasPending() === true) this.#readSoon();
  }

  setDeadline(atMs: number): void {
    if (this.state < CLOSED) this.reactor.timers.set(this.#timer, atMs);
  }

  #onDeadline(): void {
    if (this.state === LINGERING) this.close();
    else if (this.state === HANDSHAKING && this.#transport?.policy !== undefined) {
      this.#transport.policy.onFailed('timeout');
      this.fail(-ETIMEDOUT);
    } else if (this.state < BROKEN) this.handler.onTimeout();
  }

  endWriting(): void {
    if (this.state > OPEN || this.#endAfterFlush || this.#endSent) return;
    this.#endAfterFlush = true;
    if (this.#queue === undefined && this.state === OPEN) this.#sendEnd();
  }

  #sendEnd(): void {
    this.#endAfterFlush = false;
    if (!this.#endSent) this.#transport?.session?.sendEnd();
    const result = this.#endSent ? 0 : shutdown(this.fd, SHUT_WR);
    this.#endSent = true;
    // ENOTCONN: the peer is gone altogether; reading tells how.
    if (result < 0 && result !== -ENOTCONN) this.fail(result);
    else if (this.state === LINGERING && this.#ended) this.close();
  }

  closeGracefully(isPeerDone: boolean = false): void {
    if (this.state > OPEN) return;
    const nothingComes = this.#ended || (isPeerDone && !this.hasUnread);
    if (this.state <= HANDSHAKING || (nothingComes && this.#queue === undefined)) {
      if (this.state === OPEN && !this.#endSent) this.#transport?.session?.sendEnd();
      this.close();
      return;
    }
    this.state = LINGERING;
    this.#retained = undefined;
    this.#wantsRead = true;
    this.reactor.timers.set(this.#timer, this.reactor.nowMs + LINGER_MS);
    if (this.#queue === undefined) this.#sendEnd();
    else this.#endAfterFlush = true;
    this.updateInterest();
  }

  reset(): void {
    if (this.state < CLOSED && this.fd >= 0) resetOnClose(this.fd);
    this.close();
  }

  destination(): SocketAddress | undefined {
    return originalDestination(this.fd);
  }

  close(): void {
    if (this.state === CLOSED) return;
    this.state = CLOSED;
    this.#queue?.drop();
    this.#queue = undefined;
    this.forwardTo(undefined);
    this.feeder?.source.forwardTo(undefined);
    this.#retained = undefined;
    this.reactor.timers.remove(this.#timer);
    this.reactor.forget(this);
    this.#transport?.free();
    if (this.fd >= 0) close(this.fd);
  }
}
