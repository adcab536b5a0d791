import { ipv4Value, ipv6Bytes } from '../wire/dns/rdata.ts';
import type { OwnerName } from './program.ts';

/** Family of an address literal; absent: neither. */
export function addressFamily(address: string): 'A' | 'AAAA' | undefined {
  if (ipv4Value(address) >= 0) return 'A';
  return ipv6Bytes(address) === undefined ? undefined : 'AAAA';
}

/** Owner of the PTR record of an address (RFC 1035 3.5, RFC 3596 2.5); absent: not an address. */
export function reverseOwner(address: string): OwnerName | undefined {
  const v4 = ipv4Value(address);
  if (v4 >= 0) return `${v4 & 255}.${(v4 >>> 8) & 255}.${(v4 >>> 16) & 255}.${v4 >>> 24}.in-addr.arpa`;
  const v6 = ipv6Bytes(address);
  if (v6 === undefined) return undefined;
  const nibbles = [...v6].flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}

/**
 * The label that stands for an address: `172-0-0-2`, `5678-abcd--1`. A leading or trailing
 * `::` gets a 0 on its outer side, because a label must not begin or end with a hyphen.
 */
export function dashedAddress(address: string): string {
  const dashed = address.toLowerCase().replace(/[.:]/g, '-');
  return `${dashed.startsWith('-') ? '0' : ''}${dashed}${dashed.endsWith('-') ? '0' : ''}`;
}

/** A name from an object's field: lower-case, without trailing dot. */
export function normalizeName(name: string): OwnerName {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
