// Hot path: one call per header field.
import { equalsLower, LOWER } from './byte-class.ts';

/** Fields that framing, routing or hop-by-hop rules care about; OTHER for the rest. */
export const OTHER = 0;
export const HOST_FIELD = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const KEEP_ALIVE = 5;
export const PROXY_CONNECTION = 6;
export const TE = 7;
export const TRAILER = 8;
export const UPGRADE = 9;
export const EXPECT = 10;
export const HTTP2_SETTINGS = 11;
export const FORWARDED = 12;
const X_FORWARDED_FOR = 13;
export const X_FORWARDED_HOST = 14;
export const X_FORWARDED_PORT = 15;
export const X_FORWARDED_PROTO = 16;
export const X_REAL_IP = 17;
/** Another field that only a proxy can know the value of: X-Forwarded-*, X-Original-URL, or one spelled with underscores. */
const PROXY_WORD = 18;

const text = (name: string): Uint8Array => Buffer.from(name, 'latin1');
const NAMES: readonly (readonly [Uint8Array, number])[] = [
  [text('host'), HOST_FIELD],
  [text('content-length'), CONTENT_LENGTH],
  [text('transfer-encoding'), TRANSFER_ENCODING],
  [text('connection'), CONNECTION],
  [text('keep-alive'), KEEP_ALIVE],
  [text('proxy-connection'), PROXY_CONNECTION],
  [text('te'), TE],
  [text('trailer'), TRAILER],
  [text('upgrade'), UPGRADE],
  [text('expect'), EXPECT],
  [text('http2-settings'), HTTP2_SETTINGS],
  [text('forwarded'), FORWARDED],
  [text('x-forwarded-for'), X_FORWARDED_FOR],
  [text('x-forwarded-host'), X_FORWARDED_HOST],
  [text('x-forwarded-port'), X_FORWARDED_PORT],
  [text('x-forwarded-proto'), X_FORWARDED_PROTO],
  [text('x-real-ip'), X_REAL_IP],
];

/** Candidates by length and first letter: `length << 5 | letter & 31`. */
const CANDIDATES: (readonly (readonly [Uint8Array, number])[] | undefined)[] = [];
for (let length = 0; length < 20; length++) {
  for (let letter = 0; letter < 32; letter++) {
    const fitting = NAMES.filter(([name]) => name.length === length && (name[0]! & 31) === letter);
    CANDIDATES.push(fitting.length > 0 ? fitting : undefined);
  }
}

const PREFIX = text('x-forwarded-');
/** Whole names, by length. */
const WORDS: (readonly Uint8Array[] | undefined)[] = [];
for (const name of ['x-original-url', 'x-original-method', 'x-original-host', 'x-rewrite-url', 'x-real-ip']) {
  WORDS[name.length] = [...(WORDS[name.length] ?? []), text(name)];
}
const UNDERSCORE = 95;
const HYPHEN = 45;
/** `x`, and `f` as the third letter. */
const LETTER_X = 120;
const LETTER_F = 102;

/** A name that begins with `x`. Servers that hand fields on as CGI does take underscores for hyphens. */
function proxyWord(bytes: Uint8Array, start: number, length: number): number {
  if ((bytes[start + 2]! | 32) === LETTER_F) {
    return length > PREFIX.length && isAlike(bytes, start, PREFIX) ? PROXY_WORD : OTHER;
  }
  const words = WORDS[length];
  if (words !== undefined) for (const word of words) if (isAlike(bytes, start, word)) return PROXY_WORD;
  return OTHER;
}

function isAlike(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i]!;
    if ((byte === UNDERSCORE ? HYPHEN : LOWER[byte]) !== name[i]) return false;
  }
  return true;
}

/** Identifies a field name. */
export function fieldId(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const isX = (bytes[start]! | 32) === LETTER_X;
  if (length >= 20) return isX ? proxyWord(bytes, start, length) : OTHER;
  const candidates = CANDIDATES[(length << 5) | (bytes[start]! & 31)];
  if (candidates !== undefined) {
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i]!;
      if (equalsLower(bytes, start, end, candidate[0])) return candidate[1];
    }
  }
  return isX ? proxyWord(bytes, start, length) : OTHER;
}
