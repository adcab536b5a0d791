import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Modules reached from one by imports that exist at run time. */
function reached(start: URL, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(start.href)) return seen;
  seen.add(start.href);
  const text = readFileSync(start, 'utf8');
  for (const [, path = ''] of text.matchAll(/^(?:import|export)(?! type)[^;]*? from '(\.[^']+)'/gms))
    reached(new URL(path, start), seen);
  return seen;
}

test('the package entry does not load the schema tables, which data planes do without', () => {
  const modules = [...reached(new URL('./index.ts', import.meta.url))];
  assert.ok(modules.length > 8, 'the entry imports the arithmetic modules');
  assert.deepEqual(
    modules.filter((module) => module.includes('/schema/')),
    [],
  );
});

test('nothing in the package needs Node', () => {
  for (const entry of ['./index.ts', './schema/index.ts', './table.ts', './openapi.ts']) {
    for (const module of reached(new URL(entry, import.meta.url))) {
      assert.ok(!/from 'node:|\bBuffer\b|\bprocess\./.test(readFileSync(new URL(module), 'utf8')), module);
    }
  }
});
