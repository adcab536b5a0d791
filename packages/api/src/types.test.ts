import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generateTypes } from '../scripts/generate-types.ts';

test('src/types.ts is what the schema source gives (npm run generate)', () => {
  const onDisk = readFileSync(new URL('./types.ts', import.meta.url), 'utf8');
  assert.ok(onDisk === generateTypes(), 'src/types.ts is out of date: run npm run generate');
});
