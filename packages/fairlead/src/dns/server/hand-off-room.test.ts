import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { type Clock, systemClock, systemRandom } from '../../sys/clock.ts';
import { encodeSocketAddress } from '../../sys/socket-address.ts';
import { headerFlag, rcode } from '../../wire/dns/constants.ts';
import { nameToText, readName } from '../../wire/dns/name.ts';
import { encodeQuery } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { DnsServer } from './dns-server.ts';
import { HandOffRoom } from './hand-off-room.ts';
import { control } from './table-layout.ts';

/** A room of `limit` places, and raw sockaddrs of clients. */
function makeRoom(limit: number) {
  const words = new Int32Array(32);
  words[control.handOffLimit] = limit;
  const room = new HandOffRoom(words, new Int32Array(HandOffRoom.bytes / 4), Uint8Array.of(1, 2, 3));
  const takeFor = (address: string, port = 1): number => {
    const peer = new Uint8Array(32);
    encodeSocketAddress({ family: address.includes(':') ? 'ipv6' : 'ipv4', address, port }, peer);
    return room.take(peer, 0);
  };
  return { words, room, takeFor };
}

test('a client has an eighth of the room, whatever its port, and gets back what it gives back', () => {
  const { words, room, takeFor } = makeRoom(80);
  const taken = Array.from({ length: 10 }, (_, port) => takeFor('10.0.0.1', port + 1));
  assert.ok(taken.every((share) => share >= 0));
  assert.equal(takeFor('10.0.0.1'), -1);
  assert.equal(words[control.handedOff], 10);
  assert.ok(takeFor('10.0.0.2') >= 0, 'another client');
  room.giveBack(taken[0]!);
  assert.ok(takeFor('10.0.0.1') >= 0);
  assert.equal(takeFor('10.0.0.1'), -1);
});

test('of IPv6 a client is a /64', () => {
  const { takeFor } = makeRoom(8);
  assert.ok(takeFor('fd00::1') >= 0);
  assert.equal(takeFor('fd00::2'), -1);
  assert.ok(takeFor('fd00:0:0:1::1') >= 0);
});

test('the room is for all clients together', () => {
  const { words, takeFor } = makeRoom(16);
  const taken = Array.from({ length: 100 }, (_, client) => takeFor(`10.0.${client}.1`));
  assert.equal(taken.filter((share) => share >= 0).length, 16);
  assert.equal(words[control.handedOff], 16);
});

test('a flood of unknown names by one client leaves the lookups of others alone', { timeout: 120_000 }, async () => {
  const upstream = createSocket('udp4').bind(0, '127.0.0.1');
  await once(upstream, 'listening');
  const asked = new Set<string>();
  // Answers one name; about all others it says nothing.
  upstream.on('message', (query, { port, address }) => {
    const name = nameToText(readName(query, 12, query.length)!.name).toLowerCase();
    if (/^x\d+\./.test(name)) asked.add(name);
    if (name !== 'wanted.example.org') return;
    const answer = Buffer.from(query);
    answer.writeUInt16BE(headerFlag.QR | rcode.NXDOMAIN, 2);
    upstream.send(answer, port, address);
  });
  // Lookups that wait do not time out before the end, however slow the machine is.
  const waiting = new Set<() => void>();
  let isOver = false;
  const clock: Clock = {
    ...systemClock,
    after: (delayMs, callback) => {
      if (isOver) return systemClock.after(delayMs, callback);
      waiting.add(callback);
      return () => waiting.delete(callback);
    },
  };
  const server = new DnsServer({
    zone: clusterZone('cluster.local', 5),
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [{ address: '127.0.0.1', port: upstream.address().port }],
    workers: 1,
    clock,
    random: systemRandom,
    log: () => {},
  });
  await server.start();
  const clients = ['127.0.0.1', '127.0.0.2'].map((address) => createSocket('udp4').bind(0, address));
  const [flooder, other] = clients as [(typeof clients)[number], (typeof clients)[number]];
  try {
    await Promise.all(clients.map((client) => once(client, 'listening')));
    const { port } = server.addresses[0]!;
    let failures = 0;
    const refused = new Promise<void>((resolve) => {
      flooder.on('message', (answer) => {
        if ((answer[3]! & 15) === rcode.SERVFAIL && ++failures === 150) resolve();
      });
    });
    for (let number = 0; number < 400; number++) {
      flooder.send(encodeQuery(`x${number}.example.org`, 'A', { id: number }), port, '127.0.0.1');
    }
    await refused;
    const answered = once(other, 'message');
    other.send(encodeQuery('wanted.example.org', 'A'), port, '127.0.0.1');
    const [answer] = (await answered) as [Buffer];
    assert.equal(answer[3]! & 15, rcode.NXDOMAIN);
    assert.ok(asked.size <= 250, `${asked.size} lookups for one client`);
  } finally {
    for (const client of clients) client.close();
    isOver = true;
    for (const callback of waiting) callback();
    await server.stop();
    upstream.close();
  }
});
