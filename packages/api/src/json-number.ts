// Hot path: parseJson reads every stored object.

declare global {
  interface JSON {
    /** A value that `stringify` writes as this text. */
    rawJSON(text: string): unknown;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
  interface BigInt {
    /** How `JSON.stringify` writes a number that JavaScript's own cannot hold. */
    toJSON(): unknown;
  }
}

/*
 * Kubernetes' integers have 64 bits, JavaScript's exact ones 53. An integer beyond them is a bigint from the moment
 * its text is read, and JSON.stringify writes it as the digits it came in. Every other number stays a number, so two
 * equal integers are always of one type.
 */
Object.defineProperty(BigInt.prototype, 'toJSON', {
  value(this: bigint) {
    return JSON.rawJSON(String(this));
  },
  configurable: true,
  writable: true,
});

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Digits that every integer beyond 2^53 has at least. */
const LONG = 16;

/** A number as JSON has them: the integers beyond 2^53 are bigints here. */
export function isJsonNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** An integer in the one form that its size asks for. */
export function exactInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The integer of 64 bits that these digits write; `undefined` when it is none, or too large. */
export function int64Of(text: string): number | bigint | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= INT64_MIN && value <= INT64_MAX ? exactInteger(value) : undefined;
}

/** JSON.parse that keeps integers of 64 bits. Costs no more than it, except where a text has sixteen digits in a row. */
export function parseJson(text: string): unknown {
  return hasLongNumber(text) ? JSON.parse(text, exactNumber) : (JSON.parse(text) as unknown);
}

function exactNumber(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  return int64Of(source) ?? value;
}

/** True when a text has sixteen digits in a row. Any such run covers one of every sixteenth characters. */
function hasLongNumber(text: string): boolean {
  for (let at = LONG - 1; at < text.length; at += LONG) {
    if (!isDigit(text, at)) continue;
    let start = at;
    while (start > 0 && isDigit(text, start - 1)) start--;
    let end = at + 1;
    while (isDigit(text, end)) end++;
    if (end - start >= LONG) return true;
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}
