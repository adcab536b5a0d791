import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { headerFlag } from '../../wire/dns/constants.ts';
import { decodeMessage } from '../../wire/dns/message.ts';
import { askTcp, askUdp, compileAll, encodeQuery, makeService } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { DnsServer } from './dns-server.ts';
import { defaultRateLimits } from './rate-limiter.ts';

const zone = clusterZone('cluster.local', 5);
const web = 'web.shop.svc.cluster.local';
let server: DnsServer;
let at: SocketAddress;

before(async () => {
  server = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: '0.0.0.0', port: 0 }],
    upstreams: [],
    workers: 1,
    rateLimits: { ...defaultRateLimits, perSecond: 50 },
    transferTo: [{ address: Uint8Array.of(127, 0, 0, 0), prefixBits: 8 }],
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], { zone: zone.origin, ttlSeconds: 5 }));
  server.markSynced();
  await server.start();
  at = { ...server.addresses[0]!, address: '127.0.0.1' };
});
after(() => server.stop());

const frame = (message: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(message.length >> 8, message.length & 255), message]);

/** Frames that are right, and bytes that are not. */
const piece = fc.oneof(
  fc
    .constantFrom('A', 'AAAA', 'ANY', 'AXFR', 'SOA')
    .map((type) => frame(encodeQuery(web, type as 'A', { edns: 1232 }))),
  fc.constant(frame(encodeQuery('example.org', 'A'))),
  fc.constant(frame(encodeQuery(web, 'A', { flags: headerFlag.QR }))),
  fc.uint8Array({ minLength: 12, maxLength: 80 }).map((bytes) => frame(bytes)),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

test('any bytes over TCP, in pieces: well-formed answers or a closed connection, and others are served', {
  timeout: 120_000,
}, async () => {
  const streams = fc.record({
    pieces: fc.array(piece, { minLength: 1, maxLength: 6 }),
    cuts: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(streams, async ({ pieces, cuts }) => {
      const bytes = Buffer.concat(pieces);
      const socket = connect({ host: '127.0.0.1', port: at.port, noDelay: true });
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('error', () => {});
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      for (let from = 0, cut = 0; from < bytes.length; cut++) {
        const size = cuts[cut % cuts.length]!;
        if (!socket.destroyed) socket.write(bytes.subarray(from, from + size));
        from += size;
      }
      socket.end();
      await closed;
      const received = Buffer.concat(chunks);
      for (let from = 0; from + 2 <= received.length; ) {
        const end = from + 2 + received.readUInt16BE(from);
        if (end > received.length) break;
        assert.ok(decodeMessage(received.subarray(from + 2, end)), received.toString('hex'));
        from = end;
      }
    }),
    { numRuns: 150, interruptAfterTimeLimit: 20_000 },
  );
  const [answer] = await askTcp(at, [encodeQuery(web, 'A')]);
  assert.equal(answer?.answers.length, 1);
  assert.ok(server.stats.tcpConnections <= 2);
});

const ip = (...args: readonly string[]): boolean => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
const skip =
  process.getuid?.() !== 0 ? 'needs root' : spawnSync('which', ['ip']).status === 0 ? false : 'ip is not installed';

test('a flood from many forged sources: memory bounded, answers limited, others served', {
  skip,
  timeout: 120_000,
}, async () => {
  // Public addresses (RFC 5737) of this machine for the time of the test: what a forger would write.
  const link = `fl-dns-${process.pid % 10000}`;
  const sources = Array.from({ length: 40 }, (_, index) => `198.51.100.${index + 1}`);
  assert.ok(ip('link', 'add', link, 'type', 'bridge') && ip('link', 'set', link, 'up'));
  try {
    for (const source of sources) assert.ok(ip('addr', 'add', `${source}/32`, 'dev', link), source);
    const sockets = await Promise.all(
      sources.map(async (address) => {
        const socket = createSocket('udp4').bind(0, address);
        await once(socket, 'listening');
        return socket;
      }),
    );
    let answered = 0;
    for (const socket of sockets) socket.on('message', () => answered++);
    const before = server.stats;
    const query = encodeQuery(web, 'A');
    const rounds = 100;
    for (let round = 0; round < rounds; round++) {
      await Promise.all(
        sockets.map(
          (socket) => new Promise<void>((resolve) => socket.send(query, at.port, '127.0.0.1', () => resolve())),
        ),
      );
      // A neighbour is answered in between, whatever the others do.
      if (round % 20 === 0) assert.equal((await askUdp(at, query)).answers.length, 1);
    }
    while (server.stats.queries.queries - before.queries.queries < sources.length * rounds) await systemClock.sleep(5);
    const { queries, table } = server.stats;
    assert.ok(queries.rateLimited - before.queries.rateLimited > (sources.length * rounds) / 2, 'most are limited');
    assert.ok(answered < sources.length * rounds * 0.8, `${answered} answers`);
    assert.equal(table.usedBytes, before.table.usedBytes);
    for (const socket of sockets) socket.close();
  } finally {
    ip('link', 'del', link);
  }
});
