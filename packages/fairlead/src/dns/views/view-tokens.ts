/** A piece of a condition's text. */
export interface ViewToken {
  readonly kind: 'text' | 'number' | 'word' | 'sign' | 'end';
  /** Of a text: what it stands for, without quotes. */
  readonly text: string;
}

/** What is wrong with a condition. */
export class ViewProblem extends Error {}

const pattern =
  /\s+|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]*)`|(\d+)(?!\w|\.\d)|([A-Za-z_]\w*)|(&&|\|\||[=!<>]=|\.\.|[!<>()[\],])/y;

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** Splits a condition. @throws ViewProblem for a sign that is none. */
export function tokenizeCondition(source: string): ViewToken[] {
  const tokens: ViewToken[] = [];
  for (let at = 0; at < source.length; ) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) throw new ViewProblem(`${JSON.stringify(source.slice(at, at + 10))} is not known`);
    at += match[0].length;
    const [, single, double, raw, number, word, sign] = match;
    const quoted = single ?? double;
    if (quoted !== undefined) tokens.push({ kind: 'text', text: unescaped(quoted) });
    else if (raw !== undefined) tokens.push({ kind: 'text', text: raw });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
  }
  return [...tokens, { kind: 'end', text: 'the end' }];
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => {
    const plain = escapes[char];
    if (plain === undefined) throw new ViewProblem(`\\${char} is not known: a backslash is written \\\\`);
    return plain;
  });
}
