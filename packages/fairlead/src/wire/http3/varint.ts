// Hot path: the head of every frame.

/** Largest value that is taken; RFC 9000 allows 62 bits, numbers are exact to 53. */
const HIGH_MAX = 2 ** 21;

/** Bytes of the integer that begins with this byte (RFC 9000 16). */
export function varintLength(first: number): number {
  return 1 << (first >> 6);
}

/** Reads an integer that lies whole at `at`; -1 if it is beyond what a number holds. */
export function readVarint(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = varintLength(first);
  let value = first & 63;
  if (length < 8) {
    for (let i = 1; i < length; i++) value = value * 256 + bytes[at + i]!;
    return value;
  }
  for (let i = 1; i < 4; i++) value = value * 256 + bytes[at + i]!;
  if (value >= HIGH_MAX) return -1;
  let low = 0;
  for (let i = 4; i < 8; i++) low = low * 256 + bytes[at + i]!;
  return value * 2 ** 32 + low;
}

/** Writes an integer below 2^30 in its shortest form; returns its end. */
export function writeVarint(to: Uint8Array, at: number, value: number): number {
  if (value < 64) {
    to[at] = value;
    return at + 1;
  }
  if (value < 16_384) {
    to[at] = 0x40 | (value >> 8);
    to[at + 1] = value & 255;
    return at + 2;
  }
  to[at] = 0x80 | (value >>> 24);
  to[at + 1] = (value >>> 16) & 255;
  to[at + 2] = (value >>> 8) & 255;
  to[at + 3] = value & 255;
  return at + 4;
}
