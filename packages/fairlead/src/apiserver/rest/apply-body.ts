import { parseJsonStrict, SchemaError } from '@fairlead/api/schema';
import { parseDocument } from 'yaml';
import { badRequest } from '../server/status-error.ts';
import { recordOf } from '../watch/kube-object.ts';

/** A configuration to apply, as parsed. */
export interface ApplyBody {
  readonly config: Readonly<Record<string, unknown>>;
  /** Keys that occur twice, as Go's YAML package tells them; `undefined` when there are none. */
  readonly duplicates: string | undefined;
}

/** Reads the body of an apply: YAML, of which JSON is a part. Throws 400. */
export function readApplyBody(body: Uint8Array): ApplyBody {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const { value, duplicates } = /^\s*\{/.test(text) ? (fromJson(text) ?? fromYaml(text)) : fromYaml(text);
  const config = recordOf(value ?? {});
  if (config === undefined) {
    const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`,
    );
  }
  return { config, duplicates };
}

interface Parsed {
  readonly value: unknown;
  readonly duplicates: string | undefined;
}

function fromJson(text: string): Parsed | undefined {
  try {
    const { value, duplicateFields } = parseJsonStrict(text);
    return { value, duplicates: duplicateText(duplicateFields.map((field) => [1, field.split('.').at(-1)!])) };
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    return undefined;
  }
}

/** YAML 1.1 as Go reads it into JSON: times stay texts. */
function fromYaml(text: string): Parsed {
  const document = parseDocument(text, {
    version: '1.1',
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp'),
  });
  const duplicates: [line: number, key: string][] = [];
  for (const error of document.errors) {
    const line = error.linePos?.[0].line ?? 1;
    if (error.code !== 'DUPLICATE_KEY') {
      const where = line > 1 ? `line ${line}: ` : '';
      throw badRequest(`error decoding YAML: error converting YAML to JSON: yaml: ${where}${goYamlText(error)}`);
    }
    duplicates.push([line, /^[^:\s]*/.exec(text.slice(error.pos[0], error.pos[1] + 64))?.[0] ?? '']);
  }
  try {
    const value = jsonValue(text, document.toJS({ maxAliasCount: 100 }) as unknown);
    return { value, duplicates: duplicateText(duplicates) };
  } catch {
    // Aliases that multiply, contain themselves or lead nowhere.
    throw badRequest('error decoding YAML: error converting YAML to JSON: yaml: document contains excessive aliasing');
  }
}

function duplicateText(duplicates: readonly (readonly [line: number, key: string])[]): string | undefined {
  if (duplicates.length === 0) return undefined;
  const lines = duplicates.map(([line, key]) => `  line ${line}: key "${key}" already set in map`);
  return `error converting YAML to JSON: yaml: unmarshal errors:\n${lines.join('\n')}`;
}

/** Only what JSON has: no maps with other keys than texts, no binary. */
function jsonValue(text: string, value: unknown): unknown {
  if (text.trim() === '') return {};
  return JSON.parse(JSON.stringify(value ?? null)) as unknown;
}

/** What Go's YAML package says for the faults that manifests really have. */
function goYamlText({ code, message }: { readonly code: string; readonly message: string }): string {
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
      return message.split('\n', 1)[0] ?? '';
  }
}
