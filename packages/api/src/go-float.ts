/**
 * A float as Go prints it by default (`%v`): `1.5`, `1e+06`, `9.223372036854776e+18`. What JSON wrote without a point or
 * exponent is an integer, which prints its digits; one too large for 64 bits is a float there and here.
 */
export function goFloatText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  if (Number(exponent) >= -4 && Number(exponent) < 6) return String(value);
  const size = exponent.slice(1).padStart(2, '0');
  return `${digits}e${exponent.slice(0, 1)}${size}`;
}

/**
 * Whether validation takes a float for an integer: it must be within the exact ones, and may be off by one part in a
 * billion.
 */
export function isFloatInteger(value: number): boolean {
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return false;
  const whole = Math.trunc(value);
  if (value === whole) return true;
  return value > 0 && whole !== 0 && (value - whole) / (value + whole) < 1e-9;
}
