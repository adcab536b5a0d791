import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headerFlag, rrType } from '../../wire/dns/constants.ts';
import { type DnsMessage, decodeMessage } from '../../wire/dns/message.ts';
import { compileApexRecords } from '../compile.ts';
import { answerText, compileAll, encodeQuery, makeService } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { ZoneBuilder } from '../zone-builder.ts';
import { AnswerTable } from './answer-table.ts';
import { QueryAnswerer } from './query-answerer.ts';
import { defaultRateLimits, RateLimiter } from './rate-limiter.ts';
import { ServerCookies } from './server-cookie.ts';
import { zoneTemplates } from './zone-template.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const apex = 'cluster.local';
const web = 'web.shop.svc.cluster.local';
const table = new AnswerTable(1);
const builder = new ZoneBuilder(zone, table);
builder.setSource('zone', compileApexRecords(zone, ['10.96.0.10'], options));
builder.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], options));
table.markSynced(42);

function makeAnswerer(): QueryAnswerer {
  const answerer = new QueryAnswerer(table.buffers, zoneTemplates(zone), {
    cookies: new ServerCookies(new Uint8Array(16)),
  });
  answerer.peer.set([2, 0, 0, 53, 10, 0, 0, 9]);
  answerer.nowSeconds = 1_000_000;
  return answerer;
}

const answerer = makeAnswerer();

function ask(query: Uint8Array, streamLimit = 0): DnsMessage | undefined {
  const output = new Uint8Array(65535);
  const length = answerer.answer(query, 0, query.length, output, 0, streamLimit);
  if (length === 0) return undefined;
  const message = decodeMessage(output.slice(0, length));
  assert.ok(message, 'well-formed');
  return message;
}

/** Options of an OPT record: `code=hex` each. */
function optionsOf(message: DnsMessage): string[] {
  const data = message.additional.find(({ type }) => type === rrType.OPT)?.data ?? new Uint8Array(0);
  const found: string[] = [];
  for (let at = 0; at < data.length; ) {
    const length = (data[at + 2]! << 8) | data[at + 3]!;
    found.push(
      `${(data[at]! << 8) | data[at + 1]!}=${Buffer.from(data.subarray(at + 4, at + 4 + length)).toString('hex')}`,
    );
    at += 4 + length;
  }
  return found;
}

/** A query for the zone's SOA with an OPT record of `version`, flags and options. */
function ednsQuery(opts: {
  version?: number;
  size?: number;
  flags?: number;
  options?: string;
  name?: string;
}): Uint8Array {
  const { version = 0, size = 4096, flags = 0, options: data = '', name = apex } = opts;
  const query = encodeQuery(name, 'SOA', { edns: size, flags: 0 });
  const bytes = Buffer.concat([query, Buffer.from(data, 'hex')]);
  const opt = query.length - 11;
  bytes[opt + 6] = version;
  bytes.writeUInt16BE(flags, opt + 7);
  bytes.writeUInt16BE(data.length / 2, opt + 9);
  return bytes;
}

/** Response code with its extension, and the OPT record: `BADVERS`, `NOERROR soa opt=1232 …`. */
function shortAnswer(message: DnsMessage | undefined): string {
  if (message === undefined) return 'nothing';
  const opt = message.additional.find(({ type }) => type === rrType.OPT);
  const code = (message.flags & 15) | (opt === undefined ? 0 : Math.floor(opt.ttl / 2 ** 24) << 4);
  const names: Record<number, string> = { 0: 'NOERROR', 1: 'FORMERR', 4: 'NOTIMP', 5: 'REFUSED', 16: 'BADVERS' };
  const parts = [names[code] ?? String(code)];
  if (message.answers.some(({ type }) => type === rrType.SOA)) parts.push('soa');
  if (opt !== undefined) {
    parts.push(`opt=${opt.class}`, `version=${Math.floor(opt.ttl / 65536) & 255}`);
    if ((opt.ttl & 0x8000) !== 0) parts.push('do');
    if ((opt.ttl & 0x7fff) !== 0) parts.push('z');
  }
  return [...parts, ...optionsOf(message)].join(' ');
}

test('EDNS compliance, the queries of ednscomp', async (t) => {
  const rows: readonly (readonly [title: string, query: Uint8Array, stream: boolean, expected: string])[] = [
    ['dns: plain', encodeQuery(apex, 'SOA', { flags: 0 }), false, 'NOERROR soa'],
    ['edns', ednsQuery({}), false, 'NOERROR soa opt=1232 version=0'],
    ['edns1', ednsQuery({ version: 1 }), false, 'BADVERS opt=1232 version=0'],
    ['edns@512', ednsQuery({ size: 512 }), false, 'NOERROR soa opt=1232 version=0'],
    ['ednsopt: unknown option 100', ednsQuery({ options: '00640000' }), false, 'NOERROR soa opt=1232 version=0'],
    ['edns1opt', ednsQuery({ version: 1, options: '00640000' }), false, 'BADVERS opt=1232 version=0'],
    ['do', ednsQuery({ flags: 0x8000 }), false, 'NOERROR soa opt=1232 version=0 do'],
    ['docookie and nsid: no NSID', ednsQuery({ options: '00030000' }), false, 'NOERROR soa opt=1232 version=0'],
    ['ednsflags: a reserved flag', ednsQuery({ flags: 0x0080 }), false, 'NOERROR soa opt=1232 version=0'],
    ['edns1flags', ednsQuery({ version: 1, flags: 0x0080 }), false, 'BADVERS opt=1232 version=0'],
    ['ednstcp', ednsQuery({}), true, 'NOERROR soa opt=1232 version=0'],
    [
      'client subnet is not echoed',
      ednsQuery({ options: '0008000400010000' }),
      false,
      'NOERROR soa opt=1232 version=0',
    ],
    [
      'optlist: NSID, client subnet, expire, cookie at once',
      ednsQuery({ options: `0003000000080004000100000009000${'0'}000a0008${'01'.repeat(8)}` }),
      false,
      'NOERROR soa opt=1232 version=0 10=',
    ],
    [
      'edns1opt with DO',
      ednsQuery({ version: 1, flags: 0x8000, options: '00640000' }),
      false,
      'BADVERS opt=1232 version=0 do',
    ],
    ['edns@0', ednsQuery({ size: 0 }), false, 'NOERROR soa opt=1232 version=0'],
    ['keepalive over TCP', ednsQuery({ options: '000b0000' }), true, 'NOERROR soa opt=1232 version=0 11=0064'],
    ['keepalive over UDP is ignored', ednsQuery({ options: '000b0000' }), false, 'NOERROR soa opt=1232 version=0'],
    ['option longer than the record', ednsQuery({ options: '00640005aa' }), false, 'FORMERR opt=1232 version=0'],
    ['cookie of nine bytes', ednsQuery({ options: `000a0009${'11'.repeat(9)}` }), false, 'FORMERR opt=1232 version=0'],
    ['cookie of seven bytes', ednsQuery({ options: `000a0007${'11'.repeat(7)}` }), false, 'FORMERR opt=1232 version=0'],
  ];
  for (const [title, query, isStream, expected] of rows) {
    // What a cookie is, its own test says.
    const given = (answer: string): string => answer.replace(/ 10=[0-9a-f]{48}$/, ' 10=');
    await t.test(title, () => assert.equal(given(shortAnswer(ask(query, isStream ? 65535 : 0))), expected));
  }
});

test('RFC 8906 section 8: nothing that is legal goes unanswered', async (t) => {
  const header = (flags: number): Uint8Array => Uint8Array.of(0, 1, flags >> 8, flags & 255, 0, 0, 0, 0, 0, 0, 0, 0);
  const rows: readonly (readonly [title: string, query: Uint8Array, expected: string])[] = [
    ['8.1.2 unknown type', encodeQuery(apex, 1000, { flags: 0 }), 'NOERROR'],
    ['8.1.3.1 CD=1', encodeQuery(apex, 'SOA', { flags: headerFlag.CD }), 'NOERROR soa'],
    ['8.1.3.1 AD=1', encodeQuery(apex, 'SOA', { flags: headerFlag.AD }), 'NOERROR soa'],
    ['8.1.3.2 the reserved bit', encodeQuery(apex, 'SOA', { flags: 0x0040 }), 'NOERROR soa'],
    ['8.1.3.3 RD=1', encodeQuery(apex, 'SOA', { flags: headerFlag.RD }), 'NOERROR soa'],
    ['8.1.4 unknown opcode, header only', header(15 << 11), 'NOTIMP'],
    ['opcode STATUS', header(2 << 11), 'NOTIMP'],
    ['opcode NOTIFY', encodeQuery(apex, 'SOA', { flags: 4 << 11 }), 'NOTIMP'],
    ['opcode UPDATE', encodeQuery(apex, 'SOA', { flags: 5 << 11 }), 'NOTIMP'],
    ['no question', header(0), 'FORMERR'],
    ['class CH', encodeQuery('version.bind', 'TXT', { class: 3 }), 'REFUSED'],
    ['AXFR over UDP', encodeQuery(apex, 'AXFR'), 'REFUSED'],
    ['a response', encodeQuery(apex, 'SOA', { flags: headerFlag.QR }), 'nothing'],
    ['eleven bytes', new Uint8Array(11), 'nothing'],
  ];
  for (const [title, query, expected] of rows)
    await t.test(title, () => assert.equal(shortAnswer(ask(query)), expected));
  await t.test('the reserved bit and AD are not repeated', () => {
    const answer = ask(encodeQuery(apex, 'SOA', { flags: 0x0040 | headerFlag.AD }));
    assert.equal((answer?.flags ?? 0) & (0x0040 | headerFlag.AD), 0);
  });
});

test('cookies: given, accepted, and no answer outgrows the room for one', () => {
  const first = optionsOf(ask(ednsQuery({ options: '000a00080102030405060708' }))!)[0]!;
  assert.match(first, /^10=0102030405060708010000000/);
  assert.equal(first.length, '10='.length + 48);
  assert.equal(answerer.hasValidCookie, false);
  ask(ednsQuery({ options: `000a0018${first.slice(3)}` }));
  assert.equal(answerer.hasValidCookie, true);
  const forged = `${first.slice(3, -2)}00`;
  ask(ednsQuery({ options: `000a0018${forged}` }));
  assert.equal(answerer.hasValidCookie, first.endsWith('00'));
  answerer.nowSeconds += 7200;
  ask(ednsQuery({ options: `000a0018${first.slice(3)}` }));
  assert.equal(answerer.hasValidCookie, false, 'too old');
});

test('extended errors say why', () => {
  const young = new QueryAnswerer(new AnswerTable(1).buffers, zoneTemplates(zone));
  const output = new Uint8Array(1300);
  const query = encodeQuery(web, 'A', { edns: 1232 });
  const length = young.answer(query, 0, query.length, output, 0, 0);
  assert.deepEqual(optionsOf(decodeMessage(output.slice(0, length))!), ['15=000e'], 'not ready');
  assert.deepEqual(optionsOf(ask(encodeQuery(apex, 'AXFR', { edns: 1232 }))!), ['15=0012'], 'prohibited');
  assert.deepEqual(optionsOf(ask(encodeQuery(web, 'A', { edns: 1232 }))!), []);
});

test('rate limiting: public sources only, a truncated answer now and then', () => {
  const limiter = new RateLimiter({
    ...defaultRateLimits,
    perSecond: 10,
    exempt: [{ address: Uint8Array.of(203, 0, 113, 0), prefixBits: 25 }],
  });
  const v4 = (...address: number[]): Uint8Array => Uint8Array.of(2, 0, 0, 53, ...address);
  const v6 = (...head: number[]): Uint8Array => {
    const bytes = new Uint8Array(28);
    bytes[0] = 10;
    bytes.set(head, 8);
    return bytes;
  };
  const count = (peer: Uint8Array, answerClass = 0, second = 1): string => {
    const verdicts = [0, 0, 0];
    for (let index = 0; index < 30; index++) verdicts[limiter.check(peer, 0, answerClass, second)]!++;
    return verdicts.join('/');
  };
  const limited = '10/10/10';
  const rows: readonly (readonly [string, Uint8Array, string])[] = [
    ['public', v4(198, 51, 100, 1), limited],
    ['the same /24', v4(198, 51, 100, 200), '0/15/15'],
    ['another /24', v4(198, 51, 101, 1), limited],
    ['loopback', v4(127, 0, 0, 1), '30/0/0'],
    ['10/8', v4(10, 244, 1, 1), '30/0/0'],
    ['172.16/12', v4(172, 31, 1, 1), '30/0/0'],
    ['172.32', v4(172, 32, 1, 1), limited],
    ['192.168/16', v4(192, 168, 1, 1), '30/0/0'],
    ['100.64/10', v4(100, 127, 1, 1), '30/0/0'],
    ['exempt by option', v4(203, 0, 113, 127), '30/0/0'],
    ['just outside', v4(203, 0, 113, 128), limited],
    ['unique local', v6(0xfd, 0, 1), '30/0/0'],
    ['global IPv6', v6(0x20, 1, 0xd, 0xb8), limited],
  ];
  for (const [title, peer, expected] of rows) assert.equal(count(peer), expected, title);
  assert.equal(count(v4(198, 51, 100, 1), 3), limited, 'another class of answers has its own count');
  assert.equal(count(v4(198, 51, 100, 1), 0, 2), limited, 'a new second');
  const answer = new Uint8Array(600);
  const query = encodeQuery(web, 'A', { edns: 1232 });
  answerer.answer(query, 0, query.length, answer, 0, 0);
  const length = answerer.truncate(query, 0, answer, 0);
  assert.deepEqual(answerText(decodeMessage(answer.slice(0, length))!), ['NOERROR tc']);
});

test('any bytes with EDNS options get an answer that is well-formed, or none', () => {
  const cookie = `000a0018${'0102030405060708'}${'11'.repeat(16)}`;
  const seed = ednsQuery({ options: `${cookie}000c0004000000000064000201020008000700011800c0000200`, name: web });
  const output = new Uint8Array(1400);
  const inPlace = new Uint8Array(1400);
  const other = makeAnswerer();
  const mutation = fc.record({ at: fc.nat(seed.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 6 }), fc.nat(seed.length), fc.boolean(), (mutations, cut, isStream) => {
      const bytes = seed.slice(0, cut);
      for (const { at, byte } of mutations) if (at < cut) bytes[at] = byte;
      output.fill(0xee);
      const length = answerer.answer(bytes, 0, cut, output, 0, isStream ? 1300 : 0);
      inPlace.fill(0xee).set(bytes);
      assert.equal(other.answer(inPlace, 0, cut, inPlace, 0, isStream ? 1300 : 0), length, 'the same in place');
      if (length <= 0) {
        assert.deepEqual(
          inPlace.slice(0, cut),
          Uint8Array.from(bytes),
          'a query that is not answered here stays whole',
        );
        return;
      }
      assert.deepEqual(inPlace.slice(0, length), output.slice(0, length), 'the same in place');
      assert.ok(length <= (isStream ? 1300 : 1232) && output[length] === 0xee, 'stays inside');
      assert.ok(decodeMessage(output.slice(0, length)), 'well-formed');
    }),
    { numRuns: 5000 },
  );
});
