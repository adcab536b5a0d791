import { AF_INET, AF_INET6 } from './linux-constants.ts';
import { SysError } from './sys-error.ts';

/** An IP socket address. */
export interface SocketAddress {
  readonly family: 'ipv4' | 'ipv6';
  /** Canonical text: dotted decimal, or RFC 5952 for IPv6. */
  readonly address: string;
  readonly port: number;
  /** IPv6 scope (interface index) of link-local addresses. */
  readonly scopeId?: number;
}

/** sizeof(struct sockaddr_in). */
const SOCKADDR_IN_BYTES = 16;
/** sizeof(struct sockaddr_in6); also the space that holds either. */
export const SOCKADDR_MAX_BYTES = 28;

/** The four bytes of a dotted-decimal address, or undefined. Leading zeros are refused (ambiguous octal). */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i] ?? '';
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

/** The sixteen bytes of an IPv6 address (RFC 4291 2.2, with an embedded IPv4 tail), or undefined. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

function parseGroups(text: string, isLast: boolean): number[] | undefined {
  const bytes: number[] = [];
  if (text === '') return bytes;
  const groups = text.split(':');
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] ?? '';
    if (isLast && i === groups.length - 1 && group.includes('.')) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/** RFC 5952 text of sixteen bytes at `offset`; IPv4-mapped addresses end in dotted decimal. */
export function formatIpv6(bytes: Uint8Array, offset: number = 0): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[offset + i] ?? 0) << 8) | (bytes[offset + i + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${formatIpv4(bytes, offset + 12)}`;
  }
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return bestStart < 0 ? hex(0, 8) : `${hex(0, bestStart)}::${hex(bestStart + bestLength, 8)}`;
}

/** Dotted decimal of four bytes at `offset`. */
export function formatIpv4(bytes: Uint8Array, offset: number = 0): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/** A {@link SocketAddress} from an IP literal and a port; undefined if either is not one. */
export function socketAddress(address: string, port: number): SocketAddress | undefined {
  if (!Number.isInteger(port) || port < 0 || port > 65535) return undefined;
  if (parseIpv4(address) !== undefined) return { family: 'ipv4', address, port };
  const bytes = parseIpv6(address);
  return bytes === undefined ? undefined : { family: 'ipv6', address: formatIpv6(bytes), port };
}

/** Domain for `socket()`. */
export function addressFamily(address: SocketAddress): number {
  return address.family === 'ipv4' ? AF_INET : AF_INET6;
}

/**
 * Writes a sockaddr_in or sockaddr_in6 and returns its length.
 *
 *     sockaddr_in    family:u16 host | port:u16 net | addr:4 | zero:8
 *     sockaddr_in6   family:u16 host | port:u16 net | flowinfo:4 | addr:16 | scope:u32 host
 */
export function encodeSocketAddress(address: SocketAddress, into: Uint8Array, offset: number = 0): number {
  const ipv4 = address.family === 'ipv4';
  const raw = ipv4 ? parseIpv4(address.address) : parseIpv6(address.address);
  const length = ipv4 ? SOCKADDR_IN_BYTES : SOCKADDR_MAX_BYTES;
  if (raw === undefined || address.port < 0 || address.port > 65535 || offset + length > into.length) {
    throw new SysError('bad-argument', `not a socket address: ${address.address} port ${address.port}`);
  }
  into.fill(0, offset, offset + length);
  into[offset] = ipv4 ? AF_INET : AF_INET6;
  into[offset + 2] = address.port >> 8;
  into[offset + 3] = address.port & 0xff;
  into.set(raw, offset + (ipv4 ? 4 : 8));
  if (!ipv4) {
    const scope = address.scopeId ?? 0;
    into[offset + 24] = scope & 0xff;
    into[offset + 25] = (scope >>> 8) & 0xff;
    into[offset + 26] = (scope >>> 16) & 0xff;
    into[offset + 27] = scope >>> 24;
  }
  return length;
}

/** A sockaddr encoded once, for connections to be made many times. */
export class EncodedAddress {
  readonly buffer: Uint8Array;
  constructor(address: SocketAddress) {
    const bytes = new Uint8Array(SOCKADDR_MAX_BYTES);
    this.buffer = bytes.subarray(0, encodeSocketAddress(address, bytes));
  }
}

/** Reads a sockaddr_in or sockaddr_in6; undefined for another family. */
export function decodeSocketAddress(bytes: Uint8Array, offset: number = 0): SocketAddress | undefined {
  const family = (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
  const port = ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
  if (family === AF_INET) return { family: 'ipv4', address: formatIpv4(bytes, offset + 4), port };
  if (family !== AF_INET6) return undefined;
  const address = formatIpv6(bytes, offset + 8);
  const scopeId =
    ((bytes[offset + 24] ?? 0) |
      ((bytes[offset + 25] ?? 0) << 8) |
      ((bytes[offset + 26] ?? 0) << 16) |
      ((bytes[offset + 27] ?? 0) << 24)) >>>
    0;
  return scopeId === 0 ? { family: 'ipv6', address, port } : { family: 'ipv6', address, port, scopeId };
}
