import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { engine } from '../../sys/engine-kind.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { headerFlag, rrType } from '../../wire/dns/constants.ts';
import { type DnsMessage, decodeMessage } from '../../wire/dns/message.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import { compileApexRecords } from '../compile.ts';
import { askTcp, askUdp, compileAll, encodeQuery, makeService, makeSlice } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { ZoneFiles } from '../zone-files.ts';
import { DnsServer } from './dns-server.ts';

/*
 * What ISC's EDNS compliance checks and RFC 8906 ask a server, put to a real one: for every way in which an answer
 * comes to be, over UDP and TCP.
 */

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const folder = mkdtempSync(join(tmpdir(), 'fairlead-edns-'));
let upstream: Socket;
let server: DnsServer;
let address: SocketAddress;

before(async () => {
  upstream = createSocket('udp4');
  upstream.on('message', (bytes, { port }) => upstream.send(upstreamAnswer(bytes), port, '127.0.0.1'));
  upstream.bind(0, '127.0.0.1');
  await once(upstream, 'listening');
  const file = join(folder, 'file.db');
  writeFileSync(file, '@ 60 IN SOA ns admin 1 2 3 4 5\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\nwww 60 IN A 192.0.2.2\n');
  const log = (): void => {};
  const fileZones = new ZoneFiles({
    files: [{ origin: 'file.test', file }],
    directories: [],
    clock: systemClock,
    log,
    onLoaded: log,
  });
  server = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [{ address: '127.0.0.1', port: upstream.address().port }],
    fileZones: fileZones.zones,
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log,
  });
  server.setSource('zone', compileApexRecords(zone, ['10.96.0.10'], options));
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], options));
  const many = Array.from({ length: 200 }, (_, index) => `10.245.0.${index}`);
  server.setSource('big', compileAll(makeService('shop/big', ['None']), [makeSlice('shop/big', 's', many)], options));
  const alias = (name: string, externalName: string) => ({
    metadata: { namespace: 'shop', name },
    spec: { type: 'ExternalName' as const, externalName },
  });
  server.setSource('alias', compileAll(alias('alias', 'web.shop.svc.cluster.local'), [], options));
  server.setSource('far', compileAll(alias('far', 'big.shop.svc.cluster.local'), [], options));
  server.markSynced();
  await server.start();
  fileZones.stop();
  address = server.addresses[0]!;
});

after(async () => {
  await server.stop();
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** One address for every A query, nothing for the rest. */
function upstreamAnswer(bytes: Uint8Array): Uint8Array {
  const query = decodeMessage(bytes)!;
  const [question] = query.questions;
  const writer = new MessageWriter(new Uint8Array(512));
  writer.header(query.id, headerFlag.QR | headerFlag.RA | headerFlag.RD);
  writer.question(question!);
  if (question!.type === rrType.A) {
    const data = Uint8Array.of(192, 0, 2, 9);
    writer.record('answer', { name: question!.name, type: rrType.A, class: 1, ttl: 300, data });
  }
  return writer.bytes;
}

/** A way in which answers come to be: what is asked, and how many records of the answer there are. */
const ways: readonly (readonly [way: string, name: string, answers: number, code: string])[] = [
  ['the table', 'web.shop.svc.cluster.local', 1, 'NOERROR'],
  ['no such name', 'none.shop.svc.cluster.local', 0, 'NXDOMAIN'],
  ['an alias', 'alias.shop.svc.cluster.local', 2, 'NOERROR'],
  ['an upstream, and its cache', 'www.example.org', 1, 'NOERROR'],
  ['a zone file', 'www.file.test', 1, 'NOERROR'],
];

const clientCookie = '000a00080102030405060708';
/** Bits of a query, and what its answer must be; `data`: options of the OPT record, in hex. */
interface Check {
  readonly title: string;
  readonly flags?: number;
  readonly size?: number;
  readonly version?: number;
  readonly ednsFlags?: number;
  readonly data?: string;
  /** Absent: as without all this. */
  readonly code?: 'BADVERS' | 'FORMERR';
  /** Options that the answer may have. Default: none. */
  readonly may?: readonly number[];
}

const { AD, CD, RD, AA, TC, RA } = headerFlag;
const checks: readonly Check[] = [
  // RFC 8906 8.1: header bits.
  { title: 'dns: plain', flags: 0 },
  { title: 'rdflag', flags: RD },
  { title: 'adflag', flags: AD },
  { title: 'cdflag', flags: CD },
  { title: 'aaflag', flags: AA },
  { title: 'tcflag', flags: TC },
  { title: 'raflag', flags: RA },
  { title: 'zflag', flags: 0x0040 },
  { title: 'all flags at once', flags: AD | CD | RD | AA | TC | RA | 0x0040 },
  // RFC 8906 8.2: EDNS.
  { title: 'edns', size: 4096 },
  { title: 'edns1', size: 4096, version: 1, code: 'BADVERS' },
  { title: 'version 100', size: 4096, version: 100, code: 'BADVERS' },
  { title: 'version 255', size: 4096, version: 255, code: 'BADVERS' },
  { title: 'ednsopt: an unknown option', size: 4096, data: '00640000' },
  { title: 'an unknown option with data', size: 4096, data: '00640004deadbeef' },
  { title: 'an option of the local range', size: 4096, data: 'fde900020102' },
  { title: 'edns1opt', size: 4096, version: 1, data: '00640000', code: 'BADVERS' },
  { title: 'do', size: 4096, ednsFlags: 0x8000 },
  { title: 'edns1do', size: 4096, version: 1, ednsFlags: 0x8000, code: 'BADVERS' },
  { title: 'ednsflags: an unknown flag', size: 4096, ednsFlags: 0x0080 },
  { title: 'all unknown flags', size: 4096, ednsFlags: 0x7fff },
  { title: 'edns1flags', size: 4096, version: 1, ednsFlags: 0x0080, code: 'BADVERS' },
  { title: 'edns@512', size: 512 },
  { title: 'edns512do', size: 512, ednsFlags: 0x8000 },
  { title: 'size 511', size: 511 },
  { title: 'size 1', size: 1 },
  { title: 'size 0', size: 0 },
  { title: 'size 65535', size: 65535 },
  { title: 'ednsnsid', size: 4096, data: '00030000' },
  { title: 'ednssubnet', size: 4096, data: '0008000400010000' },
  { title: 'ednsexpire', size: 4096, data: '00090000' },
  { title: 'ednscookie', size: 4096, data: clientCookie, may: [10] },
  { title: 'keepalive', size: 4096, data: '000b0000', may: [11] },
  { title: 'ednspadding', size: 4096, data: '000c000400000000' },
  { title: 'chain', size: 4096, data: '000d000100' },
  { title: 'key tag', size: 4096, data: '000e00024a5c' },
  { title: 'extended error in a query', size: 4096, data: '000f00020000' },
  { title: 'optlist', size: 4096, data: `00030000000800040001000000090000${clientCookie}`, may: [10] },
  { title: 'the same option twice', size: 4096, data: '0064000000640000' },
  { title: 'docookie', size: 4096, ednsFlags: 0x8000, data: clientCookie, may: [10] },
  { title: 'AD and CD with DO', size: 4096, flags: AD | CD | RD, ednsFlags: 0x8000 },
  { title: 'an option longer than the record', size: 4096, data: '00640005aa', code: 'FORMERR' },
  { title: 'half an option', size: 4096, data: '0064', code: 'FORMERR' },
];

function queryOf(name: string, { flags = RD, size, version = 0, ednsFlags = 0, data = '' }: Check): Uint8Array {
  const query = encodeQuery(name, 'A', { flags, ...(size === undefined ? {} : { edns: size }) });
  if (size === undefined) return query;
  const bytes = Buffer.concat([query, Buffer.from(data, 'hex')]);
  const opt = query.length - 11;
  bytes[opt + 6] = version;
  bytes.writeUInt16BE(ednsFlags, opt + 7);
  bytes.writeUInt16BE(data.length / 2, opt + 9);
  return bytes;
}

const optOf = (message: DnsMessage) => message.additional.filter(({ type }) => type === rrType.OPT);

function optionCodes(data: Uint8Array): number[] {
  const codes: number[] = [];
  for (let at = 0; at < data.length; at += 4 + ((data[at + 2]! << 8) | data[at + 3]!)) {
    codes.push((data[at]! << 8) | data[at + 1]!);
  }
  return codes;
}

function codeOf(message: DnsMessage): string {
  const [opt] = optOf(message);
  const code = (message.flags & 15) | (opt === undefined ? 0 : Math.floor(opt.ttl / 2 ** 24) << 4);
  return { 0: 'NOERROR', 1: 'FORMERR', 3: 'NXDOMAIN', 16: 'BADVERS' }[code] ?? String(code);
}

function assertCompliant(message: DnsMessage, query: Uint8Array, check: Check, answers: number, code: string): void {
  const asked = check.flags ?? RD;
  assert.equal(codeOf(message), check.code ?? code, 'code');
  assert.equal(message.answers.length, check.code === undefined ? answers : 0, 'answers');
  assert.equal(message.flags & headerFlag.QR, headerFlag.QR, 'QR');
  assert.equal(message.flags & (RD | CD), asked & (RD | CD), 'RD and CD as asked');
  assert.equal(message.flags & (AD | TC | 0x0040), 0, 'no AD, TC, Z');
  const question = message.questions[0];
  // The question byte for byte.
  if (question !== undefined)
    assert.deepEqual(Buffer.from(question.name), Buffer.from(query.subarray(12, 12 + question.name.length)));
  else assert.equal(check.code, 'FORMERR', 'a question');
  const found = optOf(message);
  assert.equal(found.length, check.size === undefined ? 0 : 1, 'OPT for OPT');
  const [opt] = found;
  if (opt === undefined) return;
  assert.deepEqual([opt.name.length, opt.class], [1, 1232], 'root owner, our size');
  assert.equal(Math.floor(opt.ttl / 65536) & 255, 0, 'our version');
  assert.equal(opt.ttl & 0xffff, (check.ednsFlags ?? 0) & 0x8000, 'DO as asked, no other flag');
  for (const option of optionCodes(opt.data)) assert.ok(check.may?.includes(option), `option ${option}`);
}

for (const [way, name, answers, code] of ways) {
  test(`EDNS and RFC 8906, answers of ${way}`, { timeout: 120_000 }, async () => {
    for (const check of checks) {
      const title = `${check.title}, ${name}`;
      const query = queryOf(name, check);
      try {
        assertCompliant(await askUdp(address, query), query, check, answers, code);
        const [overTcp] = await askTcp(address, [query]);
        assertCompliant(overTcp!, query, check, answers, code);
      } catch (error) {
        throw new Error(`${title}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
}

test('truncated answers have an OPT record and stay in the size asked for', { timeout: 120_000 }, async () => {
  const rows: readonly (readonly [name: string, type: 'A' | 'SRV'])[] = [
    ['big.shop.svc.cluster.local', 'A'],
    ['big.shop.svc.cluster.local', 'SRV'],
    ['far.shop.svc.cluster.local', 'A'],
  ];
  for (const [name, type] of rows) {
    for (const size of [undefined, 0, 512, 700, 1232, 4096, 65535]) {
      for (const dnssecOk of size === undefined ? [false] : [false, true]) {
        const query = encodeQuery(name, type, size === undefined ? {} : { edns: size, dnssecOk });
        const bytes = await askRaw(query);
        const message = decodeMessage(bytes)!;
        const title = `${name} ${type} at ${size}`;
        assert.ok(bytes.length <= Math.min(Math.max(size ?? 0, 512), 1232), `${title}: ${bytes.length} bytes`);
        assert.equal(message.flags & TC, TC, `${title}: TC`);
        assert.equal(optOf(message).length, size === undefined ? 0 : 1, `${title}: OPT`);
        const [whole] = await askTcp(address, [query]);
        assert.equal(whole!.flags & TC, 0, `${title}: whole over TCP`);
        assert.ok(whole!.answers.length >= 200, `${title}: ${whole!.answers.length} over TCP`);
      }
    }
  }
});

async function askRaw(query: Uint8Array): Promise<Uint8Array> {
  const socket = createSocket('udp4');
  try {
    socket.send(query, address.port, address.address);
    const [bytes] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Uint8Array];
    return bytes;
  } finally {
    socket.close();
  }
}

/** A header with these flags and counts, then bytes in hex. */
const raw = (flags: number, counts: readonly number[], body = ''): Uint8Array =>
  Buffer.concat([
    Uint8Array.of(0x12, 0x34, flags >> 8, flags & 255),
    Uint8Array.from(counts.flatMap((count) => [count >> 8, count & 255])),
    Buffer.from(body, 'hex'),
  ]);
const hexName = (name: string): string => Buffer.from(nameFromText(name)!).toString('hex');
const web = `${hexName('web.shop.svc.cluster.local')}00010001`;
const opt = '00002904d0000000000000';

test('malformed and odd queries over UDP and TCP', { timeout: 120_000 }, async () => {
  const label63 = `3f${'61'.repeat(63)}`;
  const rows: readonly (readonly [title: string, query: Uint8Array, expected: string])[] = [
    ['header only', raw(0, [0, 0, 0, 0]), '1 q0'],
    ['two questions', raw(0, [2, 0, 0, 0], web + web), '1 q0'],
    ['a count without its question', raw(0, [1, 0, 0, 0]), '1 q0'],
    ['bytes behind the question', raw(0, [1, 0, 0, 0], `${web}00`), '1 q1'],
    ['an answer in the query', raw(0, [1, 1, 0, 0], `${web}c00c000100010000000000040a000001`), '1 q1'],
    ['two OPT records', raw(0, [1, 0, 0, 2], web + opt + opt), '1 q1'],
    ['an OPT that is not at the root', raw(0, [1, 0, 0, 1], `${web}0161${opt}`), '1 q1'],
    ['a record of another kind beside OPT', raw(0, [1, 0, 0, 2], `${web}0000010001000000000004c0000201${opt}`), '0 q1'],
    ['a pointer in the question', raw(0, [1, 0, 0, 0], 'c00c00010001'), '1 q0'],
    ['a pointer to what comes later', raw(0, [1, 0, 0, 0], '0161c01f00010001'), '1 q0'],
    ['label type 01', raw(0, [1, 0, 0, 0], '416100010001'), '1 q0'],
    ['label type 10', raw(0, [1, 0, 0, 0], '816100010001'), '1 q0'],
    ['a name of 255 bytes', raw(0, [1, 0, 0, 0], `${label63.repeat(3)}3d${'61'.repeat(61)}0000010001`), '0 q1'],
    ['a name of 256 bytes', raw(0, [1, 0, 0, 0], `${label63.repeat(3)}3e${'61'.repeat(62)}0000010001`), '1 q0'],
    ['any bytes in labels', raw(0, [1, 0, 0, 0], `04002eff5c${hexName('shop.svc.cluster.local')}00010001`), '3 q1'],
    ['the root', raw(0, [1, 0, 0, 0], '0000020001'), '0 q1'],
    ['type 0', raw(0, [1, 0, 0, 0], `${web.slice(0, -8)}00000001`), '0 q1'],
    ['type 65280', raw(0, [1, 0, 0, 0], `${web.slice(0, -8)}ff000001`), '0 q1'],
    ['HTTPS', raw(0, [1, 0, 0, 0], `${web.slice(0, -8)}00410001`), '0 q1'],
    ['class 0', raw(0, [1, 0, 0, 0], `${web.slice(0, -4)}0000`), '5 q1'],
    ['class CH', raw(0, [1, 0, 0, 0], `${web.slice(0, -4)}0003`), '5 q1'],
    ['class HS', raw(0, [1, 0, 0, 0], `${web.slice(0, -4)}0004`), '5 q1'],
    ['class NONE', raw(0, [1, 0, 0, 0], `${web.slice(0, -4)}00fe`), '5 q1'],
    ['class ANY', raw(0, [1, 0, 0, 0], `${web.slice(0, -4)}00ff`), '5 q1'],
    ['AXFR', raw(0, [1, 0, 0, 0], `${web.slice(0, -8)}00fc0001`), '5 q1'],
    ['IXFR', raw(0, [1, 0, 0, 0], `${web.slice(0, -8)}00fb0001`), '5 q1'],
    ...Array.from({ length: 15 }, (_, index): readonly [string, Uint8Array, string] => [
      `opcode ${index + 1}`,
      raw((index + 1) << 11, [1, 0, 0, 0], web),
      '4 q0',
    ]),
    ['an unknown opcode, header only', raw(15 << 11, [0, 0, 0, 0]), '4 q0'],
    ['an unknown opcode with OPT', raw(15 << 11, [1, 0, 0, 1], web + opt), '4 q0'],
  ];
  for (const [title, query, expected] of rows) {
    const [overTcp] = await askTcp(address, [query]);
    for (const [transport, answer] of [
      ['UDP', await askUdp(address, query)],
      ['TCP', overTcp!],
    ] as const) {
      const given = `${answer.flags & 15} q${answer.questions.length}`;
      // A question may be repeated with an error or left out.
      const isGiven = given === expected || (!/^[035]/.test(expected) && given[0] === expected[0]);
      assert.ok(isGiven, `${title} over ${transport}: ${given}, not ${expected}`);
      assert.deepEqual([answer.id, answer.flags & 0x7800], [0x1234, ((query[2]! << 8) | query[3]!) & 0x7800], title);
    }
  }
});

test('a query longer than a datagram should be is answered over TCP', { timeout: 120_000 }, async () => {
  for (const padding of [500, 1300, 4000]) {
    const data = `000c${padding.toString(16).padStart(4, '0')}${'00'.repeat(padding)}`;
    const query = queryOf('web.shop.svc.cluster.local', { title: '', size: 4096, data });
    const answer = await askUdp(address, query);
    const title = `${padding} bytes of padding`;
    assert.equal(codeOf(answer), 'NOERROR', title);
    // node:dgram has room for any.
    const isCut = padding > 500 && engine.kind !== 'node';
    assert.deepEqual([answer.answers.length, answer.flags & TC], isCut ? [0, TC] : [1, 0], title);
    const [overTcp] = await askTcp(address, [query]);
    assert.deepEqual([codeOf(overTcp!), overTcp!.answers.length], ['NOERROR', 1], `${title} over TCP`);
  }
});

test('responses and pieces of headers are not answered', { timeout: 120_000 }, async () => {
  const socket = createSocket('udp4');
  let answers = 0;
  socket.on('message', () => answers++);
  for (const query of [
    new Uint8Array(0),
    new Uint8Array(1),
    new Uint8Array(11),
    raw(headerFlag.QR, [1, 0, 0, 0], web),
    raw(headerFlag.QR | (15 << 11), [0, 0, 0, 0]),
  ]) {
    socket.send(query, address.port, address.address);
  }
  // A query on the same socket afterwards: what is answered before it would have come before it.
  socket.send(raw(0, [1, 0, 0, 0], web), address.port, address.address);
  try {
    await once(socket, 'message', { signal: AbortSignal.timeout(10_000) });
    assert.equal(answers, 1);
  } finally {
    socket.close();
  }
});
