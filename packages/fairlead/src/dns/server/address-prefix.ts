/** A network as raw address bytes (4 or 16) and the length of its prefix. */
export interface AddressPrefix {
  readonly address: Uint8Array;
  readonly prefixBits: number;
}

/** Whether the address at `from` lies in one of the networks; `length` is 4 or 16. Allocates nothing. */
export function isInPrefixes(
  prefixes: readonly AddressPrefix[],
  bytes: Uint8Array,
  from: number,
  length: number,
): boolean {
  for (let index = 0; index < prefixes.length; index++) {
    const { address, prefixBits } = prefixes[index]!;
    if (address.length === length && hasPrefix(bytes, from, address, 0, prefixBits)) return true;
  }
  return false;
}

/** Whether two addresses share their first `bits` bits. */
export function hasPrefix(
  bytes: Uint8Array,
  from: number,
  other: Uint8Array,
  otherFrom: number,
  bits: number,
): boolean {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (bytes[from + index] !== other[otherFrom + index]) return false;
  const rest = bits & 7;
  return rest === 0 || (bytes[from + whole]! ^ other[otherFrom + whole]!) >> (8 - rest) === 0;
}
