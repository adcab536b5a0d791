import { parseJson } from '@fairlead/api/json-number';
import type { LineCounter, parseDocument } from 'yaml';
import { yamlLibrary } from './yaml-library.ts';

/** A key that a mapping has twice; the later value counts. */
export interface DuplicateKey {
  /** From 1. */
  readonly line: number;
  readonly key: string;
}

/** What a YAML text turned out to be: a JSON value, or Go's text for why it is none. */
export type YamlText =
  | { readonly ok: true; readonly value: unknown; readonly duplicates: readonly DuplicateKey[] }
  | { readonly ok: false; readonly error: string };

/** Reads YAML 1.1 as Go reads it into JSON: times stay texts. Its cost grows with the text only. */
export function readYaml(text: string): YamlText {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text)) {
    return { ok: false, error: 'yaml: control characters are not allowed' };
  }
  const { isMap, LineCounter, parseDocument } = yamlLibrary();
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    version: '1.1',
    lineCounter,
    // The package's own search for equal keys compares each with all before it.
    uniqueKeys: false,
    intAsBigInt: true,
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp'),
  });
  // Of several documents the first counts, also where the next one begins without a mark, less indented.
  const hasMore =
    document.errors[0]?.code === 'MULTIPLE_DOCS' ||
    (document.errors[0]?.message.startsWith('Unexpected scalar at node end') === true && isMap(document.contents));
  const error = hasMore ? undefined : document.errors[0];
  if (error !== undefined) {
    const { line, text: problem } = goFault(
      error,
      error.linePos?.[0].line ?? 1,
      document.errors.some(({ code }) => code === 'MULTILINE_IMPLICIT_KEY'),
    );
    return { ok: false, error: `yaml: ${line > 0 ? `line ${line}: ` : ''}${problem}` };
  }
  try {
    const fault = keyFault(document);
    if (fault !== undefined) return { ok: false, error: `yaml: ${fault}` };
    if (/[eE]\+?\d{3}/.test(text)) keepHugeNumbers(document);
    const duplicates = duplicateKeys(document, lineCounter);
    return { ok: true, value: toJson(document.toJS({ maxAliasCount: 100 })), duplicates };
  } catch (failure) {
    return { ok: false, error: `yaml: ${aliasFault(document, failure)}` };
  }
}

/** A number too large for a float is a text to Go. */
function keepHugeNumbers(document: ReturnType<typeof parseDocument>): void {
  yamlLibrary().visit(document, {
    Scalar(_, node) {
      const { value, source = '' } = node;
      if (typeof value === 'number' && !Number.isFinite(value) && /\d/.test(source)) node.value = source;
    },
  });
}

/** Aliases that multiply, contain themselves or lead nowhere. */
function aliasFault(document: ReturnType<typeof parseDocument>, failure: unknown): string {
  const [, missing] = /^Unresolved alias [^:]*: (.+)$/.exec((failure as Error).message) ?? [];
  if (missing !== undefined) return `unknown anchor '${missing}' referenced`;
  let inside: string | undefined;
  yamlLibrary().visit(document, {
    Alias(_, { source }, path) {
      if (path.some((node) => (node as { anchor?: string }).anchor === source)) inside ??= source;
    },
  });
  return inside === undefined ? 'document contains excessive aliasing' : `anchor '${inside}' value contains itself`;
}

/** A key that is no scalar, as braces of an unfilled template make them. */
function keyFault(document: ReturnType<typeof parseDocument>): string | undefined {
  const { isMap, isScalar, isSeq, visit } = yamlLibrary();
  const written = (node: unknown): string => {
    if (isScalar(node)) return node.value === null ? 'interface {}(nil)' : JSON.stringify(node.value);
    if (isSeq(node)) return `[]interface {}{${node.items.map(written).join(', ')}}`;
    if (!isMap(node)) return 'interface {}(nil)';
    const pairs = node.items.map(({ key, value }) => `${written(key)}:${written(value)}`);
    return `map[interface {}]interface {}{${pairs.join(', ')}}`;
  };
  let fault: string | undefined;
  visit(document, {
    Pair(_, { key }) {
      // The innermost key is met first by Go.
      if (isMap(key) || isSeq(key)) fault = `invalid map key: ${written(key)}`;
    },
  });
  return fault;
}

function duplicateKeys(document: ReturnType<typeof parseDocument>, lines: LineCounter): DuplicateKey[] {
  const { isMap, isScalar, visit } = yamlLibrary();
  const duplicates: DuplicateKey[] = [];
  visit(document, {
    Map(_, map) {
      if (!isMap(map)) return;
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = key.value;
        if (name === '<<') continue;
        if (seen.has(name)) duplicates.push({ line: lines.linePos(key.range?.[0] ?? 0).line, key: String(name) });
        seen.add(name);
      }
    },
  });
  return duplicates;
}

/** Only what JSON has: no keys but texts, no binary, no integers beyond 64 bits. */
function toJson(value: unknown): unknown {
  return value === undefined ? null : parseJson(JSON.stringify(value));
}

/**
 * What Go's YAML package says for the faults that manifests really have, and the line it names (0: none). Its scanner
 * counts lines from 1, its parser from 0, and both look further than the package used here.
 */
function goFault(
  { code, message }: { readonly code: string; readonly message: string },
  line: number,
  isMultiline: boolean,
): { readonly line: number; readonly text: string } {
  const scanner = (text: string, at: number = line): { line: number; text: string } => ({
    line: at > 1 ? at : 0,
    text,
  });
  const parser = (text: string): { line: number; text: string } => ({ line: line - 1, text });
  switch (code) {
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return scanner('mapping values are not allowed in this context', isMultiline ? line + 1 : line);
    case 'TAB_AS_INDENT':
    case 'BAD_SCALAR_START':
      return scanner('found character that cannot start any token');
    case 'BAD_DQ_ESCAPE':
      return scanner('found unknown escape character');
    case 'MISSING_CHAR':
    case 'BAD_INDENT':
      if (message.includes('quote')) return scanner('found unexpected end of stream');
      if (message.startsWith('Flow map')) return parser("did not find expected ',' or '}'");
      if (message.startsWith('Flow sequence')) return parser("did not find expected ',' or ']'");
      if (message.includes('directives-end')) return scanner('could not find expected directive name', line - 1);
      if (message.startsWith('All mapping items')) return parser('did not find expected key');
      if (message.startsWith('All sequence items')) return parser("did not find expected '-' indicator");
      return scanner("could not find expected ':'", line + 1);
    case 'UNEXPECTED_TOKEN':
      if (message.includes('at node end')) return parser("did not find expected '-' indicator");
      if (message.includes('flow-')) return parser('did not find expected node content');
  }
  return scanner(message.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '');
}
