/** A path without dot segments, or why it is refused. */
export type NormalPath = { readonly ok: true; readonly path: Buffer } | { readonly ok: false };

/**
 * Normalises an absolute path so that matching and the upstream see the same one: decodes percent-encoded
 * unreserved characters (RFC 3986 6.2.2.2), makes one slash of several, and removes dot segments (5.2.4). Encoded
 * slashes stay encoded and never separate segments; how others may read them is {@link looseReadings}'s affair.
 * Refused: a broken escape, an encoded NUL, a path that climbs above the root, and one that would have dot segments
 * for any of those others.
 */
export function normalizePath(raw: Uint8Array): NormalPath {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1');
  if (/%(?![0-9a-fA-F]{2})|%00/.test(text)) return { ok: false };
  const path = withoutDots(decode(text, UNRESERVED));
  if (path === undefined || looseReadings(path) === 'refused') return { ok: false };
  return { ok: true, path: Buffer.from(path, 'latin1') };
}

const UNRESERVED = /[A-Za-z0-9._~-]/;
/** What separates segments, or parameters within them, for somebody: `/`, `\`, `;`, and `%` itself. */
const DELIMITERS = /[A-Za-z0-9._~/\\;%-]/;
/** `.`, `/` and `\` in more bytes than UTF-8 allows; lax decoders take them for what they are not. */
const OVERLONG: readonly (readonly [RegExp, string])[] = [
  [/%(c0%ae|e0%80%ae)/gi, '.'],
  [/%(c0%af|e0%80%af)/gi, '/'],
  [/%(c1%9c|e0%81%9c)/gi, '\\'],
];
/** Nobody decodes more often. */
const ROUNDS_MAX = 4;

/**
 * How obliging servers may read a normal path: they decode as often as there is something to decode, take backslashes
 * for slashes, and may ignore parameters (`;x=y`) of segments. Only readings that differ from the path. A gateway that
 * guards one path must not let it through under another name: where not all readings lead to the same route, nobody
 * knows which was meant. `refused`: what is never meant well: dot segments, a NUL, or both parameters and encoded
 * slashes, which swallow each other in more ways than can be listed.
 *
 * Other readings than these decode less often, or keep a backslash: then there are fewer elements, or longer ones, so
 * no guarded path shows up that these do not show.
 */
export function looseReadings(path: string): readonly string[] | 'refused' {
  if (!/[%;\\]/.test(path)) return [];
  const text = decodeFully(path);
  const hasSlashes = text.split(/[/\\]/).length !== path.split('/').length;
  if (text.includes('%00') || (hasSlashes && text.includes(';'))) return 'refused';
  const segments = text.split(/[/\\]/).slice(1);
  // What is left of `..;` is one, too.
  if (segments.some((segment) => /^\.\.?(;|$)/.test(segment))) return 'refused';
  const readings = new Set([merged(segments), merged(segments.map((segment) => segment.replace(/;.*$/s, '')))]);
  readings.delete(path);
  return [...readings];
}

function decodeFully(path: string): string {
  let text = path;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let decoded = text;
    for (const [bytes, char] of OVERLONG) decoded = decoded.replace(bytes, char);
    decoded = decode(decoded, DELIMITERS);
    if (decoded === text) break;
    text = decoded;
  }
  return text;
}

/** Decodes those escapes whose character `chosen` matches. */
function decode(text: string, chosen: RegExp): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (whole, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return chosen.test(char) ? char : whole;
  });
}

/** Segments as a path, without the empty ones but for the last. */
function merged(segments: readonly string[]): string {
  return `/${segments.filter((segment, index) => segment !== '' || index === segments.length - 1).join('/')}`;
}

/** Undefined: it climbs above the root. */
function withoutDots(path: string): string | undefined {
  const segments = path.split('/').slice(1);
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..') {
      if (kept.pop() === undefined) return undefined;
      if (isLast) kept.push('');
    } else if (segment === '.') {
      if (isLast) kept.push('');
    } else if (segment !== '' || isLast) kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

/** Whether a path holds nothing that {@link normalizePath} or {@link looseReadings} would look at: `//`, `/.`, `%`, `;`. */
export function pathIsPlain(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte === 0x25 || byte === 0x3b) return false;
    if ((byte === 0x2e || byte === 0x2f) && i > start && bytes[i - 1] === 0x2f) return false;
  }
  return true;
}
