import assert from 'node:assert/strict';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { RouteCertificate } from '../../routing/route-table.ts';
import { engine } from '../../sys/engine-kind.ts';
import { selfSignedIdentity } from '../self-signed.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testRoute,
} from '../test-rig/gateway-rig.ts';

const skip = engine.kind === 'epoll' ? false : 'needs FFI';
const { Http3Client, requestFields } = skip === false ? await import('../test-rig/http3-client.ts') : ({} as never);
type Client = InstanceType<typeof Http3Client>;

const now = Date.parse('2026-11-01T00:00:00Z');
const BIG = randomBytes(3_000_000);
const certificate = (name: string, more: Partial<RouteCertificate> = {}): readonly [string, RouteCertificate] => [
  name,
  { key: name, hosts: [name], ...selfSignedIdentity(name, now), ...more },
];

let rig: GatewayRig;
let upstream: RawUpstream;
let port: number;
before(async () => {
  if (skip !== false) return;
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      if (request.startsWith('GET /big')) {
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG.length}\r\n\r\n`);
        connection.send(BIG);
        return undefined;
      }
      if (request.startsWith('GET /trailers')) {
        return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 9\r\n\r\n';
      }
      if (request.startsWith('GET /broken')) {
        connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
        connection.socket.destroySoon();
        return undefined;
      }
      if (request.startsWith('GET /silent')) return undefined;
      if (request.startsWith('POST /early')) return ok('enough');
      if (request.startsWith('POST /count')) return ok(String(request.split('z').length - 1));
      if (request.startsWith('POST')) {
        const body = Buffer.from(request.slice(request.indexOf('\r\n\r\n') + 4), 'latin1');
        return ok(createHash('sha256').update(body).digest('hex'));
      }
      return ok(request);
    }),
  );
  const upstreamPort = await upstream.listen();
  const routes = [testRoute('/', [{ backend: 'a', weight: 1 }])];
  const clientCa = selfSignedIdentity('client', now).certificate;
  rig = await startRig(
    {
      listeners: [['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0, http3: true }]],
      hosts: [['https|*', { listener: 'https', hostname: '*', routes }]],
      backends: [testBackend('a', [upstreamPort])],
      certificates: [
        certificate('shop.example'),
        certificate('guarded.example', { clientAuth: { mode: 'require', ca: clientCa } }),
      ],
    },
    { workers: 2, http3: true },
  );
  port = rig.gateway.listeners()[0]!.port;
});
const clients: Client[] = [];
after(async () => {
  for (const client of clients) client.close();
  await rig?.stop();
  await upstream?.close();
});

async function dial(serverName = 'shop.example'): Promise<Client> {
  const client = new Http3Client(port, serverName);
  clients.push(client);
  return client.connected();
}

test('a request, its fields and who sent it', { skip }, async () => {
  const client = await dial();
  assert.equal(new X509Certificate(client.quic.certificate()).subject, 'CN=shop.example');
  const { status, body, state } = await client.request('shop.example', '/x?y=1');
  assert.equal(status, '200');
  assert.equal(state, 'ended');
  assert.match(body, /^GET \/x\?y=1 HTTP\/1\.1\r\nhost: shop\.example\r\n/);
  assert.match(body, /x-forwarded-for: 127\.0\.0\.1\r\n/);
  assert.match(body, /x-forwarded-proto: https\r\n/);
  // A request without content must not become one with an unknown length.
  assert.doesNotMatch(body, /transfer-encoding|content-length/);
});

test('the certificate is that of the name', { skip }, async () => {
  const client = await dial('unknown.example');
  assert.equal(new X509Certificate(client.quic.certificate()).subject, 'CN=fairlead-gateway.invalid');
  const { status } = await client.request('shop.example', '/');
  assert.equal(status, '200', 'the default certificate serves any host');
});

test('a host that asks for client certificates is not served', { skip }, async () => {
  const client = await dial();
  assert.equal((await client.request('guarded.example', '/')).status, '421');
  const refused = new Http3Client(port, 'guarded.example');
  clients.push(refused);
  await refused.until('the refusal', () => refused.quic.connection.closed !== undefined, true);
  assert.equal(refused.quic.connection.isEstablished, false);
});

test('large content in both directions', { skip }, async () => {
  const client = await dial();
  const { body } = await client.request('shop.example', '/', 'POST', BIG);
  assert.equal(body, createHash('sha256').update(BIG).digest('hex'));
  const answer = await client.request('shop.example', '/big');
  assert.equal(answer.body.length, BIG.length);
  assert.ok(Buffer.from(answer.body, 'latin1').equals(BIG));
});

test('content of unknown length', { skip }, async () => {
  const client = await dial();
  const exchange = client.exchange();
  exchange.sendFields(requestFields('shop.example', '/count', 'POST'), false);
  exchange.sendContent(Buffer.alloc(2_000_000, 'z'), true);
  await client.until('the answer', () => exchange.state !== 'open');
  assert.equal(exchange.body, '2000000');
});

test('a hundred exchanges at a time on each of ten connections', { skip }, async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => dial()));
  const pending = all.flatMap((client) =>
    Array.from({ length: 100 }, (_, n) => ({ client, n, exchange: client.begin('shop.example', `/${n}`) })),
  );
  for (const client of all) {
    const own = pending.filter((one) => one.client === client);
    await client.until('all answers', () => own.every(({ exchange }) => exchange.state !== 'open'));
  }
  for (const { n, exchange } of pending) assert.match(exchange.body, new RegExp(`^GET /${n} `));
});

test('trailers come behind the content', { skip }, async () => {
  const { sections, body } = await (await dial()).request('shop.example', '/trailers');
  assert.equal(body, 'abc');
  assert.deepEqual(sections[1], [['x-sum', '9']]);
});

test('an answer that breaks off is not whole', { skip }, async () => {
  const { body, state } = await (await dial()).request('shop.example', '/broken');
  // A reset may overtake what was sent before it.
  assert.ok('half'.startsWith(body));
  assert.equal(state, 'broken');
});

test('an answer before the end of the request', { skip }, async () => {
  const client = await dial();
  const exchange = client.exchange();
  exchange.sendFields([...requestFields('shop.example', '/early', 'POST'), ['content-length', '6']], false);
  exchange.sendContent(Buffer.from('123456'), false);
  await client.until('the answer', () => exchange.state !== 'open');
  assert.equal(exchange.body, 'enough');
  assert.equal((await client.request('shop.example', '/next')).status, '200');
});

test('HEAD has a length and no content', { skip }, async () => {
  const answer = await (await dial()).request('shop.example', '/', 'HEAD');
  assert.equal(answer.status, '200');
  assert.equal(answer.body, '');
  assert.equal(answer.state, 'ended');
});

test('a reader that stops stops its answer and nothing else', { skip }, async () => {
  const client = await dial();
  const slow = client.begin('shop.example', '/big');
  slow.isPaused = true;
  for (let n = 0; n < 5; n++) assert.equal((await client.request('shop.example', '/')).status, '200');
  slow.isPaused = false;
  await client.until('the whole answer', () => slow.state !== 'open');
  assert.equal(slow.body.length, BIG.length);
});

test('a client that resets a stream releases its upstream', { skip }, async () => {
  const client = await dial();
  const exchange = client.exchange();
  exchange.sendFields(requestFields('shop.example', '/silent', 'GET'), false);
  await client.until('the request upstream', () =>
    upstream.connections.some((one) => one.received.includes('/silent')),
  );
  const silent = upstream.connections.find((one) => one.received.includes('/silent'))!;
  exchange.stream.reset(0x10c);
  await client.until('the end upstream', () => silent.ended);
  assert.equal((await client.request('shop.example', '/')).status, '200');
});

const broken: [what: string, act: (client: Client) => void, code: number][] = [
  ['no SETTINGS first', (client) => client.sendUni([0, 7, 1, 0]), 0x10a],
  ['a push stream', (client) => client.sendUni([1, 0]), 0x103],
  ['content without a head', (client) => client.exchange().send(Buffer.from([0, 1, 120]), false), 0x105],
  ['a malformed field section', (client) => client.exchange().send(Buffer.from([1, 3, 0, 0, 0x80]), true), 0x200],
];
for (const [what, act, code] of broken) {
  test(`${what} ends the connection, and no other`, { skip }, async () => {
    const other = await dial();
    const client = await dial();
    act(client);
    await client.until('the end', () => client.quic.connection.closed !== undefined, true);
    assert.deepEqual(client.quic.connection.closed, { code, isTransport: false, isLocal: false });
    assert.equal((await other.request('shop.example', '/')).status, '200');
  });
}

test('a request that breaks a rule resets its stream only', { skip }, async () => {
  const client = await dial();
  const bad = client.exchange();
  bad.sendFields([[':method', 'GET']], true);
  await client.until('the reset', () => bad.state !== 'open');
  assert.equal(bad.state, 'broken');
  assert.equal((await client.request('shop.example', '/')).status, '200');
});

test('what is no QUIC is dropped', { skip }, async () => {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4');
  for (let n = 0; n < 200; n++) socket.send(randomBytes(1 + ((n * 31) % 1400)), port, '127.0.0.1');
  for (let n = 0; n < 50; n++) socket.send(Buffer.concat([Buffer.of(0xc0), randomBytes(1250)]), port, '127.0.0.1');
  assert.equal((await (await dial()).request('shop.example', '/')).status, '200');
  socket.close();
});

test('a drain tells the client, lets the exchange end, and closes', { skip }, async () => {
  for (const client of clients.splice(0)) client.close();
  const client = await dial();
  assert.equal((await client.request('shop.example', '/')).status, '200');
  const replaced = rig.gateway.replaceWorkers({ drainMs: 5000 });
  await client.until('the end', () => client.quic.connection.closed !== undefined, true);
  assert.deepEqual(client.quic.connection.closed, { code: 0x100, isTransport: false, isLocal: false });
  await replaced;
  assert.equal((await (await dial()).request('shop.example', '/')).status, '200');
});
