/** How a quantity was written: `2k`, `2Ki` or `2e3`. Its canonical form keeps that. */
export type QuantityFormat = 'decimal' | 'binary' | 'exponent';

/** An exact amount in billionths (10⁻⁹) of its unit. */
export interface ParsedQuantity {
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_SUFFIXES: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const NANO = 1_000_000_000n;
/** Kubernetes caps amounts at the largest signed 64-bit integer. */
const MAX_NANO = (2n ** 63n - 1n) * NANO;

/** The expression named in Kubernetes' error text for a malformed quantity. */
export const QUANTITY_ERROR =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Reads `100m`, `1.5Gi`, `2e3`; `undefined` when malformed. Finer amounts round away from zero. No digits are none. */
export function parseQuantity(text: string): ParsedQuantity | undefined {
  const match = /^([+-]?)(\d*\.?\d*)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.exec(text);
  if (match === null || text === '') return undefined;
  const [, sign = '', digits = '', suffix = ''] = match;
  const dot = digits.indexOf('.');
  const fraction = dot < 0 ? 0 : digits.length - dot - 1;
  const mantissa = BigInt(digits.replace('.', ''));
  const binary = suffix.length === 2 && suffix[1] === 'i' ? BINARY_SUFFIXES.indexOf(suffix) : -1;
  const exponent = binary >= 0 ? 0 : (DECIMAL_EXPONENTS[suffix] ?? Number(suffix.slice(1)));
  const format = binary >= 0 ? 'binary' : /^[eE]./.test(suffix) ? 'exponent' : 'decimal';
  const size = cap(scale(mantissa * (binary > 0 ? 1024n ** BigInt(binary) : 1n), exponent - fraction + 9));
  return { nano: sign === '-' ? -size : size, format };
}

/** `value × 10^exponent`, rounded up; huge exponents need no huge numbers. */
function scale(value: bigint, exponent: number): bigint {
  if (value === 0n) return 0n;
  if (exponent >= 0) return exponent > 40 ? MAX_NANO : value * 10n ** BigInt(exponent);
  const length = value.toString().length;
  if (-exponent > length + 1) return 1n;
  const divisor = 10n ** BigInt(-exponent);
  return (value + divisor - 1n) / divisor;
}

function cap(nano: bigint): bigint {
  return nano > MAX_NANO ? MAX_NANO : nano;
}

/** The canonical text: the largest suffix that leaves a whole number. */
export function formatQuantity(quantity: ParsedQuantity): string {
  const { nano } = quantity;
  if (nano === 0n) return '0';
  const sign = nano < 0n ? '-' : '';
  let size = nano < 0n ? -nano : nano;
  if (quantity.format === 'binary' && size >= 1024n * NANO) {
    let whole = (size + NANO - 1n) / NANO;
    let power = 0;
    while (whole % 1024n === 0n && power < BINARY_SUFFIXES.length - 1) {
      whole /= 1024n;
      power++;
    }
    return `${sign}${whole}${BINARY_SUFFIXES[power] ?? ''}`;
  }
  let exponent = -9;
  while (size % 1000n === 0n && exponent < 18) {
    size /= 1000n;
    exponent += 3;
  }
  if (quantity.format === 'exponent') return `${sign}${size}${exponent === 0 ? '' : `e${exponent}`}`;
  const suffix = Object.entries(DECIMAL_EXPONENTS).find(([, e]) => e === exponent)?.[0] ?? '';
  return `${sign}${size}${suffix}`;
}

/** What a server says of a malformed quantity: its suffix is none, or it does not look like a quantity at all. */
export function quantityFault(text: string): string {
  const looksRight = text !== '' && /^[+-]?\d*\.?\d*[eEinumkKMGTP]*[-+]?\d*$/.test(text);
  return looksRight ? "unable to parse quantity's suffix" : QUANTITY_ERROR;
}

/** The canonical form of a quantity text, or `undefined` when malformed. */
export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}

/** Negative, zero or positive, as `a` is less than, equal to or more than `b`; malformed texts count as 0. */
export function compareQuantities(a: string, b: string): number {
  const left = parseQuantity(a)?.nano ?? 0n;
  const right = parseQuantity(b)?.nano ?? 0n;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The amount as a number (with a float's precision); `undefined` when malformed. */
export function quantityToNumber(text: string): number | undefined {
  const quantity = parseQuantity(text);
  return quantity === undefined ? undefined : Number(quantity.nano) / 1e9;
}
