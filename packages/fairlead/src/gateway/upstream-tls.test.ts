import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { after, before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { BackendTls } from '../routing/route-table.ts';
import { selfSignedIdentity } from './self-signed.ts';
import { type GatewayRig, startRig, testHost, testRoute } from './test-rig/gateway-rig.ts';

const now = Date.parse('2026-11-01T00:00:00Z');
const identity = selfSignedIdentity('inner.example', now);
const stranger = selfSignedIdentity('inner.example', now);

let server: Server;
let port: number;
let rig: GatewayRig;
before(async () => {
  server = createServer({ cert: identity.certificate, key: identity.privateKey }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.end(`name=${String((request.socket as TLSSocket).servername)} bytes=${Buffer.concat(chunks).length}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
  rig = await startRig({ hosts: [testHost('*', [testRoute('/', [{ backend: 'a', weight: 1 }])])] });
});
after(async () => {
  await rig?.stop();
  server?.close();
  server?.closeAllConnections();
});

const rows: readonly [name: string, tls: BackendTls | undefined, status: number, seen: RegExp][] = [
  ['unchecked, no name', undefined, 200, /name=false/],
  ['unchecked, with a name', { serverName: 'any.example' }, 200, /name=any\.example/],
  ['signed by the CA', { ca: identity.certificate }, 200, /name=false/],
  [
    'signed by the CA, right name',
    { ca: identity.certificate, serverName: 'inner.example' },
    200,
    /name=inner\.example/,
  ],
  ['signed by the CA, wrong name', { ca: identity.certificate, serverName: 'other.example' }, 502, /502/],
  ['another CA', { ca: stranger.certificate, serverName: 'inner.example' }, 502, /502/],
];
for (const [name, tls, status, seen] of rows) {
  test(`an https backend, ${name} → ${status}`, async () => {
    await rig.apply({
      backends: [
        [
          'a',
          {
            key: 'a',
            protocol: 'https',
            balance: 'round-robin',
            endpoints: [{ address: '127.0.0.1', port, weight: 1 }],
            ...(tls === undefined ? {} : { tls }),
          },
        ],
      ],
    });
    const body = 'x'.repeat(200_000);
    const head = `POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    const answer = await rig.exchange(head + body);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(answer, seen);
    if (status === 200) assert.match(answer, /bytes=200000/);
  });
}

test('connections to an https backend are pooled, and a changed CA does not reuse them', async () => {
  const accepted: unknown[] = [];
  server.on('secureConnection', (socket) => accepted.push(socket));
  const backend = (tls: BackendTls) =>
    rig.apply({
      backends: [
        [
          'a',
          {
            key: 'a',
            protocol: 'https',
            balance: 'round-robin',
            endpoints: [{ address: '127.0.0.1', port, weight: 1 }],
            tls,
          },
        ],
      ],
    });
  const get = (): Promise<string> => rig.exchange('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  await backend({ ca: identity.certificate, serverName: 'inner.example' });
  for (let i = 0; i < 3; i++) assert.match(await get(), /^HTTP\/1\.1 200 /);
  assert.equal(accepted.length, 1);
  await backend({ ca: stranger.certificate, serverName: 'inner.example' });
  assert.match(await get(), /^HTTP\/1\.1 502 /);
  assert.equal(rig.gateway.stats().handlerErrors, 0);
});
