import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRulePath } from './read-rule-path.ts';

const ROWS: readonly (readonly [path: string | undefined, prefix: string | undefined, exact?: string | undefined])[] = [
  [undefined, '/'],
  ['', '/'],
  ['/', '/', '/'],
  ['/a', '/a', '/a'],
  ['/a/', '/a', '/a/'],
  ['/a//b', '/a/b', '/a/b'],
  ['//', '/', '/'],
  ['/a/./b/../c', '/a/c', '/a/c'],
  ['/%61', '/a', '/a'],
  ['/a b', '/a%20b', '/a%20b'],
  ['/café', '/caf%C3%A9', '/caf%C3%A9'],
  ['/caf%C3%A9', '/caf%C3%A9', '/caf%C3%A9'],
  ['/100%', '/100%25', '/100%25'],
  ['/a%2Fb', '/a%2Fb', '/a%2Fb'],
  ['/a;b', '/a;b', '/a;b'],
  ['/a?b', '/a%3Fb', '/a%3Fb'],
  ['a', undefined, undefined],
  ['/..', undefined, undefined],
  ['/a/..;/b', undefined, undefined],
  ['/%00', undefined, undefined],
];

test('rules are read as the paths of requests are', () => {
  for (const [path, prefix, exact] of ROWS) {
    const of = path === undefined ? {} : { path };
    const backend = {};
    assert.equal(readRulePath({ ...of, pathType: 'Prefix', backend })?.value, prefix, `${path}`);
    assert.equal(readRulePath({ ...of, pathType: 'ImplementationSpecific', backend })?.value, prefix, `${path}`);
    if (path === undefined || path === '') continue;
    assert.deepEqual(
      readRulePath({ path, pathType: 'Exact', backend }),
      exact === undefined ? undefined : { type: 'exact', value: exact },
      path,
    );
  }
});
