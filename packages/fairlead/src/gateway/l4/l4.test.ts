import assert from 'node:assert/strict';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';
import type { L4Route, RouteBackend, RouteCertificate, RouteListener } from '../../routing/route-table.ts';
import { systemClock } from '../../sys/clock.ts';
import { freePort } from '../../sys/testing/free-ports.ts';
import { parseProxyHeader, writeProxyV1, writeProxyV2 } from '../../wire/proxy-protocol/proxy-header.ts';
import { selfSignedIdentity } from '../self-signed.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawConnection,
  RawUpstream,
  startRig,
  testBackend,
  testRoute,
  within,
} from '../test-rig/gateway-rig.ts';

const now = Date.parse('2026-11-01T00:00:00Z');
const closing: { close(): unknown }[] = [];

/** A TLS server that says its name to everybody. */
async function tlsServer(name: string): Promise<number> {
  const { certificate, privateKey } = selfSignedIdentity(name, now);
  const server = createTlsServer({ cert: certificate, key: privateKey }, (socket) => {
    socket.on('error', () => {});
    socket.end(name);
  });
  server.on('tlsClientError', () => {});
  return listening(server);
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(server);
  return (server.address() as AddressInfo).port;
}

/** A TCP server that answers the first bytes with its name and them. */
function echo(name: string): Promise<number> {
  return listening(
    createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => socket.end(`${name} ${data}`));
    }),
  );
}

async function udpEcho(name: string): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => socket.send(`${name} ${message}`, from.port, from.address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closing.push(socket);
  return socket.address().port;
}

const listener = (protocol: RouteListener['protocol']): readonly [string, RouteListener] => [
  protocol,
  { name: protocol, protocol, address: '127.0.0.1', port: 0 },
];
const route = (name: string, hostname: string, backend: string): readonly [string, L4Route] => [
  `${name}|${hostname}`,
  {
    source: { kind: 'Ingress', namespace: 'test', name: 'test', field: 'spec' },
    listener: name,
    hostname,
    backends: [{ backend, weight: 1 }],
    connectMs: 5000,
    idleMs: 60_000,
  },
];
const own: RouteCertificate = { key: 'test/own', hosts: ['own.example'], ...selfSignedIdentity('own.example', now) };
const proxied = (key: string, port: number, proxyProtocol: 'v1' | 'v2'): readonly [string, RouteBackend] => [
  key,
  { ...testBackend(key, [port])[1], proxyProtocol },
];

let rig: GatewayRig;
let upstream: RawUpstream;
const portOf = (name: string): number => rig.gateway.listeners().find((each) => each.name === name)!.port;

before(async () => {
  upstream = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
  const http = await upstream.listen();
  const [exact, wild, a, b] = [await tlsServer('exact'), await tlsServer('wild'), await echo('a'), await echo('b')];
  const dead = await freePort();
  rig = await startRig({
    listeners: [
      listener('http'),
      listener('https'),
      listener('tls-passthrough'),
      listener('tcp'),
      listener('udp'),
      ['bare', { name: 'bare', protocol: 'tcp', address: '127.0.0.1', port: 0 }],
    ],
    hosts: [
      ['http|*', { listener: 'http', hostname: '*', routes: [testRoute('/', [{ backend: 'http', weight: 1 }])] }],
      [
        'http|proxied.example',
        {
          listener: 'http',
          hostname: 'proxied.example',
          routes: [testRoute('/', [{ backend: 'http-v1', weight: 1 }])],
        },
      ],
    ],
    backends: [
      testBackend('http', [http]),
      proxied('http-v1', http, 'v1'),
      testBackend('exact', [exact]),
      testBackend('wild', [wild]),
      testBackend('tcp', [a, dead, b]),
      proxied('tcp-v1', a, 'v1'),
      testBackend('udp', [await udpEcho('u1')]),
    ],
    certificates: [['test/own', own]],
    l4: [
      route('https', 'exact.example', 'exact'),
      route('https', '*.wild.example', 'wild'),
      route('tls-passthrough', 'exact.example', 'exact'),
      route('tcp', '*', 'tcp'),
      route('udp', '*', 'udp'),
    ],
  });
});
after(async () => {
  await rig.stop();
  await upstream.close();
  for (const each of closing) each.close();
});

/** What a TLS client of a server name sees: the certificate's name and what the server says, or the failure. */
async function ask(name: string, servername: string): Promise<string> {
  const socket = tlsConnect({ port: portOf(name), host: '127.0.0.1', servername, rejectUnauthorized: false });
  let said = '';
  socket.on('data', (data) => {
    said += data;
  });
  const failed = once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code ?? 'failed');
  const secured = once(socket, 'secureConnect').then(() => 'secured');
  const first = await within('handshake', Promise.race([failed, secured]));
  if (first !== 'secured') return 'refused';
  const subject = String(socket.getPeerCertificate().subject.CN);
  if (subject !== 'own.example') await within('the end', once(socket, 'end'));
  socket.destroy();
  return `${subject} ${said}`.trim();
}

const rows: readonly (readonly [listener: string, serverName: string, expected: string])[] = [
  ['https', 'exact.example', 'exact exact'],
  ['https', 'EXACT.example', 'exact exact'],
  ['https', 'a.wild.example', 'wild wild'],
  ['https', 'own.example', 'own.example'],
  ['tls-passthrough', 'exact.example', 'exact exact'],
  ['tls-passthrough', 'other.example', 'refused'],
];
for (const [name, serverName, expected] of rows) {
  test(`TLS for ${serverName} at a listener ${name}: ${expected}`, async () => {
    assert.equal(await ask(name, serverName), expected);
  });
}

async function tcpAsk(name: string, text: string): Promise<string> {
  const connection = new RawConnection(connect({ port: portOf(name), host: '127.0.0.1', allowHalfOpen: true }));
  connection.send(text);
  const answer = await connection.untilEnd();
  connection.socket.destroy();
  return answer;
}

test('TCP: spread over endpoints, a dead one passed over', async () => {
  const seen = new Set<string>();
  for (let n = 0; n < 12; n++) seen.add(await tcpAsk('tcp', 'hello'));
  assert.deepEqual([...seen].sort(), ['a hello', 'b hello']);
});

test('TCP: a listener without a route resets', async () => {
  assert.equal(await tcpAsk('bare', 'hello'), '');
});

test('TCP: a route that changes, and endpoints that get a header of version 1', async () => {
  await rig.apply({ l4: [route('bare', '*', 'tcp-v1')] });
  const answer = await tcpAsk('bare', 'hello');
  assert.match(answer, new RegExp(`^a PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${portOf('bare')}\\r\\n`));
  await rig.apply({ l4: [['bare|*', undefined]] });
  assert.equal(await tcpAsk('bare', 'hello'), '');
});

test('UDP: there and back, and to another endpoint when the first is gone', async () => {
  const client: DatagramSocket = createSocket('udp4');
  closing.push(client);
  // What is slow is sent again, and may be answered twice: each exchange has a word of its own.
  const exchange = async (word: string): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    client.on('message', (answer) => {
      if (String(answer).endsWith(` ${word}`)) resolve(String(answer));
    });
    for (;;) {
      client.send(word, portOf('udp'), '127.0.0.1');
      const answer = await Promise.race([promise, systemClock.sleep(200)]);
      if (answer !== undefined) return answer;
    }
  };
  assert.equal(await within('an answer', exchange('x')), 'u1 x');
  const other = await udpEcho('u2');
  await rig.apply({ backends: [testBackend('udp', [other])] });
  assert.equal(await within('an answer', exchange('y')), 'u2 y');
});

test('HTTP endpoints with a PROXY protocol header: one request per connection, each told of its client', async () => {
  const before = upstream.connections.length;
  const client = rig.dial();
  for (const path of ['/1', '/2']) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: proxied.example\r\n\r\n`);
    await client.until(`the answer to ${path}`, (received) => received.includes(`GET ${path} `));
  }
  const { port } = client.socket.address() as AddressInfo;
  const connections = upstream.connections.slice(before);
  assert.equal(connections.length, 2);
  for (const { received } of connections) {
    const result = parseProxyHeader(Buffer.from(received, 'latin1'));
    assert.ok(result.type === 'header');
    assert.deepEqual(result.header.source, { address: '127.0.0.1', port });
    assert.equal(result.header.destination?.port, portOf('http'));
  }
});

test('clients behind a trusted proxy: their address in clear text, over TLS and to relayed endpoints', async () => {
  const behind = await startRig(
    {
      listeners: [listener('http'), listener('https'), listener('tcp')],
      hosts: ['http', 'https'].map((name) => [
        `${name}|*`,
        { listener: name, hostname: '*', routes: [testRoute('/', [{ backend: 'http', weight: 1 }])] },
      ]),
      backends: [testBackend('http', [upstream.port]), proxied('tcp', await echo('c'), 'v1')],
      l4: [route('tcp', '*', 'tcp')],
    },
    { proxyProtocolFrom: ['127.0.0.0/8'] },
  );
  const at = (name: string): number => behind.gateway.listeners().find((each) => each.name === name)!.port;
  const header = writeProxyV2(
    { raw: Uint8Array.of(203, 0, 113, 9), port: 4711 },
    { raw: Uint8Array.of(203, 0, 113, 80), port: 443 },
  );
  const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const plain = behind.dial();
  plain.send(Buffer.concat([header, Buffer.from(request)]));
  assert.match(await plain.untilEnd(), /x-forwarded-for: 203\.0\.113\.9\r\n/i);

  const carrier = connect(at('https'), '127.0.0.1');
  carrier.write(writeProxyV1({ address: '203.0.113.10', port: 1 }, { address: '203.0.113.80', port: 443 }));
  const secure = new RawConnection(tlsConnect({ socket: carrier, servername: 'a', rejectUnauthorized: false }));
  secure.send(request);
  assert.match(await secure.untilEnd(), /x-forwarded-for: 203\.0\.113\.10\r\n/i);

  const relayed = new RawConnection(connect({ port: at('tcp'), host: '127.0.0.1', allowHalfOpen: true }));
  relayed.send(Buffer.concat([header, Buffer.from('hello')]));
  assert.match(await relayed.untilEnd(), /^c PROXY TCP4 203\.0\.113\.9 203\.0\.113\.80 4711 443\r\n/);
  relayed.socket.destroy();

  const without = behind.dial();
  without.send(request);
  assert.equal(await without.untilEnd(), '');
  await behind.stop();
});
