import { overflowingNumber, parseJsonStrict, SchemaError } from '@fairlead/api/schema';
import { badRequest } from '../server/status-error.ts';
import { recordOf } from '../watch/kube-object.ts';
import { type DuplicateKey, readYaml } from './yaml-text.ts';

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

/** Nothing in a cluster is nested as deeply as this; what walks objects does so by recursion. */
const depthMax = 500;

function fromJson(text: string): Parsed | undefined {
  if (isDeep(text)) throw badRequest('error decoding YAML: error converting YAML to JSON: exceeded max depth');
  try {
    const { value, duplicateFields, numberTexts } = parseJsonStrict(text);
    // YAML takes them for texts.
    if (overflowingNumber(numberTexts) !== undefined) return undefined;
    const keys = duplicateFields.map((field) => ({ line: 1, key: field.split('.').at(-1) ?? '' }));
    return { value, duplicates: duplicateText(keys) };
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    return undefined;
  }
}

function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) if (text.charCodeAt(at) === 0x5c) at++;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}

function fromYaml(text: string): Parsed {
  const read = readYaml(text);
  if (!read.ok) throw badRequest(`error decoding YAML: error converting YAML to JSON: ${read.error}`);
  return { value: read.value, duplicates: duplicateText(read.duplicates) };
}

function duplicateText(duplicates: readonly DuplicateKey[]): string | undefined {
  if (duplicates.length === 0) return undefined;
  const lines = duplicates.map(({ line, key }) => `  line ${line}: key "${key}" already set in map`);
  return `error converting YAML to JSON: yaml: unmarshal errors:\n${lines.join('\n')}`;
}
