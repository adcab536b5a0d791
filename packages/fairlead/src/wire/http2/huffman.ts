// Hot path: every literal of a header block. Tables are built once from the code lengths.

/** Bits of each byte's code (RFC 7541 appendix B). The code is canonical, so lengths say all; EOS has 30. */
const LENGTHS = Uint8Array.from([
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26,
]);
const LONGEST = 30;
const FAST_BITS = 10;
const FAST_MASK = (1 << FAST_BITS) - 1;

const CODES = new Uint32Array(256);
/** By the next ten bits: `length << 8 | byte` of a code that fits, 0 for a longer one. */
const FAST = new Uint16Array(1 << FAST_BITS);
/** Per length: its first code, how many there are, and where their bytes begin in {@link SYMBOLS}. */
const FIRST_CODE = new Uint32Array(LONGEST + 1);
const CODE_COUNT = new Uint16Array(LONGEST + 1);
const SYMBOL_AT = new Uint16Array(LONGEST + 1);
const SYMBOLS = new Uint8Array(256);

{
  let code = 0;
  let position = 0;
  for (let length = 1; length <= LONGEST; length++) {
    code *= 2;
    FIRST_CODE[length] = code;
    SYMBOL_AT[length] = position;
    for (let byte = 0; byte < 256; byte++) {
      if (LENGTHS[byte] !== length) continue;
      CODES[byte] = code;
      SYMBOLS[position++] = byte;
      CODE_COUNT[length]! += 1;
      if (length <= FAST_BITS) {
        const from = code << (FAST_BITS - length);
        FAST.fill((length << 8) | byte, from, from + (1 << (FAST_BITS - length)));
      }
      code++;
    }
  }
}

/** Bytes that {@link huffmanEncode} would write. */
export function huffmanLength(bytes: Uint8Array, start: number, end: number): number {
  let bits = 0;
  for (let i = start; i < end; i++) bits += LENGTHS[bytes[i]!]!;
  return (bits + 7) >> 3;
}

/** Writes the code of `from[start, end)` at `at`, padded with ones; returns its end. */
export function huffmanEncode(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  let pending = 0;
  let bits = 0;
  for (let i = start; i < end; i++) {
    const byte = from[i]!;
    let code = CODES[byte]!;
    let length = LENGTHS[byte]!;
    if (length > 24) {
      // 7 pending bits and 30 new ones do not fit into 32.
      length -= 8;
      pending = (pending << length) | (code >>> 8);
      bits += length;
      while (bits >= 8) {
        bits -= 8;
        to[at++] = pending >>> bits;
      }
      pending &= (1 << bits) - 1;
      code &= 255;
      length = 8;
    }
    pending = (pending << length) | code;
    bits += length;
    while (bits >= 8) {
      bits -= 8;
      to[at++] = pending >>> bits;
    }
    pending &= (1 << bits) - 1;
  }
  if (bits > 0) to[at++] = (pending << (8 - bits)) | ((1 << (8 - bits)) - 1);
  return at;
}

/**
 * Decodes `from[start, end)` to `to` at `at`, which must have room for 8/5 of the input.
 * @returns the end of the output, or -1: EOS inside, padding of 8 bits or more, or not of ones (RFC 7541 5.2).
 */
export function huffmanDecode(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  let window = 0;
  let bits = 0;
  let next = start;
  for (;;) {
    while (bits <= 16 && next < end) {
      window = (window << 8) | from[next++]!;
      bits += 8;
    }
    let entry: number;
    if (bits >= FAST_BITS) entry = FAST[(window >>> (bits - FAST_BITS)) & FAST_MASK]!;
    else {
      if (bits === 0) return at;
      // The end: fill up with ones, as the padding does.
      const missing = FAST_BITS - bits;
      entry = FAST[((window << missing) | ((1 << missing) - 1)) & FAST_MASK]!;
    }
    const length = entry >>> 8;
    if (length > 0 && length <= bits) {
      to[at++] = entry;
      bits -= length;
      window &= (1 << bits) - 1;
      continue;
    }
    const left = bits + (end - next) * 8;
    if (left < 8 && window === (1 << bits) - 1) return at;
    // A code of more than ten bits: rare, so bit by bit.
    let position = next * 8 - bits;
    const limit = end * 8;
    let code = 0;
    let symbol = -1;
    for (let size = 1; size <= LONGEST && position < limit; size++, position++) {
      code = code * 2 + ((from[position >> 3]! >> (7 - (position & 7))) & 1);
      const offset = code - FIRST_CODE[size]!;
      if (offset >= 0 && offset < CODE_COUNT[size]!) {
        symbol = SYMBOLS[SYMBOL_AT[size]! + offset]!;
        position++;
        break;
      }
    }
    if (symbol < 0) return -1;
    to[at++] = symbol;
    next = (position + 7) >> 3;
    bits = next * 8 - position;
    window = bits === 0 ? 0 : from[next - 1]! & ((1 << bits) - 1);
  }
}
