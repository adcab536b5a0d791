import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchedText, pathsOfJsonPatch, pathsOfMergePatch } from './patched-text.ts';

const document = {
  kind: 'A',
  apiVersion: 'v1',
  spec: {
    z: 1,
    list: [
      { q: 1, b: 2 },
      { q: 1, b: 2 },
    ],
    a: { y: 1, x: 2 },
  },
};

test('a merge patch orders the objects it goes into', () => {
  assert.equal(
    patchedText(document, pathsOfMergePatch({ spec: { z: 2, list: [] } })),
    '{"apiVersion":"v1","kind":"A","spec":{"a":{"y":1,"x":2},"list":[{"q":1,"b":2},{"q":1,"b":2}],"z":1}}',
  );
});

test('a JSON patch orders the objects on the way to a place, items of lists included', () => {
  assert.equal(
    patchedText(document, pathsOfJsonPatch([{ op: 'add', path: '/spec/list/1/b', value: 3 }])),
    '{"apiVersion":"v1","kind":"A","spec":{"a":{"y":1,"x":2},"list":[{"q":1,"b":2},{"b":2,"q":1}],"z":1}}',
  );
});

test('names with slashes and tildes, and names of the language', () => {
  const odd = { 'a/b': { d: 1, c: 1 }, '~': { d: 1, c: 1 } };
  const paths = pathsOfJsonPatch([
    { path: '/a~1b/c' },
    { path: '/~0/c' },
    { from: '/__proto__/x' },
    'none',
    { path: 1 },
  ]);
  assert.equal(patchedText(odd, paths), '{"a/b":{"c":1,"d":1},"~":{"c":1,"d":1}}');
  assert.equal(({} as { x?: unknown }).x, undefined);
});
