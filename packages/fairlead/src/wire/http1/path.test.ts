import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizePath, pathIsPlain } from './path.ts';

const ROWS: readonly (readonly [raw: string, normal: string | undefined])[] = [
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/b/..', '/a/'],
  ['/a/.', '/a/'],
  ['/a/%2e%2e/b', '/b'],
  ['/a/.%2E/b', '/b'],
  ['/%61dmin', '/admin'],
  ['/a%2fb', '/a%2fb'],
  ['/a%2f..%2fb', '/a%2f..%2fb'],
  ['/a//b', '/a//b'],
  ['/a//../b', '/a/b'],
  ['/..', undefined],
  ['/a/../../b', undefined],
  ['/%00', undefined],
  ['/%zz', undefined],
  ['/%2', undefined],
  ['/...', '/...'],
  ['/.well-known/x', '/.well-known/x'],
];

test('paths are normalised before they are matched', () => {
  for (const [raw, expected] of ROWS) {
    const bytes = Buffer.from(raw);
    const result = normalizePath(bytes);
    assert.equal(result.ok ? result.path.toString() : undefined, expected, raw);
    if (expected !== raw) assert.equal(pathIsPlain(bytes, 0, bytes.length), false, `${raw} needs the slow way`);
    if (result.ok) assert.deepEqual(normalizePath(result.path), result, `${raw}: twice is the same`);
  }
});
