import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generateTypes } from '../scripts/generate-types.ts';

const onDisk = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

test('src/types.ts and src/types/ are what the schema source gives (npm run generate)', () => {
  const { files, index } = generateTypes();
  const outOfDate = [...files].filter(([file, text]) => onDisk(`types/${file}.ts`) !== text).map(([file]) => file);
  if (onDisk('types.ts') !== index) outOfDate.push('types.ts');
  assert.deepEqual(outOfDate, [], 'out of date: run npm run generate');
  const names = readdirSync(new URL('types/', import.meta.url)).sort();
  assert.deepEqual(names, [...files.keys()].map((file) => `${file}.ts`).sort());
});
