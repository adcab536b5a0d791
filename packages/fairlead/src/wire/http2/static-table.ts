// Hot path: looked up once per header field.

/** Names and values of RFC 7541 appendix A; index 1 is the first. */
export const STATIC_FIELDS: readonly (readonly [string, string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** Entries of the static table. */
export const STATIC_COUNT: number = STATIC_FIELDS.length;

/** All names and values one after the other. */
export const STATIC_BYTES: Uint8Array = Buffer.from(STATIC_FIELDS.map(([name, value]) => name + value).join(''));
/** By index: where its name begins, where its value begins, where that ends. */
export const STATIC_START: Uint16Array = new Uint16Array(STATIC_COUNT + 1);
export const STATIC_VALUE: Uint16Array = new Uint16Array(STATIC_COUNT + 1);
export const STATIC_END: Uint16Array = new Uint16Array(STATIC_COUNT + 1);
{
  let at = 0;
  for (const [i, [name, value]] of STATIC_FIELDS.entries()) {
    STATIC_START[i + 1] = at;
    STATIC_VALUE[i + 1] = at + name.length;
    at += name.length + value.length;
    STATIC_END[i + 1] = at;
  }
}

/** Continues a hash over bytes. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, hash: number): number {
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  return hash;
}

/** Spreads a hash over `2^n - 1 = mask` slots. */
export function slotOf(hash: number, mask: number): number {
  return (hash ^ (hash >>> 11) ^ (hash >>> 20)) & mask;
}

const MASK = 511;
const NAMES = new Uint8Array(MASK + 1);
const FIELDS = new Uint8Array(MASK + 1);
for (let index = STATIC_COUNT; index >= 1; index--) {
  const start = STATIC_START[index]!;
  const value = STATIC_VALUE[index]!;
  const end = STATIC_END[index]!;
  const nameHash = hashBytes(STATIC_BYTES, start, value, 0);
  // Downwards, so that the first of several equal names stays in its slot.
  let slot = slotOf(nameHash, MASK);
  while (NAMES[slot] !== 0 && !sameName(NAMES[slot]!, STATIC_BYTES, start, value)) slot = (slot + 1) & MASK;
  NAMES[slot] = index;
  if (end === value) continue;
  slot = slotOf(hashBytes(STATIC_BYTES, value, end, nameHash), MASK);
  while (FIELDS[slot] !== 0) slot = (slot + 1) & MASK;
  FIELDS[slot] = index;
}

function sameName(index: number, bytes: Uint8Array, start: number, end: number): boolean {
  const from = STATIC_START[index]!;
  if (STATIC_VALUE[index]! - from !== end - start) return false;
  for (let i = 0; i < end - start; i++) if (STATIC_BYTES[from + i] !== bytes[start + i]) return false;
  return true;
}

/** Index of a name in the static table, or 0. */
export function staticName(bytes: Uint8Array, start: number, end: number, nameHash: number): number {
  for (let slot = slotOf(nameHash, MASK); NAMES[slot] !== 0; slot = (slot + 1) & MASK) {
    if (sameName(NAMES[slot]!, bytes, start, end)) return NAMES[slot]!;
  }
  return 0;
}

/** Index of a name with a value that is not empty, or 0. */
export function staticField(bytes: Uint8Array, start: number, value: number, end: number, hash: number): number {
  for (let slot = slotOf(hash, MASK); FIELDS[slot] !== 0; slot = (slot + 1) & MASK) {
    const index = FIELDS[slot]!;
    const from = STATIC_VALUE[index]!;
    if (STATIC_END[index]! - from !== end - value || !sameName(index, bytes, start, value)) continue;
    let i = 0;
    while (i < end - value && STATIC_BYTES[from + i] === bytes[value + i]) i++;
    if (i === end - value) return index;
  }
  return 0;
}
