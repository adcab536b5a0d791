/**
 * Writes src/types.ts and the files of src/types/, one for each file of the schema source. Run by
 * `npm run generate`; a test fails when a file on disk differs from what this produces.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { schemaFiles, schemaTypes } from '../src/schema/all-types.ts';
import type { SchemaType, SchemaValue } from '../src/schema/schema-type.ts';

const ids = Object.keys(schemaTypes);
const taken = new Map<string, string>();
// The core group and meta win a contested short name, then groups that were there first and newer versions;
// others get their group as prefix.
const rank = (id: string): number =>
  /^(core|meta)\./.test(id) ? 0 : /^(autoscaling|flowcontrol|apiregistration|resource)\.v1\./.test(id) ? 2 : 1;
const preferred = [...ids].sort((a, b) => rank(a) - rank(b));
const used = new Set<string>();
for (const id of preferred) {
  const parts = id.split('.');
  const short = parts.at(-1) ?? id;
  const group =
    parts
      .slice(0, -1)
      .filter((p) => !/^v\d/.test(p))
      .at(-1) ?? '';
  const name = used.has(short) ? `${group.charAt(0).toUpperCase()}${group.slice(1)}${short}` : short;
  used.add(name);
  taken.set(id, name);
}

/** The file of the schema source that describes a type, by the name of the type. */
const fileOf = new Map<string, string>();
for (const [file, types] of Object.entries(schemaFiles)) {
  for (const id of Object.keys(types)) fileOf.set(nameOf(id), file);
}

function nameOf(id: string): string {
  const name = taken.get(id);
  if (name === undefined) throw new Error(`no type ${id}`);
  return name;
}

/** The type of a value; `mentioned` gets the names of other types in it. */
function tsType(value: SchemaValue, mentioned: Set<string>): string {
  const mention = (name: string): string => {
    mentioned.add(name);
    return name;
  };
  if (value.ref !== undefined) return mention(nameOf(value.ref));
  switch (value.type) {
    case 'string':
      return value.enum ? value.enum.map((v) => `'${v}'`).join(' | ') : 'string';
    case 'bytes':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'int-or-string':
      return mention('IntOrString');
    case 'quantity':
      return mention('Quantity');
    case 'array': {
      const items = tsType(value.items ?? { type: 'any' }, mentioned);
      return value.items?.enum ? `(${items})[]` : `${items}[]`;
    }
    case 'map':
      return `Record<string, ${tsType(value.values ?? { type: 'any' }, mentioned)}>`;
    case 'object':
      return 'Record<string, unknown>';
    case 'any':
      return 'unknown';
  }
}

/** Special types whose JSON form is not an object of fields. */
const specials: Readonly<Record<string, string>> = {
  'int-if-type-0-string-if-type-1': 'number | string',
  'quantity-string': 'string | number',
  'rfc3339-seconds-utc-or-null': 'string',
  'rfc3339-six-decimals-utc-or-null': 'string',
  'raw-json-object': 'Record<string, unknown>',
};

/** The lines of one type, with an empty one behind. */
function declaration(id: string, type: SchemaType, mentioned: Set<string>): string[] {
  const name = nameOf(id);
  const comment = `/** \`${id}\` */`;
  if (type.special !== undefined) return [comment, `export type ${name} = ${specials[type.special] ?? 'unknown'};`, ''];
  const fields = Object.entries(type.fields ?? {});
  if (fields.length === 0) return [comment, `export type ${name} = Record<string, never>;`, ''];
  const lines = fields.map(([field, spec]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(field) ? field : `'${field}'`;
    // Types without `required` in OpenAPI still always carry what the server never omits.
    const always = spec.required === true && !spec.typeMeta;
    const text = tsType(spec, mentioned);
    return always ? `  ${key}: ${text};` : `  ${key}?: ${text} | undefined;`;
  });
  return [comment, `export interface ${name} {`, ...lines, '}', ''];
}

const notice = '// Generated from src/schema by scripts/generate-types.ts; do not edit.';
const textOf = (lines: readonly string[]): string => `${lines.join('\n').trimEnd()}\n`;

/** What src/types/NAME.ts holds for each file NAME of the schema source, and src/types.ts (`index`). */
export function generateTypes(): { readonly files: ReadonlyMap<string, string>; readonly index: string } {
  const files = new Map<string, string>();
  for (const [file, types] of Object.entries(schemaFiles)) {
    const mentioned = new Set<string>();
    const lines = Object.entries(types).flatMap(([id, type]) => declaration(id, type, mentioned));
    const elsewhere = new Map<string, string[]>();
    for (const name of [...mentioned].sort()) {
      const from = fileOf.get(name) ?? '';
      if (from !== file) elsewhere.set(from, [...(elsewhere.get(from) ?? []), name]);
    }
    const imports = [...elsewhere]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([from, names]) => `import type { ${names.join(', ')} } from './${from}.ts';`);
    files.set(file, textOf([notice, ...imports, '', ...lines]));
  }
  const index = [
    notice,
    '// The form of every built-in Kubernetes type in JSON.',
    ...[...files.keys()].sort().map((file) => `export type * from './types/${file}.ts';`),
  ];
  return { files, index: textOf(index) };
}

if (import.meta.main) {
  const { files, index } = generateTypes();
  const folder = new URL('../src/types/', import.meta.url);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [file, text] of files) writeFileSync(new URL(`${file}.ts`, folder), text);
  writeFileSync(new URL('../src/types.ts', import.meta.url), index);
}
