import assert from 'node:assert/strict';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { RouteCertificate } from '../routing/route-table.ts';
import { engine } from '../sys/engine-kind.ts';
import { tlsContexts } from '../sys/tls-contexts.ts';
import { selfSignedIdentity } from './self-signed.ts';
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
} from './test-rig/gateway-rig.ts';

const now = Date.parse('2026-11-01T00:00:00Z');
const BIG = randomBytes(3_000_000);

function certificate(name: string, hosts: readonly string[], more: Partial<RouteCertificate> = {}): RouteCertificate {
  return { key: `test/${name}`, hosts, ...selfSignedIdentity(name, now), ...more };
}
const entry = (value: RouteCertificate): readonly [string, RouteCertificate] => [value.key, value];

const shop = certificate('shop.example', ['shop.example']);
const wild = certificate('wild.example', ['*.wild.example']);
const clientCa = selfSignedIdentity('client', now);
const guarded = certificate('guarded.example', ['guarded.example'], {
  clientAuth: { mode: 'require', ca: clientCa.certificate },
});
const closed = certificate('closed.example', ['closed.example'], { clientAuth: 'refuse' });

let rig: GatewayRig;
let upstream: RawUpstream;
let port: number;
before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      if (request.startsWith('GET /big')) {
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG.length}\r\n\r\n`);
        connection.send(BIG);
        return undefined;
      }
      if (request.startsWith('POST')) {
        const body = Buffer.from(request.slice(request.indexOf('\r\n\r\n') + 4), 'latin1');
        return ok(createHash('sha256').update(body).digest('hex'));
      }
      return ok(request);
    }),
  );
  const upstreamPort = await upstream.listen();
  const routes = [testRoute('/', [{ backend: 'a', weight: 1 }])];
  rig = await startRig(
    {
      listeners: [
        ['http', { name: 'http', protocol: 'http', address: '127.0.0.1', port: 0 }],
        ['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0 }],
      ],
      hosts: ['http', 'https'].map((listener) => [`${listener}|*`, { listener, hostname: '*', routes }]),
      backends: [testBackend('a', [upstreamPort])],
      certificates: [shop, wild, guarded, closed].map(entry),
    },
    // A machine may have no time for a client for long; what a handshake may take is tried below.
    { workers: 2, times: { handshakeMs: 60_000 } },
  );
  port = rig.gateway.listeners().find(({ name }) => name === 'https')!.port;
});
after(async () => {
  await rig?.stop();
  await upstream?.close();
});

const open: TLSSocket[] = [];
after(() => {
  for (const socket of open) socket.destroy();
});

/** A TLS connection that takes any certificate; rejects if the handshake fails. */
async function dial(options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  open.push(socket);
  socket.on('error', () => {});
  await within(
    'a handshake',
    new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
    }),
  );
  return socket;
}

async function get(socket: TLSSocket, host: string, path = '/'): Promise<string> {
  const raw = new RawConnection(socket);
  raw.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return raw.untilEnd();
}

const nameOf = (socket: TLSSocket): string => new X509Certificate(socket.getPeerCertificate().raw).subject;

const names: readonly [servername: string | undefined, subject: string][] = [
  ['shop.example', 'CN=shop.example'],
  ['SHOP.example', 'CN=shop.example'],
  ['a.wild.example', 'CN=wild.example'],
  ['a.b.wild.example', 'CN=fairlead-gateway.invalid'],
  ['wild.example', 'CN=fairlead-gateway.invalid'],
  ['unknown.example', 'CN=fairlead-gateway.invalid'],
  [undefined, 'CN=fairlead-gateway.invalid'],
];
for (const [servername, subject] of names) {
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    test(`${version}, server name ${servername ?? 'absent'} → ${subject}`, async () => {
      const socket = await dial({ ...(servername === undefined ? {} : { servername }), maxVersion: version });
      assert.equal(nameOf(socket), subject);
      assert.equal(socket.getProtocol(), version);
    });
  }
}

test('a request goes through, with the scheme for the upstream', async () => {
  const answer = await get(await dial({ servername: 'shop.example' }), 'shop.example');
  assert.match(answer, /^HTTP\/1\.1 200 OK/);
  assert.match(answer, /x-forwarded-proto: https/);
});

test('a certificate of our own making can be read and has a valid signature, whatever its length', () => {
  for (let length = 1; length <= 48; length++) {
    const name = `${'x'.repeat(length)}.example`;
    const made = selfSignedIdentity(name, now);
    const result = tlsContexts.server({ identity: made });
    assert.equal(result.ok, true, name);
    if (result.ok) result.context.free();
    const certificate = new X509Certificate(made.certificate);
    assert.equal(certificate.verify(certificate.publicKey), true);
    assert.equal(certificate.checkHost(name), name);
  }
});

const protocols: readonly [offer: string[], agreed: string | false | 'refused'][] = [
  [['http/1.1'], 'http/1.1'],
  [['x', 'http/1.1'], 'http/1.1'],
  [[], false],
  [['acme-tls/1'], 'refused'],
];
for (const [offer, agreed] of protocols) {
  test(`ALPN ${JSON.stringify(offer)} → ${agreed}`, async () => {
    const dialled = dial({ servername: 'shop.example', ...(offer.length === 0 ? {} : { ALPNProtocols: offer }) });
    if (agreed === 'refused') await assert.rejects(dialled, /no.application.protocol|alert number 120/i);
    else assert.equal((await dialled).alpnProtocol, agreed);
  });
}

const misdirected: readonly [servername: string | undefined, host: string, status: number][] = [
  ['shop.example', 'shop.example', 200],
  ['shop.example', 'a.wild.example', 421],
  ['a.wild.example', 'b.wild.example', 200],
  ['shop.example', 'nowhere.example', 200],
  ['unknown.example', 'shop.example', 200],
  [undefined, 'shop.example', 200],
  ['unknown.example', 'guarded.example', 421],
  [undefined, 'closed.example', 421],
];
for (const [servername, host, status] of misdirected) {
  test(`server name ${servername ?? 'absent'}, Host ${host} → ${status}`, async () => {
    const answer = await get(await dial(servername === undefined ? {} : { servername }), host);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

test('a host that asks for client certificates is not served over plain HTTP', async () => {
  const answer = await rig.exchange('GET / HTTP/1.1\r\nHost: guarded.example\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 421 /);
});

test('client certificates: the CA decides', async () => {
  const identity = { cert: clientCa.certificate, key: clientCa.privateKey };
  const answer = await get(await dial({ servername: 'guarded.example', ...identity }), 'guarded.example');
  assert.match(answer, /^HTTP\/1\.1 200 /);
  const stranger = selfSignedIdentity('client', now);
  for (const wrong of [{}, { cert: stranger.certificate, key: stranger.privateKey }]) {
    // TLS 1.2: the client hears of it within the handshake.
    await assert.rejects(dial({ servername: 'guarded.example', maxVersion: 'TLSv1.2', ...wrong }));
  }
  await assert.rejects(dial({ servername: 'closed.example', ...identity }), 'without a CA nobody gets in');
});

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  test(`${version}: a session resumes at any worker`, async () => {
    const first = connect({
      port,
      host: '127.0.0.1',
      servername: 'shop.example',
      rejectUnauthorized: false,
      maxVersion: version,
    });
    open.push(first);
    const raw = new RawConnection(first);
    const ticket = once(first, 'session');
    first.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n');
    const [session] = await within('a ticket', ticket);
    await raw.until('an answer', (text) => text.includes('200 OK'));
    // Connections spread over the workers by their source ports.
    for (let i = 0; i < 8; i++) {
      const socket = await dial({ servername: 'shop.example', session, maxVersion: version });
      assert.equal(socket.isSessionReused(), true, `connection ${i}`);
      assert.match(await get(socket, 'shop.example'), /200 OK/);
    }
  });
}

/** node:tls renews no tickets. */
const renews = engine.kind === 'node' ? 'needs FFI' : false;
test('TLS 1.3: each resumption brings the ticket for the next one, which clients use once', {
  skip: renews,
}, async () => {
  let last: Buffer | undefined;
  for (let round = 0; round < 4; round++) {
    const socket = await dial({
      servername: 'shop.example',
      maxVersion: 'TLSv1.3',
      ...(last === undefined ? {} : { session: last }),
    });
    assert.equal(socket.isSessionReused(), round > 0, `connection ${round}`);
    const tickets: Buffer[] = [];
    socket.on('session', (ticket: Buffer) => tickets.push(ticket));
    assert.match(await get(socket, 'shop.example'), /200 OK/);
    assert.ok(tickets.length > 0, `a ticket on connection ${round}`);
    last = tickets[0]!;
  }
});

test('a full handshake costs little: AES-128 by SHA-256, and one ticket', async () => {
  const socket = await dial({ servername: 'shop.example', maxVersion: 'TLSv1.3' });
  let tickets = 0;
  socket.on('session', () => tickets++);
  // Tickets go out with the handshake, so before any answer.
  assert.match(await get(socket, 'shop.example'), /200 OK/);
  // node:tls leaves the number to OpenSSL.
  assert.deepEqual([socket.getCipher().name, tickets], ['TLS_AES_128_GCM_SHA256', engine.kind === 'node' ? 2 : 1]);
});

test('large bodies both ways arrive whole', async () => {
  const socket = await dial({ servername: 'shop.example' });
  const answer = await get(socket, 'shop.example', '/big');
  const body = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
  assert.equal(body.length, BIG.length);
  assert.ok(body.equals(BIG));
  const upload = new RawConnection(await dial({ servername: 'shop.example' }));
  upload.send(`POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: ${BIG.length}\r\nConnection: close\r\n\r\n`);
  upload.send(BIG);
  assert.match(await upload.untilEnd(), new RegExp(createHash('sha256').update(BIG).digest('hex')));
});

test('pipelined requests in one record are all answered', async () => {
  const raw = new RawConnection(await dial({ servername: 'shop.example' }));
  const request = 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n';
  raw.send(request.repeat(19) + request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  assert.equal((await raw.untilEnd()).match(/HTTP\/1\.1 200 OK/g)?.length, 20);
});

test('a ClientHello in single bytes is understood', async () => {
  const { createServer, connect: connectPlain } = await import('node:net');
  // A relay that hands on the first 300 bytes one by one.
  const relay = createServer((client) => {
    const server = connectPlain(port, '127.0.0.1');
    server.setNoDelay(true);
    let sent = 0;
    client.on('data', (chunk: Buffer) => {
      for (let i = 0; i < chunk.length; i++) {
        if (sent++ >= 300) {
          server.write(chunk.subarray(i));
          return;
        }
        server.write(chunk.subarray(i, i + 1));
      }
    });
    server.pipe(client);
    for (const socket of [client, server]) socket.on('error', () => {});
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  try {
    const socket = await dial({ servername: 'shop.example', port: (relay.address() as { port: number }).port });
    assert.match(await get(socket, 'shop.example'), /200 OK/);
  } finally {
    relay.close();
  }
});

test('plain HTTP, silence and half a ClientHello end in a close', async () => {
  const impatient = await startRig(
    { listeners: [['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0 }]] },
    { times: { handshakeMs: 600 } },
  );
  try {
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '', '\x16\x03\x01\x02\x00\x01\x00']) await impatient.exchange(bytes);
    assert.ok(impatient.gateway.stats().tlsFailures >= 1);
  } finally {
    await impatient.stop();
  }
});

test('renegotiation is refused', async () => {
  const socket = await dial({ servername: 'shop.example', maxVersion: 'TLSv1.2' });
  const outcome = await within(
    'a refusal',
    new Promise<string>((resolve) => {
      socket.on('error', () => resolve('refused'));
      socket.on('close', () => resolve('refused'));
      socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error === null ? 'done' : 'refused'));
    }),
  );
  assert.equal(outcome, 'refused');
});

test('a new certificate is shown at once; old connections go on; a bad one changes nothing', async () => {
  const old = new RawConnection(await dial({ servername: 'shop.example' }));
  const renewed = certificate('renewed.example', ['shop.example'], { key: shop.key });
  await rig.apply({ certificates: [entry(renewed)] });
  assert.equal(nameOf(await dial({ servername: 'shop.example' })), 'CN=renewed.example');
  old.send('GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n');
  assert.match(await old.untilEnd(), /200 OK/);
  await assert.rejects(
    rig.apply({ certificates: [entry({ ...renewed, privateKey: wild.privateKey })] }),
    /private key/,
  );
  assert.equal(nameOf(await dial({ servername: 'shop.example' })), 'CN=renewed.example');
  await rig.apply({ certificates: [[shop.key, undefined]] });
  assert.equal(nameOf(await dial({ servername: 'shop.example' })), 'CN=fairlead-gateway.invalid');
});

test('handshakes are counted', () => {
  const stats = rig.gateway.stats();
  assert.ok(stats.tlsHandshakes > 20);
  assert.equal(stats.tlsResumed, renews === false ? 19 : 16);
  assert.ok(stats.tlsFailures >= 2);
  assert.ok(stats.misdirected >= 4);
  assert.equal(stats.handlerErrors, 0);
});
