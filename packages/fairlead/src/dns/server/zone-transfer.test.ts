import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { rrType } from '../../wire/dns/constants.ts';
import { type DnsMessage, decodeMessage } from '../../wire/dns/message.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import { compileApexRecords, compileZoneRecords } from '../compile.ts';
import {
  answerText,
  askTcp,
  askUdp,
  compileAll,
  encodeQuery,
  makeService,
  makeSlice,
  recordText,
} from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { soaRecord } from '../record-data.ts';
import { DnsServer } from './dns-server.ts';

const zone = clusterZone('cluster.local', 5);
const external = clusterZone('apps.test', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const many = 4000;
let server: DnsServer;
let at: SocketAddress;

before(async () => {
  server = new DnsServer({
    zone,
    otherZones: [external],
    listen: ['127.0.0.1', '::1'].map((address) => ({
      family: address.includes(':') ? ('ipv6' as const) : ('ipv4' as const),
      address,
      port: 0,
    })),
    upstreams: [],
    workers: 1,
    transferTo: [{ address: Uint8Array.of(127, 0, 0, 1), prefixBits: 32 }],
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('zone', compileApexRecords(zone, ['10.96.0.10', 'fd00::10'], options));
  server.setSource('external', compileZoneRecords(external, ['10.96.0.10'], 5));
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1', 'fd00::1']), [], options));
  const addresses = Array.from({ length: many }, (_, index) => `10.244.${index >> 8}.${index & 255}`);
  server.setSource(
    'big',
    compileAll(makeService('shop/big', ['None'], []), [makeSlice('shop/big', 's', addresses, [])], options),
  );
  server.markSynced();
  await server.start();
  at = server.addresses[0]!;
});
after(() => server.stop());

/** All messages of a transfer, until the SOA comes a second time. */
async function transfer(query: Uint8Array, address: SocketAddress = at): Promise<DnsMessage[]> {
  const socket = connect({ host: address.address, port: address.port });
  socket.write(Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 255), query]));
  let received = Buffer.alloc(0);
  const messages: DnsMessage[] = [];
  let soas = 0;
  while (soas < 2) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const message = decodeMessage(received.subarray(2, end))!;
      messages.push(message);
      soas += message.answers.filter(({ type }) => type === rrType.SOA).length;
      received = received.subarray(end);
    }
  }
  socket.destroy();
  return messages;
}

test('AXFR: every record of the zone between two copies of its SOA, in many messages', {
  timeout: 120_000,
}, async () => {
  const messages = await transfer(encodeQuery('cluster.local', 'AXFR', { id: 77 }));
  assert.ok(messages.length > 5, 'a large zone takes many messages');
  assert.deepEqual([...new Set(messages.map(({ id }) => id))], [77]);
  assert.deepEqual(messages.map(({ questions }) => questions.length).slice(0, 3), [1, 0, 0]);
  const records = messages.flatMap(({ answers }) => answers);
  assert.equal(records[0]?.type, rrType.SOA);
  assert.deepEqual(records.at(-1)?.data, records[0]?.data, 'one serial');
  const texts = new Set(records.map(recordText));
  for (const expected of [
    'web.shop.svc.cluster.local 5 A 10.96.0.1',
    'web.shop.svc.cluster.local 5 AAAA fd00:0:0:0:0:0:0:1',
    '_http._tcp.web.shop.svc.cluster.local 5 SRV 0 50 80 web.shop.svc.cluster.local',
    'dns-version.cluster.local 5 TXT "1.1.0"',
    '10-244-15-159.big.shop.svc.cluster.local 5 A 10.244.15.159',
  ]) {
    assert.ok(texts.has(expected), expected);
  }
  assert.equal(records.filter(({ type }) => type === rrType.A).length, 2 * many + 2);
  assert.ok(!records.some(({ type }) => type === rrType.PTR), 'reverse names are in other zones');
});

test('AXFR with a name server of both families has all its addresses', { timeout: 120_000 }, async () => {
  const records = (await transfer(encodeQuery('cluster.local', 'AXFR', { flags: 0 }))).flatMap(
    ({ answers }) => answers,
  );
  const texts = records.map(recordText);
  assert.deepEqual([texts[0], texts.at(-1)], new Array(2).fill('cluster.local 5 SOA ns.dns.cluster.local'));
  assert.deepEqual(texts.filter((text) => / NS |^ns\.dns/.test(text)).sort(), [
    'cluster.local 5 NS ns.dns.cluster.local',
    'ns.dns.cluster.local 5 A 10.96.0.10',
    'ns.dns.cluster.local 5 AAAA fd00:0:0:0:0:0:0:10',
  ]);
});

test('IXFR: the SOA for whoever is up to date, the zone for others', { timeout: 120_000 }, async () => {
  const [full] = await transfer(encodeQuery('cluster.local', 'AXFR'));
  const soa = full!.answers[0]!;
  const serial = new DataView(soa.data.buffer, soa.data.byteOffset).getUint32(soa.data.length - 20);
  const query = (known: number): Uint8Array => {
    const writer = new MessageWriter(new Uint8Array(512));
    writer.header(5, 0);
    const name = nameFromText('cluster.local')!;
    writer.question({ name, type: rrType.IXFR, class: 1 });
    writer.record('authority', soaRecord(name, zone, known, 5));
    return writer.bytes;
  };
  const [current] = await askTcp(at, [query(serial)]);
  assert.deepEqual(answerText(current!), ['NOERROR aa', 'an cluster.local 5 SOA ns.dns.cluster.local']);
  assert.ok((await transfer(query(serial - 1))).length > 5);
});

test('who and what is refused', { timeout: 120_000 }, async (t) => {
  const v6 = server.addresses[1]!;
  const rows: readonly (readonly [title: string, address: SocketAddress, name: string, expected: string])[] = [
    ['a client that is not on the list', v6, 'cluster.local', 'REFUSED'],
    ['a name inside a zone', at, 'shop.svc.cluster.local', 'NOTAUTH'],
    ['a zone of others', at, 'example.org', 'NOTAUTH'],
    ['a zone that is not complete yet', at, 'apps.test', 'SERVFAIL'],
  ];
  for (const [title, address, name, expected] of rows) {
    await t.test(title, async () => {
      const [answer] = await askTcp(address, [encodeQuery(name, 'AXFR')]);
      assert.equal(answerText(answer!)[0], expected);
    });
  }
  await t.test('over UDP', async () => {
    assert.deepEqual(answerText(await askUdp(at, encodeQuery('cluster.local', 'AXFR'))), ['REFUSED']);
  });
});

test('a client that reads slowly, or goes, holds up nobody', { timeout: 120_000 }, async () => {
  const sent = server.stats.transfers;
  const query = encodeQuery('cluster.local', 'AXFR');
  const slow = connect({ host: at.address, port: at.port });
  slow.on('error', () => {});
  slow.pause();
  slow.write(Buffer.concat([Uint8Array.of(0, query.length), query]));
  for (let round = 0; round < 3; round++) assert.ok((await transfer(query)).length > 5);
  slow.destroy();
  assert.ok((await transfer(query)).length > 5);
  assert.ok(server.stats.transfers >= sent + 4);
});

const noKdig = spawnSync('which', ['kdig']).status === 0 ? false : 'kdig is not installed';
test('real client: kdig AXFR', { skip: noKdig, timeout: 120_000 }, async () => {
  const args = ['@127.0.0.1', '-p', String(at.port), '+nostats', '+noall', '+answer', 'cluster.local', 'AXFR'];
  const { stdout } = await promisify(execFile)('kdig', args, { maxBuffer: 1 << 24 });
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
  assert.equal(lines.filter((line) => /\sA\s/.test(line)).length, 2 * many + 2);
  assert.match(lines[0]!, /SOA/);
  assert.match(lines.at(-1)!, /SOA/);
});
