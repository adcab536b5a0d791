/** What an annotation's text could be read as. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

const wrong = (message: string): { readonly ok: false; readonly message: string } => ({ ok: false, message });
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** A day: no time of a proxy is longer. */
const LONGEST_MS = 86_400_000;

/** `250ms`, `10s`, `1m30s` in milliseconds, above 0. */
export function readDuration(text: string): Reading<number> {
  let total = 0;
  const rest = text.replace(/(\d+(?:\.\d+)?)(ms|s|m|h)/g, (_, number: string, unit: string) => {
    total += Number(number) * UNITS_MS[unit]!;
    return '';
  });
  if (rest !== '' || total <= 0 || total > LONGEST_MS) return wrong(`'${text}' is not a time like 250ms, 10s or 1m30s`);
  return { ok: true, value: total };
}

/** `readDuration`, or `off`. */
export function readDurationOrOff(text: string): Reading<number | 'off'> {
  return text === 'off' ? { ok: true, value: 'off' } : readDuration(text);
}

/** A whole number in a range. */
export function readCount(text: string, min: number, max: number): Reading<number> {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? { ok: true, value } : wrong(`'${text}' is not a number from ${min} to ${max}`);
}

/** `20%` as 0.2, from 0 to 100 %. */
export function readShare(text: string): Reading<number> {
  const value = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number.NaN;
  return value >= 0 && value <= 1 ? { ok: true, value } : wrong(`'${text}' is not a percentage like 20%`);
}

/** A number above 0. */
export function readFactor(text: string): Reading<number> {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return value > 0 && value < 1e6 ? { ok: true, value } : wrong(`'${text}' is not a number above 0`);
}

/** One of the given words. */
export function readWord<T extends string>(text: string, words: readonly T[]): Reading<T> {
  const word = words.find((each) => each === text);
  return word === undefined ? wrong(`'${text}' is none of ${words.join(', ')}`) : { ok: true, value: word };
}

/** Values separated by commas. */
export function readList<T>(text: string, read: (part: string) => Reading<T>): Reading<T[]> {
  const found: T[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    const result = read(part);
    if (!result.ok) return result;
    found.push(result.value);
  }
  return { ok: true, value: found };
}

const UNITS_BYTES: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `1m`, `512k`, `0`: bytes, in powers of 1024. */
export function readBytes(text: string): Reading<number> {
  const match = /^(\d{1,9})([kmg]?)$/i.exec(text);
  return match === null
    ? { ok: false, message: `'${text}' is not a size like 512k or 10m` }
    : { ok: true, value: Number(match[1]) * UNITS_BYTES[match[2]!.toLowerCase()]! };
}

/** `off`, or what `read` makes of it. */
export function orOff<T>(read: (text: string) => Reading<T>): (text: string) => Reading<T | 'off'> {
  return (text) => (text === 'off' ? { ok: true, value: 'off' } : read(text));
}

/** How the keys of a {@link readFields} text are read into a record. */
export type FieldReaders<T> = { readonly [K in string]?: (text: string) => Reading<Partial<T>> };

/** Makes a field reader for one property. */
export function field<K extends string, V>(
  key: K,
  read: (text: string) => Reading<V>,
): (text: string) => Reading<Record<K, V>> {
  return (text) => {
    const result = read(text);
    return result.ok ? { ok: true, value: { [key]: result.value } as Record<K, V> } : result;
  };
}

/** `interval=10s path=/healthz`: fields separated by spaces; each wrong one is told, the others count. */
export function readFields<T>(text: string, readers: FieldReaders<T>, told: (message: string) => void): Partial<T> {
  let found: Partial<T> = {};
  for (const part of text.split(/\s+/).filter((each) => each !== '')) {
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    const read = readers[key];
    if (equals < 0 || read === undefined) {
      told(`'${part}' is not KEY=VALUE with a key of ${Object.keys(readers).join(', ')}`);
      continue;
    }
    const result = read(part.slice(equals + 1));
    if (result.ok) found = { ...found, ...result.value };
    else told(`${key}: ${result.message}`);
  }
  return found;
}
