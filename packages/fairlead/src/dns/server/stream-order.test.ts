import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { compileAll, encodeQuery, makeService } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { DnsServer } from './dns-server.ts';

test('TCP: an answer that is there does not wait for one that an upstream keeps (RFC 7766 6.2.1.1)', {
  timeout: 60_000,
}, async () => {
  const upstream = createSocket('udp4').bind(0, '127.0.0.1');
  await once(upstream, 'listening');
  const zone = clusterZone('cluster.local', 5);
  const server = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [{ address: '127.0.0.1', port: upstream.address().port }],
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], { zone: zone.origin, ttlSeconds: 5 }));
  server.markSynced();
  const wanted = encodeQuery('slow.example', 'A').subarray(12, -4);
  /** The query for the slow name, once it has come; the loop's probe is not answered at all. */
  const held = new Promise<readonly [Buffer, number]>((resolve) => {
    upstream.on('message', (bytes, { port }) => {
      if (bytes.includes(wanted)) resolve([bytes, port]);
    });
  });
  await server.start();
  const socket = connect({ host: '127.0.0.1', port: server.addresses[0]!.port, noDelay: true });
  try {
    let received = Buffer.alloc(0);
    const nextId = async (): Promise<number> => {
      while (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) {
        const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
        received = Buffer.concat([received, chunk]);
      }
      const id = received.readUInt16BE(2);
      received = received.subarray(2 + received.readUInt16BE(0));
      return id;
    };
    for (const query of [
      encodeQuery('slow.example', 'A', { id: 1 }),
      encodeQuery('web.shop.svc.cluster.local', 'A', { id: 2 }),
    ]) {
      socket.write(Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 255), query]));
    }
    const [query, port] = await held;
    assert.equal(await nextId(), 2);
    const answer = Buffer.from(query);
    answer[2] = 0x80;
    answer[3] = 0x83;
    upstream.send(answer, port, '127.0.0.1');
    assert.equal(await nextId(), 1);
  } finally {
    socket.destroy();
    await server.stop();
    upstream.close();
  }
});
