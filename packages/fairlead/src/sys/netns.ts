import { closeSync, openSync } from 'node:fs';
import { declare, resultOrErrno } from './libc.ts';
import { SysError } from './sys-error.ts';

const cSetns = declare<[number, number]>('int setns(int, int)');
const CLONE_NEWNET = 0x40000000;

function returnTo(own: number): void {
  const back = resultOrErrno(cSetns(own, CLONE_NEWNET));
  if (back < 0) throw new SysError('call-failed', 'setns back to the own namespace', { errno: -back });
}

/**
 * Runs `work` with this thread in another network namespace. It must not wait for anything: the thread is there only
 * while it runs. Sockets that it makes stay there.
 * @param netnsPath `/run/netns/NAME`
 * @throws SysError when this thread cannot enter or, which is fatal, leave the namespace
 */
export function inNetns<T>(netnsPath: string, work: () => T): T {
  const own = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const other = openSync(netnsPath, 'r');
    try {
      const entered = resultOrErrno(cSetns(other, CLONE_NEWNET));
      if (entered < 0) throw new SysError('call-failed', `setns ${netnsPath}`, { errno: -entered });
    } finally {
      closeSync(other);
    }
    try {
      return work();
    } finally {
      returnTo(own);
    }
  } finally {
    closeSync(own);
  }
}
