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
  const { LineCounter, parseDocument } = yamlLibrary();
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    version: '1.1',
    lineCounter,
    // The package's own search for equal keys compares each with all before it.
    uniqueKeys: false,
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp'),
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    return { ok: false, error: `yaml: ${line > 1 ? `line ${line}: ` : ''}${goText(error)}` };
  }
  try {
    const duplicates = duplicateKeys(document, lineCounter);
    return { ok: true, value: toJson(document.toJS({ maxAliasCount: 100 })), duplicates };
  } catch {
    // Aliases that multiply, contain themselves or lead nowhere.
    return { ok: false, error: 'yaml: document contains excessive aliasing' };
  }
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

/** Only what JSON has: no keys but texts, no binary. */
function toJson(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown);
}

/** What Go's YAML package says for the faults that manifests really have. */
function goText({ code, message }: { readonly code: string; readonly message: string }): string {
  switch (code) {
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'mapping values are not allowed in this context';
    case 'TAB_AS_INDENT':
      return 'found character that cannot start any token';
    case 'MISSING_CHAR':
      return message.includes('quote') ? 'found unexpected end of stream' : "could not find expected ':'";
    case 'BAD_INDENT':
      return 'did not find expected key';
    default:
      return message.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
  }
}
