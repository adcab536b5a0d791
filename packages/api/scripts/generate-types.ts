/**
 * Writes src/types.ts from the schema source. Run by `npm run generate`; a test
 * fails when the file on disk differs from what this produces.
 */
import { writeFileSync } from 'node:fs';
import { schemaTypes } from '../src/schema/all-types.ts';
import type { SchemaValue } from '../src/schema/schema-type.ts';

const ids = Object.keys(schemaTypes);
const taken = new Map<string, string>();
// The core group and meta win a contested short name, then newer versions; others get their group as prefix.
const rank = (id: string): number => (/^(core|meta)\./.test(id) ? 0 : id.startsWith('autoscaling.v1.') ? 2 : 1);
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

function tsType(value: SchemaValue): string {
  if (value.ref !== undefined) {
    const name = taken.get(value.ref);
    if (name === undefined) throw new Error(`no type ${value.ref}`);
    return name;
  }
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
      return 'IntOrString';
    case 'quantity':
      return 'Quantity';
    case 'array':
      return value.items?.enum ? `(${tsType(value.items)})[]` : `${tsType(value.items ?? { type: 'any' })}[]`;
    case 'map':
      return `Record<string, ${tsType(value.values ?? { type: 'any' })}>`;
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

/** The text of src/types.ts. */
export function generateTypes(): string {
  const out = [
    '// Generated from src/schema by scripts/generate-types.ts; do not edit.',
    '// The form of every built-in Kubernetes type in JSON.',
    '',
  ];
  for (const id of ids) {
    const type = schemaTypes[id];
    const name = taken.get(id);
    if (type === undefined) continue;
    out.push(`/** \`${id}\` */`);
    if (type.special !== undefined) {
      out.push(`export type ${name} = ${specials[type.special] ?? 'unknown'};`, '');
      continue;
    }
    if (Object.keys(type.fields ?? {}).length === 0) {
      out.push(`export type ${name} = Record<string, never>;`, '');
      continue;
    }
    out.push(`export interface ${name} {`);
    for (const [field, spec] of Object.entries(type.fields ?? {})) {
      const key = /^[A-Za-z_$][\w$]*$/.test(field) ? field : `'${field}'`;
      // Types without `required` in OpenAPI still always carry what the server never omits.
      const always = spec.required === true && !spec.typeMeta;
      out.push(always ? `  ${key}: ${tsType(spec)};` : `  ${key}?: ${tsType(spec)} | undefined;`);
    }
    out.push('}', '');
  }
  return `${out.join('\n').trimEnd()}\n`;
}

if (import.meta.main) writeFileSync(new URL('../src/types.ts', import.meta.url), generateTypes());
