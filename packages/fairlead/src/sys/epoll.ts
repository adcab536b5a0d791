// Hot path: wait() runs once per batch of events.
import { declare, resultOrErrno } from './libc.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from './linux-constants.ts';
import { PinnedBuffer } from './pinned.ts';
import { close } from './socket.ts';

const cCreate = declare<[number]>('int epoll_create1(int)');
const cControl = declare<[number, number, number, number]>('int epoll_ctl(int, int, int, uintptr_t)');
const cWait = declare<[number, number, number, number]>('int epoll_wait(int, uintptr_t, int, int)');
const EPOLL_CLOEXEC = 0o2000000;

/** struct epoll_event is packed on x86-64 (12 bytes) and aligned elsewhere (16). */
export const EPOLL_EVENT_BYTES: number = process.arch === 'x64' ? 12 : 16;
const DATA_OFFSET = process.arch === 'x64' ? 4 : 8;
const STRIDE = EPOLL_EVENT_BYTES / 4;
const TOKEN_INDEX = DATA_OFFSET / 4;

/**
 * One epoll instance. Each descriptor is registered with a token, a 32-bit number of the
 * caller's choice, which its events carry.
 */
export class Epoll {
  readonly fd: number;
  readonly #events: PinnedBuffer;
  readonly #control: PinnedBuffer;
  readonly #words: Int32Array;
  readonly #maxEvents: number;

  /** @throws never; a failed creation shows as a negative {@link fd}. */
  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents;
    this.#events = new PinnedBuffer(EPOLL_EVENT_BYTES * maxEvents);
    this.#control = new PinnedBuffer(EPOLL_EVENT_BYTES);
    this.#words = new Int32Array(this.#events.bytes.buffer, this.#events.bytes.byteOffset, maxEvents * STRIDE);
    this.fd = resultOrErrno(cCreate(EPOLL_CLOEXEC));
  }

  #ctl(operation: number, fd: number, interest: number, token: number): number {
    const bytes = this.#control.bytes;
    bytes.writeInt32LE(interest | 0, 0);
    bytes.writeInt32LE(token | 0, DATA_OFFSET);
    bytes.writeUInt32LE(0, DATA_OFFSET + 4);
    return resultOrErrno(cControl(this.fd, operation, fd, this.#control.address));
  }

  add(fd: number, interest: number, token: number): number {
    return this.#ctl(EPOLL_CTL_ADD, fd, interest, token);
  }

  modify(fd: number, interest: number, token: number): number {
    return this.#ctl(EPOLL_CTL_MOD, fd, interest, token);
  }

  remove(fd: number): number {
    return this.#ctl(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Blocks up to `timeoutMs` (-1: without limit). Returns the number of events or -errno. */
  wait(timeoutMs: number): number {
    const count = cWait(this.fd, this.#events.address, this.#maxEvents, timeoutMs);
    return count < 0 ? resultOrErrno(count) : count;
  }

  /** Event bits (EPOLLIN…) of the i-th event of the last {@link wait}. */
  eventBits(index: number): number {
    return this.#words[index * STRIDE]!;
  }

  /** Token of the i-th event. */
  eventToken(index: number): number {
    return this.#words[index * STRIDE + TOKEN_INDEX]!;
  }

  close(): void {
    close(this.fd);
  }
}
