/** A file could not be read as a zone. */
export class ZoneTextError extends Error {
  /** From 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** A field of an entry; escapes are still in it. */
export interface ZoneToken {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** One entry of a zone file: a directive or a record, over several lines when it has parentheses. */
export interface ZoneEntry {
  /** Where it begins, from 1. */
  readonly line: number;
  /** It begins with white space: the owner is that of the record before. */
  readonly isIndented: boolean;
  readonly tokens: readonly ZoneToken[];
}

/**
 * Splits zone text into entries (RFC 1035 5.1): comments, quotes, parentheses, escapes.
 *
 * @throws ZoneTextError for a quote or parenthesis that is never closed.
 */
export function* readEntries(text: string): Generator<ZoneEntry> {
  let line = 1;
  let at = 0;
  let depth = 0;
  let tokens: ZoneToken[] = [];
  let entryLine = 1;
  let isIndented = false;
  let isLineStart = true;
  while (at < text.length) {
    const char = text[at]!;
    if (isLineStart && depth === 0) {
      entryLine = line;
      isIndented = char === ' ' || char === '\t';
      isLineStart = false;
    }
    if (char === '\n') {
      if (depth === 0) {
        if (tokens.length > 0) yield { line: entryLine, isIndented, tokens };
        tokens = [];
        isLineStart = true;
      }
      line++;
      at++;
    } else if (char === ' ' || char === '\t' || char === '\r') at++;
    else if (char === ';') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (char === '(' || char === ')') {
      depth += char === '(' ? 1 : -1;
      if (depth < 0) throw new ZoneTextError(line, "')' without '('");
      at++;
    } else if (char === '"') {
      const end = endOfQuote(text, at + 1);
      if (end < 0) throw new ZoneTextError(line, 'a quote is never closed');
      tokens.push({ text: text.slice(at + 1, end), isQuoted: true });
      at = end + 1;
    } else {
      const start = at;
      while (at < text.length && !/[\s;()"]/.test(text[at]!)) at += text[at] === '\\' ? 2 : 1;
      tokens.push({ text: text.slice(start, at), isQuoted: false });
    }
  }
  if (depth > 0) throw new ZoneTextError(entryLine, "'(' is never closed");
  if (tokens.length > 0) yield { line: entryLine, isIndented, tokens };
}

/** Offset of the closing quote on the same line; -1: there is none. */
function endOfQuote(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] === '"') return at;
    if (text[at] === '\n') return -1;
    if (text[at] === '\\') at++;
  }
  return -1;
}

/** Bytes of a character string with its escapes (`\"`, `\059`) taken out; absent: a bad escape. */
export function unescapeText(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\') {
      bytes.push(...new TextEncoder().encode(String.fromCodePoint(text.codePointAt(at)!)));
      if (text.codePointAt(at)! > 0xffff) at++;
      continue;
    }
    const digits = text.slice(at + 1, at + 4);
    if (/^\d{3}$/.test(digits) && Number(digits) <= 255) {
      bytes.push(Number(digits));
      at += 3;
    } else if (at + 1 < text.length && !/^\d/.test(digits)) bytes.push(...new TextEncoder().encode(text[++at]!));
    else return undefined;
  }
  return Uint8Array.from(bytes);
}

/** Seconds of `3600` or `1h30m`; absent: no time, or above 2^31 - 1. */
export function parseSeconds(text: string): number | undefined {
  if (!/^(?:\d+|(?:\d+[wdhms])+)$/i.test(text)) return undefined;
  const units: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1, '': 1 };
  let seconds = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+)([wdhms]?)/gi)) {
    seconds += Number(number) * (units[unit.toLowerCase()] ?? 1);
  }
  return seconds <= 0x7fffffff ? seconds : undefined;
}
