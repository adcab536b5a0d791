import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestHead } from '../http1/request-head.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { FieldList } from './field-list.ts';
import {
  asksForWebSocket,
  connectFields,
  endRequestFields,
  openedFields,
  requestFields,
  responseFields,
  trailerFields,
} from './from-http1.ts';
import { checkMessage, messageShape, REQUEST, RESPONSE, TRAILERS } from './message-rules.ts';
import { REQUEST_FIELDS } from './test-rig/frames.ts';
import {
  http1RoomFor,
  isGrpc,
  writeHttp1Lines,
  writeHttp1Request,
  writeHttp1Response,
  writeHttp1Switch,
} from './to-http1.ts';

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
  const end = writeHttp1Request(fields, shape, hasContent, to, 0, Buffer.from('KEY'));
  return end < 0 ? end : to.toString('latin1', 0, end);
}

const with_ = (...more: Pairs): Pairs => [...REQUEST_FIELDS, ...more];
const method = (name: string): Pairs => REQUEST_FIELDS.map(([key, value]) => [key, key === ':method' ? name : value]);

const extended = (protocol: string, ...more: Pairs): Pairs => [[':protocol', protocol], ...method('CONNECT'), ...more];

describe('WebSockets from HTTP/1.1', () => {
  function upgrade(...lines: readonly string[]): RequestHead {
    const bytes = Buffer.from(`GET /chat?a=b HTTP/1.1\r\nHost: h.example\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    const head = new RequestHead();
    head.reset();
    assert.equal(head.parse(bytes, 0, bytes.length), bytes.length);
    return head;
  }
  const asked: readonly [lines: readonly string[], boolean][] = [
    [['Connection: Upgrade', 'Upgrade: websocket'], true],
    [['Connection: keep-alive, upgrade', 'Upgrade: WebSocket'], true],
    [['Upgrade: websocket'], false],
    [['Connection: upgrade', 'Upgrade: foo'], false],
    [['Connection: upgrade', 'Upgrade: websocket, foo'], false],
    [['Connection: upgrade', 'Upgrade: websocket', 'Content-Length: 0'], false],
    [['Connection: upgrade', 'Upgrade: websocket', 'Transfer-Encoding: chunked'], false],
  ];
  for (const [lines, expected] of asked) {
    test(`${lines.join(', ')} → ${expected}`, () => assert.equal(asksForWebSocket(upgrade(...lines)), expected));
  }

  test('extended CONNECT bears the fields, without key and connection', () => {
    const fields = new FieldList();
    const lines = [
      'Connection: upgrade, x-hop',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: k',
      'Sec-WebSocket-Version: 13',
      'X-Hop: 1',
      'X-A: b',
    ];
    connectFields(upgrade(...lines), Buffer.from('https'), fields);
    assert.deepEqual(fields.toPairs(), [
      [':method', 'CONNECT'],
      [':protocol', 'websocket'],
      [':scheme', 'https'],
      [':path', '/chat?a=b'],
      [':authority', 'h.example'],
      ['sec-websocket-version', '13'],
      ['x-a', 'b'],
    ]);
    assert.equal(checkMessage(fields, REQUEST, true, messageShape()), undefined);
  });

  test('101 and 200 become each other', () => {
    const bytes = Buffer.from(
      'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: p\r\n\r\n',
    );
    const head = new ResponseHead();
    head.reset();
    assert.equal(head.parse(bytes, 0, bytes.length), bytes.length);
    const fields = new FieldList();
    openedFields(head, fields);
    assert.deepEqual(fields.toPairs(), [
      [':status', '200'],
      ['sec-websocket-protocol', 'p'],
    ]);
    fields.addText('content-length', '0');
    const to = Buffer.alloc(http1RoomFor(fields));
    const end = writeHttp1Switch(fields, Buffer.from('ACCEPT'), to, 0);
    assert.equal(
      to.toString('latin1', 0, end),
      'HTTP/1.1 101 Switching Protocols\r\nsec-websocket-protocol: p\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ACCEPT\r\n\r\n',
    );
  });
});

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
    'a WebSocket': [
      extended(
        'websocket',
        ['sec-websocket-version', '13'],
        ['sec-websocket-key', 'its own'],
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
      ),
      true,
      `${START}sec-websocket-version: 13\r\ncookie: a=1; b=2\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: KEY\r\n\r\n`,
    ],
    'a WebSocket that the client has ended': [
      extended('websocket'),
      false,
      `${START}connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: KEY\r\n\r\n`,
    ],
    'a WebSocket with a length': [extended('websocket', ['content-length', '0']), true, -400],
    'extended CONNECT for something else': [extended('connect-udp'), true, -501],
    'extended CONNECT for what is spelled otherwise': [extended('WebSocket'), true, -501],
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
  endRequestFields(fields, requestFields(head, Buffer.from('http'), fields));
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
