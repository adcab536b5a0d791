import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headerFlag, rcode, rrClass, rrType } from '../../wire/dns/constants.ts';
import { type DnsRecord, decodeMessage } from '../../wire/dns/message.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import { soaData } from '../../wire/dns/rdata.ts';
import { answerText, encodeQuery } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { AnswerTable } from './answer-table.ts';
import { type ForeignAnswer, ForeignTable } from './foreign-table.ts';
import { handOff, QueryAnswerer } from './query-answerer.ts';
import { zoneTemplates } from './zone-template.ts';

const zone = clusterZone('cluster.local', 5);
const wire = (text: string): Uint8Array => nameFromText(text)!;
const record = (name: string, type: number, data: Uint8Array, ttl: number): DnsRecord => ({
  name: wire(name),
  type,
  class: rrClass.IN,
  ttl,
  data,
});

function setUp() {
  const table = new AnswerTable(1);
  table.markSynced(1);
  const foreign = new ForeignTable(table.control, 1);
  const answerer = new QueryAnswerer(table.buffers, zoneTemplates(zone), { foreign: foreign.buffers });
  const output = new Uint8Array(1400);
  const ask = (query: Uint8Array, nowSeconds: number): string[] => {
    answerer.nowSeconds = nowSeconds;
    const length = answerer.answer(query, 0, query.length, output, 0, 0);
    if (length === handOff) return ['hand-off'];
    const message = decodeMessage(output.slice(0, length));
    assert.ok(message, 'well-formed');
    assert.equal(message.flags & headerFlag.RA, headerFlag.RA);
    return answerText(message);
  };
  return { foreign, answerer, ask };
}

const base = { type: rrType.A, view: 0, rcode: 0, answers: [], authority: [], ttlSeconds: 60, madeAt: 1000 };

test('a published answer is given with TTLs counted down until it expires', () => {
  const { foreign, ask } = setUp();
  const answers = [
    record('www.example.org', rrType.CNAME, wire('web.example.net'), 60),
    record('web.example.net', rrType.A, Uint8Array.of(192, 0, 2, 1), 90),
  ];
  foreign.publish({ ...base, name: wire('www.Example.org'), answers });
  const query = encodeQuery('WWW.example.ORG', 'A', { edns: 1232 });
  assert.deepEqual(ask(query, 1000), [
    'NOERROR',
    'an WWW.example.ORG 60 CNAME web.example.net',
    'an web.example.net 90 A 192.0.2.1',
  ]);
  assert.deepEqual(ask(query, 1059), [
    'NOERROR',
    'an WWW.example.ORG 1 CNAME web.example.net',
    'an web.example.net 31 A 192.0.2.1',
  ]);
  assert.deepEqual(ask(query, 1060), ['hand-off'], 'expired');
  assert.deepEqual(ask(query, 999), ['hand-off'], 'the clock went back');
  assert.deepEqual(ask(encodeQuery('www.example.org', 'AAAA'), 1000), ['hand-off'], 'another type');
  assert.deepEqual(ask(encodeQuery('www.example.org', 'A', { edns: 1232, dnssecOk: true }), 1000), ['hand-off'], 'DO');
  assert.deepEqual(ask(encodeQuery('www.example.org', 'A', { flags: headerFlag.CD }), 1000), ['hand-off'], 'CD');
  assert.deepEqual(ask(encodeQuery('example.org', 'A'), 1000), ['hand-off'], 'another name');
});

test('negative answers, and answers that do not fit', () => {
  const { foreign, ask } = setUp();
  const times = { refresh: 1, retry: 1, expire: 1, minimum: 30 };
  const soa = record('example.org', rrType.SOA, soaData(wire('ns.example.org'), wire('m.example.org'), 7, times), 30);
  foreign.publish({ ...base, name: wire('no.example.org'), rcode: rcode.NXDOMAIN, authority: [soa] });
  const expected = 'ns example.org 20 SOA ns.example.org';
  assert.deepEqual(ask(encodeQuery('no.example.org', 'A'), 1010), ['NXDOMAIN', expected]);
  const many = Array.from({ length: 40 }, (_, index) =>
    record('many.example.org', rrType.A, Uint8Array.of(192, 0, 2, index), 60),
  );
  foreign.publish({ ...base, name: wire('many.example.org'), answers: many });
  assert.deepEqual(ask(encodeQuery('many.example.org', 'A'), 1000), ['hand-off'], 'too much for 512 bytes');
  assert.equal(ask(encodeQuery('many.example.org', 'A', { edns: 1232 }), 1000).length, 41);
});

test('a popular answer asks once for a fresh one in its last tenth', () => {
  const { foreign, answerer, ask } = setUp();
  const publish = (madeAt: number): void =>
    foreign.publish({
      ...base,
      name: wire('a.example'),
      answers: [record('a.example', 1, Uint8Array.of(1, 2, 3, 4), 60)],
      madeAt,
    });
  publish(1000);
  const wants = (now: number): boolean => {
    assert.notDeepEqual(ask(encodeQuery('a.example', 'A'), now), ['hand-off']);
    return answerer.wantsRefresh;
  };
  assert.deepEqual([1000, 1001, 1002, 1053, 1054, 1055].map(wants), [false, false, false, false, true, false]);
  publish(1055);
  assert.deepEqual([1055, 1114].map(wants), [false, false], 'asked for too rarely');
});

test('whatever was published: the last answer to a question, or a hand-off; bounded memory', () => {
  const question = fc.tuple(fc.nat(40), fc.constantFrom(rrType.A, rrType.AAAA, rrType.TXT));
  fc.assert(
    fc.property(fc.array(fc.tuple(question, fc.nat(255)), { maxLength: 100 }), (steps) => {
      const { foreign, ask } = setUp();
      const last = new Map<string, number>();
      for (const [[name, type], value] of steps) {
        const owner = `h${name}.example`;
        const answer: ForeignAnswer = {
          ...base,
          name: wire(owner),
          type,
          answers: [record(owner, 99, Uint8Array.of(value), 60)],
        };
        foreign.publish(answer);
        last.set(`${owner} ${type}`, value);
      }
      for (let name = 0; name <= 40; name++) {
        for (const type of [rrType.A, rrType.AAAA, rrType.TXT]) {
          const owner = `h${name}.example`;
          const value = last.get(`${owner} ${type}`);
          const hex = value === undefined ? '' : value.toString(16).padStart(2, '0');
          const expected = value === undefined ? ['hand-off'] : ['NOERROR', `an ${owner} 60 TYPE99 ${hex}`];
          assert.deepEqual(ask(encodeQuery(owner, type), 1000), expected);
        }
      }
    }),
    { numRuns: 50 },
  );
  const { foreign } = setUp();
  const flood = (): void => {
    for (let index = 0; index < 40_000; index++) foreign.publish({ ...base, name: wire(`n${index}.example`) });
  };
  flood();
  const used = foreign.usedBytes;
  flood();
  assert.equal(foreign.usedBytes, used);
});
