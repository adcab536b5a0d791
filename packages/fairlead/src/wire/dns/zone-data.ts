import { Buffer } from 'node:buffer';
import type { WireName } from './name.ts';
import { ipv4Bytes, ipv6Bytes } from './rdata.ts';
import { parseSeconds, unescapeText, type ZoneToken } from './zone-text.ts';

/** Kinds of fields that record data in text is made of. */
type Field = 'ipv4' | 'ipv6' | 'name' | 'u8' | 'u16' | 'u32' | 'time' | 'text' | 'texts' | 'rest' | 'hex' | 'base64';

/** Types that zone text may name, with the form of their data; all others are written as in RFC 3597. */
const recordForms: Readonly<Record<string, readonly [type: number, ...fields: Field[]]>> = {
  A: [1, 'ipv4'],
  NS: [2, 'name'],
  CNAME: [5, 'name'],
  SOA: [6, 'name', 'name', 'u32', 'time', 'time', 'time', 'time'],
  PTR: [12, 'name'],
  HINFO: [13, 'text', 'text'],
  MX: [15, 'u16', 'name'],
  TXT: [16, 'texts'],
  RP: [17, 'name', 'name'],
  AFSDB: [18, 'u16', 'name'],
  AAAA: [28, 'ipv6'],
  SRV: [33, 'u16', 'u16', 'u16', 'name'],
  NAPTR: [35, 'u16', 'u16', 'text', 'text', 'text', 'name'],
  DNAME: [39, 'name'],
  DS: [43, 'u16', 'u8', 'u8', 'hex'],
  SSHFP: [44, 'u8', 'u8', 'hex'],
  DNSKEY: [48, 'u16', 'u8', 'u8', 'base64'],
  TLSA: [52, 'u8', 'u8', 'u8', 'hex'],
  SPF: [99, 'texts'],
  CAA: [257, 'u8', 'text', 'rest'],
};

/** Number of a type in text: `A`, `TYPE65`. Absent: no type that is known here. */
export function typeNumber(text: string): number | undefined {
  const upper = text.toUpperCase();
  if (Object.hasOwn(recordForms, upper)) return recordForms[upper]![0];
  const [, digits] = /^TYPE(\d{1,5})$/.exec(upper) ?? [];
  return digits === undefined || Number(digits) > 65535 ? undefined : Number(digits);
}

const nameByNumber: ReadonlyMap<number, string> = new Map(
  Object.entries(recordForms).map(([name, [type]]) => [type, name]),
);

/** A type as zone text names it: `A`, `TYPE65` (RFC 3597 5). */
export function typeText(type: number): string {
  return nameByNumber.get(type) ?? `TYPE${type}`;
}

const formByNumber: ReadonlyMap<number, readonly Field[]> = new Map(
  Object.values(recordForms).map(([type, ...fields]) => [type, fields]),
);

/** Data of a record, or what is wrong with it. */
export type ZoneData =
  | { readonly ok: true; readonly data: Uint8Array }
  | { readonly ok: false; readonly problem: string };

/** Reads the data of a record; `nameOf` completes relative names. `\# LENGTH HEX` does for every type (RFC 3597 5). */
export function readData(
  type: number,
  tokens: readonly ZoneToken[],
  nameOf: (text: string) => WireName | undefined,
): ZoneData {
  const [first] = tokens;
  if (first?.text === '\\#' && !first.isQuoted) return readGeneric(tokens.slice(1));
  const fields = formByNumber.get(type);
  if (fields === undefined) return { ok: false, problem: `data of type ${type} must be written as \\# LENGTH HEX` };
  const bytes: number[] = [];
  let at = 0;
  for (const field of fields) {
    const isOpen = field === 'texts' || field === 'hex' || field === 'base64';
    const taken = isOpen ? tokens.slice(at) : tokens.slice(at, at + 1);
    if (taken.length === 0) return { ok: false, problem: 'data is missing' };
    at += taken.length;
    const read = readField(field, taken, nameOf);
    if (read === undefined)
      return { ok: false, problem: `${JSON.stringify(taken[0]!.text)} is not ${fieldNames[field]}` };
    for (const byte of read) bytes.push(byte);
  }
  if (at < tokens.length) return { ok: false, problem: `${JSON.stringify(tokens[at]!.text)} is too much` };
  if (bytes.length > 65535) return { ok: false, problem: 'data is longer than 65535 bytes' };
  return { ok: true, data: Uint8Array.from(bytes) };
}

const fieldNames: Readonly<Record<Field, string>> = {
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  name: 'a name',
  u8: 'a number up to 255',
  u16: 'a number up to 65535',
  u32: 'a number up to 4294967295',
  time: 'a time',
  text: 'a text of at most 255 bytes',
  texts: 'a text of at most 255 bytes',
  rest: 'a text',
  hex: 'hexadecimal',
  base64: 'base64',
};

function readField(
  field: Field,
  tokens: readonly ZoneToken[],
  nameOf: (text: string) => WireName | undefined,
): (ArrayLike<number> & Iterable<number>) | undefined {
  const { text } = tokens[0]!;
  switch (field) {
    case 'ipv4':
      return ipv4Bytes(text);
    case 'ipv6':
      return ipv6Bytes(text);
    case 'name':
      return nameOf(text);
    case 'u8':
      return number(text, 1);
    case 'u16':
      return number(text, 2);
    case 'u32':
      return number(text, 4);
    case 'time': {
      const seconds = parseSeconds(text);
      return seconds === undefined ? undefined : number(String(seconds), 4);
    }
    case 'text':
    case 'texts': {
      const parts = tokens.map((token) => unescapeText(token.text));
      if (parts.some((part) => part === undefined || part.length > 255)) return undefined;
      return parts.flatMap((part) => [part!.length, ...part!]);
    }
    case 'rest':
      return unescapeText(text);
    case 'hex': {
      const joined = tokens.map((token) => token.text).join('');
      return /^(?:[0-9a-f]{2})+$/i.test(joined) ? Buffer.from(joined, 'hex') : undefined;
    }
    case 'base64': {
      const joined = tokens.map((token) => token.text).join('');
      return /^[A-Za-z0-9+/]+={0,2}$/.test(joined) ? Buffer.from(joined, 'base64') : undefined;
    }
  }
}

function number(text: string, bytes: number): number[] | undefined {
  if (!/^\d{1,10}$/.test(text) || Number(text) >= 2 ** (bytes * 8)) return undefined;
  const value = Number(text);
  return Array.from({ length: bytes }, (_, index) => Math.floor(value / 2 ** (8 * (bytes - 1 - index))) & 255);
}

function readGeneric(tokens: readonly ZoneToken[]): ZoneData {
  const [length, ...rest] = tokens;
  const hex = rest.map(({ text }) => text).join('');
  if (length === undefined || !/^\d{1,5}$/.test(length.text) || !/^(?:[0-9a-f]{2})*$/i.test(hex)) {
    return { ok: false, problem: 'must be \\# LENGTH HEX' };
  }
  if (hex.length !== Number(length.text) * 2) return { ok: false, problem: `has not ${length.text} bytes` };
  return { ok: true, data: Uint8Array.from(Buffer.from(hex, 'hex')) };
}
