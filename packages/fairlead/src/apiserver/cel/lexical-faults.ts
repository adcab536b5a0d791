/** Characters that are no token, as cel-go's lexer tells of them. */
export interface LexicalFault {
  readonly offset: number;
  /** What the lexer had read when it gave up; it goes on behind that. */
  readonly text: string;
}

/** Tokens of CEL with all quotes and prefixes of texts; what matches none of them is a fault. */
const token =
  /\s+|\/\/[^\n]*|[rRbB]{0,2}(?:"""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?''')|[rR][bB]?(?:"[^"\n\r]*"|'[^'\n\r]*')|[bB]?(?:"(?:\\(?:[abfnrtv"'`?\\]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|[^\\"\n\r])*"|'(?:\\(?:[abfnrtv"'`?\\]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|[^\\'\n\r])*')|`[^`\n\r]*`|[A-Za-z_]\w*|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|&&|\|\||[=!<>]=|[-[\]{}().,!?:+*/%<>]/y;

/** Every fault of an expression, and the expression with blanks in their place. */
export function lexicalFaults(source: string): { readonly faults: readonly LexicalFault[]; readonly cleaned: string } {
  const faults: LexicalFault[] = [];
  let cleaned = source;
  for (let offset = 0; offset < source.length; ) {
    token.lastIndex = offset;
    const length = token.exec(source)?.[0].length;
    if (length !== undefined) {
      offset += length;
      continue;
    }
    const text = unreadable(source, offset);
    faults.push({ offset, text });
    cleaned = cleaned.slice(0, offset) + ' '.repeat(text.length) + cleaned.slice(offset + text.length);
    offset += text.length;
  }
  return { faults, cleaned };
}

/** A text ends at its first bad escape, at the line or at the end; half an operator takes the next character with it. */
function unreadable(source: string, offset: number): string {
  const rest = source.slice(offset);
  const quoted = /^(["'])(?:\\[abfnrtv"'`?\\xuU0-3]|(?!\1)[^\\\n\r])*(?:\\[\s\S]?)?/.exec(rest);
  if (quoted !== null) return quoted[0];
  return /^[=&|]/.test(rest) ? rest.slice(0, 2) : rest.slice(0, 1);
}
