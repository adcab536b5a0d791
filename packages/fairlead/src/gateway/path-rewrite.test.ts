import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../routing/route-table.ts';
import { pathRewriter } from './path-rewrite.ts';

const regex = (...rules: readonly (readonly [string, ...(string | number)[]])[]): Route['pathRewrite'] => ({
  type: 'regex',
  rules: rules.map(([pattern, ...replacement]) => ({ pattern, replacement })),
});
const ROWS: readonly (readonly [
  name: string,
  rewrite: Route['pathRewrite'],
  path: string,
  result: string | undefined,
])[] = [
  ['a whole path', { type: 'full', value: '/new path' }, '/a/b', '/new%20path'],
  ['a prefix', { type: 'prefix', value: '/new' }, '/old/b', '/new/b'],
  ['a group', regex(['/api/v1/(.*)', '/v1/', 1]), '/api/v1/x/y', '/v1/x/y'],
  ['two groups', regex(['/(\\w+)/(\\w+)', '/', 2, '/', 1]), '/a/b', '/b/a'],
  ['a group that took no part', regex(['/a(/x)?', '/b', 1]), '/a', '/b'],
  ['no match', regex(['/api/(.*)', '/', 1]), '/other', undefined],
  ['only a part matches', regex(['/api', '/x']), '/api/y', undefined],
  ['the first that matches', regex(['/a', '/1'], ['/(.)', '/2'], ['/b', '/3']), '/b', '/2'],
  ['dots that come together', regex(['/x(.*)', '/y/', 1]), '/x../admin', '/admin'],
  ['dots that climb', regex(['/x(.*)', '/', 1]), '/x../../admin', '/admin'],
  ['encoded dots that come together', regex(['/x(.*)', '/y/', 1]), '/x%2e%2E/admin', '/admin'],
  ['slashes that come together', regex(['/x(.*)', '/', 1]), '/x/admin', '/admin'],
  ['a slash at the end stays', regex(['/x(.*)', '/y', 1]), '/x/a/', '/y/a/'],
  ['a path that is too long', regex(['/(.*)', '/x/', 1]), `/${'a'.repeat(5000)}`, undefined],
];
for (const [name, rewrite, path, result] of ROWS) {
  test(name, () => assert.equal(pathRewriter(rewrite, '/old')?.(path), result));
}

test('without a rewrite there is none', () => assert.equal(pathRewriter(undefined, ''), undefined));
