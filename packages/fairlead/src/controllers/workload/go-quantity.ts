import { parseQuantity } from '@fairlead/api';

const formats = { decimal: 'DecimalSI', binary: 'BinarySI', exponent: 'DecimalExponent' } as const;
const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const maxInt64 = 2n ** 63n - 1n;
const wordBits = 64n;
/** Beyond that nobody means it. */
const mostScale = 60;

function parts(value: bigint, scale: number, dec: string, text: string, format: string): string {
  return (
    `{i:(resource.int64Amount){value:(int64)${value} scale:(resource.Scale)${scale}} ` +
    `d:(resource.infDecAmount){Dec:(*inf.Dec)${dec}} s:(string)${text} Format:(resource.Format)${format}}`
  );
}

/** The number as Go's math/big holds it: words of 64 bits, the lowest first. */
function bigDecimal(unscaled: bigint, scale: number): string {
  const words: bigint[] = [];
  for (let rest = unscaled < 0n ? -unscaled : unscaled; rest > 0n; rest >>= wordBits) {
    words.push(BigInt.asUintN(Number(wordBits), rest));
  }
  const abs = words.length === 0 ? '<nil>' : `[${words.join(' ')}]`;
  return `{unscaled:(big.Int){neg:(bool)${unscaled < 0n} abs:(big.nat)${abs}} scale:(inf.Scale)${scale}}`;
}

/**
 * What Go's `resource.Quantity` has in memory after it has read this text. How a number is kept depends on how it was written
 * (k8s.io/apimachinery, ParseQuantity): as an integer and a power of ten if that is sure to be exact, else as a big decimal in
 * billionths; with its text if that is known to be the canonical one.
 */
export function dumpQuantity(text: string): string {
  if (text === '0') return parts(0n, 0, '<nil>', '0', formats.decimal);
  const quantity = parseQuantity(text);
  const match = /^([+-]?)0*(\d*)(?:\.(\d*))?(.*)$/.exec(text);
  if (quantity === undefined || match === null) return parts(0n, 0, '<nil>', '', '');
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  const { format } = quantity;
  const digits = (whole === '' ? '0' : whole) + fraction;
  const length = digits.length;
  const binary = format === 'binary' ? binarySuffixes.indexOf(suffix) * 10 : 0;
  const exponent = format === 'decimal' ? (decimalExponents[suffix] ?? 0) : Number(suffix.slice(1));
  const scale = format === 'binary' ? 0 : exponent - fraction.length;
  const precision = format === 'binary' ? 15 - length - Math.trunc(Math.fround(binary * 3) / 10) - 1 : 18 - length;
  const value = BigInt(digits);
  const result = value << BigInt(binary);
  const short = precision >= 0 && scale >= -9 && result <= maxInt64 && (format !== 'binary' || fraction === '');
  if (short) {
    const canonical =
      format === 'binary' ? (value & 7n) !== 0n : scale % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0');
    return parts(sign === '-' ? -result : result, scale, '<nil>', canonical ? text : '', formats[format]);
  }
  // Decimals have no upper bound, other than amounts that are calculated with.
  const wide = format !== 'binary' && scale >= -9 && scale <= mostScale;
  const nano = wide ? (sign === '-' ? -value : value) * 10n ** BigInt(scale + 9) : quantity.nano;
  const size = nano < 0n ? -nano : nano;
  const capped = format === 'binary' && size >= maxInt64 * 1_000_000_000n;
  const kept = format === 'binary' && size > 0n && size < 1_000_000_000n ? formats.decimal : formats[format];
  const signed = (amount: bigint): bigint => (nano < 0n ? -amount : amount);
  const dec = capped ? bigDecimal(signed(maxInt64), 0) : bigDecimal(nano, 9);
  return parts(0n, 0, dec, '', kept);
}
