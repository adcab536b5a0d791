import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer as createHttp2Server,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect as dial } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { RouteBackend } from '../routing/route-table.ts';
import { selfSignedIdentity } from './self-signed.ts';
import { type GatewayRig, startRig, testHost, testRoute, within } from './test-rig/gateway-rig.ts';
import { BINARY, CLOSE, clientFrame, FrameCollector, PING, TEXT } from './test-rig/websocket-frames.ts';
import { webSocketAccept } from './websocket-handshake.ts';

const identity = selfSignedIdentity('inner.example', Date.parse('2026-11-01T00:00:00Z'));

/** What an endpoint does with a WebSocket, by path. */
function serve(path: string, stream: Duplex): void {
  stream.on('error', () => {});
  // What comes goes back: a client's frames are masked, so a test looks at the bytes.
  if (path === '/half') {
    // Says good-bye only after the client has.
    stream.on('end', () => stream.end('all read'));
    stream.resume();
  } else if (path === '/first-end') {
    stream.end('over');
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.on('end', () => counted.resolve(bytes));
  } else if (path === '/flood') stream.end(FLOOD);
  else if (path === '/broken') setImmediate(() => stream.destroy());
  else if (path === '/gone') {
    stream.resume();
    stream.on('end', () => stream.end());
    for (const event of ['end', 'close']) stream.on(event, () => gone.resolve());
  } else stream.pipe(stream);
}

const FLOOD = randomBytes(6_000_000);
let counted = Promise.withResolvers<number>();
let gone = Promise.withResolvers<void>();
const seen: { headers: IncomingHttpHeaders; version: string }[] = [];
const ws1 = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  seen.push({ headers: request.headers, version: request.httpVersion });
  const path = request.url ?? '/';
  const refused = (status: string, body = ''): void => {
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  };
  if (path === '/refused') refused('403 Forbidden', 'not you');
  else if (path === '/plain') refused('200 OK', 'a page');
  else {
    const key = path === '/wrong-accept' ? 'x' : String(request.headers['sec-websocket-key']);
    const protocol =
      request.headers['sec-websocket-protocol'] === undefined ? '' : 'Sec-WebSocket-Protocol: chat.v2\r\n';
    const lines = `Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${webSocketAccept(Buffer.from(key)).toString()}\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}${protocol}X-Endpoint: one\r\n\r\n`);
    if (head.length > 0) socket.unshift(head);
    serve(path, socket);
  }
};
const ws2 = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
  seen.push({ headers, version: '2.0' });
  stream.on('error', () => {});
  const path = String(headers[':path']);
  if (path === '/brief/hang') return;
  if (headers[':protocol'] !== 'websocket' || path === '/plain') {
    stream.respond({ ':status': 418 });
    stream.end('a page');
  } else if (path === '/refused') {
    stream.respond({ ':status': 403 });
    stream.end('not you');
  } else {
    const protocol = headers['sec-websocket-protocol'] === undefined ? {} : { 'sec-websocket-protocol': 'chat.v2' };
    stream.respond({ ':status': 200, ...protocol, 'x-endpoint': 'two' });
    serve(path, stream);
  }
};

let rig: GatewayRig;
const servers: (Server | Http2Server | Http2SecureServer)[] = [];
const sessions: ClientHttp2Session[] = [];
const sockets = new Set<Duplex>();
let ports = { http1: 0, h2c: 0, both: 0, blind: 0, h2cBlind: 0 };

before(async () => {
  const listen = async (server: Server | Http2Server | Http2SecureServer): Promise<number> => {
    servers.push(server);
    server.on('connection', (socket: Duplex) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    });
    server.on('upgrade', ws1);
    server.on('stream', ws2);
    server.on('sessionError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const secure = { cert: identity.certificate, key: identity.privateKey, allowHTTP1: true };
  const settings = { enableConnectProtocol: true };
  ports = {
    http1: await listen(createServer((request, response) => void (request.url !== '/brief/hang' && response.end()))),
    h2c: await listen(createHttp2Server({ settings, maxSessionMemory: 1000 })),
    both: await listen(createSecureServer({ ...secure, settings })),
    blind: await listen(createSecureServer(secure)),
    h2cBlind: await listen(createHttp2Server()),
  };
  const backend = (key: keyof typeof ports, more: Partial<RouteBackend>): readonly [string, RouteBackend] => [
    key,
    {
      key,
      protocol: 'http1',
      balance: 'round-robin',
      endpoints: [{ address: '127.0.0.1', port: ports[key], weight: 1 }],
      ...more,
    },
  ];
  const versions = 'http2-or-http1' as const;
  const host = (name: keyof typeof ports) =>
    testHost(`${name.toLowerCase()}.example`, [
      testRoute('/idle', [{ backend: name, weight: 1 }], {
        timeouts: { requestMs: 'off', connectMs: 5000, idleMs: 300 },
      }),
      testRoute('/brief', [{ backend: name, weight: 1 }], {
        timeouts: { requestMs: 1000, connectMs: 5000, idleMs: 60_000 },
      }),
      testRoute('/', [{ backend: name, weight: 1 }]),
    ]);
  rig = await startRig({
    hosts: (Object.keys(ports) as (keyof typeof ports)[]).map(host),
    backends: [
      backend('http1', {}),
      backend('h2c', { protocol: 'h2c' }),
      backend('h2cBlind', { protocol: 'h2c' }),
      backend('both', { protocol: 'https', tls: { versions } }),
      backend('blind', { protocol: 'https', tls: { versions } }),
    ],
  });
});
after(async () => {
  for (const session of sessions) session.destroy();
  await rig?.stop();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
});

interface Opened {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: Duplex;
  readonly first: Buffer;
}

type Fields = Readonly<Record<string, string>>;

function session(): ClientHttp2Session {
  const made = connect(`http://127.0.0.1:${rig.port}`);
  made.on('error', () => {});
  sessions.push(made);
  return made;
}

/** Opens a WebSocket over HTTP/2. */
async function overHttp2(host: string, path: string, fields: Fields = {}, early?: Buffer): Promise<Opened> {
  const client = session();
  await once(client, 'remoteSettings');
  assert.equal(client.remoteSettings.enableConnectProtocol, true);
  const stream = client.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': path,
      ':authority': host,
      ':scheme': 'http',
      'sec-websocket-version': '13',
      ...fields,
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  if (early !== undefined) stream.write(early);
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }];
  return { status: headers[':status'], headers, stream, first: Buffer.alloc(0) };
}

/** The same over HTTP/1.1. */
async function overHttp1(host: string, path: string, fields: Fields = {}): Promise<Opened> {
  const key = randomBytes(16).toString('base64');
  const asked = httpRequest({
    createConnection: () => dial({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true }),
    path,
    headers: {
      host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': key,
      'sec-websocket-version': '13',
      ...fields,
    },
  });
  asked.on('error', () => {});
  asked.end();
  return new Promise((resolve) => {
    asked.on('upgrade', (response, stream, first) => {
      stream.on('error', () => {});
      assert.equal(response.headers['sec-websocket-accept'], webSocketAccept(Buffer.from(key)).toString());
      resolve({ status: 200, headers: response.headers, stream, first });
    });
    asked.on('response', (response) =>
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        stream: response as unknown as Duplex,
        first: Buffer.alloc(0),
      }),
    );
  });
}

async function contentOf({ stream, first }: Opened): Promise<Buffer> {
  const chunks = [first];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.resume();
  await once(stream, 'end');
  return Buffer.concat(chunks);
}
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const endpoints = ['http1', 'h2c', 'both', 'blind'] as const;
for (const [client, open] of [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const) {
  for (const endpoint of endpoints) {
    const host = `${endpoint}.example`;
    const name = {
      http1: 'HTTP/1.1',
      h2c: 'HTTP/2',
      both: 'HTTP/2 over TLS',
      blind: 'TLS, where HTTP/2 knows no WebSocket',
    }[endpoint];
    describe(`a WebSocket from ${client} to ${name}`, () => {
      test('handshake, subprotocol and fields; then bytes as they are', async () => {
        // An endpoint that has not answered in HTTP/2 yet is asked for WebSockets in HTTP/1.1.
        await rig.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        const opened = await within(
          'an answer',
          open(host, '/echo', { 'sec-websocket-protocol': 'chat.v1, chat.v2', 'x-mine': 'a', cookie: 'a=b' }),
        );
        assert.equal(opened.status, 200);
        assert.equal(opened.headers['sec-websocket-protocol'], 'chat.v2');
        assert.equal(opened.headers['sec-websocket-accept'] === undefined, client === 'HTTP/2');
        const asked = seen.at(-1)!;
        assert.equal(asked.version, endpoint === 'h2c' || endpoint === 'both' ? '2.0' : '1.1');
        assert.deepEqual(
          [asked.headers['x-mine'], asked.headers.cookie, asked.headers['sec-websocket-version']],
          ['a', 'a=b', '13'],
        );
        assert.equal(asked.headers['sec-websocket-key'] === undefined, asked.version === '2.0');
        assert.ok(asked.headers['x-forwarded-for']);
        const frame = clientFrame(TEXT, 'hello');
        const { stream } = opened;
        stream.write(frame);
        const [echoed] = (await within('an echo', once(stream, 'data'))) as [Buffer];
        assert.deepEqual(echoed, frame);
        stream.destroy();
      });

      test('it outlives the time of a request', async () => {
        const { stream } = await within('an answer', open(host, '/brief'));
        // Its own route lets a request live for a second.
        const hanging = rig.exchange(`GET /brief/hang HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        assert.match(await within('a timeout', hanging), /^HTTP\/1\.1 504 /);
        stream.write(clientFrame(PING, 'still there'));
        await within('an echo', once(stream, 'data'));
        stream.destroy();
      });

      test('large messages both ways at once, past every window', async () => {
        const opened = await within('an answer', open(host, '/echo'));
        const sent = Array.from({ length: 30 }, () => clientFrame(BINARY, randomBytes(100_000)));
        const content = contentOf(opened);
        for (const frame of sent) opened.stream.write(frame);
        opened.stream.end(clientFrame(CLOSE, Buffer.of(3, 232)));
        const received = await within('the echo', content);
        assert.equal(received.length, 30 * 100_014 + 8);
        assert.equal(digest(received.subarray(0, 30 * 100_014)), digest(Buffer.concat(sent)));
      });

      test('a reader that takes its time loses nothing', async () => {
        const opened = await within('an answer', open(host, '/flood'));
        opened.stream.pause();
        await rig.exchange('GET / HTTP/1.1\r\nHost: nowhere.example\r\nConnection: close\r\n\r\n');
        assert.equal(digest(await within('the flood', contentOf(opened))), digest(FLOOD));
      });

      test('the client ends first, the endpoint still answers', async () => {
        const opened = await within('an answer', open(host, '/half'));
        const content = contentOf(opened);
        opened.stream.end(clientFrame(TEXT, 'x'.repeat(70_000)));
        assert.equal((await within('the end', content)).toString(), 'all read');
      });

      test('the endpoint ends first, and still reads', async () => {
        counted = Promise.withResolvers();
        const opened = await within('an answer', open(host, '/first-end'));
        assert.equal((await within('the end', contentOf(opened))).toString(), 'over');
        const frame = clientFrame(TEXT, 'y'.repeat(80_000));
        opened.stream.end(frame);
        assert.equal(await within('what was read', counted.promise), frame.length);
      });

      test('an endpoint that breaks off ends it', async () => {
        const opened = await within('an answer', open(host, '/broken'));
        opened.stream.on('end', () => opened.stream.end());
        opened.stream.resume();
        await within('the end', once(opened.stream, 'close'));
      });

      test('a client that breaks off ends it at the endpoint', async () => {
        gone = Promise.withResolvers();
        const opened = await within('an answer', open(host, '/gone'));
        opened.stream.destroy();
        await within('the end', gone.promise);
      });

      test('a refusal goes to the client with its body', async () => {
        const opened = await within('an answer', open(host, '/refused'));
        assert.equal(opened.status, 403);
        assert.equal((await within('the body', contentOf(opened))).toString(), 'not you');
      });

      test('without traffic it ends after the idle time', async () => {
        const opened = await within('an answer', open(host, '/idle'));
        opened.stream.on('end', () => opened.stream.end());
        opened.stream.resume();
        await within('the end', once(opened.stream, 'close'));
      });
    });
  }
}

describe('extended CONNECT', () => {
  test('what the client sends before the answer arrives behind it', async () => {
    for (const endpoint of endpoints) {
      const early = clientFrame(TEXT, 'z'.repeat(40_000));
      const opened = await within('an answer', overHttp2(`${endpoint}.example`, '/echo', {}, early));
      const content = contentOf(opened);
      opened.stream.end();
      assert.deepEqual(await within('the echo', content), early);
    }
  });

  test('an endpoint that answers the wrong key, or with a page, gets nobody a WebSocket', async () => {
    for (const path of ['/wrong-accept', '/plain']) {
      const opened = await within('an answer', overHttp2('http1.example', path));
      assert.equal(opened.status, 502);
      await within('the end', contentOf(opened));
    }
  });

  test('an endpoint of HTTP/2 in clear text that knows no extended CONNECT gets nobody a WebSocket', async () => {
    for (const open of [overHttp1, overHttp2]) {
      assert.equal((await within('an answer', open('h2cblind.example', '/echo'))).status, 502);
    }
  });

  const rows: readonly [name: string, fields: Fields, status: number][] = [
    ['another protocol', { ':protocol': 'connect-udp' }, 501],
    ['another protocol that begins alike', { ':protocol': 'websockets' }, 501],
    ['no route', { ':authority': 'nowhere.example' }, 404],
    ['a length', { 'content-length': '5' }, 400],
    ['a scheme of its own', { ':scheme': 'wss' }, 400],
  ];
  for (const [name, fields, status] of rows) {
    test(`${name} → ${status}`, async () => {
      assert.equal((await within('an answer', overHttp2('http1.example', '/echo', fields))).status, status);
    });
  }

  test('CONNECT without a protocol → 501', async () => {
    const stream = session().request({ ':method': 'CONNECT', ':authority': 'http1.example:80' });
    const [headers] = (await within('an answer', once(stream, 'response'))) as [{ ':status': number }];
    assert.equal(headers[':status'], 501);
  });

  test('other streams of the connection go on beside it, before and after its end', async () => {
    const client = session();
    await once(client, 'remoteSettings');
    const tunnel = client.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/echo',
      ':authority': 'http1.example',
      ':scheme': 'http',
    });
    await within('an answer', once(tunnel, 'response'));
    const get = async (): Promise<number> => {
      const stream: ClientHttp2Stream = client.request({ ':path': '/none', ':authority': 'nowhere.example' });
      const [headers] = (await within('an answer', once(stream, 'response'))) as [{ ':status': number }];
      stream.resume();
      return headers[':status'];
    };
    assert.equal(await get(), 404);
    const frames = new FrameCollector(tunnel);
    tunnel.write(clientFrame(TEXT, 'one'));
    tunnel.end();
    await within('the end', frames.end());
    assert.equal(await get(), 404);
    assert.equal(client.destroyed, false);
  });
});

test('no handler failed, and nothing is left open', async () => {
  for (const each of sessions) each.destroy();
  assert.equal(rig.gateway.stats().handlerErrors, 0);
  assert.deepEqual(
    rig.logs.filter((line) => line.startsWith('error')),
    [],
  );
});
