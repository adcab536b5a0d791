import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePathPattern } from './path-pattern.ts';

const ROWS: readonly (readonly [pattern: string, path: string, groups: readonly string[] | undefined])[] = [
  ['/api/(.*)', '/api/v1/x', ['/api/v1/x', 'v1/x']],
  ['/api/(.*)', '/x/api/v1', undefined],
  ['/api', '/api/v1', undefined],
  ['/a|/b', '/bc', undefined],
  ['/(a)|/(b)', '/b', ['/b', '', 'b']],
  ['(?i)/(Shop)', '/sHOP', ['/sHOP', 'sHOP']],
  ['^/(x)$', '/x', ['/x', 'x']],
  ['/(.*?)(/.*)', '/a/b/c', ['/a/b/c', 'a', '/b/c']],
];

test('whole paths match, and groups capture', () => {
  for (const [pattern, path, groups] of ROWS) {
    const result = compilePathPattern(pattern);
    assert.ok(result.ok);
    assert.deepEqual(result.pattern.match(path), groups, `${pattern} on ${path}`);
  }
});

test('patterns that take long, or end within themselves, are refused', () => {
  for (const pattern of ['(?:abc){200}', '((a{9}){9}){9}', '(a)\\1', '(', 'a)|(b', '(?=a)']) {
    assert.equal(compilePathPattern(pattern).ok, false, pattern);
  }
});
