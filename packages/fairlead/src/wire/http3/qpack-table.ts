// Hot path: looked up once per header field.
import { hashBytes } from '../http2/static-table.ts';

/** Names and values of RFC 9204 appendix A, from index 0. */
export const QPACK_FIELDS: readonly (readonly [string, string])[] = [
  [':authority', ''],
  [':path', '/'],
  ['age', '0'],
  ['content-disposition', ''],
  ['content-length', '0'],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['referer', ''],
  ['set-cookie', ''],
  [':method', 'CONNECT'],
  [':method', 'DELETE'],
  [':method', 'GET'],
  [':method', 'HEAD'],
  [':method', 'OPTIONS'],
  [':method', 'POST'],
  [':method', 'PUT'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '103'],
  [':status', '200'],
  [':status', '304'],
  [':status', '404'],
  [':status', '503'],
  ['accept', '*/*'],
  ['accept', 'application/dns-message'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['accept-ranges', 'bytes'],
  ['access-control-allow-headers', 'cache-control'],
  ['access-control-allow-headers', 'content-type'],
  ['access-control-allow-origin', '*'],
  ['cache-control', 'max-age=0'],
  ['cache-control', 'max-age=2592000'],
  ['cache-control', 'max-age=604800'],
  ['cache-control', 'no-cache'],
  ['cache-control', 'no-store'],
  ['cache-control', 'public, max-age=31536000'],
  ['content-encoding', 'br'],
  ['content-encoding', 'gzip'],
  ['content-type', 'application/dns-message'],
  ['content-type', 'application/javascript'],
  ['content-type', 'application/json'],
  ['content-type', 'application/x-www-form-urlencoded'],
  ['content-type', 'image/gif'],
  ['content-type', 'image/jpeg'],
  ['content-type', 'image/png'],
  ['content-type', 'text/css'],
  ['content-type', 'text/html; charset=utf-8'],
  ['content-type', 'text/plain'],
  ['content-type', 'text/plain;charset=utf-8'],
  ['range', 'bytes=0-'],
  ['strict-transport-security', 'max-age=31536000'],
  ['strict-transport-security', 'max-age=31536000; includesubdomains'],
  ['strict-transport-security', 'max-age=31536000; includesubdomains; preload'],
  ['vary', 'accept-encoding'],
  ['vary', 'origin'],
  ['x-content-type-options', 'nosniff'],
  ['x-xss-protection', '1; mode=block'],
  [':status', '100'],
  [':status', '204'],
  [':status', '206'],
  [':status', '302'],
  [':status', '400'],
  [':status', '403'],
  [':status', '421'],
  [':status', '425'],
  [':status', '500'],
  ['accept-language', ''],
  ['access-control-allow-credentials', 'FALSE'],
  ['access-control-allow-credentials', 'TRUE'],
  ['access-control-allow-headers', '*'],
  ['access-control-allow-methods', 'get'],
  ['access-control-allow-methods', 'get, post, options'],
  ['access-control-allow-methods', 'options'],
  ['access-control-expose-headers', 'content-length'],
  ['access-control-request-headers', 'content-type'],
  ['access-control-request-method', 'get'],
  ['access-control-request-method', 'post'],
  ['alt-svc', 'clear'],
  ['authorization', ''],
  ['content-security-policy', "script-src 'none'; object-src 'none'; base-uri 'none'"],
  ['early-data', '1'],
  ['expect-ct', ''],
  ['forwarded', ''],
  ['if-range', ''],
  ['origin', ''],
  ['purpose', 'prefetch'],
  ['server', ''],
  ['timing-allow-origin', '*'],
  ['upgrade-insecure-requests', '1'],
  ['user-agent', ''],
  ['x-forwarded-for', ''],
  ['x-frame-options', 'deny'],
  ['x-frame-options', 'sameorigin'],
];

/** The same as bytes. */
export const QPACK_NAMES: readonly Uint8Array[] = QPACK_FIELDS.map(([name]) => Buffer.from(name, 'latin1'));
/** Values of the static table, by index. */
export const QPACK_VALUES: readonly Uint8Array[] = QPACK_FIELDS.map(([, value]) => Buffer.from(value, 'latin1'));

const NONE: readonly number[] = [];

/** Indexes by the hash of a name, the first of equal names only, and of a name with its value. */
const BY_NAME = new Map<number, number[]>();
const BY_FIELD = new Map<number, number[]>();
for (const [index, [text]] of QPACK_FIELDS.entries()) {
  const name = QPACK_NAMES[index]!;
  const value = QPACK_VALUES[index]!;
  const nameHash = hashBytes(name, 0, name.length, 0);
  const fieldHash = hashBytes(value, 0, value.length, nameHash);
  if (QPACK_FIELDS.findIndex(([other]) => other === text) === index) {
    BY_NAME.set(nameHash, [...(BY_NAME.get(nameHash) ?? []), index]);
  }
  BY_FIELD.set(fieldHash, [...(BY_FIELD.get(fieldHash) ?? []), index]);
}

function isEqual(wanted: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (wanted.length !== end - start) return false;
  for (let i = 0; i < wanted.length; i++) if (wanted[i] !== bytes[start + i]) return false;
  return true;
}

/** First index of a name whose hash is `hash`, or -1. */
export function findName(bytes: Uint8Array, start: number, end: number, hash: number): number {
  for (const index of BY_NAME.get(hash) ?? NONE) if (isEqual(QPACK_NAMES[index]!, bytes, start, end)) return index;
  return -1;
}

/** Index of a name with its value, whose hash (of the name, continued over the value) is `hash`, or -1. */
export function findField(bytes: Uint8Array, start: number, value: number, end: number, hash: number): number {
  for (const index of BY_FIELD.get(hash) ?? NONE) {
    if (isEqual(QPACK_NAMES[index]!, bytes, start, value) && isEqual(QPACK_VALUES[index]!, bytes, value, end)) {
      return index;
    }
  }
  return -1;
}
