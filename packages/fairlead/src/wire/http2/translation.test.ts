import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestHead } from '../http1/request-head.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { FieldList } from './field-list.ts';
import { requestFields, responseFields, trailerFields } from './from-http1.ts';
import { checkMessage, messageShape, REQUEST, RESPONSE, TRAILERS } from './message-rules.ts';
import { REQUEST_FIELDS } from './test-rig/frames.ts';
import { http1RoomFor, isGrpc, writeHttp1Lines, writeHttp1Request, writeHttp1Response } from './to-http1.ts';

type Pairs = readonly (readonly [string, string])[];

function listOf(pairs: Pairs): FieldList {
  const fields = new FieldList();
  for (const [name, value] of pairs) fields.addText(name, value);
  return fields;
}

function toHttp1(pairs: Pairs, hasContent: boolean): string | number {
  const fields = listOf(pairs);
  const shape = messageShape();
  assert.equal(checkMessage(fields, REQUEST, true, shape), undefined);
  const to = Buffer.alloc(http1RoomFor(fields));
  const end = writeHttp1Request(fields, shape, hasContent, to, 0);
  return end < 0 ? end : to.toString('latin1', 0, end);
}

const with_ = (...more: Pairs): Pairs => [...REQUEST_FIELDS, ...more];
const method = (name: string): Pairs => REQUEST_FIELDS.map(([key, value]) => [key, key === ':method' ? name : value]);

describe('requests to HTTP/1.1', () => {
  const START = 'GET / HTTP/1.1\r\nhost: example.com\r\n';
  const cases: Record<string, readonly [Pairs, boolean, string | number]> = {
    plain: [REQUEST_FIELDS, false, `${START}\r\n`],
    'fields keep order and duplicates': [
      with_(['b', '1'], ['a', '2'], ['b', '3']),
      false,
      `${START}b: 1\r\na: 2\r\nb: 3\r\n\r\n`,
    ],
    'cookies become one': [
      with_(['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2'], ['cookie', 'c=3']),
      false,
      `${START}x: y\r\ncookie: a=1; b=2; c=3\r\n\r\n`,
    ],
    'te and expect end here': [with_(['te', 'trailers'], ['expect', '100-continue']), false, `${START}\r\n`],
    'host is written once': [with_(['host', 'example.com']), false, `${START}\r\n`],
    'host without :authority': [
      [...REQUEST_FIELDS.slice(0, 3), ['host', 'h.example']],
      false,
      'GET / HTTP/1.1\r\nhost: h.example\r\n\r\n',
    ],
    'content without length is chunked': [
      method('POST'),
      true,
      'POST / HTTP/1.1\r\nhost: example.com\r\ntransfer-encoding: chunked\r\n\r\n',
    ],
    'content with length': [
      [...method('PUT'), ['content-length', '5']],
      true,
      'PUT / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 5\r\n\r\n',
    ],
    'POST without content says so': [
      method('POST'),
      false,
      'POST / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 0\r\n\r\n',
    ],
    'OPTIONS *': [
      [
        [':method', 'OPTIONS'],
        [':scheme', 'http'],
        [':path', '*'],
        [':authority', 'a'],
      ],
      false,
      'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n',
    ],
    CONNECT: [
      [
        [':method', 'CONNECT'],
        [':authority', 'a:1'],
      ],
      true,
      -501,
    ],
    'extended CONNECT': [[...method('CONNECT'), [':protocol', 'websocket']].toSorted() as Pairs, true, -501],
    'another scheme': [REQUEST_FIELDS.map(([k, v]) => [k, k === ':scheme' ? 'ftp' : v]), false, -400],
  };
  for (const [name, [pairs, hasContent, expected]] of Object.entries(cases)) {
    test(name, () => {
      const written = toHttp1(pairs, hasContent);
      assert.equal(written, expected);
      if (typeof written === 'number') return;
      const head = new RequestHead();
      head.reset();
      const bytes = Buffer.from(written, 'latin1');
      assert.equal(head.parse(bytes, 0, bytes.length), bytes.length, 'our own parser accepts it');
    });
  }

  test('no accepted field can start a line of its own', () => {
    for (let byte = 0; byte < 256; byte++) {
      const char = String.fromCharCode(byte);
      for (const pairs of [
        with_(['x', `a${char}b`]),
        with_([`x${char}y`, 'v']),
        REQUEST_FIELDS.map(([k, v]) => [k, k === ':path' ? `/a${char}b` : v] as const),
        REQUEST_FIELDS.map(([k, v]) => [k, k === ':authority' ? `a${char}b` : v] as const),
        REQUEST_FIELDS.map(([k, v]) => [k, k === ':method' ? `A${char}B` : v] as const),
      ]) {
        const fields = listOf(pairs);
        const shape = messageShape();
        if (checkMessage(fields, REQUEST, false, shape) !== undefined) continue;
        const to = Buffer.alloc(http1RoomFor(fields));
        const end = writeHttp1Request(fields, shape, false, to, 0);
        const lines = to.toString('latin1', 0, end).split('\r\n');
        assert.equal(lines.length, pairs.length, JSON.stringify(pairs));
        assert.equal(lines[0]!.split(' ').length, 3);
        assert.doesNotMatch(lines.join(''), /[\r\n\0]/);
      }
    }
  });
});

describe('responses', () => {
  const cases: Record<string, readonly [string, Pairs]> = {
    'names in lower case': [
      'HTTP/1.1 200 OK\r\nX-A: B\r\n\r\n',
      [
        [':status', '200'],
        ['x-a', 'B'],
      ],
    ],
    'fields of the connection': [
      'HTTP/1.1 404 Not Found\r\nConnection: x-hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nx: y\r\n\r\n',
      [
        [':status', '404'],
        ['x', 'y'],
      ],
    ],
    'transfer coding': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', [[':status', '200']]],
    'several cookies': [
      'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
      [
        [':status', '200'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    ],
  };
  for (const [name, [bytes, expected]] of Object.entries(cases)) {
    test(name, () => {
      const head = new ResponseHead();
      head.reset();
      const buffer = Buffer.from(bytes, 'latin1');
      assert.equal(head.parse(buffer, 0, buffer.length), buffer.length);
      const fields = new FieldList();
      responseFields(head, fields);
      assert.deepEqual(fields.toPairs(), expected);
      assert.equal(checkMessage(fields, RESPONSE, false, messageShape()), undefined);
    });
  }

  test('to HTTP/1.1', () => {
    const fields = listOf([
      [':status', '200'],
      ['x', 'y'],
    ]);
    const shape = messageShape();
    assert.equal(checkMessage(fields, RESPONSE, false, shape), undefined);
    const to = Buffer.alloc(http1RoomFor(fields));
    const end = writeHttp1Response(fields, shape, 'some', to, 0);
    assert.equal(to.toString('latin1', 0, end), 'HTTP/1.1 200 \r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n');
  });
});

test('a request to HTTP/2: authority, scheme, and te for gRPC', () => {
  const bytes = Buffer.from(
    'POST /a?b HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/grpc+proto\r\nTransfer-Encoding: chunked\r\nTE: gzip\r\n\r\n',
  );
  const head = new RequestHead();
  head.reset();
  assert.equal(head.parse(bytes, 0, bytes.length), bytes.length);
  const fields = new FieldList();
  requestFields(head, Buffer.from('http'), fields);
  assert.deepEqual(fields.toPairs(), [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/a?b'],
    [':authority', 'h:1'],
    ['content-type', 'application/grpc+proto'],
    ['te', 'trailers'],
  ]);
  assert.equal(checkMessage(fields, REQUEST, false, messageShape()), undefined);
});

test('trailers, both ways', () => {
  const fields = new FieldList();
  const lines = Buffer.from('Grpc-Status: 0\r\nx:\t y z \r\nempty:\r\n');
  trailerFields(lines, fields);
  assert.deepEqual(fields.toPairs(), [
    ['grpc-status', '0'],
    ['x', 'y z'],
    ['empty', ''],
  ]);
  assert.equal(checkMessage(fields, TRAILERS, false, messageShape()), undefined);
  const to = Buffer.alloc(http1RoomFor(fields));
  assert.equal(to.toString('latin1', 0, writeHttp1Lines(fields, to, 0)), 'grpc-status: 0\r\nx: y z\r\nempty: \r\n');
});

describe('gRPC is told by its content type', () => {
  for (const [value, expected] of Object.entries({
    'application/grpc': true,
    'application/grpc+json': true,
    'application/grpc;x=y': true,
    'application/grpc-web': false,
    'application/json': false,
  })) {
    test(value, () => assert.equal(isGrpc(listOf([['content-type', value]])), expected));
  }
  test('none', () => assert.equal(isGrpc(listOf([])), false));
});
