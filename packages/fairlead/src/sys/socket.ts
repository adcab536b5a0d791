// Hot path: recv and send run once per event. Every call here is one FFI call; results are
// numbers, negative ones are -errno, nothing throws and nothing is allocated on EAGAIN.
import { EINVAL } from './errno.ts';
import { declare, resultOrErrno } from './libc.ts';
import {
  IPPROTO_IP,
  IPPROTO_IPV6,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SO_ERROR,
  SO_LINGER,
  SO_ORIGINAL_DST,
  SOCK_CLOEXEC,
  SOCKET_OPTION_MAX_BYTES,
  SOL_SOCKET,
} from './linux-constants.ts';
import { PinnedBuffer } from './pinned.ts';
import { decodeSocketAddress, type EncodedAddress, encodeSocketAddress, type SocketAddress } from './socket-address.ts';

const cSocket = declare<[number, number, number]>('int socket(int, int, int)');
const cBind = declare<[number, number, number]>('int bind(int, uintptr_t, unsigned int)');
const cListen = declare<[number, number]>('int listen(int, int)');
const cAccept4 = declare<[number, number, number, number]>('int accept4(int, uintptr_t, uintptr_t, int)');
const cConnect = declare<[number, number, number]>('int connect(int, uintptr_t, unsigned int)');
const cRecv = declare<[number, number, number, number]>('int recv(int, uintptr_t, size_t, int)');
const cSend = declare<[number, number, number, number]>('int send(int, uintptr_t, size_t, int)');
const cRead = declare<[number, number, number]>('int read(int, uintptr_t, size_t)');
const cWrite = declare<[number, number, number]>('int write(int, uintptr_t, size_t)');
const cReadv = declare<[number, number, number]>('int readv(int, uintptr_t, int)');
const cWritev = declare<[number, number, number]>('int writev(int, uintptr_t, int)');
const cShutdown = declare<[number, number]>('int shutdown(int, int)');
const cClose = declare<[number]>('int close(int)');
const cSetsockopt = declare<[number, number, number, number, number]>(
  'int setsockopt(int, int, int, uintptr_t, unsigned int)',
);
const cGetsockopt = declare<[number, number, number, number, number]>(
  'int getsockopt(int, int, int, uintptr_t, uintptr_t)',
);
const cGetsockname = declare<[number, number, number]>('int getsockname(int, uintptr_t, uintptr_t)');
const cGetpeername = declare<[number, number, number]>('int getpeername(int, uintptr_t, uintptr_t)');

// Scratch of this thread: each worker has its own copy of the module, and calls do not nest.
const ADDRESS = new PinnedBuffer(128);
const LENGTH = new PinnedBuffer(4);
const OPTION = new PinnedBuffer(SOCKET_OPTION_MAX_BYTES);
const IOV_MAX = 64;
const IOV = new PinnedBuffer(IOV_MAX * 16);

/** socket(2); close-on-exec always. Returns the descriptor or -errno. */
export function socket(domain: number, type: number, protocol: number = 0): number {
  return resultOrErrno(cSocket(domain, type | SOCK_CLOEXEC, protocol));
}

/** bind(2) to an IP address. */
export function bind(fd: number, address: SocketAddress): number {
  const length = encodeSocketAddress(address, ADDRESS.bytes);
  return resultOrErrno(cBind(fd, ADDRESS.address, length));
}

/** bind(2) with a ready sockaddr of another family (netlink, unix), at most 128 bytes. */
export function bindRaw(fd: number, sockaddr: Uint8Array): number {
  if (sockaddr.length > ADDRESS.length) return -EINVAL;
  ADDRESS.bytes.set(sockaddr);
  return resultOrErrno(cBind(fd, ADDRESS.address, sockaddr.length));
}

/** listen(2). */
export function listen(fd: number, backlog: number): number {
  return resultOrErrno(cListen(fd, backlog));
}

/** accept4(2), close-on-exec always; the peer's address can be read with {@link lastAcceptedAddress}. */
export function accept4(fd: number, flags: number): number {
  LENGTH.bytes.writeUInt32LE(ADDRESS.length, 0);
  return resultOrErrno(cAccept4(fd, ADDRESS.address, LENGTH.address, flags | SOCK_CLOEXEC));
}

/** Peer of the connection that the last {@link accept4} of this thread returned. Read it at once. */
export function lastAcceptedAddress(): SocketAddress | undefined {
  return decodeSocketAddress(ADDRESS.bytes);
}

/** connect(2); -EINPROGRESS on a non-blocking socket is the normal answer. */
export function connect(fd: number, address: SocketAddress): number {
  const length = encodeSocketAddress(address, ADDRESS.bytes);
  return resultOrErrno(cConnect(fd, ADDRESS.address, length));
}

/** connect(2) to an address that was encoded before. */
export function connectEncoded(fd: number, address: EncodedAddress): number {
  ADDRESS.bytes.set(address.buffer);
  return resultOrErrno(cConnect(fd, ADDRESS.address, address.buffer.length));
}

/** recv(2) into `into[offset, offset+length)`; never blocks. 0 is end of stream. */
export function recv(fd: number, into: PinnedBuffer, offset: number, length: number, flags: number = 0): number {
  if (offset < 0 || length < 0 || offset + length > into.length) return -EINVAL;
  const result = cRecv(fd, into.address + offset, length, MSG_DONTWAIT | flags);
  return result < 0 ? resultOrErrno(result) : result;
}

/** send(2) of `from[offset, offset+length)`; never blocks, never raises SIGPIPE. */
export function send(fd: number, from: PinnedBuffer, offset: number, length: number): number {
  if (offset < 0 || length < 0 || offset + length > from.length) return -EINVAL;
  const result = cSend(fd, from.address + offset, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return result < 0 ? resultOrErrno(result) : result;
}

/** read(2): blocks if the descriptor does. For eventfd, pipes and files. */
export function read(fd: number, into: PinnedBuffer, offset: number, length: number): number {
  if (offset < 0 || length < 0 || offset + length > into.length) return -EINVAL;
  return resultOrErrno(cRead(fd, into.address + offset, length));
}

/** write(2): blocks if the descriptor does. */
export function write(fd: number, from: PinnedBuffer, offset: number, length: number): number {
  if (offset < 0 || length < 0 || offset + length > from.length) return -EINVAL;
  return resultOrErrno(cWrite(fd, from.address + offset, length));
}

/** One piece of a {@link readv} or {@link writev}. */
export interface IoRange {
  readonly buffer: PinnedBuffer;
  readonly offset: number;
  readonly length: number;
}

/** Fills the iovec scratch. struct iovec: base:u64 | len:u64. */
function encodeRanges(ranges: readonly IoRange[]): boolean {
  if (ranges.length > IOV_MAX) return false;
  for (let i = 0; i < ranges.length; i++) {
    const range = ranges[i]!;
    if (range.offset < 0 || range.length < 0 || range.offset + range.length > range.buffer.length) return false;
    IOV.bytes.writeBigUInt64LE(BigInt(range.buffer.address + range.offset), i * 16);
    IOV.bytes.writeBigUInt64LE(BigInt(range.length), i * 16 + 8);
  }
  return true;
}

/** readv(2), at most 64 ranges. */
export function readv(fd: number, ranges: readonly IoRange[]): number {
  return encodeRanges(ranges) ? resultOrErrno(cReadv(fd, IOV.address, ranges.length)) : -EINVAL;
}

/** writev(2), at most 64 ranges. Node ignores SIGPIPE, so a closed peer is -EPIPE. */
export function writev(fd: number, ranges: readonly IoRange[]): number {
  return encodeRanges(ranges) ? resultOrErrno(cWritev(fd, IOV.address, ranges.length)) : -EINVAL;
}

/** shutdown(2). */
export function shutdown(fd: number, how: number): number {
  return resultOrErrno(cShutdown(fd, how));
}

/** close(2). */
export function close(fd: number): number {
  return resultOrErrno(cClose(fd));
}

/** setsockopt(2) with an int value. */
export function setSocketOption(fd: number, level: number, option: number, value: number): number {
  OPTION.bytes.writeInt32LE(value, 0);
  return resultOrErrno(cSetsockopt(fd, level, option, OPTION.address, 4));
}

/** setsockopt(2) with a struct value (SO_LINGER, SO_RCVTIMEO…), at most 256 bytes. */
export function setSocketOptionBytes(fd: number, level: number, option: number, value: Uint8Array): number {
  if (value.length > OPTION.length) return -EINVAL;
  OPTION.bytes.set(value);
  return resultOrErrno(cSetsockopt(fd, level, option, OPTION.address, value.length));
}

/** struct linger { on, 0 seconds }. */
const LINGER_NONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

/** Lets close(2) reset the connection, dropping what is not sent yet. */
export function resetOnClose(fd: number): void {
  setSocketOptionBytes(fd, SOL_SOCKET, SO_LINGER, LINGER_NONE);
}

/**
 * getsockopt(2) of an int option. The value is returned as it is; a failed call gives -errno,
 * so only use it for options that are never negative.
 */
export function getSocketOption(fd: number, level: number, option: number): number {
  LENGTH.bytes.writeUInt32LE(4, 0);
  const result = cGetsockopt(fd, level, option, OPTION.address, LENGTH.address);
  return result < 0 ? resultOrErrno(result) : OPTION.bytes.readInt32LE(0);
}

/** getsockopt(2) of a struct option: a copy of the bytes, or -errno. */
export function getSocketOptionBytes(fd: number, level: number, option: number): Buffer | number {
  LENGTH.bytes.writeUInt32LE(OPTION.length, 0);
  const result = cGetsockopt(fd, level, option, OPTION.address, LENGTH.address);
  return result < 0 ? resultOrErrno(result) : Buffer.from(OPTION.bytes.subarray(0, LENGTH.bytes.readUInt32LE(0)));
}

/** Pending error of a socket (SO_ERROR, cleared by reading): 0 or a negative errno. */
export function takeSocketError(fd: number): number {
  const value = getSocketOption(fd, SOL_SOCKET, SO_ERROR);
  return value > 0 ? -value : value;
}

/** Local address of a socket, or undefined if it is none of IPv4 or IPv6. */
export function localAddress(fd: number): SocketAddress | undefined {
  LENGTH.bytes.writeUInt32LE(ADDRESS.length, 0);
  return cGetsockname(fd, ADDRESS.address, LENGTH.address) < 0 ? undefined : decodeSocketAddress(ADDRESS.bytes);
}

/** Where the peer connected to before connection tracking translated it; without a translation the local address. */
export function originalDestination(fd: number): SocketAddress | undefined {
  const local = localAddress(fd);
  const level = local?.family === 'ipv6' ? IPPROTO_IPV6 : IPPROTO_IP;
  const original = getSocketOptionBytes(fd, level, SO_ORIGINAL_DST);
  return typeof original === 'number' ? local : decodeSocketAddress(original);
}

/** Peer address of a connected socket, or undefined. */
export function peerAddress(fd: number): SocketAddress | undefined {
  LENGTH.bytes.writeUInt32LE(ADDRESS.length, 0);
  return cGetpeername(fd, ADDRESS.address, LENGTH.address) < 0 ? undefined : decodeSocketAddress(ADDRESS.bytes);
}
