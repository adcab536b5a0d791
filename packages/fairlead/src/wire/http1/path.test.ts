import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { looseReadings, normalizePath, pathIsPlain } from './path.ts';

const ROWS: readonly (readonly [raw: string, normal: string | undefined])[] = [
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a/', '/a/'],
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/b/..', '/a/'],
  ['/a/.', '/a/'],
  ['/a/%2e%2e/b', '/b'],
  ['/a/.%2E/b', '/b'],
  ['/%61dmin', '/admin'],
  ['/a%2fb', '/a%2fb'],
  ['/a%2f..%2fb', undefined],
  ['/a//b', '/a/b'],
  ['//', '/'],
  ['//a', '/a'],
  ['/a//', '/a/'],
  ['/a//../b', '/b'],
  ['/..', undefined],
  ['//..', undefined],
  ['/a/../../b', undefined],
  ['/%00', undefined],
  ['/%2500', undefined],
  ['/%zz', undefined],
  ['/%2', undefined],
  ['/...', '/...'],
  ['/.well-known/x', '/.well-known/x'],
  ['/a;x=y/b', '/a;x=y/b'],
  ['/a;x=y%2Fb', undefined],
  ['/a/..;/b', undefined],
  ['/a/.;x/b', undefined],
  ['/a/..%3b/b', undefined],
  ['/a%5c..%5cb', undefined],
  ['/a/%252e%252e/b', undefined],
  ['/a%c0%afb', '/a%c0%afb'],
  ['/a/%c0%ae%c0%ae/b', undefined],
  ['/caf%C3%A9', '/caf%C3%A9'],
  ['/100%25', '/100%25'],
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

const LOOSE: readonly (readonly [path: string, readings: readonly string[] | 'refused'])[] = [
  ['/admin', []],
  ['/a%20b', []],
  ['/100%25', ['/100%']],
  ['/admin;x', ['/admin']],
  ['/admin;x/y;z', ['/admin/y']],
  ['/;x/admin', ['/admin']],
  ['/admin%2Fx', ['/admin/x']],
  ['/admin%5cx', ['/admin/x']],
  ['/admin%3bx', ['/admin', '/admin;x']],
  ['/admin%252Fx', ['/admin/x']],
  ['/%2561dmin', ['/admin']],
  ['/%25252525252561', ['/%252561']],
  ['/x%2f%2fadmin', ['/x/admin']],
  ['/admin%c0%afx', ['/admin/x']],
  ['/a;b%253Bc', ['/a', '/a;b;c']],
  ['/a;%2Fx/b', 'refused'],
  ['/a;b%5cc', 'refused'],
  ['/a%253Bb%252Fc', 'refused'],
  ['/a/..;', 'refused'],
  ['/a;%2f../b', 'refused'],
  ['/a%2f..', 'refused'],
  ['/a%2500', 'refused'],
];

test('how others may read a path', () => {
  for (const [path, readings] of LOOSE) {
    const found = looseReadings(path);
    assert.deepEqual(found === 'refused' ? found : [...found].sort(), readings, path);
  }
});

const piece = fc.constantFrom(
  ...[
    '/',
    '//',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '%252e',
    '%252f',
    '%3b',
    ';',
    ';a=b',
    '%00',
    '%61',
    'a',
    'admin',
    '%',
    '%c0%af',
    '%c0%ae',
  ],
);
const anyPath = fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join('')}`);

test('a normal path stays as it is, and hides nothing from the quick look', () => {
  fc.assert(
    fc.property(anyPath, (raw) => {
      const bytes = Buffer.from(raw);
      const result = normalizePath(bytes);
      if (pathIsPlain(bytes, 0, bytes.length)) assert.deepEqual(result, { ok: true, path: bytes });
      if (!result.ok) return;
      const path = result.path.toString();
      assert.deepEqual(normalizePath(result.path), result);
      assert.doesNotMatch(path, /\/\/|(^|\/)\.\.?(\/|$)/);
      const readings = looseReadings(path);
      assert.ok(readings !== 'refused' && readings.length <= 2);
      for (const reading of readings) assert.doesNotMatch(reading, /\/\/|\\|(^|\/)\.\.?(;|\/|$)/);
    }),
  );
});
