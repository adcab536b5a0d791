/** One directive of a Corefile, with its block. */
export interface CorefileDirective {
  /** From 1. */
  readonly line: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly block: readonly CorefileDirective[];
}

/** A server block: its addresses (`.:53`, `example.org`) and its directives. */
export interface CorefileServer {
  readonly line: number;
  readonly addresses: readonly string[];
  readonly directives: readonly CorefileDirective[];
}

/** Result of {@link parseCorefile}. */
export type ParsedCorefile =
  | { readonly ok: true; readonly servers: readonly CorefileServer[] }
  | { readonly ok: false; readonly line: number; readonly message: string };

interface Token {
  readonly text: string;
  readonly line: number;
  /** The first of its line. */
  readonly isFirst: boolean;
}

class Problem extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Parses a Corefile: comments, quotes, `{$NAME}` from the environment, snippets `(name) { … }` and `import name`. */
export function parseCorefile(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): ParsedCorefile {
  try {
    return { ok: true, servers: expand(readServers(tokenize(text, environment))) };
  } catch (error) {
    if (error instanceof Problem) return { ok: false, line: error.line, message: error.message };
    throw error;
  }
}

function tokenize(text: string, environment: Readonly<Record<string, string | undefined>>): Token[] {
  const tokens: Token[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const filled = raw.replace(/\{[$%]([A-Za-z_][A-Za-z0-9_]*)%?\}/g, (_, name: string) => environment[name] ?? '');
    let isFirst = true;
    for (const match of filled.matchAll(/"((?:[^"\\]|\\.)*)"|#.*|[^\s"]+/g)) {
      const [whole, quoted] = match;
      if (quoted === undefined && whole.startsWith('#')) break;
      tokens.push({ text: quoted === undefined ? whole : quoted.replaceAll('\\"', '"'), line, isFirst });
      isFirst = false;
    }
  }
  return tokens;
}

function readServers(tokens: readonly Token[]): CorefileServer[] {
  const servers: CorefileServer[] = [];
  let at = 0;
  while (at < tokens.length) {
    const { line } = tokens[at]!;
    const addresses: string[] = [];
    while (at < tokens.length && tokens[at]!.text !== '{') {
      const token = tokens[at]!;
      // Further lines belong to the addresses only after a comma.
      if (token.isFirst && addresses.length > 0 && !tokens[at - 1]!.text.endsWith(',')) break;
      addresses.push(...token.text.split(',').filter((part) => part !== ''));
      at++;
    }
    if (addresses[0] === 'import') {
      // A line of its own; what comes next is another server.
      servers.push({ line, addresses, directives: [] });
      continue;
    }
    if (tokens[at]?.text !== '{') throw new Problem(line, `expected '{' after ${addresses.join(' ')}`);
    const block = readBlock(tokens, at + 1, line);
    servers.push({ line, addresses, directives: block.directives });
    at = block.next;
  }
  return servers;
}

function readBlock(
  tokens: readonly Token[],
  start: number,
  openLine: number,
): { readonly directives: CorefileDirective[]; readonly next: number } {
  const directives: CorefileDirective[] = [];
  let at = start;
  for (;;) {
    const token = tokens[at];
    if (token === undefined) throw new Problem(openLine, "'{' is never closed");
    if (token.text === '}') return { directives, next: at + 1 };
    const args: string[] = [];
    let block: CorefileDirective[] = [];
    at++;
    while (at < tokens.length && !tokens[at]!.isFirst && tokens[at]!.text !== '{' && tokens[at]!.text !== '}') {
      args.push(tokens[at++]!.text);
    }
    if (tokens[at]?.text === '{') {
      const inner = readBlock(tokens, at + 1, tokens[at]!.line);
      block = inner.directives;
      at = inner.next;
    }
    directives.push({ line: token.line, name: token.text, args, block });
  }
}

/** Puts snippets in the place of their imports. */
function expand(servers: readonly CorefileServer[]): CorefileServer[] {
  const snippets = new Map<string, readonly CorefileDirective[]>();
  const found: CorefileServer[] = [];
  for (const server of servers) {
    const name = /^\((.+)\)$/.exec(server.addresses[0] ?? '')?.[1];
    if (name !== undefined) {
      snippets.set(name, server.directives);
      continue;
    }
    const directives = server.directives.flatMap((directive) => {
      const [imported = ''] = directive.args;
      return directive.name === 'import' ? (snippets.get(imported) ?? [directive]) : [directive];
    });
    found.push({ ...server, directives });
  }
  return found;
}
