import { EINVAL } from '../../sys/errno.ts';
import * as linux from '../../sys/linux-constants.ts';
import { bind, close, listen, localAddress, setSocketOption, socket } from '../../sys/socket.ts';
import { addressFamily, socketAddress } from '../../sys/socket-address.ts';

/** Longest accept queue; the kernel caps it at net.core.somaxconn. */
const BACKLOG = 4096;

/** A bound socket, of TCP a listening one. */
export interface OwnedSocket {
  readonly fd: number;
  /** The port bound, when 0 was asked for. */
  readonly port: number;
}

/** Opens the socket of a frontend, non-blocking; -errno when the address cannot be had. */
export function openFrontendSocket(address: string, port: number, protocol: 'TCP' | 'UDP'): OwnedSocket | number {
  const wanted = socketAddress(address, port);
  if (wanted === undefined) return -EINVAL;
  const isTcp = protocol === 'TCP';
  const type = isTcp ? linux.SOCK_STREAM : linux.SOCK_DGRAM;
  const fd = socket(addressFamily(wanted), type | linux.SOCK_NONBLOCK);
  if (fd < 0) return fd;
  if (isTcp) {
    setSocketOption(fd, linux.SOL_SOCKET, linux.SO_REUSEADDR, 1);
    // Accepted connections inherit it.
    setSocketOption(fd, linux.IPPROTO_TCP, linux.TCP_NODELAY, 1);
  }
  if (wanted.family === 'ipv6') setSocketOption(fd, linux.IPPROTO_IPV6, linux.IPV6_V6ONLY, 1);
  const bound = bind(fd, wanted);
  const result = bound === 0 && isTcp ? listen(fd, BACKLOG) : bound;
  if (result < 0) {
    close(fd);
    return result;
  }
  return { fd, port: localAddress(fd)?.port ?? port };
}
