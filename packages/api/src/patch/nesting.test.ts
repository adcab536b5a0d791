import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SchemaError } from '../schema/schema-error.ts';
import { jsonPatch } from './json-patch.ts';

const nested = (depth: number): unknown => {
  let value: unknown = {};
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
};
const isRefused = (error: unknown): boolean => error instanceof SchemaError && error.code === 'patch';

test('copies of an object into itself end where the nesting does', () => {
  // Each copy doubles the depth: ten are fine, with twenty it would be a million.
  const doubling = (count: number) =>
    Array.from({ length: count }, (_, round) => ({ op: 'copy', from: '', path: '/a'.repeat(2 ** round) }));
  assert.doesNotThrow(() => jsonPatch({ a: {} }, doubling(8)));
  assert.throws(() => jsonPatch({ a: {} }, doubling(20)), isRefused);
});

test('moves that put deep objects below each other are refused', () => {
  const document = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`k${index}`, nested(990)]));
  const moves = Array.from({ length: 29 }, (_, index) => ({
    op: 'move',
    from: `/k${index}`,
    path: `/k${index + 1}${'/a'.repeat(900)}/b`,
  }));
  assert.throws(() => jsonPatch(document, moves), isRefused);
});

test('a pointer of a hundred thousand parts is refused', () => {
  assert.throws(() => jsonPatch({}, [{ op: 'add', path: '/a'.repeat(100_000), value: 1 }]), isRefused);
});

test('what is as deep as a body may be can be patched', () => {
  assert.deepEqual(jsonPatch({ x: nested(998) }, [{ op: 'add', path: '/y', value: 1 }]), { x: nested(998), y: 1 });
});
