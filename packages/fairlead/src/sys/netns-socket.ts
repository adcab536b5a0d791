import { closeSync, openSync } from 'node:fs';
import { EINPROGRESS } from './errno.ts';
import { declare, resultOrErrno } from './libc.ts';
import { SOCK_NONBLOCK, SOCK_STREAM } from './linux-constants.ts';
import { close, connect, socket, takeSocketError } from './socket.ts';
import { addressFamily, type SocketAddress } from './socket-address.ts';
import { SysError } from './sys-error.ts';

const cSetns = declare<[number, number]>('int setns(int, int)');
const CLONE_NEWNET = 0x40000000;

/**
 * A TCP socket that lives in another network namespace, connecting to an address there. Nothing is awaited: the
 * thread is in the other namespace only while the socket is made, and a socket stays where it was made.
 * @param netnsPath `/run/netns/NAME`
 * @returns the descriptor, or -errno (`ECONNREFUSED` when nobody listens)
 * @throws SysError when this thread cannot enter or, which is fatal, leave the namespace
 */
export function connectInNetns(netnsPath: string, address: SocketAddress): number {
  const own = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const other = openSync(netnsPath, 'r');
    try {
      const entered = resultOrErrno(cSetns(other, CLONE_NEWNET));
      if (entered < 0) throw new SysError('call-failed', `setns ${netnsPath}`, { errno: -entered });
    } finally {
      closeSync(other);
    }
    const fd = socket(addressFamily(address), SOCK_STREAM | SOCK_NONBLOCK);
    const back = resultOrErrno(cSetns(own, CLONE_NEWNET));
    if (back < 0) throw new SysError('call-failed', 'setns back to the own namespace', { errno: -back });
    if (fd < 0) return fd;
    const result = connect(fd, address);
    // A refusal by the loopback comes before connect returns, which a socket that does not block learns only here.
    const refused = result === -EINPROGRESS ? takeSocketError(fd) : result;
    if (refused === 0) return fd;
    close(fd);
    return refused;
  } finally {
    closeSync(own);
  }
}
