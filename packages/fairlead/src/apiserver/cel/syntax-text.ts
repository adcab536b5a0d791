/** What may begin an operand, by what stands before it. */
function operands(source: string, start: number): string {
  const before = source.slice(0, start).trimEnd();
  const opener = before.at(-1);
  const isBehindValue = /[\w)\]}"'`]$/.test(before.slice(0, -1).trimEnd());
  const isList = opener === '[' && !isBehindValue;
  const isMap = opener === '{';
  const tokens = [
    "'['",
    ...(isList ? ["']'"] : []),
    "'{'",
    ...(isMap ? ["'}'"] : []),
    "'('",
    ...(opener === '(' && isBehindValue ? ["')'"] : []),
    "'.'",
    ...(isList || isMap ? ["','"] : []),
    "'-'",
    "'!'",
    ...(opener === '[' || isMap ? ["'?'"] : []),
  ];
  return `{${tokens.join(', ')}, 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}`;
}

/** What closes an index or a list: a list may go on, and one token too many in it is left out. */
function bracketText(source: string, start: number, token: string, rest: string): string {
  const before = source.slice(0, start).trimEnd();
  let open = before.length - 1;
  for (let depth = 0; open >= 0; open--) {
    if (')]}'.includes(before[open]!)) depth++;
    else if ('([{'.includes(before[open]!) && depth-- === 0) break;
  }
  const holder = before.slice(0, Math.max(0, open)).trimEnd();
  const isIndex = /[\w)\]}"'`]$/.test(holder) && !/\bin$/.test(holder);
  if (isIndex || before.endsWith(',')) return `missing ']' at '${token}'`;
  return /^[\],]/.test(rest)
    ? `extraneous input '${token}' expecting {']', ','}`
    : `mismatched input '${token}' expecting {']', ','}`;
}

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
  const operand = operands(source, range.start);
  if (unexpected && token === '<EOF>' && /(?:^|[^!])!$/.test(source.trimEnd())) {
    return `extraneous input '<EOF>' expecting ${operand}`;
  }
  if (unexpected && (token === '<EOF>' || rest === '')) return `mismatched input '${token}' expecting ${operand}`;
  if (unexpected) return `extraneous input '${token}' expecting ${operand}`;
  const expected = /^Expected (\w+), got/.exec(text)?.[1];
  if (expected === 'IDENTIFIER') return `no viable alternative at input '.${token === '<EOF>' ? '' : token}'`;
  if (expected === 'RPAREN')
    return token === '<EOF>' ? "missing ')' at '<EOF>'" : `mismatched input '${token}' expecting ')'`;
  if (expected === 'RBRACKET') return bracketText(source, range.start, token, rest);
  if (expected === 'RBRACE') return `mismatched input '${token}' expecting {'}', ','}`;
  if (expected === 'COLON') {
    return token === '<EOF>' ? "mismatched input '<EOF>' expecting ':'" : `missing ':' at '${token}'`;
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
