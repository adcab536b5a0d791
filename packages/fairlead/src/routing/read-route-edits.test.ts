import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileIngress } from './compile-ingress.ts';
import { readRouteEdits } from './read-route-edits.ts';
import { ingress } from './routing-fixtures.ts';

type Row = readonly [name: string, annotations: Readonly<Record<string, string>>, expected: unknown, wrong?: string];
const ROWS: readonly Row[] = [
  ['none', {}, [undefined, undefined, undefined]],
  [
    'headers',
    { 'request-headers': 'set X-A: b: c\nadd x-d:e\n\nremove Cookie', 'response-headers': 'set X-Empty:' },
    [
      { set: [['x-a', 'b: c']], add: [['x-d', 'e']], remove: ['cookie'] },
      { set: [['x-empty', '']], add: [], remove: [] },
      undefined,
    ],
  ],
  ['a path', { 'rewrite-path': '/new/base' }, [undefined, undefined, '/new/base']],
  ['an unknown verb', { 'request-headers': 'replace x: y' }, [undefined, undefined, undefined], 'request-headers'],
  ['set without a value', { 'request-headers': 'set x' }, [undefined, undefined, undefined], 'request-headers'],
  ['remove with a value', { 'request-headers': 'remove x: y' }, [undefined, undefined, undefined], 'request-headers'],
  [
    'a framing field',
    { 'request-headers': 'set Content-Length: 1' },
    [undefined, undefined, undefined],
    'request-headers',
  ],
  ['a control character', { 'response-headers': 'set x: a\rb' }, [undefined, undefined, undefined], 'response-headers'],
  ['a relative path', { 'rewrite-path': 'new' }, [undefined, undefined, undefined], 'rewrite-path'],
  ['a path that climbs', { 'rewrite-path': '/a/../b' }, [undefined, undefined, undefined], 'rewrite-path'],
  ['a path with a query', { 'rewrite-path': '/a?b' }, [undefined, undefined, undefined], 'rewrite-path'],
];

describe('head annotations', () => {
  for (const [name, annotations, expected, wrong] of ROWS) {
    test(name, () => {
      const prefixed = Object.fromEntries(Object.entries(annotations).map(([key, v]) => [`fairlead.dev/${key}`, v]));
      const { requestHeaders, responseHeaders, rewrite, problems } = readRouteEdits(prefixed);
      assert.deepEqual([requestHeaders, responseHeaders, rewrite], expected);
      assert.deepEqual(
        problems.map(({ field }) => field),
        wrong === undefined ? [] : [`metadata.annotations[fairlead.dev/${wrong}]`],
      );
    });
  }
});

const RULES: readonly (readonly [text: string, rules: unknown])[] = [
  ['/api/(.*) /v1/$1', [{ pattern: '/api/(.*)', replacement: ['/v1/', 1] }]],
  [
    '/(a)/(b) /$2/$1\n\n /x  /y$$1 ',
    [
      { pattern: '/(a)/(b)', replacement: ['/', 2, '/', 1] },
      { pattern: '/x', replacement: ['/y', '$', '1'] },
    ],
  ],
  ['', undefined],
  ['/a', undefined],
  ['/a /b /c', undefined],
  ['/(a) /$2', undefined],
  ['/(a) /$0', undefined],
  ['/(a) /$x', undefined],
  ['/(a) /x$', undefined],
  ['/(a) $1', undefined],
  ['/(a /b', undefined],
  ['/(a)\\1 /b', undefined],
  ['/a /b?c', undefined],
  ['/a /../b', undefined],
  [Array.from({ length: 11 }, () => '/a /b').join('\n'), undefined],
];
describe('rewrites by pattern', () => {
  for (const [text, rules] of RULES) {
    test(JSON.stringify(text), () => {
      const read = readRouteEdits({ 'fairlead.dev/rewrite-regex': text });
      assert.deepEqual(read.rules, rules);
      assert.equal(read.problems.length, rules === undefined ? 1 : 0);
    });
  }
  test('come instead of a path', () => {
    const read = readRouteEdits({ 'fairlead.dev/rewrite-regex': '/a /b', 'fairlead.dev/rewrite-path': '/c' });
    assert.deepEqual(
      read.problems.map(({ field }) => field),
      ['metadata.annotations[fairlead.dev/rewrite-path]'],
    );
  });
});

test('a prefix is replaced, an exact path as a whole', () => {
  const object = ingress('web', { 'a.example': ['Prefix /old web', 'Exact /one web'] });
  const annotations = { 'fairlead.dev/rewrite-path': '/new', 'fairlead.dev/request-headers': 'set x-a: b' };
  const { hosts } = compileIngress({ ...object, metadata: { ...object.metadata, annotations } });
  assert.deepEqual(
    hosts.get('a.example')?.map(({ route }) => [route.pathRewrite, route.requestHeaders?.set]),
    [
      [{ type: 'prefix', value: '/new' }, [['x-a', 'b']]],
      [{ type: 'full', value: '/new' }, [['x-a', 'b']]],
    ],
  );
});
