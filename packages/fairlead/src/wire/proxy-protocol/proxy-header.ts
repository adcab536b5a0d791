import { isIPv4, isIPv6 } from 'node:net';
import { crc32c } from './crc32c.ts';

/** One end of the connection that a proxy tells of. */
export interface ProxyEnd {
  /** IP literal; IPv6 may be uncompressed. */
  readonly address: string;
  readonly port: number;
}

/** A type-length-value field of version 2. */
export interface ProxyField {
  /** PP2_TYPE_*. */
  readonly type: number;
  readonly value: Uint8Array;
}

/** What a PROXY protocol header says (haproxy.org, proxy-protocol.txt, 2020/03/05). */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `local`: the proxy speaks for itself, e.g. a health check: the connection's own addresses hold. */
  readonly command: 'proxy' | 'local';
  /** Absent: not known, or no IP. */
  readonly source?: ProxyEnd;
  readonly destination?: ProxyEnd;
  readonly fields: readonly ProxyField[];
}

/** Types of {@link ProxyField}. */
export const PROXY_FIELD = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
} as const;

/** What {@link parseProxyHeader} found. */
export type ProxyHeaderResult =
  | { readonly type: 'header'; readonly header: ProxyHeader; readonly lengthBytes: number }
  /** More is needed: at least so many bytes in all. */
  | { readonly type: 'incomplete'; readonly needBytes: number }
  | { readonly type: 'malformed'; readonly reason: string };

/** Longest version 1 line, with CRLF (section 2.1). */
const V1_MAX_BYTES = 107;
/** Longest version 2 header taken: with room for certificates' names, far from the 65,551 that it could be. */
export const PROXY_HEADER_MAX_BYTES = 4096;
const V1_START = Buffer.from('PROXY ', 'latin1');
/** CR LF CR LF NUL CR LF QUIT LF. */
const V2_SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const V2_FIXED_BYTES = 16;
const STREAM_OVER_IPV4 = 0x11;
const STREAM_OVER_IPV6 = 0x21;
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 0: 0, 1: 12, 2: 36, 3: 216 };

const malformed = (reason: string): ProxyHeaderResult => ({ type: 'malformed', reason });

/** Reads the header at the start of a connection. */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeaderResult {
  if (bytes.length === 0) return { type: 'incomplete', needBytes: 1 };
  if (bytes[0] === V1_START[0]) return parseV1(bytes);
  const compared = Math.min(bytes.length, V2_SIGNATURE.length);
  for (let i = 0; i < compared; i++) if (bytes[i] !== V2_SIGNATURE[i]) return malformed('no PROXY protocol header');
  if (bytes.length < V2_FIXED_BYTES) return { type: 'incomplete', needBytes: V2_FIXED_BYTES };
  return parseV2(bytes);
}

function parseV1(bytes: Uint8Array): ProxyHeaderResult {
  const compared = Math.min(bytes.length, V1_START.length);
  for (let i = 0; i < compared; i++) if (bytes[i] !== V1_START[i]) return malformed('no PROXY protocol header');
  const end = bytes.indexOf(0x0a);
  if (end < 0 || end >= V1_MAX_BYTES) {
    if (bytes.length >= V1_MAX_BYTES) return malformed('version 1 line too long');
    return { type: 'incomplete', needBytes: bytes.length + 1 };
  }
  if (bytes[end - 1] !== 0x0d) return malformed('version 1 line without CR');
  const line = Buffer.from(bytes.subarray(0, end - 1)).toString('latin1');
  const lengthBytes = end + 1;
  // After UNKNOWN anything may follow, and must be ignored.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) {
    return { type: 'header', header: { version: 1, command: 'proxy', fields: [] }, lengthBytes };
  }
  const [, family, from = '', to = '', fromPort = '', toPort = ''] =
    /^PROXY (TCP[46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/.exec(line) ?? [];
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  if (family === undefined || !isAddress(from) || !isAddress(to) || from.includes('%') || to.includes('%')) {
    return malformed('version 1 line not understood');
  }
  const source = { address: from, port: portOf(fromPort) };
  const destination = { address: to, port: portOf(toPort) };
  if (source.port < 0 || destination.port < 0) return malformed('version 1 port out of range');
  return { type: 'header', header: { version: 1, command: 'proxy', source, destination, fields: [] }, lengthBytes };
}

/** A decimal port without leading zeros, or -1. */
function portOf(digits: string): number {
  const port = Number(digits);
  return (digits.length > 1 && digits.startsWith('0')) || port > 65_535 ? -1 : port;
}

/**
 *     signature:12 | version 2, command:1 | family, transport:1 | length:2 | addresses | fields
 */
function parseV2(input: Uint8Array): ProxyHeaderResult {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const version = bytes[12]! >> 4;
  const command = bytes[12]! & 0x0f;
  if (version !== 2) return malformed(`version ${version}`);
  if (command > 1) return malformed(`command ${command}`);
  const family = bytes[13]! >> 4;
  const transport = bytes[13]! & 0x0f;
  if (family > 3 || transport > 2) return malformed('address family or transport not known');
  const lengthBytes = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (lengthBytes > PROXY_HEADER_MAX_BYTES) return malformed('version 2 header too long');
  if (bytes.length < lengthBytes) return { type: 'incomplete', needBytes: lengthBytes };
  const header = bytes.subarray(0, lengthBytes);
  // Of a local connection, and of one whose kind is not known, everything is ignored but its length.
  if (command === 0) return { type: 'header', header: { version: 2, command: 'local', fields: [] }, lengthBytes };
  const fieldsAt = V2_FIXED_BYTES + ADDRESS_BYTES[family]!;
  if (fieldsAt > lengthBytes) return malformed('version 2 addresses cut off');
  const fields = parseFields(header, fieldsAt);
  if (typeof fields === 'string') return malformed(fields);
  const ends = endsOf(header, family);
  return { type: 'header', header: { version: 2, command: 'proxy', ...ends, fields }, lengthBytes };
}

function endsOf(header: Buffer, family: number): Pick<ProxyHeader, 'source' | 'destination'> {
  if (family !== 1 && family !== 2) return {};
  const size = family === 1 ? 4 : 16;
  const portsAt = V2_FIXED_BYTES + 2 * size;
  const addressAt = (at: number): string =>
    family === 1
      ? header.subarray(at, at + 4).join('.')
      : Array.from({ length: 8 }, (_, i) => header.readUInt16BE(at + 2 * i).toString(16)).join(':');
  return {
    source: { address: addressAt(V2_FIXED_BYTES), port: header.readUInt16BE(portsAt) },
    destination: { address: addressAt(V2_FIXED_BYTES + size), port: header.readUInt16BE(portsAt + 2) },
  };
}

/** `type:1 | length:2 | value`, repeated. The reason, when they are malformed. */
function parseFields(header: Buffer, start: number): ProxyField[] | string {
  const fields: ProxyField[] = [];
  let at = start;
  while (at < header.length) {
    if (at + 3 > header.length) return 'version 2 field cut off';
    const type = header[at]!;
    const end = at + 3 + header.readUInt16BE(at + 1);
    if (end > header.length) return 'version 2 field cut off';
    if (type === PROXY_FIELD.crc32c && !hasChecksum(header, at + 3, end)) return 'version 2 checksum wrong';
    if (type !== PROXY_FIELD.noop) fields.push({ type, value: Uint8Array.from(header.subarray(at + 3, end)) });
    at = end;
  }
  return fields;
}

/** Section 2.2.4: the checksum of the whole header with zeros in its place. */
function hasChecksum(header: Buffer, start: number, end: number): boolean {
  if (end - start !== 4) return false;
  const copy = Buffer.from(header);
  copy.fill(0, start, end);
  return crc32c(copy) === header.readUInt32BE(start);
}

/** The version 1 line. IPv4 and IPv6 ends are not mixed: a pair of both kinds is UNKNOWN. */
export function writeProxyV1(source: ProxyEnd, destination: ProxyEnd): Buffer {
  const both = (is: (text: string) => boolean): boolean => is(source.address) && is(destination.address);
  const family = both(isIPv4) ? 'TCP4' : both(isIPv6) ? 'TCP6' : undefined;
  if (family === undefined) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  const line = `PROXY ${family} ${source.address} ${destination.address} ${source.port} ${destination.port}\r\n`;
  return Buffer.from(line, 'latin1');
}

/** The version 2 header of a stream. `raw` are the address bytes: 4 or 16 each; other pairs are sent as unknown. */
export function writeProxyV2(
  source: { readonly raw: Uint8Array; readonly port: number },
  destination: { readonly raw: Uint8Array; readonly port: number },
  fields: readonly ProxyField[] = [],
): Buffer {
  const size = source.raw.length === destination.raw.length ? source.raw.length : 0;
  const addresses = size === 0 ? 0 : 2 * size + 4;
  const fieldBytes = fields.reduce((sum, { value }) => sum + 3 + value.length, 0);
  const header = Buffer.alloc(V2_FIXED_BYTES + addresses + fieldBytes);
  V2_SIGNATURE.copy(header);
  header[12] = 0x21;
  header[13] = size === 4 ? STREAM_OVER_IPV4 : size === 16 ? STREAM_OVER_IPV6 : 0;
  header.writeUInt16BE(addresses + fieldBytes, 14);
  let at = V2_FIXED_BYTES;
  if (size > 0) {
    header.set(source.raw, at);
    header.set(destination.raw, at + size);
    header.writeUInt16BE(source.port, at + 2 * size);
    header.writeUInt16BE(destination.port, at + 2 * size + 2);
    at += addresses;
  }
  for (const { type, value } of fields) {
    header[at] = type;
    header.writeUInt16BE(value.length, at + 1);
    header.set(value, at + 3);
    at += 3 + value.length;
  }
  return header;
}
