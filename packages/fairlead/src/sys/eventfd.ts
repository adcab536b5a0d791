import { declare, resultOrErrno } from './libc.ts';
import { EFD_CLOEXEC, EFD_NONBLOCK } from './linux-constants.ts';
import { PinnedBuffer } from './pinned.ts';
import { read, write } from './socket.ts';

const cEventfd = declare<[number, number]>('int eventfd(unsigned int, int)');
const COUNTER = new PinnedBuffer(8);

/** eventfd(2), non-blocking. One thread waits for it in epoll, another one signals it. */
export function eventfd(): number {
  return resultOrErrno(cEventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/** Wakes whoever waits for `fd`. */
export function signalEventfd(fd: number): number {
  COUNTER.bytes.fill(0);
  COUNTER.bytes[0] = 1;
  return write(fd, COUNTER, 0, 8);
}

/** Resets `fd`; returns how often it was signalled, 0 if not at all. */
export function drainEventfd(fd: number): number {
  return read(fd, COUNTER, 0, 8) === 8 ? Number(COUNTER.bytes.readBigUInt64LE(0)) : 0;
}
