import { int64Of, parseJson } from '../json-number.ts';
import { SchemaError } from './schema-error.ts';

/** A parsed document and the paths of keys that occur twice in one object (`spec.ports[0].name`). */
export interface StrictJson {
  readonly value: unknown;
  readonly duplicateFields: string[];
  /**
   * The texts of numbers that are no plain integers of 64 bits (`1e3`, `2.0`), by path: Go reads integers from texts.
   * `undefined` when there are none.
   */
  readonly numberTexts?: ReadonlyMap<string, string>;
}

/**
 * Parses JSON and notices duplicate keys, of which the last wins as in Go.
 *
 * The text goes through JSON.parse; only when it has more key colons than the
 * value has keys, or numbers that are no plain integers, is it scanned again. Throws a
 * SchemaError with Go's text when the text is not JSON.
 */
export function parseJsonStrict(text: string): StrictJson {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new SchemaError('json', new Scanner(text).firstError(), { cause });
  }
  const { colons, hasOtherNumbers } = survey(text);
  if (colons === countKeys(value) && !hasOtherNumbers) return { value, duplicateFields: [] };
  const scanner = new Scanner(text);
  scanner.firstError();
  const { duplicates, numberTexts } = scanner;
  return { value, duplicateFields: duplicates, ...(numberTexts.size === 0 ? {} : { numberTexts }) };
}

/** The first number that is too large for a float, as written. */
export function overflowingNumber(numberTexts: ReadonlyMap<string, string> | undefined): string | undefined {
  return numberTexts === undefined
    ? undefined
    : [...numberTexts.values()].find((text) => !Number.isFinite(Number(text)));
}

/**
 * Counts the colons outside strings, exactly one for each key, and notices numbers with a point, an exponent or very
 * many digits. The text is known to be valid.
 */
function survey(text: string): { colons: number; hasOtherNumbers: boolean } {
  let colons = 0;
  let hasOtherNumbers = false;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      digits++;
      continue;
    }
    // Outside strings a point, and `e` behind a digit, belong to a number. 19 digits can be too many for 64 bits.
    if (digits > 0 && (code === 46 || code === 101 || code === 69 || digits > 18)) hasOtherNumbers = true;
    digits = 0;
    if (code === 58) colons++;
    else if (code === 34) i = closingQuote(text, i);
  }
  return { colons, hasOtherNumbers: hasOtherNumbers || digits > 18 };
}

function closingQuote(text: string, open: number): number {
  let end = text.indexOf('"', open + 1);
  while (end > 0) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 92) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function countKeys(root: unknown): number {
  let count = 0;
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== 'object' || value === null) continue;
    const children = Object.values(value);
    if (!Array.isArray(value)) count += children.length;
    for (const child of children) if (typeof child === 'object' && child !== null) stack.push(child);
  }
  return count;
}

/** Thrown inside the scanner only. */
class GoSyntaxError extends Error {}

/** Reads JSON once more, slowly, for Go's error text and for the paths of duplicates and of unusual numbers. */
class Scanner {
  readonly duplicates: string[] = [];
  readonly numberTexts = new Map<string, string>();
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  firstError(): string {
    try {
      this.#value('');
      this.#space();
      if (this.#at < this.#text.length) this.#bad('after top-level value');
      return '';
    } catch (error) {
      if (error instanceof GoSyntaxError) return error.message;
      if (error instanceof RangeError) return 'exceeded max depth';
      throw error;
    }
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  #bad(where: string): never {
    const char = this.#text[this.#at];
    if (char === undefined) throw new GoSyntaxError('unexpected end of JSON input');
    throw new GoSyntaxError(
      `invalid character ${char === "'" ? `'\\''` : char === '"' ? `'"'` : `'${char}'`} ${where}`,
    );
  }

  #value(path: string): void {
    this.#space();
    const char = this.#text[this.#at];
    if (char === '{') this.#object(path);
    else if (char === '[') this.#array(path);
    else if (char === '"') this.#string();
    else if (char === 't') this.#literal('true');
    else if (char === 'f') this.#literal('false');
    else if (char === 'n') this.#literal('null');
    else if (char !== undefined && /[-0-9]/.test(char)) this.#number(path);
    else this.#bad('looking for beginning of value');
  }

  #object(path: string): void {
    const seen = new Set<string>();
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#bad('looking for beginning of object key string');
      const key = this.#string();
      const keyPath = path === '' ? key : `${path}.${key}`;
      if (seen.has(key)) this.duplicates.push(keyPath);
      seen.add(key);
      this.#space();
      if (this.#text[this.#at] !== ':') this.#bad('after object key');
      this.#at++;
      this.#value(keyPath);
      this.#space();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== '}') this.#bad('after object key:value pair');
      this.#at++;
      if (next === '}') return;
    }
  }

  #array(path: string): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      return;
    }
    for (let index = 0; ; index++) {
      this.#value(`${path}[${index}]`);
      this.#space();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== ']') this.#bad('after array element');
      this.#at++;
      if (next === ']') return;
    }
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#bad('');
      if (char === '"') break;
      if (char < ' ') this.#bad('in string literal');
      if (char === '\\') {
        this.#at++;
        const escaped = this.#text[this.#at];
        if (escaped === 'u') {
          for (let i = 0; i < 4; i++) {
            this.#at++;
            if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) this.#bad('in \\u hexadecimal character escape');
          }
        } else if (escaped === undefined || !'"\\/bfnrt'.includes(escaped)) this.#bad('in string escape code');
      }
      this.#at++;
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #literal(word: string): void {
    for (let i = 0; i < word.length; i++, this.#at++) {
      if (this.#text[this.#at] !== word[i]) this.#bad(`in literal ${word} (expecting '${word[i]}')`);
    }
  }

  #number(path: string): void {
    const start = this.#at;
    if (this.#text[this.#at] === '-') this.#at++;
    if (this.#text[this.#at] === '0') this.#at++;
    else this.#digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.#text[this.#at] ?? '')) {
      this.#at++;
      if (/[-+]/.test(this.#text[this.#at] ?? '')) this.#at++;
      this.#digits('in exponent of numeric literal');
    }
    const text = this.#text.slice(start, this.#at);
    if (int64Of(text) === undefined) this.numberTexts.set(path, text);
  }

  #digits(where: string): void {
    if (!/[0-9]/.test(this.#text[this.#at] ?? '')) this.#bad(where);
    while (/[0-9]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
}
