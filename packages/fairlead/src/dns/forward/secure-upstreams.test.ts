import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { rcode, rrClass, rrType } from '../../wire/dns/constants.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import { makeCertificate, recordText } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { DnsServer } from '../server/dns-server.ts';
import { Forwarder } from './forwarder.ts';
import { formatUpstream, parseUpstream } from './upstream-address.ts';
import type { Upstream } from './upstream-exchange.ts';

const skip = spawnSync('which', ['openssl']).status === 0 ? false : 'openssl is not installed';
let folder = '';
let cert = '';
let resolver: DnsServer;

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'fairlead-upstream-'));
  await startResolver();
});
after(async () => {
  await resolver?.stop();
  if (folder !== '') rmSync(folder, { recursive: true });
});

function makeForwarder(upstream: Upstream, tlsAuthorities = cert): Forwarder {
  return new Forwarder({
    upstreams: [upstream],
    clock: systemClock,
    random: systemRandom,
    tlsAuthorities,
    attempts: 1,
  });
}

const ask = (forwarder: Forwarder, name: string) =>
  forwarder.resolve({
    name: nameFromText(name)!,
    type: rrType.A,
    class: rrClass.IN,
    dnssecOk: false,
    checkingDisabled: false,
  });

const kinds = [
  ['TLS', (): Upstream => ({ address: '127.0.0.1', port: resolver.secureAddresses.tls[0]!.port, tlsName: 'dns.test' })],
  [
    'HTTPS',
    (): Upstream => ({
      address: '127.0.0.1',
      port: resolver.secureAddresses.https[0]!.port,
      tlsName: 'dns.test',
      httpsPath: '/dns-query',
    }),
  ],
] as const;

for (const [kind, upstreamOf] of kinds) {
  test(`upstream over ${kind}`, { skip, timeout: 120_000 }, async (t) => {
    await t.test('answers, many at once over one connection', async () => {
      const forwarder = makeForwarder(upstreamOf());
      try {
        assert.deepEqual((await ask(forwarder, 'www.example.org')).answers.map(recordText), [
          'www.example.org 60 A 192.0.2.1',
        ]);
        const names = Array.from({ length: 50 }, (_, index) => `none-${index}.example.org`);
        const answers = await Promise.all(names.map((name) => ask(forwarder, name)));
        assert.deepEqual([...new Set(answers.map((answer) => answer.rcode))], [rcode.NXDOMAIN]);
        const { reusedConnections, attempts } = forwarder.stats;
        // Two queries with one ID at once would need a second connection, which is rare.
        assert.ok(attempts === 51 && reusedConnections >= 48, `${reusedConnections} of ${attempts}`);
        assert.equal((await ask(forwarder, 'many.example.org')).answers.length, 2000, 'large answers');
      } finally {
        forwarder.stop();
      }
    });
    await t.test('a certificate of another name or authority is not believed', async () => {
      for (const [name, authority] of [
        ['other.test', cert],
        ['dns.test', undefined],
      ] as const) {
        const forwarder = new Forwarder({
          upstreams: [{ ...upstreamOf(), tlsName: name }],
          clock: systemClock,
          random: systemRandom,
          tlsAuthorities: authority,
          attempts: 1,
        });
        assert.equal((await ask(forwarder, 'www.example.org')).rcode, rcode.SERVFAIL, name);
        forwarder.stop();
      }
    });
    await t.test('an upstream that is gone is a failure at once', async () => {
      const forwarder = makeForwarder(upstreamOf());
      try {
        await ask(forwarder, 'a.example.org');
        await resolver.stop();
        assert.equal((await ask(forwarder, 'b.example.org')).rcode, rcode.SERVFAIL);
      } finally {
        forwarder.stop();
        await startResolver();
      }
    });
  });
}

/** The resolver that the tests share; a stopped one is replaced by another on new ports. */
async function startResolver(): Promise<void> {
  const files = makeCertificate(folder);
  cert = files.cert;
  const listen = [{ family: 'ipv4' as const, address: '127.0.0.1', port: 0 }];
  resolver = new DnsServer({
    zone: clusterZone('example.org', 60),
    listen,
    upstreams: [],
    workers: 1,
    secure: { files, tls: listen, https: listen },
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  const many = Array.from({ length: 2000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  resolver.setSource('www', new Map([['www.example.org', [{ type: 'A', ttl: 60, addresses: ['192.0.2.1'] }]]]));
  resolver.setSource('many', new Map([['many.example.org', [{ type: 'A', ttl: 60, addresses: many }]]]));
  resolver.markSynced();
  await resolver.start();
}

test('an HTTPS upstream that answers nonsense is a failure, not an answer', { skip, timeout: 120_000 }, async (t) => {
  const files = makeCertificate(folder);
  const rows: readonly (readonly [title: string, status: number, body: Uint8Array])[] = [
    ['status 500', 500, new Uint8Array(0)],
    ['not DNS', 200, Buffer.from('<html>')],
    ['the answer to another question', 200, Buffer.from('00008180000100000000000001780000010001', 'hex')],
    ['too much', 200, new Uint8Array(70_000)],
  ];
  for (const [title, status, body] of rows) {
    await t.test(title, async () => {
      const server: Http2SecureServer = createSecureServer(files, (_, response) => {
        response.writeHead(status, { 'content-type': 'application/dns-message' });
        response.end(body);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const forwarder = makeForwarder(
        { address: '127.0.0.1', port, tlsName: 'dns.test', httpsPath: '/dns-query' },
        files.cert,
      );
      assert.equal((await ask(forwarder, 'www.example.org')).rcode, rcode.SERVFAIL);
      forwarder.stop();
      server.close();
    });
  }
});

test('upstreams in text, and back', () => {
  const rows: readonly (readonly [text: string, upstream: Upstream | undefined, printed?: string])[] = [
    ['tls://9.9.9.9', { address: '9.9.9.9', port: 853, tlsName: '9.9.9.9' }, 'tls://9.9.9.9:853'],
    ['tls://9.9.9.9:8853#dns.test', { address: '9.9.9.9', port: 8853, tlsName: 'dns.test' }, 'tls://9.9.9.9:8853'],
    [
      'https://9.9.9.9#dns.test',
      { address: '9.9.9.9', port: 443, tlsName: 'dns.test', httpsPath: '/dns-query' },
      'https://9.9.9.9:443/dns-query',
    ],
    [
      'https://[2001:db8::1]:8443/resolve',
      { address: '2001:db8::1', port: 8443, tlsName: '2001:db8::1', httpsPath: '/resolve' },
      'https://[2001:db8::1]:8443/resolve',
    ],
    ['dns://10.0.0.1:5353', { address: '10.0.0.1', port: 5353 }, '10.0.0.1:5353'],
    ['10.0.0.1#name', undefined],
    ['https://dns.example/dns-query', undefined],
    ['http://10.0.0.1', undefined],
  ];
  for (const [text, upstream, printed] of rows) {
    assert.deepEqual(parseUpstream(text), upstream, text);
    if (upstream !== undefined) assert.equal(formatUpstream(upstream), printed);
  }
});
