import { EINPROGRESS } from './errno.ts';
import { SOCK_NONBLOCK, SOCK_STREAM } from './linux-constants.ts';
import { inNetns } from './netns.ts';
import { close, connect, socket, takeSocketError } from './socket.ts';
import { addressFamily, type SocketAddress } from './socket-address.ts';

/**
 * A TCP socket that lives in another network namespace, connecting to an address there. Nothing is awaited.
 * @param netnsPath `/run/netns/NAME`
 * @returns the descriptor, or -errno (`ECONNREFUSED` when nobody listens)
 * @throws SysError when this thread cannot enter or, which is fatal, leave the namespace
 */
export function connectInNetns(netnsPath: string, address: SocketAddress): number {
  const fd = inNetns(netnsPath, () => socket(addressFamily(address), SOCK_STREAM | SOCK_NONBLOCK));
  if (fd < 0) return fd;
  const result = connect(fd, address);
  // A refusal by the loopback comes before connect returns, which a socket that does not block learns only here.
  const refused = result === -EINPROGRESS ? takeSocketError(fd) : result;
  if (refused === 0) return fd;
  close(fd);
  return refused;
}
