import { formatIp as formatAddress, parseIp as parseAddress } from '@fairlead/api';

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

/** Parses an address, strictly: no leading zeros, no zone. `undefined` for anything else. */
export function parseIp(text: string): ParsedIp | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : { family: address.family === 4 ? 'IPv4' : 'IPv6', value: address.value };
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

/** The canonical text of an address (RFC 5952 for IPv6). */
export function formatIp(ip: ParsedIp): string {
  return formatAddress({ family: ip.family === 'IPv4' ? 4 : 6, value: ip.value });
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
