import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { copyKeptFields } from '../http1/head-writer.ts';
import type { MessageHead } from '../http1/message-head.ts';
import { RequestHead } from '../http1/request-head.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { FieldList } from './field-list.ts';
import { requestFields } from './from-http1.ts';
import { checkMessage, messageShape, REQUEST, RESPONSE } from './message-rules.ts';
import { loadRequestHead, loadResponseHead } from './packed-heads.ts';
import { http1RoomFor, writeHttp1Request, writeHttp1Response } from './to-http1.ts';

type Pairs = readonly (readonly [string, string])[];

function listOf(pairs: Pairs): FieldList {
  const fields = new FieldList();
  for (const [name, value] of pairs) fields.addText(name, value);
  return fields;
}

const textOf = (head: MessageHead, start: number, end: number): string =>
  Buffer.from(head.bytes.subarray(start, end)).toString('latin1');

/** Fields that go on, as pairs and as lines. */
function keptOf(head: MessageHead): [string[], string] {
  const pairs: string[] = [];
  for (let i = 0; i < head.fieldCount; i++) {
    if (head.dropped[i] !== 0) continue;
    const name = textOf(head, head.nameStart(i), head.nameEnd(i));
    pairs.push(`${name}=${textOf(head, head.valueStart(i), head.valueEnd(i))}#${head.ids[i]}`);
  }
  const lines = Buffer.alloc(128 * 1024);
  // Lines are copied as they came, with the blanks around their values.
  const text = lines.toString('latin1', 0, copyKeptFields(head, lines, 0));
  return [pairs, text.replace(/ +\r\n/g, '\r\n')];
}

/** What routes, filters and writers read of a request. */
function readingOf(head: RequestHead): unknown {
  const at = (start: number, end: number): string => textOf(head, head.base + start, head.base + end);
  return {
    method: [head.method, at(head.methodStart, head.methodEnd)],
    target: at(head.targetStart, head.targetEnd),
    path: at(head.pathStart, head.pathEnd),
    host: at(head.hostStart, head.hostEnd),
    framing: [head.contentLength, head.isChunked],
    connection: [head.hasClose, head.hasKeepAlive, head.hasUpgradeToken, head.upgradeField, head.expectsContinue],
    forwarding: head.hasForwarding,
    kept: keptOf(head),
  };
}

/** The same request by way of text: a status, or the head. */
function throughText(fields: FieldList, hasContent: boolean): number | RequestHead {
  const shape = messageShape();
  checkMessage(fields, REQUEST, false, shape);
  const to = Buffer.alloc(http1RoomFor(fields));
  const end = writeHttp1Request(fields, shape, hasContent, to, 0);
  if (end < 0) return -end;
  const head = new RequestHead();
  head.reset();
  const length = head.parse(to, 0, end);
  return length === end ? head : -length;
}

const oneOf = (...values: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...values);
const METHODS = oneOf('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'FOO', 'M'.repeat(32), 'M'.repeat(33));
const PATHS = oneOf('/', '/a/b?c=d', '//', '/a//b', '/%2e/x', '/a;b', '/x?a//b', '*', '/a/', `/${'l'.repeat(300)}`);
const HOSTS = oneOf(
  'h',
  'h.example:80',
  'H.Example.',
  'h:',
  'h:x',
  'h:123456',
  '[::1]:8080',
  '[::1',
  '::1',
  'a]b',
  ':80',
);
const NAMES = oneOf(
  ...[
    'cookie',
    'te',
    'expect',
    'trailer',
    'upgrade-insecure-requests',
    'http2-settings',
    'x-forwarded-for',
    'forwarded',
  ],
  ...[
    'x-real-ip',
    'x_real_ip',
    'content-type',
    'x-a',
    'x-b',
    'content-length',
    'host',
    'authorization',
    'grpc-timeout',
  ],
);
const VALUES = oneOf('', 'a', 'trailers', '0', '7', '100-continue', 'a, b', 'a=b; c=d', '\u00e9', 'h', 'v'.repeat(200));

const REQUESTS = fc.record({
  method: METHODS,
  scheme: oneOf('http', 'https', 'ftp'),
  path: PATHS,
  authority: fc.option(HOSTS, { nil: undefined }),
  fields: fc.array(fc.tuple(NAMES, VALUES), { maxLength: 12 }),
  copies: fc.constantFrom(1, 1, 1, 9, 12),
  hasContent: fc.boolean(),
});

test('a request is what it would be by way of text', () => {
  const seen = { refused: 0, taken: 0 };
  fc.assert(
    fc.property(REQUESTS, ({ method, scheme, path, authority, fields: more, copies, hasContent }) => {
      const fields = listOf([
        [':method', method],
        [':scheme', scheme],
        [':path', path],
        ...(authority === undefined ? [] : [[':authority', authority] as const]),
        ...Array.from({ length: copies }, () => more).flat(),
      ]);
      const shape = messageShape();
      if (fields.isTooLarge || checkMessage(fields, REQUEST, false, shape) !== undefined) return;
      const expected = throughText(fields, hasContent);
      const head = new RequestHead();
      const status = loadRequestHead(head, fields, shape, hasContent);
      // More fields than a head may have: those that end here count in one of the two ways only.
      if (fields.count > 95 && (status === 431 || expected === 431)) return;
      if (typeof expected === 'number') {
        seen.refused++;
        assert.equal(status, expected);
        return;
      }
      seen.taken++;
      assert.equal(status, 0);
      assert.deepEqual(readingOf(head), readingOf(expected));
      // Looking closer in vain does no harm; the other way would.
      if (expected.pathNeedsCare) assert.ok(head.pathNeedsCare);
      const before = readingOf(head);
      head.detach();
      fields.bytes.fill(0);
      assert.deepEqual(readingOf(head), before, 'once it has moved');
    }),
    { numRuns: 2000 },
  );
  assert.ok(seen.refused > 20 && seen.taken > 20, JSON.stringify(seen));
});

const RESPONSES = fc.record({
  status: oneOf('100', '103', '200', '204', '304', '404', '503', '599'),
  fields: fc.array(fc.tuple(NAMES, VALUES), { maxLength: 12 }),
  content: fc.constantFrom('none', 'empty', 'some', 'interim'),
  dropsLength: fc.boolean(),
});

test('a response is what it would be by way of text', () => {
  let taken = 0;
  fc.assert(
    fc.property(RESPONSES, ({ status, fields: more, content, dropsLength }) => {
      const fields = listOf([[':status', status], ...more]);
      const shape = messageShape();
      if (checkMessage(fields, RESPONSE, false, shape) !== undefined) return;
      const to = Buffer.alloc(http1RoomFor(fields));
      const end = writeHttp1Response(fields, shape, content, to, 0, dropsLength);
      const expected = new ResponseHead();
      expected.reset();
      const length = expected.parse(to, 0, end);
      const head = new ResponseHead();
      const result = loadResponseHead(head, fields, shape, content, dropsLength);
      if (length < 0) {
        assert.equal(result, 502);
        return;
      }
      taken++;
      const reading = (of: ResponseHead): unknown => [
        of.status,
        of.contentLength,
        of.isChunked,
        of.keepsAlive,
        keptOf(of),
      ];
      assert.deepEqual([result, reading(head)], [0, reading(expected)]);
    }),
    { numRuns: 1000 },
  );
  assert.ok(taken > 50);
});

test('cookies in pieces, the last of them empty, leave no blank behind the value', () => {
  const fields = listOf([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'h'],
    ['cookie', 'a=b'],
    ['cookie', ''],
  ]);
  const shape = messageShape();
  assert.equal(checkMessage(fields, REQUEST, false, shape), undefined);
  const head = new RequestHead();
  assert.equal(loadRequestHead(head, fields, shape, false), 0);
  const sent = new FieldList();
  requestFields(head, Buffer.from('http'), sent);
  assert.deepEqual(sent.toPairs().at(-1), ['cookie', 'a=b;']);
  assert.equal(checkMessage(sent, REQUEST, false, shape), undefined);
});

describe('fields beyond what a head may have', () => {
  for (const [count, expected] of [
    [99, 0],
    [100, 431],
  ] as const) {
    test(`${count} and Host`, () => {
      const fields = listOf([
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/'],
        [':authority', 'h'],
        ...Array.from({ length: count }, (_, i) => [`x-${i}`, 'v'] as const),
      ]);
      const shape = messageShape();
      assert.equal(checkMessage(fields, REQUEST, false, shape), undefined);
      assert.equal(loadRequestHead(new RequestHead(), fields, shape, false), expected);
    });
  }
});
