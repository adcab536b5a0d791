/** The least and the most of something that is not known exactly: characters, items, units of cost. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** cel-go counts in 64 bits and stays at the highest number there. */
const highest = 2 ** 64;

/** Nothing is known. */
export const unknownRange: Range = { min: 0, max: highest };

/** What is known exactly. */
export function exactly(count: number): Range {
  return { min: count, max: count };
}

/** All of them together, at most the highest number. */
export function sum(...ranges: readonly Range[]): Range {
  let [min, max] = [0, 0];
  for (const range of ranges) {
    min += range.min;
    max += range.max;
  }
  return { min: Math.min(min, highest), max: Math.min(max, highest) };
}

/** So many times the other, at most the highest number. */
export function product(a: Range, b: Range): Range {
  return { min: Math.min(a.min * b.min, highest), max: Math.min(a.max * b.max, highest) };
}

/** So much per unit, rounded up. */
export function perUnit(units: Range, factor: number): Range {
  return {
    min: Math.min(Math.ceil(units.min * factor), highest),
    max: Math.min(Math.ceil(units.max * factor), highest),
  };
}

/** What holds for either. */
export function either(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}
