// Hot path: splice() runs twice per piece of a bulk transfer.
import { declare, resultOrErrno } from './libc.ts';
import { F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK, SPLICE_F_MOVE, SPLICE_F_NONBLOCK } from './linux-constants.ts';
import { PinnedBuffer } from './pinned.ts';

const cPipe2 = declare<[number, number]>('int pipe2(uintptr_t, int)');
const cFcntl = declare<[number, number, number]>('int fcntl(int, int, int)');
const cSplice = declare<[number, number, number, number, number, number]>(
  'int64_t splice(int, uintptr_t, int, uintptr_t, size_t, unsigned int)',
);

const PAIR = new PinnedBuffer(8);

/** Both ends of a pipe. */
export interface PipeEnds {
  readonly readFd: number;
  readonly writeFd: number;
  /** Most bytes it holds; fewer when they come in small pieces, for each takes a slot. */
  readonly capacityBytes: number;
}

/** What a pipe holds unless {@link openPipe} asks for more (pipe(7)). */
const DEFAULT_PIPE_BYTES = 64 * 1024;

/**
 * pipe2(2), non-blocking. A capacity that the user may not have (pipe-user-pages-soft) leaves the
 * kernel's own. Returns -errno when there is no pipe.
 */
export function openPipe(capacityBytes: number): PipeEnds | number {
  const result = cPipe2(PAIR.address, O_NONBLOCK | O_CLOEXEC);
  if (result < 0) return resultOrErrno(result);
  const readFd = PAIR.bytes.readInt32LE(0);
  const writeFd = PAIR.bytes.readInt32LE(4);
  const granted = cFcntl(writeFd, F_SETPIPE_SZ, capacityBytes);
  return { readFd, writeFd, capacityBytes: granted > 0 ? granted : DEFAULT_PIPE_BYTES };
}

/** splice(2) between a pipe and a socket, in either direction; never blocks. Bytes moved, 0 at the end of stream, or -errno. */
export function splice(fromFd: number, toFd: number, length: number): number {
  const result = cSplice(fromFd, 0, toFd, 0, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  return result < 0 ? resultOrErrno(result) : result;
}
