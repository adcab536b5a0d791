const operand =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** What closes or goes on after the part that was read, by the library's name of it. */
const closing: Readonly<Record<string, string>> = {
  RBRACKET: "{']', ','}",
  RBRACE: "{'}', ','}",
  COLON: "':'",
};

/** A syntax error of the library in the words of cel-go's parser; `range` is the token at fault. */
export function syntaxText(
  source: string,
  text: string,
  range: { readonly start: number; readonly end: number },
): string {
  const token =
    range.start >= source.trimEnd().length ? '<EOF>' : source.slice(range.start, Math.max(range.end, range.start + 1));
  const rest = source.slice(range.end).trim();
  const unexpected = /^Unexpected token: /.test(text);
  if (unexpected && (token === '<EOF>' || rest === '')) return `mismatched input '${token}' expecting ${operand}`;
  if (unexpected) return `extraneous input '${token}' expecting ${operand}`;
  const expected = /^Expected (\w+), got/.exec(text)?.[1];
  if (expected === 'IDENTIFIER') return `no viable alternative at input '.${token === '<EOF>' ? '' : token}'`;
  if (expected === 'RPAREN')
    return token === '<EOF>' ? "missing ')' at '<EOF>'" : `mismatched input '${token}' expecting ')'`;
  if (expected !== undefined && closing[expected] !== undefined) {
    return `mismatched input '${token}' expecting ${closing[expected]}`;
  }
  if (/^Unexpected character: '/.test(text)) {
    // One token too many is left out by the original's recovery, more are not.
    const word = /^(?:[A-Za-z_]\w*|\d+|.)/.exec(source.slice(range.start))?.[0] ?? token;
    const more = source.slice(range.start + word.length).trim();
    return more === '' ? `extraneous input '${word}' expecting <EOF>` : `mismatched input '${word}' expecting <EOF>`;
  }
  if (/^Unexpected character: /.test(text)) return `token recognition error at: '${token}'`;
  return text;
}
