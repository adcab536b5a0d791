import { EINVAL } from './errno.ts';
import { declare, resultOrErrno } from './libc.ts';
import { AF_INET6, IPPROTO_IPV6, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_RAW, SOL_SOCKET } from './linux-constants.ts';
import { PinnedBuffer } from './pinned.ts';
import { bindRaw, close, setSocketOption, setSocketOptionBytes, socket } from './socket.ts';

const AF_PACKET = 17;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const SO_ATTACH_FILTER = 26;
const IPV6_JOIN_GROUP = 20;
const IPV6_LEAVE_GROUP = 21;

const cSetsockopt = declare<[number, number, number, number, number]>(
  'int setsockopt(int, int, int, uintptr_t, unsigned int)',
);
const filterCode = new PinnedBuffer(8 * 64);
const filterProgram = new PinnedBuffer(16);

/** One instruction of a classic packet filter (linux/filter.h): code, jump if true, jump if false, operand. */
export type FilterInstruction = readonly [code: number, jt: number, jf: number, k: number];

/** Attaches a classic packet filter: what it refuses never reaches the socket. 0 or -errno. */
export function attachFilter(fd: number, code: readonly FilterInstruction[]): number {
  if (code.length === 0 || code.length > 64) return -EINVAL;
  for (const [index, [operation, jt, jf, k]] of code.entries()) {
    filterCode.bytes.writeUInt16LE(operation, index * 8);
    filterCode.bytes[index * 8 + 2] = jt;
    filterCode.bytes[index * 8 + 3] = jf;
    filterCode.bytes.writeUInt32LE(k, index * 8 + 4);
  }
  // struct sock_fprog: length u16 | padding | pointer.
  filterProgram.bytes.fill(0);
  filterProgram.bytes.writeUInt16LE(code.length, 0);
  filterProgram.bytes.writeBigUInt64LE(BigInt(filterCode.address), 8);
  return resultOrErrno(cSetsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filterProgram.address, 16));
}

/**
 * A non-blocking socket for whole Ethernet frames of one type on one interface; own frames are not received.
 * Needs CAP_NET_RAW. Returns the descriptor or -errno.
 */
export function openPacketSocket(
  interfaceIndex: number,
  etherType: number,
  filter: readonly FilterInstruction[] = [],
): number {
  // Protocol 0: nothing is received before bind has said from where.
  const fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  // struct sockaddr_ll: family u16 | protocol u16 net | index i32 | hatype u16 | type u8 | length u8 | address 8.
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(etherType, 2);
  address.writeInt32LE(interfaceIndex, 4);
  let result = filter.length === 0 ? 0 : attachFilter(fd, filter);
  // Kernels before 4.20 do not know it; the reader tells own frames by their source.
  if (result >= 0) setSocketOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  if (result >= 0) result = bindRaw(fd, address);
  if (result >= 0) return fd;
  close(fd);
  return result;
}

/** A socket whose only use is to be member of IPv6 groups; or -errno. */
export function openGroupSocket(): number {
  return socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK);
}

/**
 * Joins or leaves an IPv6 multicast group on an interface: the interface then accepts its frames, and switches that
 * listen to MLD forward them. 0 or -errno.
 * @param group 16 bytes
 */
export function setGroupMembership(fd: number, group: Uint8Array, interfaceIndex: number, member: boolean): number {
  // struct ipv6_mreq: address 16 | interface u32.
  const request = Buffer.alloc(20);
  request.set(group);
  request.writeUInt32LE(interfaceIndex, 16);
  return setSocketOptionBytes(fd, IPPROTO_IPV6, member ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, request);
}
