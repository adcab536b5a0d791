// Hot path: tables indexed by byte.

/** tchar of RFC 9110 5.6.2. */
export const TOKEN: Uint8Array = table("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/** Bytes of a field value: VCHAR, obs-text, SP, HTAB (RFC 9110 5.5). No NUL, CR, LF or other control. */
export const FIELD_VALUE: Uint8Array = new Uint8Array(256).map((_, byte) =>
  byte === 9 || (byte >= 32 && byte !== 127) ? 1 : 0,
);

/** Request target: visible ASCII without `#` (a fragment is never sent) and `\`. Value 2: the path needs a closer look. */
export const TARGET: Uint8Array = new Uint8Array(256).map((_, byte) => {
  if (byte <= 32 || byte >= 127 || byte === 0x23 || byte === 0x5c) return 0;
  return byte === 0x25 || byte === 0x2e || byte === 0x3b ? 2 : 1;
});

/** Host and port: reg-name, IPv4, IP-literal and `:` (RFC 3986 3.2.2), without percent-encoding of delimiters. */
export const HOST: Uint8Array = table(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()*+,;=:[]",
);

/** ASCII lower case; other bytes unchanged. */
export const LOWER: Uint8Array = new Uint8Array(256).map((_, byte) => (byte >= 65 && byte <= 90 ? byte | 32 : byte));

/** Value of a hexadecimal digit, 255 for any other byte. */
export const HEX: Uint8Array = new Uint8Array(256).map((_, byte) => {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : 255;
});

function table(members: string): Uint8Array {
  const set = new Uint8Array(256);
  for (let i = 0; i < members.length; i++) set[members.charCodeAt(i)] = 1;
  return set;
}

/** Whether `bytes[start, end)` equals lower-case ASCII `name`, ignoring case. */
export function equalsLower(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    if (LOWER[bytes[start + i]!] !== name[i]) return false;
  }
  return true;
}
