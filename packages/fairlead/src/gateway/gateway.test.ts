import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type GatewayRig,
  NO_EDIT,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from './test-rig/gateway-rig.ts';

const web = [{ backend: 'web', weight: 1 }];
const close = 'Connection: close\r\n';

/** An upstream that answers with the request it got. */
function echoUpstream(): RawUpstream {
  return new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
}

let upstream: RawUpstream;
let upstreamPort: number;
let rig: GatewayRig;

before(async () => {
  upstream = echoUpstream();
  upstreamPort = await upstream.listen();
  rig = await startRig({
    hosts: [
      testHost('shop.example', [
        testRoute('/', [], {
          match: { path: { type: 'exact', value: '/exact' }, headers: [], query: [] },
          action: { type: 'respond', status: 200, body: 'exact' },
        }),
        testRoute('/strip', web, { pathRewrite: { type: 'prefix', value: '/new' } }),
        testRoute('/full', web, { pathRewrite: { type: 'full', value: '/fixed' } }),
        testRoute('/edit', web, {
          requestHeaders: {
            set: [
              ['x-set', 'new'],
              ['host', 'inner.example'],
            ],
            add: [['x-add', 'more']],
            remove: ['x-gone'],
          },
          responseHeaders: { ...NO_EDIT, set: [['x-served', 'yes']], remove: ['x-secret'] },
        }),
        testRoute('/old', [], {
          action: { type: 'redirect', status: 301, scheme: 'https', path: { type: 'prefix', value: '/shop' } },
        }),
        testRoute('/none', [{ backend: 'none', weight: 1 }]),
        testRoute('/head', web, {
          match: {
            path: { type: 'prefix', value: '/head' },
            method: 'PUT',
            headers: [{ name: 'x-v', type: 'exact', value: '2' }],
            query: [{ name: 'q', type: 'regex', value: '[0-9]+' }],
          },
        }),
        testRoute('/a/b', web),
      ]),
      testHost('*.wild.example', [testRoute('/', [], { action: { type: 'respond', status: 200, body: 'wild' } })]),
      testHost('one.wild.example', [testRoute('/', [], { action: { type: 'respond', status: 200, body: 'one' } })]),
    ],
    backends: [testBackend('web', [upstreamPort]), testBackend('none', [])],
  });
});

after(async () => {
  await rig.stop();
  await upstream.close();
});

const request = (target: string, fields = '', host = 'shop.example', method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${close}${fields}\r\n`;

const ROUTES: readonly (readonly [name: string, request: string, status: number, holds: RegExp])[] = [
  ['exact path', request('/exact'), 200, /exact$/],
  ['exact path is exact', request('/exact/'), 404, /404 Not Found/],
  ['unknown host', request('/exact', '', 'other.example'), 404, /404/],
  ['host in any case, with port and dot', request('/exact', '', 'SHOP.Example.:8080'), 200, /exact$/],
  ['no endpoints', request('/none'), 503, /no endpoints/],
  ['prefix', request('/a/b/c?x=1'), 200, /GET \/a\/b\/c\?x=1 HTTP\/1\.1\r\n/],
  ['prefix with trailing slash', request('/a/b/'), 200, /GET \/a\/b\/ /],
  ['prefix is element-wise', request('/a/bc'), 404, /404/],
  ['wildcard', request('/', '', 'two.wild.example'), 200, /wild$/],
  ['exact host before wildcard', request('/', '', 'one.wild.example'), 200, /one$/],
  ['wildcard covers one label', request('/', '', 'a.b.wild.example'), 404, /404/],
  ['wildcard needs a label', request('/', '', 'wild.example'), 404, /404/],
  ['prefix rewrite', request('/strip/x?y'), 200, /GET \/new\/x\?y HTTP/],
  ['prefix rewrite, whole', request('/strip'), 200, /GET \/new HTTP/],
  ['full rewrite keeps the query', request('/full/x?y'), 200, /GET \/fixed\?y HTTP/],
  ['dot segments', request('/x/../a/./b'), 200, /GET \/a\/b HTTP/],
  ['encoded dot segments', request('/%2e%2E/a/b'), 400, /400/],
  ['encoded letters', request('/%61/b'), 200, /GET \/a\/b HTTP/],
  ['absolute form', request('http://shop.example/a/b?z'), 200, /GET \/a\/b\?z HTTP/],
  ['redirect', request('/old/x?y'), 301, /location: https:\/\/shop\.example\/shop\/x\?y\r\n/],
  [
    'method, header and query match',
    request('/head?q=12', 'X-V: 2\r\n', 'shop.example', 'PUT'),
    200,
    /PUT \/head\?q=12/,
  ],
  ['header mismatch', request('/head?q=12', 'X-V: 3\r\n', 'shop.example', 'PUT'), 404, /404/],
  ['query mismatch', request('/head?q=1a', 'X-V: 2\r\n', 'shop.example', 'PUT'), 404, /404/],
  ['method mismatch', request('/head?q=12', 'X-V: 2\r\n'), 404, /404/],
];

test('hosts and paths, one row each', async (t) => {
  for (const [name, text, status, holds] of ROUTES) {
    await t.test(name, async () => {
      const answer = await rig.exchange(text);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(answer, holds);
    });
  }
});

test('header fields of the request', async () => {
  const answer = await rig.exchange(
    request(
      '/edit',
      'X-Set: old\r\nX-Gone: 1\r\nX-Keep: 1\r\nX-Keep: 2\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nTE: trailers\r\nKeep-Alive: 5\r\nConnection: x-hop\r\nX-Hop: 1\r\n',
    ),
  );
  const seen = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  const fields = seen
    .split('\r\n')
    .slice(1, -2)
    .map((line) => line.toLowerCase());
  assert.deepEqual(fields, [
    'x-keep: 1',
    'x-keep: 2',
    'x-forwarded-for: 127.0.0.1',
    'x-real-ip: 127.0.0.1',
    'x-forwarded-proto: http',
    `x-forwarded-port: ${rig.port}`,
    'x-forwarded-host: shop.example',
    'x-set: new',
    'host: inner.example',
    'x-add: more',
  ]);
  assert.match(answer, /\r\nx-served: yes\r\nconnection: close\r\n\r\n/);
});

test('keep-alive: many requests, also pipelined, on one connection; one upstream connection', async () => {
  const before = upstream.connections.length;
  const connection = rig.dial();
  const one = 'GET /a/b HTTP/1.1\r\nHost: shop.example\r\n\r\n';
  const count = (received: string): number => received.split('HTTP/1.1 200 OK').length - 1;
  connection.send(one);
  await connection.until('the first answer', (received) => count(received) === 1 && received.endsWith('\r\n\r\n'));
  connection.send(one.repeat(20));
  await connection.until('20 more', (received) => count(received) === 21);
  assert.ok(upstream.connections.length <= before + 1);
  connection.socket.destroy();
});

test('bodies both ways: length, chunked, byte by byte', async () => {
  const body = 'x'.repeat(300_000);
  const sized = await rig.exchange(
    request('/a/b', `Content-Length: ${body.length}\r\n`, 'shop.example', 'POST') + body,
  );
  assert.ok(sized.endsWith(`\r\n\r\n${body}`));
  const connection = rig.dial();
  const text = `${request('/a/b', 'Transfer-Encoding: chunked\r\n', 'shop.example', 'POST')}5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n`;
  for (const byte of text) {
    connection.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const first = await connection.until('the echo', (received) => received.endsWith('0\r\nX-Sum: 1\r\n\r\n'));
  assert.match(first, /^HTTP\/1\.1 200 /);
  const data = first.slice(first.indexOf('\r\n\r\n', first.indexOf('POST')) + 4);
  assert.equal(
    data.replace(/[0-9a-f]+\r\n([^\r]*)\r\n/g, '$1'),
    'hello worldX-Sum: 1\r\n',
    'no extension, trailer kept',
  );
  connection.socket.destroy();
});

const FRAMINGS: readonly (readonly [
  name: string,
  request: string,
  response: string,
  expected: RegExp,
  ends: boolean,
])[] = [
  [
    'chunked is passed on',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\nHost: evil\r\n\r\n',
    /transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n$/,
    false,
  ],
  [
    'chunked is decoded for HTTP/1.0',
    'GET / HTTP/1.0\r\nHost: f\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    /connection: close\r\n\r\nabc$/,
    true,
  ],
  [
    'until close becomes chunked',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\nabc',
    /transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/,
    false,
  ],
  [
    'HEAD has no body',
    'HEAD / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    /Content-Length: 9\r\n\r\n$/,
    false,
  ],
  [
    '204',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    /^HTTP\/1\.1 204 No Content\r\n\r\n$/,
    false,
  ],
  [
    '304 with length',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    /^HTTP\/1\.1 304 .*\r\nContent-Length: 5\r\n\r\n$/,
    false,
  ],
  [
    '103 then 200',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz',
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\nContent-Length: 1\r\n\r\nz$/,
    false,
  ],
  [
    '103 is not for HTTP/1.0',
    'GET / HTTP/1.0\r\nHost: f\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz',
    /^HTTP\/1\.1 200 OK\r\n/,
    true,
  ],
  [
    'HTTP/1.0 upstream',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nz',
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 1\r\n\r\nz$/,
    false,
  ],
  [
    'HTTP/1.0 keep-alive client',
    'GET / HTTP/1.0\r\nHost: f\r\nConnection: keep-alive\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz',
    /connection: keep-alive\r\n\r\nz$/,
    false,
  ],
  [
    'length and chunked is refused',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    /^HTTP\/1\.1 502 /,
    true,
  ],
  ['rubbish is refused', 'GET / HTTP/1.1\r\nHost: f\r\n\r\n', 'hello\r\n\r\n', /^HTTP\/1\.1 502 /, true],
  [
    'a short body ends the connection',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc',
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 9\r\n\r\nabc$/,
    true,
  ],
  [
    'an answer too much is not passed on',
    'GET / HTTP/1.1\r\nHost: f\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nzHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 1\r\n\r\nz$/,
    false,
  ],
];

test('response framing, one row each', async (t) => {
  for (const [name, text, response, expected, ends] of FRAMINGS) {
    await t.test(name, async () => {
      // The upstream answers and ends its half: until-close and short bodies need it, the others ignore it.
      const peer = new RawUpstream((connection) =>
        onRequests(connection, () => {
          connection.send(response);
          connection.socket.end();
          return undefined;
        }),
      );
      const port = await peer.listen();
      await rig.apply({
        hosts: [testHost('f', [testRoute('/', [{ backend: 'f', weight: 1 }])])],
        backends: [testBackend('f', [port])],
      });
      const connection = rig.dial();
      connection.send(text);
      if (ends) assert.match(await connection.untilEnd(), expected);
      else await connection.until(String(expected), (received) => expected.test(received));
      connection.socket.destroy();
      await peer.close();
    });
  }
});

test('an upgrade becomes a tunnel, with half-close both ways', async () => {
  const peer = new RawUpstream((connection) => {
    let upgraded = false;
    connection.socket.on('data', (chunk: Buffer) => {
      if (upgraded) connection.send(`<${chunk.toString('latin1')}>`);
      else if (connection.received.includes('\r\n\r\n')) {
        upgraded = true;
        connection.send(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhi',
        );
      }
    });
    connection.socket.on('end', () => {
      connection.send('bye');
      connection.socket.end();
    });
  });
  const port = await peer.listen();
  await rig.apply({
    hosts: [testHost('ws', [testRoute('/', [{ backend: 'ws', weight: 1 }])])],
    backends: [testBackend('ws', [port])],
  });
  const connection = rig.dial();
  connection.send(
    'GET /chat HTTP/1.1\r\nHost: ws\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n',
  );
  const head = await connection.until('101 and the first bytes', (received) => received.endsWith('\r\n\r\nhi'));
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n.*connection: upgrade\r\nupgrade: websocket\r\n\r\nhi$/s);
  assert.match(peer.seen, /connection: upgrade\r\nupgrade: websocket\r\n/);
  connection.send('ping');
  await connection.until('the echo', (received) => received.endsWith('<ping>'));
  connection.socket.end();
  assert.match(await connection.untilEnd(), /<ping>bye$/);
  await within('the upstream to see the end of its tunnel', peer.connections[0]!.untilEnd());
  assert.equal(rig.gateway.stats().requestsInFlight, 0, 'nothing is left in flight');
  await peer.close();
});

test('Upgrade: h2c is not passed on', async () => {
  const answer = await rig.exchange(
    `GET /a/b HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(answer, /upgrade|http2-settings/i);
});

test('Expect: 100-continue goes through and back', async () => {
  const peer = new RawUpstream((connection) => {
    let asked = false;
    connection.socket.on('data', () => {
      if (!asked && connection.received.includes('\r\n\r\n')) {
        asked = true;
        connection.send('HTTP/1.1 100 Continue\r\n\r\n');
      }
      if (connection.received.endsWith('body')) connection.send(ok('done'));
    });
  });
  const port = await peer.listen();
  await rig.apply({
    hosts: [testHost('ex', [testRoute('/', [{ backend: 'ex', weight: 1 }])])],
    backends: [testBackend('ex', [port])],
  });
  const connection = rig.dial();
  connection.send('PUT / HTTP/1.1\r\nHost: ex\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
  await connection.until('100', (received) => received === 'HTTP/1.1 100 Continue\r\n\r\n');
  connection.send('body');
  await connection.until('200', (received) => received.endsWith('done'));
  connection.socket.destroy();
  await peer.close();
});

test('a slow reader slows the upstream down; everything arrives', async () => {
  const size = 30_000_000;
  const piece = Buffer.alloc(64 * 1024, 97);
  let written = 0;
  const peer = new RawUpstream((connection) =>
    onRequests(connection, () => {
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const pump = (): void => {
        while (written < size) {
          const length = Math.min(piece.length, size - written);
          written += length;
          if (!connection.socket.write(piece.subarray(0, length))) {
            connection.socket.once('drain', pump);
            return;
          }
        }
      };
      pump();
      return undefined;
    }),
  );
  const port = await peer.listen();
  await rig.apply({
    hosts: [testHost('slow', [testRoute('/', [{ backend: 'slow', weight: 1 }])])],
    backends: [testBackend('slow', [port])],
  });
  const connection = rig.dial();
  connection.socket.pause();
  connection.send('GET / HTTP/1.1\r\nHost: slow\r\nConnection: close\r\n\r\n');
  // Other clients go on meanwhile, and their answers come while this one is stuck.
  for (let i = 0; i < 20; i++) assert.match(await rig.exchange(request('/exact')), /exact$/);
  assert.ok(written < size, `${written} bytes were taken from the upstream for a reader that reads nothing`);
  let total = 0;
  connection.socket.removeAllListeners('data');
  const done = new Promise<void>((resolve) => connection.socket.on('end', resolve));
  connection.socket.on('data', (chunk: Buffer) => {
    total += chunk.length;
  });
  connection.socket.resume();
  await within('the body', done);
  assert.ok(total > size && total < size + 500, `${total}`);
  await peer.close();
});
