import { formatIp, type IpAddress, parseCidr, parseIp } from '../ip.ts';
import type { AddressPool } from './types.ts';

/** Consecutive addresses of one family, both ends included. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** Reads `192.0.2.0/28`, `192.0.2.1-192.0.2.9` or `192.0.2.1`; otherwise says what is wrong. */
export function parseAddressRange(text: string): AddressRange | { readonly problem: string } {
  const trimmed = text.trim();
  if (trimmed.includes('/')) {
    const cidr = parseCidr(trimmed);
    if (cidr === undefined) return { problem: `'${text}' is not an address range` };
    const size = 1n << BigInt((cidr.family === 4 ? 32 : 128) - cidr.prefix);
    return { family: cidr.family, first: cidr.network, last: cidr.network + size - 1n };
  }
  const [from = '', to = from, ...rest] = trimmed.split('-').map((part) => parseIp(part.trim()) ?? '');
  if (from === '' || to === '' || rest.length > 0) return { problem: `'${text}' is not an address range` };
  if (from.family !== to.family) return { problem: `'${text}' mixes IPv4 and IPv6` };
  if (from.value > to.value) return { problem: `'${text}' ends before it begins` };
  return { family: from.family, first: from.value, last: to.value };
}

/** The readable ranges among texts. */
export function readableRanges(texts: readonly string[]): AddressRange[] {
  return texts.map(parseAddressRange).filter((range) => 'family' in range);
}

/** Whether one of the ranges holds the address. */
export function rangesHold(ranges: readonly AddressRange[], ip: IpAddress): boolean {
  return ranges.some((range) => range.family === ip.family && range.first <= ip.value && ip.value <= range.last);
}

/** The ranges in order, overlapping and adjoining ones joined. */
export function joinRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const sorted = [...ranges].sort(
    (a, b) => a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0),
  );
  const joined: AddressRange[] = [];
  for (const range of sorted) {
    const before = joined.at(-1);
    if (before === undefined || before.family !== range.family || range.first > before.last + 1n) joined.push(range);
    else if (range.last > before.last) joined[joined.length - 1] = { ...before, last: range.last };
  }
  return joined;
}

/** The part that two sets of ranges share first, as text; `undefined` when they share nothing. */
export function firstShared(a: readonly AddressRange[], b: readonly AddressRange[]): string | undefined {
  for (const one of a) {
    for (const other of b) {
      if (one.family === other.family && one.first <= other.last && other.first <= one.last) {
        return formatIp({ family: one.family, value: one.first > other.first ? one.first : other.first });
      }
    }
  }
  return undefined;
}

/**
 * The addresses that count as the pool's: those of its spec and those it retains. Until the controller has looked
 * at a new spec, the old addresses count as well, so that announcements do not flicker while a pool shrinks.
 */
export function poolExtent(pool: AddressPool): AddressRange[] {
  const { observedGeneration, addresses = [], retained = [] } = pool.status ?? {};
  const seen = observedGeneration !== undefined && observedGeneration === pool.metadata?.generation;
  return readableRanges([...pool.spec.addresses, ...retained, ...(seen ? [] : addresses)]);
}
