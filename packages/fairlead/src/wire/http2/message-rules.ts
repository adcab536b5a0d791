// Hot path: every header block is judged here before anybody sees it (RFC 9113 8).
import { FIELD_VALUE, HOST, LOWER, TARGET, TOKEN } from '../http1/byte-class.ts';
import type { FieldList } from './field-list.ts';

/** What the rules found in a valid message; field numbers are -1 for absent. */
export interface MessageShape {
  method: number;
  scheme: number;
  authority: number;
  path: number;
  protocol: number;
  host: number;
  /** Status of a response, 0 for a request. */
  status: number;
  /** Declared length of the content, -1 without one. */
  contentLength: number;
}

/** An empty shape, to be filled again and again. */
export function messageShape(): MessageShape {
  return { method: -1, scheme: -1, authority: -1, path: -1, protocol: -1, host: -1, status: 0, contentLength: -1 };
}

/** What {@link checkMessage} expects. */
export const REQUEST = 0;
export const RESPONSE = 1;
export const TRAILERS = 2;

const text = (name: string): Uint8Array => Buffer.from(name, 'latin1');
const METHOD = text(':method');
const SCHEME = text(':scheme');
const AUTHORITY = text(':authority');
const PATH = text(':path');
const STATUS = text(':status');
const PROTOCOL = text(':protocol');
const CONTENT_LENGTH = text('content-length');
const HOST_NAME = text('host');
const TE = text('te');
const TRAILERS_TOKEN = text('trailers');
const CONNECT = text('CONNECT');
const OPTIONS = text('OPTIONS');
const STAR = text('*');
/** Fields of HTTP/1.1 connections, malformed here (RFC 9113 8.2.2). */
const CONNECTION_FIELDS = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map(text);

/** Bytes of a name: those of a token, without upper case. */
const NAME: Uint8Array = TOKEN.map((member, byte) => (byte >= 65 && byte <= 90 ? 0 : member));

/**
 * Judges a header block and fills `shape`.
 * @param kind {@link REQUEST}, {@link RESPONSE} or {@link TRAILERS}.
 * @param allowsProtocol extended CONNECT was enabled (RFC 8441).
 * @returns undefined if it is well-formed, or what is wrong with it.
 */
export function checkMessage(
  fields: FieldList,
  kind: number,
  allowsProtocol: boolean,
  shape: MessageShape,
): string | undefined {
  shape.method = -1;
  shape.scheme = -1;
  shape.authority = -1;
  shape.path = -1;
  shape.protocol = -1;
  shape.host = -1;
  shape.status = 0;
  shape.contentLength = -1;
  const { bytes, count } = fields;
  let regular = false;
  for (let index = 0; index < count; index++) {
    const start = fields.start(index);
    const value = fields.value(index);
    const end = fields.end(index);
    for (let i = value; i < end; i++) if (FIELD_VALUE[bytes[i]!] === 0) return 'control byte in a value';
    if (end > value && (isBlank(bytes[value]!) || isBlank(bytes[end - 1]!))) return 'blank around a value';
    if (start === value) return 'empty name';
    if (bytes[start] === 58) {
      if (regular) return 'pseudo-header field behind a regular one';
      const problem = notePseudo(fields, index, kind, shape);
      if (problem !== undefined) return problem;
      continue;
    }
    regular = true;
    for (let i = start; i < value; i++) if (NAME[bytes[i]!] === 0) return 'name with upper case or no token';
    const problem = noteRegular(fields, index, shape);
    if (problem !== undefined) return problem;
  }
  if (kind === REQUEST) return checkRequest(fields, allowsProtocol, shape);
  return kind === RESPONSE && shape.status === 0 ? 'response without :status' : undefined;
}

function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9;
}

function notePseudo(fields: FieldList, index: number, kind: number, shape: MessageShape): string | undefined {
  if (kind === TRAILERS) return 'pseudo-header field in trailers';
  if (kind === RESPONSE) {
    if (!fields.isNamed(index, STATUS)) return 'pseudo-header field that no response has';
    if (shape.status !== 0) return 'second :status';
    shape.status = digits(fields, index, 3);
    return shape.status >= 100 && shape.status <= 599 && shape.status !== 101 ? undefined : 'invalid :status';
  }
  let before: number;
  if (fields.isNamed(index, METHOD)) {
    before = shape.method;
    shape.method = index;
  } else if (fields.isNamed(index, SCHEME)) {
    before = shape.scheme;
    shape.scheme = index;
  } else if (fields.isNamed(index, AUTHORITY)) {
    before = shape.authority;
    shape.authority = index;
  } else if (fields.isNamed(index, PATH)) {
    before = shape.path;
    shape.path = index;
  } else if (fields.isNamed(index, PROTOCOL)) {
    before = shape.protocol;
    shape.protocol = index;
  } else return 'pseudo-header field that no request has';
  return before < 0 ? undefined : 'pseudo-header field twice';
}

function noteRegular(fields: FieldList, index: number, shape: MessageShape): string | undefined {
  const length = fields.value(index) - fields.start(index);
  switch (length) {
    case 2:
      if (fields.isNamed(index, TE) && !equals(fields, index, TRAILERS_TOKEN, true)) return 'TE other than trailers';
      return undefined;
    case 4:
      if (!fields.isNamed(index, HOST_NAME)) return undefined;
      if (shape.host >= 0) return 'second host';
      shape.host = index;
      return undefined;
    case 14:
      if (!fields.isNamed(index, CONTENT_LENGTH)) return undefined;
      if (shape.contentLength >= 0) return 'second content-length';
      shape.contentLength = digits(fields, index, 15);
      return shape.contentLength < 0 ? 'invalid content-length' : undefined;
    case 7:
    case 10:
    case 16:
    case 17:
      for (const name of CONNECTION_FIELDS) {
        if (name.length === length && fields.isNamed(index, name)) return 'connection-specific field';
      }
  }
  return undefined;
}

function checkRequest(fields: FieldList, allowsProtocol: boolean, shape: MessageShape): string | undefined {
  const { method, scheme, authority, path, protocol, host } = shape;
  if (method < 0 || !consistsOf(fields, method, TOKEN)) return 'missing or invalid :method';
  const isConnect = equals(fields, method, CONNECT, false);
  if (protocol >= 0 && !(isConnect && allowsProtocol && consistsOf(fields, protocol, TOKEN))) {
    return ':protocol where it is not allowed';
  }
  if (authority >= 0 && !consistsOf(fields, authority, HOST)) return 'invalid :authority';
  if (host >= 0 && !consistsOf(fields, host, HOST)) return 'invalid host';
  if (authority >= 0 && host >= 0 && !sameValue(fields, authority, host)) return 'host differs from :authority';
  if (isConnect && protocol < 0) {
    return authority < 0 || scheme >= 0 || path >= 0 ? 'CONNECT with other than :authority' : undefined;
  }
  if (authority < 0 && host < 0) return 'neither :authority nor host';
  if (scheme < 0 || !consistsOf(fields, scheme, TOKEN)) return 'missing or invalid :scheme';
  if (path < 0 || !consistsOf(fields, path, TARGET)) return 'missing or invalid :path';
  if (fields.bytes[fields.value(path)] === 47) return undefined;
  const isServerWide = equals(fields, path, STAR, false) && equals(fields, method, OPTIONS, false);
  return isServerWide ? undefined : ':path that is no path';
}

/** Whether the value is not empty and has only bytes of a class. */
function consistsOf(fields: FieldList, index: number, members: Uint8Array): boolean {
  const { bytes } = fields;
  const end = fields.end(index);
  let i = fields.value(index);
  if (i === end) return false;
  while (i < end && members[bytes[i]!] !== 0) i++;
  return i === end;
}

function equals(fields: FieldList, index: number, wanted: Uint8Array, ignoreCase: boolean): boolean {
  const value = fields.value(index);
  if (fields.end(index) - value !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) {
    const byte = fields.bytes[value + i]!;
    if ((ignoreCase ? LOWER[byte] : byte) !== wanted[i]) return false;
  }
  return true;
}

function sameValue(fields: FieldList, left: number, right: number): boolean {
  const { bytes } = fields;
  const a = fields.value(left);
  const b = fields.value(right);
  const length = fields.end(left) - a;
  if (fields.end(right) - b !== length) return false;
  for (let i = 0; i < length; i++) if (LOWER[bytes[a + i]!] !== LOWER[bytes[b + i]!]) return false;
  return true;
}

/** A value of up to `max` digits as a number, without leading zero unless it is a status; -1 if it is none. */
function digits(fields: FieldList, index: number, max: number): number {
  const { bytes } = fields;
  const start = fields.value(index);
  const end = fields.end(index);
  if (start === end || end - start > max || (max === 3 && end - start !== 3)) return -1;
  if (bytes[start] === 48 && end - start > 1) return -1;
  let number = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}
