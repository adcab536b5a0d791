import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { type AddressInfo, connect as dial, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { type GatewayRig, startRig, testBackend, testHost, testRoute, within } from './test-rig/gateway-rig.ts';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  clientFrame,
  FrameCollector,
  PING,
  PONG,
  TEXT,
} from './test-rig/websocket-frames.ts';

/**
 * The groups of cases that Autobahn's test suite has for a WebSocket server, played to a real one (`ws`): what comes
 * back through the gateway, over HTTP/1.1 and HTTP/2, is what comes back without it.
 */
interface Case {
  readonly name: string;
  readonly frames: readonly Buffer[];
  /** Bytes are written in pieces of this many. */
  readonly chop?: number;
}

const text = (length: number): string => '*'.repeat(length);
const closing = (code?: number, reason: string | Buffer = ''): Buffer => {
  if (code === undefined) return clientFrame(CLOSE, '');
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return clientFrame(CLOSE, Buffer.concat([payload, Buffer.from(reason as string)]));
};
const END = closing(1000);

const sizes = [0, 125, 126, 127, 128, 65_535, 65_536];
const framing: Case[] = [TEXT, BINARY].flatMap((opcode) => [
  ...sizes.map((size) => ({
    name: `1 framing: ${opcode === TEXT ? 'text' : 'binary'} of ${size}`,
    frames: [clientFrame(opcode, text(size)), END],
  })),
  {
    name: `1 framing: ${opcode === TEXT ? 'text' : 'binary'} of 65,536 in pieces of 997`,
    frames: [clientFrame(opcode, text(65_536)), END],
    chop: 997,
  },
  { name: `1 framing: byte by byte, ${opcode}`, frames: [clientFrame(opcode, text(100)), END], chop: 1 },
]);

const pings: Case[] = [
  ['empty', [clientFrame(PING, '')]],
  ['text', [clientFrame(PING, 'Hello')]],
  ['bytes', [clientFrame(PING, Buffer.from('00fffefdfcfb00ff', 'hex'))]],
  ['of 125', [clientFrame(PING, Buffer.alloc(125, 0xfe))]],
  ['of 126: too long', [clientFrame(PING, Buffer.alloc(126, 0xfe))]],
  ['unasked PONG', [clientFrame(PONG, '')]],
  ['unasked PONG with content', [clientFrame(PONG, 'unasked')]],
  ['unasked PONG, then PING', [clientFrame(PONG, 'unasked'), clientFrame(PING, 'ping')]],
  ['ten', Array.from({ length: 10 }, (_, i) => clientFrame(PING, `payload-${i}`))],
].map(([name, frames]) => ({ name: `2 pings: ${name as string}`, frames: [...(frames as Buffer[]), END] }));

const reserved: Case[] = [1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [
  { name: `3 reserved bits ${bits}: text`, frames: [clientFrame(TEXT, 'small', true, bits), clientFrame(PING, '')] },
  { name: `3 reserved bits ${bits}: PING`, frames: [clientFrame(TEXT, 'first'), clientFrame(PING, 'x', true, bits)] },
]);

const opcodes: Case[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
  { name: `4 opcode ${opcode}`, frames: [clientFrame(opcode, '')] },
  {
    name: `4 opcode ${opcode} behind a message`,
    frames: [clientFrame(TEXT, 'Hello'), clientFrame(opcode, 'x'), clientFrame(PING, '')],
  },
]);

const fragments: Case[] = (
  [
    ['PING in two', [clientFrame(PING, 'a', false), clientFrame(CONTINUATION, 'b')]],
    ['PONG in two', [clientFrame(PONG, 'a', false), clientFrame(CONTINUATION, 'b')]],
    ['text in two', [clientFrame(TEXT, 'a', false), clientFrame(CONTINUATION, 'b'), END]],
    [
      'text in two, PING between',
      [clientFrame(TEXT, 'a', false), clientFrame(PING, 'p'), clientFrame(CONTINUATION, 'b'), END],
    ],
    [
      'five, two PINGs between',
      [
        clientFrame(TEXT, '1', false),
        clientFrame(CONTINUATION, '2', false),
        clientFrame(PING, 'a'),
        clientFrame(CONTINUATION, '3', false),
        clientFrame(CONTINUATION, '4', false),
        clientFrame(PING, 'b'),
        clientFrame(CONTINUATION, '5'),
        END,
      ],
    ],
    ['continuation of nothing, last', [clientFrame(CONTINUATION, 'x'), clientFrame(TEXT, 'y')]],
    ['continuation of nothing, not last', [clientFrame(CONTINUATION, 'x', false), clientFrame(TEXT, 'y')]],
    ['text within text', [clientFrame(TEXT, 'a', false), clientFrame(TEXT, 'b')]],
    ['binary within text', [clientFrame(TEXT, 'a', false), clientFrame(BINARY, 'b')]],
    [
      'empty fragments',
      [clientFrame(TEXT, '', false), clientFrame(CONTINUATION, '', false), clientFrame(CONTINUATION, ''), END],
    ],
    [
      'empty ends around a middle',
      [clientFrame(TEXT, '', false), clientFrame(CONTINUATION, 'middle', false), clientFrame(CONTINUATION, ''), END],
    ],
    [
      'continuation behind the end',
      [clientFrame(TEXT, 'a', false), clientFrame(CONTINUATION, 'b'), clientFrame(CONTINUATION, 'c'), END],
    ],
  ] as const
).flatMap(([name, frames]) => [
  { name: `5 fragments: ${name}`, frames },
  { name: `5 fragments: ${name}, byte by byte`, frames, chop: 1 },
]);

const invalid: Readonly<Record<string, string>> = {
  'lone continuation byte': '80',
  'overlong slash': 'c0af',
  'overlong in three': 'e080af',
  'a surrogate': 'eda080',
  'both surrogates': 'edadbfedbfbf',
  'beyond Unicode': 'f4908080',
  'five bytes': 'f8888080 80'.replace(' ', ''),
  'FE FF': 'feff',
  'cut off': 'ceba e1bdb9 cf83 ce'.replaceAll(' ', ''),
  'invalid behind valid text': 'cebae1bdb9cf83cebcceb5eda080656469746564',
};
const valid: Readonly<Record<string, string>> = {
  empty: '',
  Greek: 'cebae1bdb9cf83cebcceb5',
  NUL: '00',
  'two bytes, last': 'dfbf',
  'three bytes, first': 'e0a080',
  'before the surrogates': 'ed9fbf',
  'behind the surrogates': 'ee8080',
  'last of Unicode': 'f48fbfbf',
  'a non-character': 'efbfbf',
  'replacement character': 'efbfbd',
};
const utf8: Case[] = [...Object.entries(valid), ...Object.entries(invalid)].flatMap(([name, digits]) => {
  const bytes = Buffer.from(digits, 'hex');
  const half = bytes.length >> 1;
  const tail = clientFrame(CONTINUATION, bytes.subarray(half));
  return [
    { name: `6 UTF-8: ${name}`, frames: [clientFrame(TEXT, bytes), END] },
    {
      name: `6 UTF-8: ${name}, cut in the middle`,
      frames: [clientFrame(TEXT, bytes.subarray(0, half), false), tail, END],
    },
    { name: `6 UTF-8: ${name}, byte by byte`, frames: [clientFrame(TEXT, bytes), END], chop: 1 },
  ];
});

const closes: Case[] = [
  { name: '7 close: at once', frames: [END] },
  { name: '7 close: twice', frames: [END, END] },
  { name: '7 close: PING behind it', frames: [END, clientFrame(PING, '')] },
  { name: '7 close: text behind it', frames: [END, clientFrame(TEXT, 'too late')] },
  { name: '7 close: within a message', frames: [clientFrame(TEXT, 'a', false), END, clientFrame(CONTINUATION, 'b')] },
  { name: '7 close: behind 256 KiB', frames: [clientFrame(TEXT, text(256 * 1024)), END] },
  { name: '7 close: empty', frames: [closing()] },
  { name: '7 close: one byte', frames: [clientFrame(CLOSE, 'x')] },
  { name: '7 close: with a reason', frames: [closing(1000, 'good bye')] },
  { name: '7 close: a reason of 123', frames: [closing(1000, text(123))] },
  { name: '7 close: a reason of 124', frames: [closing(1000, text(124))] },
  { name: '7 close: a reason that is no UTF-8', frames: [closing(1000, Buffer.from('cebaeda080', 'hex'))] },
  ...[1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) => ({
    name: `7 close: ${code}`,
    frames: [closing(code)],
  })),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) => ({
    name: `7 close: ${code}, which is none`,
    frames: [closing(code)],
  })),
];

const pieces = (bytes: Buffer, size: number, opcode: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    clientFrame(
      i === 0 ? opcode : CONTINUATION,
      bytes.subarray(i * size, (i + 1) * size),
      (i + 1) * size >= bytes.length,
    ),
  );
const large: Case[] = [
  ...[65_536, 262_144, 1_048_576].map((size) => ({
    name: `9 limits: one message of ${size}`,
    frames: [clientFrame(BINARY, randomBytes(size)), END],
  })),
  ...[64, 1024].map((size) => ({
    name: `9 limits: 64 KiB in frames of ${size}`,
    frames: [...pieces(randomBytes(65_536), size, BINARY), END],
  })),
  ...[128, 2048].map((chop) => ({
    name: `9 limits: 64 KiB in pieces of ${chop}`,
    frames: [clientFrame(TEXT, text(65_536)), END],
    chop,
  })),
  ...[0, 64, 1024].map((size) => ({
    name: `9 limits: 200 messages of ${size}`,
    frames: [...Array.from({ length: 200 }, () => clientFrame(TEXT, text(size))), END],
  })),
  { name: '10 one message in frames of 1,300', frames: [...pieces(Buffer.from(text(65_536)), 1300, TEXT), END] },
];

const CASES: readonly Case[] = [
  ...framing,
  ...pings,
  ...reserved,
  ...opcodes,
  ...fragments,
  ...utf8,
  ...closes,
  ...large,
];

describe('WebSocket cases', () => {
  let endpoint: Server;
  let echo: WebSocketServer;
  let rig: GatewayRig;
  let session: ClientHttp2Session;
  let direct = 0;
  const sockets = new Set<Socket>();

  before(async () => {
    endpoint = createServer();
    endpoint.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    echo = new WebSocketServer({ server: endpoint, maxPayload: 64 * 1024 * 1024 });
    echo.on('connection', (peer: WebSocket) => {
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
      peer.on('error', () => {});
    });
    endpoint.listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    direct = (endpoint.address() as AddressInfo).port;
    rig = await startRig({
      hosts: [testHost('*', [testRoute('/', [{ backend: 'a', weight: 1 }])])],
      backends: [testBackend('a', [direct])],
    });
    session = connect(`http://127.0.0.1:${rig.port}`);
    session.on('error', () => {});
    await once(session, 'remoteSettings');
  });
  after(async () => {
    session?.destroy();
    await rig?.stop();
    for (const socket of sockets) socket.destroy();
    endpoint?.close();
  });

  /** A WebSocket over a socket of its own. */
  async function overHttp1(port: number): Promise<{ stream: Duplex; first: Buffer }> {
    const socket = dial({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    let received = Buffer.alloc(0);
    while (!received.includes('\r\n\r\n')) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      received = Buffer.concat([received, chunk]);
    }
    assert.match(received.toString('latin1'), /^HTTP\/1\.1 101 /);
    return { stream: socket, first: received.subarray(received.indexOf('\r\n\r\n') + 4) };
  }

  async function overHttp2(): Promise<{ stream: Duplex; first: Buffer }> {
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/',
      ':authority': 'a',
      ':scheme': 'http',
      'sec-websocket-version': '13',
    });
    stream.on('error', () => {});
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    assert.equal(headers[':status'], 200);
    return { stream, first: Buffer.alloc(0) };
  }

  /** What a server says to a case, up to its end. */
  async function play({ frames, chop }: Case, open: Promise<{ stream: Duplex; first: Buffer }>): Promise<string[]> {
    const { stream, first } = await open;
    const collector = new FrameCollector(stream, first);
    const bytes = Buffer.concat(frames);
    const size = chop ?? bytes.length;
    for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
    await collector.end();
    stream.destroy();
    return collector.frames.map(({ opcode, isFinal, payload }) => {
      const shown =
        payload.length > 200
          ? `${payload.length} ${payload.readUInt32BE(64).toString(16)} ${payload.readUInt32BE(payload.length - 4).toString(16)}`
          : payload.toString('hex');
      return `${opcode}${isFinal ? '' : '…'} ${shown}`;
    });
  }

  test('all groups are there', () => {
    assert.ok(CASES.length >= 185, String(CASES.length));
    assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
  });

  for (const group of ['1', '2', '3', '4', '5', '6', '7', '9', '10']) {
    const cases = CASES.filter(({ name }) => name.startsWith(`${group} `));
    test(`group ${group}, ${cases.length} cases: the same with the gateway between, by HTTP/1.1 and by HTTP/2`, async () => {
      assert.ok(cases.length > 0);
      for (const each of cases) {
        const wanted = await within(`${each.name}, directly`, play(each, overHttp1(direct)));
        assert.ok(wanted.length > 0, each.name);
        assert.deepEqual(
          await within(`${each.name}, HTTP/1.1`, play(each, overHttp1(rig.port))),
          wanted,
          `${each.name}, HTTP/1.1`,
        );
        assert.deepEqual(await within(`${each.name}, HTTP/2`, play(each, overHttp2())), wanted, `${each.name}, HTTP/2`);
      }
      assert.equal(rig.gateway.stats().handlerErrors, 0);
    });
  }
});
