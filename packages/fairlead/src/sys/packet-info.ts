import { IPPROTO_IP, IPPROTO_IPV6 } from './linux-constants.ts';
import { localAddress, setSocketOption } from './socket.ts';

const IP_PKTINFO = 8;
const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;
/** sizeof(struct cmsghdr) on 64-bit Linux: length u64 | level i32 | type i32. */
const headerBytes = 16;

/** Room that the control message of one datagram takes, of either family. */
export const packetInfoBytes = 40;

/**
 * Has each datagram of a socket that is bound to all addresses come with the one it was sent to (ip(7), RFC 3542).
 * False: the socket has one address, which its answers come from anyway, or the kernel refuses.
 */
export function receivePacketInfo(fd: number): boolean {
  const local = localAddress(fd);
  if (local?.address === '0.0.0.0') return setSocketOption(fd, IPPROTO_IP, IP_PKTINFO, 1) === 0;
  if (local?.address === '::') return setSocketOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) === 0;
  return false;
}

/**
 * Makes of a received control message the one with which an answer is sent: from the address that the
 * datagram was sent to, over whatever link leads to the client. Empty when there is none.
 *
 *     in_pktinfo   link i32 | local address | destination      (the kernel takes the source from the second)
 *     in6_pktinfo  destination, 16 bytes | link u32
 */
export function answerControl(received: Buffer): Buffer {
  if (received.length < headerBytes) return Buffer.alloc(0);
  const control = Buffer.from(received);
  const [level, type] = [control.readInt32LE(8), control.readInt32LE(12)];
  if (level === IPPROTO_IP && type === IP_PKTINFO && control.length >= headerBytes + 12) {
    control.writeInt32LE(0, headerBytes);
    return control;
  }
  if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO && control.length >= headerBytes + 20) {
    // A link-local address means nothing without its link.
    const linkLocal = control[headerBytes] === 0xfe && ((control[headerBytes + 1] ?? 0) & 0xc0) === 0x80;
    if (!linkLocal) control.writeUInt32LE(0, headerBytes + 16);
    return control;
  }
  return Buffer.alloc(0);
}
