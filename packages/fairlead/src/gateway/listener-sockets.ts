import type { RouteListener } from '../routing/route-table.ts';
import { EAGAIN } from '../sys/errno.ts';
import * as linux from '../sys/linux-constants.ts';
import { accept4, bind, close, listen, localAddress, setSocketOption, socket } from '../sys/socket.ts';
import { addressFamily, type SocketAddress, socketAddress } from '../sys/socket-address.ts';
import { badListener, listenError } from './listener-error.ts';
import type { ListenerOpener } from './listener-opener.ts';

/** Longest accept queue; the kernel caps it at net.core.somaxconn. */
const BACKLOG = 4096;

/**
 * Opens a listener. The main thread owns the sockets, so a worker that dies loses no connection
 * waiting in its accept queue: the next worker inherits it.
 * @throws GatewayError with one clear line.
 */
export const openListenerSockets: ListenerOpener = async (listener, workers) => {
  const wanted = socketAddress(listener.address, listener.port);
  if (wanted === undefined) throw badListener(listener);
  const opened: number[] = [];
  const open = (address: SocketAddress, type: number): number[] =>
    Array.from({ length: workers }, () => {
      const fd = openSocket(listener, address, type, true);
      opened.push(fd);
      return fd;
    });
  try {
    const type = listener.protocol === 'udp' ? linux.SOCK_DGRAM : linux.SOCK_STREAM;
    const port = probe(listener, wanted, type);
    const sockets = open({ ...wanted, port }, type);
    for (const fd of type === linux.SOCK_DGRAM ? [] : sockets) {
      const result = listen(fd, BACKLOG);
      if (result < 0) throw listenError(listener, result);
    }
    const withQuic = listener.http3 === true;
    if (withQuic) probe(listener, { ...wanted, port }, linux.SOCK_DGRAM);
    const quicSockets = withQuic ? open({ ...wanted, port }, linux.SOCK_DGRAM) : [];
    return { listener, port, sockets, quicSockets, close: () => closeAll(opened) };
  } catch (error) {
    for (const fd of opened) close(fd);
    throw error;
  }
};

/** Binds alone for a moment: with SO_REUSEPORT another process of the same user could hold the port unnoticed. */
function probe(listener: RouteListener, wanted: SocketAddress, type: number): number {
  const fd = openSocket(listener, wanted, type, false);
  const port = localAddress(fd)?.port ?? wanted.port;
  close(fd);
  return port;
}

function openSocket(listener: RouteListener, address: SocketAddress, type: number, shared: boolean): number {
  const fd = socket(addressFamily(address), type | linux.SOCK_NONBLOCK);
  if (fd < 0) throw listenError(listener, fd);
  setSocketOption(fd, linux.SOL_SOCKET, linux.SO_REUSEADDR, 1);
  if (shared) setSocketOption(fd, linux.SOL_SOCKET, linux.SO_REUSEPORT, 1);
  // Accepted connections inherit it: one call here instead of one per connection.
  if (type === linux.SOCK_STREAM) setSocketOption(fd, linux.IPPROTO_TCP, linux.TCP_NODELAY, 1);
  if (address.family === 'ipv6') {
    // `::` serves IPv4 too; any other address only itself.
    setSocketOption(fd, linux.IPPROTO_IPV6, linux.IPV6_V6ONLY, address.address === '::' ? 0 : 1);
  }
  const bound = bind(fd, address);
  if (bound < 0) {
    close(fd);
    throw listenError(listener, bound);
  }
  return fd;
}

/** Closes a listener's sockets, after all workers stopped using them. */
function closeAll(fds: readonly number[]): void {
  for (const fd of fds) {
    // A connection that arrived since the workers stopped is closed rather than reset silently.
    for (let fresh = accept4(fd, 0); fresh >= 0 || fresh !== -EAGAIN; fresh = accept4(fd, 0)) {
      if (fresh < 0) break;
      close(fresh);
    }
    close(fd);
  }
}
