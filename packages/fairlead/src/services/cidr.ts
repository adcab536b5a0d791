/** The two address families of a Service. */
export type IpFamily = 'IPv4' | 'IPv6';

/** An address as a number, so that prefixes are compared by shifting. */
export interface ParsedIp {
  readonly family: IpFamily;
  readonly value: bigint;
}

/** A prefix; `value` has its host bits cleared. */
export interface ParsedCidr extends ParsedIp {
  readonly prefix: number;
}

const bitsOf: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 };

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return BigInt(value);
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groupsOf = (half: string): number[] | undefined => {
    if (half === '') return [];
    const groups: number[] = [];
    const parts = half.split(':');
    for (const [index, part] of parts.entries()) {
      if (part.includes('.') && index === parts.length - 1) {
        const embedded = parseIpv4(part);
        if (embedded === undefined) return undefined;
        groups.push(Number(embedded >> 16n), Number(embedded & 0xffffn));
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
      else return undefined;
    }
    return groups;
  };
  const head = groupsOf(halves[0] ?? '');
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '') : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** Parses an address, strictly: no leading zeros, no zone. `undefined` for anything else. */
export function parseIp(text: string): ParsedIp | undefined {
  const family: IpFamily = text.includes(':') ? 'IPv6' : 'IPv4';
  const value = family === 'IPv6' ? parseIpv6(text) : parseIpv4(text);
  return value === undefined ? undefined : { family, value };
}

const canonicalIpv4 =
  /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

/**
 * The canonical text of an address of this family; `undefined` for anything else. For endpoints: IPv4
 * texts are kept as they are, so that a hundred thousand of them make no numbers and no new strings.
 */
export function canonicalIp(text: string, family: IpFamily): string | undefined {
  if (family === 'IPv4') return canonicalIpv4.test(text) ? text : undefined;
  const address = parseIp(text);
  return address?.family === 'IPv6' ? formatIp(address) : undefined;
}

/** Parses `address/prefix`; a lone address counts as its host prefix. Host bits are cleared. */
export function parseCidr(text: string): ParsedCidr | undefined {
  const slash = text.indexOf('/');
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (ip === undefined) return undefined;
  const bits = bitsOf[ip.family];
  const prefixText = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefixText) || Number(prefixText) > bits) return undefined;
  const prefix = Number(prefixText);
  const hostBits = BigInt(bits - prefix);
  return { family: ip.family, value: (ip.value >> hostBits) << hostBits, prefix };
}

/** Whether `ip` lies in `cidr`; false across families. */
export function cidrContains(cidr: ParsedCidr, ip: ParsedIp): boolean {
  if (cidr.family !== ip.family) return false;
  const hostBits = BigInt(bitsOf[cidr.family] - cidr.prefix);
  return ip.value >> hostBits === cidr.value >> hostBits;
}

/** Whether the address text lies in one of the prefix texts; what does not parse never matches. */
export function inAnyCidr(address: string, cidrs: readonly string[]): boolean {
  const ip = parseIp(address);
  if (ip === undefined) return false;
  return cidrs.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && cidrContains(cidr, ip);
  });
}

function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

/** The canonical text of an address (RFC 5952 for IPv6). */
export function formatIp(ip: ParsedIp): string {
  if (ip.family === 'IPv6') return formatIpv6(ip.value);
  const value = Number(ip.value);
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

/** `address/prefix` in canonical text. */
export function formatCidr(cidr: ParsedCidr): string {
  return `${formatIp(cidr)}/${cidr.prefix}`;
}

/** Sorts prefixes and drops those inside another one: prefixes nest, so nothing overlaps afterwards. */
export function withoutNestedCidrs(cidrs: readonly ParsedCidr[]): ParsedCidr[] {
  const sorted = [...cidrs].sort((a, b) => a.prefix - b.prefix || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  const kept: ParsedCidr[] = [];
  for (const cidr of sorted) if (!kept.some((outer) => cidrContains(outer, cidr))) kept.push(cidr);
  return kept;
}
