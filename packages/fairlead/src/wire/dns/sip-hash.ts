// Hot path for queries with a cookie: no allocation. 64-bit numbers are pairs of 32-bit words, low first.

/** The four 64-bit words of the state: v0 low, v0 high, v1 low, … */
const v = new Int32Array(8);

/** v[a] += v[b], on 64 bits. */
function add(a: number, b: number): void {
  const low = (v[a]! >>> 0) + (v[b]! >>> 0);
  v[a + 1] = (v[a + 1]! + v[b + 1]! + (low > 0xffffffff ? 1 : 0)) | 0;
  v[a] = low | 0;
}

/** v[a] = rotl(v[a], bits) ^ v[b]; bits below 32. */
function rotateXor(a: number, bits: number, b: number): void {
  const low = v[a]!;
  const high = v[a + 1]!;
  v[a] = ((low << bits) | (high >>> (32 - bits))) ^ v[b]!;
  v[a + 1] = ((high << bits) | (low >>> (32 - bits))) ^ v[b + 1]!;
}

/** v[a] = rotl(v[a], 32). */
function swap(a: number): void {
  const low = v[a]!;
  v[a] = v[a + 1]!;
  v[a + 1] = low;
}

function round(): void {
  add(0, 2);
  rotateXor(2, 13, 0);
  swap(0);
  add(4, 6);
  rotateXor(6, 16, 4);
  add(0, 6);
  rotateXor(6, 21, 0);
  add(4, 2);
  rotateXor(2, 17, 4);
  swap(4);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function compress(low: number, high: number): void {
  v[6] = v[6]! ^ low;
  v[7] = v[7]! ^ high;
  round();
  round();
  v[0] = v[0]! ^ low;
  v[1] = v[1]! ^ high;
}

/**
 * SipHash-2-4 (Aumasson, Bernstein 2012) of `bytes[0, length)` under a key of 16 bytes. Writes the eight
 * bytes of the result, least significant first, to `target` at `at`.
 */
export function sipHash(key: Uint8Array, bytes: Uint8Array, length: number, target: Uint8Array, at: number): void {
  v[0] = 0x70736575 ^ word(key, 0);
  v[1] = 0x736f6d65 ^ word(key, 4);
  v[2] = 0x6e646f6d ^ word(key, 8);
  v[3] = 0x646f7261 ^ word(key, 12);
  v[4] = 0x6e657261 ^ word(key, 0);
  v[5] = 0x6c796765 ^ word(key, 4);
  v[6] = 0x79746573 ^ word(key, 8);
  v[7] = 0x74656462 ^ word(key, 12);
  const whole = length & ~7;
  for (let block = 0; block < whole; block += 8) compress(word(bytes, block), word(bytes, block + 4));
  let low = 0;
  let high = (length & 255) << 24;
  for (let index = whole; index < length; index++) {
    const shift = (index - whole) * 8;
    if (shift < 32) low |= bytes[index]! << shift;
    else high |= bytes[index]! << (shift - 32);
  }
  compress(low, high);
  v[4] = v[4]! ^ 0xff;
  for (let count = 0; count < 4; count++) round();
  const resultLow = v[0]! ^ v[2]! ^ v[4]! ^ v[6]!;
  const resultHigh = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
  for (let index = 0; index < 4; index++) {
    target[at + index] = (resultLow >>> (index * 8)) & 255;
    target[at + 4 + index] = (resultHigh >>> (index * 8)) & 255;
  }
}
