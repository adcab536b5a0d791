import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { type PerMessageDeflateOptions, WebSocket, WebSocketServer } from 'ws';
import { type GatewayRig, startRig, testBackend, testHost, testRoute, within } from './test-rig/gateway-rig.ts';
import { CLOSE, clientFrame, FrameCollector, TEXT } from './test-rig/websocket-frames.ts';

/**
 * What Autobahn's groups 12 (compressed messages by content and size) and 13 (what is agreed upon) look at: compression
 * is between the client and the endpoint (RFC 7692), and comes through as it was agreed.
 */
const CONTENTS: Readonly<Record<string, (size: number) => Buffer>> = {
  'of text': (size) => Buffer.from('Zwei Gänse, drei Gänse. '.repeat(Math.ceil(size / 24))).subarray(0, size),
  'of one byte': (size) => Buffer.alloc(size, 42),
  'of nothing to compress': (size) => randomBytes(size),
  'of JSON': (size) => Buffer.from(JSON.stringify(Array.from({ length: size / 16 }, (_, at) => ({ at })))),
  'of lines': (size) => Buffer.from('GET /a HTTP/1.1\r\n'.repeat(Math.ceil(size / 17))),
};
const SIZES = [16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072];

const OFFERS: Readonly<Record<string, PerMessageDeflateOptions>> = {
  plain: {},
  'client without context': { clientNoContextTakeover: true },
  'server without context': { serverNoContextTakeover: true },
  'neither with context': { clientNoContextTakeover: true, serverNoContextTakeover: true },
  'a small window of the server': { serverMaxWindowBits: 9 },
  'a small window of the client': { clientMaxWindowBits: 9 },
  'windows and no context': { serverMaxWindowBits: 15, clientMaxWindowBits: 12, serverNoContextTakeover: true },
};

let endpoint: Server;
let echo: WebSocketServer;
let rig: GatewayRig;
let direct = 0;
const sockets = new Set<Socket>();

before(async () => {
  endpoint = createServer();
  endpoint.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  echo = new WebSocketServer({ server: endpoint, perMessageDeflate: { threshold: 0 } });
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
});
after(async () => {
  await rig?.stop();
  for (const socket of sockets) socket.destroy();
  endpoint?.close();
});

async function open(port: number, offer: PerMessageDeflateOptions | false): Promise<WebSocket> {
  const perMessageDeflate = offer === false ? false : { threshold: 0, ...offer };
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate });
  await within('an open WebSocket', once(client, 'open'));
  return client;
}

/** What comes back for a message, with the bytes that it took. */
async function send(client: WebSocket, message: Buffer, fragments = 1): Promise<Buffer> {
  const answer = once(client, 'message');
  const size = Math.ceil(message.length / fragments);
  for (let at = 0; at < fragments; at++) {
    client.send(message.subarray(at * size, (at + 1) * size), { binary: true, fin: at === fragments - 1 });
  }
  const [data] = (await within(`an echo of ${message.length}`, answer)) as [Buffer];
  return data;
}

describe('12 compressed messages', () => {
  for (const [name, content] of Object.entries(CONTENTS)) {
    test(`${name}, ${SIZES.length} sizes, whole and in fragments`, async () => {
      const client = await open(rig.port, {});
      assert.equal(client.extensions, 'permessage-deflate');
      for (const size of SIZES) {
        const message = content(size);
        for (const fragments of [1, 4]) {
          for (let round = 0; round < 3; round++) assert.ok((await send(client, message, fragments)).equals(message));
        }
      }
      client.close();
      await within('the end', once(client, 'close'));
    });
  }
});

describe('13 what is agreed upon', () => {
  for (const [name, offer] of Object.entries(OFFERS)) {
    test(`${name}: as without the gateway`, async () => {
      const [wanted, got] = [await open(direct, offer), await open(rig.port, offer)];
      assert.equal(got.extensions, wanted.extensions);
      for (const size of SIZES) {
        const message = CONTENTS['of JSON']!(size);
        assert.ok((await send(got, message)).equals(message));
      }
      for (const client of [wanted, got]) {
        client.close();
        await within('the end', once(client, 'close'));
      }
    });
  }

  test('nothing, where the client offers nothing', async () => {
    const client = await open(rig.port, false);
    assert.equal(client.extensions, '');
    assert.ok((await send(client, Buffer.from('x'))).equals(Buffer.from('x')));
    client.close();
    await within('the end', once(client, 'close'));
  });
});

test('over HTTP/2, too', async () => {
  const session = connect(`http://127.0.0.1:${rig.port}`);
  session.on('error', () => {});
  try {
    await within('settings', once(session, 'remoteSettings'));
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/',
      ':authority': 'a',
      ':scheme': 'http',
      'sec-websocket-version': '13',
      'sec-websocket-extensions': 'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
    });
    stream.on('error', () => {});
    const [headers] = (await within('an answer', once(stream, 'response'))) as [Record<string, string | number>];
    assert.equal(headers[':status'], 200);
    assert.match(String(headers['sec-websocket-extensions']), /^permessage-deflate;.*server_no_context_takeover/);
    const message = Buffer.from('a message that is worth it '.repeat(1000));
    const deflated = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const collector = new FrameCollector(stream, Buffer.alloc(0));
    // The first of the reserved bits says that a message is compressed.
    stream.write(clientFrame(TEXT, deflated, true, 4));
    stream.write(clientFrame(CLOSE, Buffer.of(3, 232)));
    await within('the end', collector.end());
    const [echoed] = collector.frames;
    assert.ok(echoed!.payload.length < message.length / 10, 'it comes back compressed');
    const tail = Buffer.from('0000ffff', 'hex');
    const inflated = inflateRawSync(Buffer.concat([echoed!.payload, tail]), { finishFlush: constants.Z_SYNC_FLUSH });
    assert.ok(inflated.equals(message));
    stream.destroy();
  } finally {
    session.destroy();
  }
});
