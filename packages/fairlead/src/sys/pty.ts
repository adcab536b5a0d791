import { declare, resultOrErrno } from './libc.ts';
import { PinnedBuffer } from './pinned.ts';
import { SysError } from './sys-error.ts';

const cPosixOpenpt = declare<[number]>('int posix_openpt(int)');
const cGrantpt = declare<[number]>('int grantpt(int)');
const cUnlockpt = declare<[number]>('int unlockpt(int)');
const cPtsnameR = declare<[number, number, number]>('int ptsname_r(int, uintptr_t, size_t)');
const cIoctl = declare<[number, number, number]>('int ioctl(int, unsigned long, uintptr_t)');

const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_CLOEXEC = 0o2000000;
const TIOCSWINSZ = 0x5414;
const NAME = new PinnedBuffer(128);
const SIZE = new PinnedBuffer(8);

/** A pseudoterminal: the descriptor of the side that the terminal emulator holds, and the path of the other. */
export interface Pty {
  readonly master: number;
  /** `/dev/pts/N`; a session leader without a terminal that opens it gets it as its controlling terminal. */
  readonly path: string;
}

/** Opens a pseudoterminal; the descriptor is close-on-exec. @throws SysError */
export function openPty(): Pty {
  const master = resultOrErrno(cPosixOpenpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (master < 0) throw new SysError('call-failed', 'no pseudoterminal', { errno: -master });
  for (const result of [cGrantpt(master), cUnlockpt(master), cPtsnameR(master, NAME.address, NAME.length)]) {
    if (result !== 0) throw new SysError('call-failed', 'the pseudoterminal cannot be prepared');
  }
  const end = NAME.bytes.indexOf(0);
  return { master, path: NAME.bytes.toString('latin1', 0, end) };
}

/** Tells the programs of a terminal its size, in characters. */
export function setWindowSize(master: number, columns: number, rows: number): void {
  SIZE.bytes.writeUInt16LE(Math.min(rows, 0xffff), 0);
  SIZE.bytes.writeUInt16LE(Math.min(columns, 0xffff), 2);
  SIZE.bytes.writeUInt32LE(0, 4);
  cIoctl(master, TIOCSWINSZ, SIZE.address);
}
