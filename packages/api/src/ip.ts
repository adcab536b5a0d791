/** One address; `value` is its 32 or 128 bits as a number. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** An address range: the network address (host bits zero) and its prefix length. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly network: bigint;
  readonly prefix: number;
}

/** Dotted decimal to an unsigned 32-bit number; leading zeros are refused (they read as octal elsewhere). */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const part = match[i] ?? '';
    const byte = Number(part);
    if (byte > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

/** Unsigned 32-bit number to dotted decimal. */
export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** IPv6 text (RFC 4291, also with an IPv4 tail) to 128 bits. No zone. */
export function parseIpv6(text: string): bigint | undefined {
  let groups = text;
  const tail = /:(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail !== null) {
    const v4 = parseIpv4(tail[1] ?? '');
    if (v4 === undefined) return undefined;
    groups = `${text.slice(0, tail.index + 1)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
  }
  const halves = groups.split('::');
  if (halves.length > 2) return undefined;
  const head = halves[0] === '' ? [] : (halves[0] ?? '').split(':');
  const rest = halves[1] === undefined || halves[1] === '' ? [] : halves[1].split(':');
  const missing = 8 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const group of [...head, ...new Array<string>(missing).fill('0'), ...rest]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}

/** 128 bits to the recommended text (RFC 5952): lower case, longest zero run shortened. */
export function formatIpv6(value: bigint): string {
  const groups: string[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(((value >> shift) & 0xffffn).toString(16));
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(Number(value & 0xffffffffn))}`;
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (groups[end] === '0') end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
    if (end > i) i = end;
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** Reads either family. An IPv4-mapped IPv6 address stays IPv6. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.includes(':')) {
    const value = parseIpv6(text);
    return value === undefined ? undefined : { family: 6, value };
  }
  const value = parseIpv4(text);
  return value === undefined ? undefined : { family: 4, value: BigInt(value) };
}

/** The canonical text of an address. */
export function formatIp(ip: IpAddress): string {
  return ip.family === 4 ? formatIpv4(Number(ip.value)) : formatIpv6(ip.value);
}

/** 4 or 6 for an address text, `undefined` for anything else. */
export function ipFamilyOf(text: string): 4 | 6 | undefined {
  return parseIp(text)?.family;
}

/** Network byte order: 4 or 16 bytes. */
export function ipToBytes(ip: IpAddress): Uint8Array {
  const bytes = new Uint8Array(ip.family === 4 ? 4 : 16);
  let rest = ip.value;
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

/** Reads 4 or 16 bytes in network order. */
export function ipFromBytes(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(ip: IpAddress): boolean {
  return ip.family === 4 ? ip.value >> 24n === 127n : ip.value === 1n || ip.value >> 24n === 0xffff7fn;
}

/** ::ffff:0:0/96, an IPv4 address in IPv6 form (RFC 4291 2.5.5.2). */
export function isIpv4Mapped(ip: IpAddress): boolean {
  return ip.family === 6 && ip.value >> 32n === 0xffffn;
}

/** 0.0.0.0 and ::. */
export function isUnspecified(ip: IpAddress): boolean {
  return ip.value === 0n;
}

/** 169.254.0.0/16 and fe80::/10. */
export function isLinkLocal(ip: IpAddress): boolean {
  return ip.family === 4 ? ip.value >> 16n === 0xa9fen : ip.value >> 118n === 0x3fan;
}

/** 224.0.0.0/24 and ff02::/16. */
export function isLinkLocalMulticast(ip: IpAddress): boolean {
  return ip.family === 4 ? ip.value >> 8n === 0xe00000n : ip.value >> 112n === 0xff02n;
}

function width(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/** Reads `10.0.0.0/8`; host bits are cleared. `undefined` when malformed. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const ip = parseIp(match?.[1] ?? '');
  const digits = match?.[2] ?? '';
  const prefix = Number(digits);
  if (ip === undefined || prefix > width(ip.family) || (digits.length > 1 && digits.startsWith('0'))) return undefined;
  const host = BigInt(width(ip.family) - prefix);
  return { family: ip.family, network: (ip.value >> host) << host, prefix };
}

/** The canonical text of a range. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp({ family: cidr.family, value: cidr.network })}/${cidr.prefix}`;
}

/** Number of addresses in the range. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(width(cidr.family) - cidr.prefix);
}

/** Whether the range holds the address; never across families. */
export function cidrContains(cidr: Cidr, ip: IpAddress): boolean {
  const host = BigInt(width(cidr.family) - cidr.prefix);
  return cidr.family === ip.family && ip.value >> host === cidr.network >> host;
}

/** Whether two ranges share an address. */
export function cidrOverlaps(a: Cidr, b: Cidr): boolean {
  return (
    cidrContains(a, { family: b.family, value: b.network }) || cidrContains(b, { family: a.family, value: a.network })
  );
}

/** The address `offset` places after the network address; `undefined` outside the range. */
export function cidrAddress(cidr: Cidr, offset: number | bigint): IpAddress | undefined {
  const place = BigInt(offset);
  if (place < 0n || place >= cidrSize(cidr)) return undefined;
  return { family: cidr.family, value: cidr.network + place };
}

/** Every address of the range in order, the network and broadcast addresses included. */
export function* cidrAddresses(cidr: Cidr): Generator<IpAddress, void, undefined> {
  const end = cidr.network + cidrSize(cidr);
  for (let value = cidr.network; value < end; value++) yield { family: cidr.family, value };
}

/** The name of an address's PTR record, without a final dot (RFC 1035 3.5, RFC 3596 2.5). */
export function reverseName(ip: IpAddress): string {
  if (ip.family === 4) return `${formatIpv4(Number(ip.value)).split('.').reverse().join('.')}.in-addr.arpa`;
  const nibbles = ip.value.toString(16).padStart(32, '0');
  return `${[...nibbles].reverse().join('.')}.ip6.arpa`;
}

/** The address that a complete reverse name stands for; letter case and a final dot do not matter. */
export function parseReverseName(name: string): IpAddress | undefined {
  const text = name.toLowerCase().replace(/\.$/, '');
  if (text.endsWith('.in-addr.arpa')) {
    const labels = text.slice(0, -'.in-addr.arpa'.length).split('.');
    return labels.length === 4 ? parseIp(labels.reverse().join('.')) : undefined;
  }
  if (!text.endsWith('.ip6.arpa')) return undefined;
  const nibbles = text.slice(0, -'.ip6.arpa'.length).split('.');
  if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
  return { family: 6, value: BigInt(`0x${nibbles.reverse().join('')}`) };
}
