import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rcode, rrClass, rrType } from '../../wire/dns/constants.ts';
import { decodeMessage } from '../../wire/dns/message.ts';
import { compileApexRecords, compileNamespaceRecords, compilePodRecords } from '../compile.ts';
import {
  answerText,
  compileAll,
  encodeQuery,
  makeService,
  makeSlice,
  plainNames,
  type QueryBits,
} from '../dns-fixtures.ts';
import { type CompiledRecords, clusterZone } from '../program.ts';
import { resolveQuery } from '../resolve-query.ts';
import { ZoneBuilder } from '../zone-builder.ts';
import { AnswerTable } from './answer-table.ts';
import { handOff, QueryAnswerer } from './query-answerer.ts';
import { zoneTemplates } from './zone-template.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const soa = 'ns cluster.local 5 SOA ns.dns.cluster.local';

/** A cluster with one of each. */
function makeCluster(): Map<string, CompiledRecords> {
  const sources = new Map<string, CompiledRecords>();
  sources.set('zone', compileApexRecords(zone, ['10.96.0.10'], options));
  sources.set('ns', compileNamespaceRecords({ metadata: { name: 'empty' } }, options));
  sources.set('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], options));
  sources.set('dual', compileAll(makeService('shop/dual', ['10.96.0.2', 'fd00::2']), [], options));
  const slice = makeSlice('shop/db', 's', ['10.244.0.1=db-0', '10.244.0.2=db-1', '10.244.0.3=db-1']);
  sources.set('db', compileAll(makeService('shop/db', ['None']), [slice], options));
  const many = Array.from({ length: 300 }, (_, index) => `10.245.${index >> 8}.${index & 255}`);
  const bigSlice = makeSlice('shop/big', 's', many);
  sources.set('big', compileAll(makeService('shop/big', ['None']), [bigSlice], options));
  const spec = { type: 'ExternalName' as const, externalName: 'web.shop.svc.cluster.local' };
  sources.set('alias', compileAll({ metadata: { namespace: 'shop', name: 'alias' }, spec }, [], options));
  const pod = { metadata: { namespace: 'shop', name: 'p' }, status: { podIP: '10.244.0.9' } };
  sources.set('pod', compilePodRecords(pod, options));
  return sources;
}

const cluster = makeCluster();
const table = new AnswerTable(1);
const builder = new ZoneBuilder(zone, table);
for (const [source, records] of cluster) builder.setSource(source, records);
table.markSynced(42);
const answerer = new QueryAnswerer(table.buffers, zoneTemplates(zone));

/** Short text of the answer; `hand-off` and `nothing` stand for themselves. */
function ask(query: Uint8Array, streamLimit = 0): string[] {
  const output = new Uint8Array(65535 + 64).fill(0xee);
  const length = answerer.answer(query, 0, query.length, output, 32, streamLimit);
  if (length === handOff) return ['hand-off'];
  if (length === 0) return ['nothing'];
  const message = decodeMessage(output.slice(32, 32 + length));
  assert.ok(message, 'well-formed answer');
  return answerText(message);
}

const web = 'web.shop.svc.cluster.local';
const db = 'db.shop.svc.cluster.local';

test('black-box cases', async (t) => {
  type Row = readonly [name: string, type: keyof typeof rrType, expected: string[], bits?: QueryBits];
  const rows: readonly Row[] = [
    // Cluster IPs, and what does not exist.
    [web, 'A', ['NOERROR aa', `an ${web} 5 A 10.96.0.1`]],
    [web, 'AAAA', ['NOERROR aa', soa]],
    [web, 'TXT', ['NOERROR aa', soa]],
    [web, 'HTTPS', ['NOERROR aa', soa]],
    [web, 'SOA', ['NOERROR aa', soa]],
    [web, 'NS', ['NOERROR aa', soa]],
    ['dual.shop.svc.cluster.local', 'AAAA', ['NOERROR aa', 'an dual.shop.svc.cluster.local 5 AAAA fd00:0:0:0:0:0:0:2']],
    ['none.shop.svc.cluster.local', 'A', ['NXDOMAIN aa', soa]],
    ['none.shop.svc.cluster.local', 'SOA', ['NXDOMAIN aa', soa]],
    ['web.none.svc.cluster.local', 'A', ['NXDOMAIN aa', soa]],
    [`x.${web}`, 'A', ['NXDOMAIN aa', soa]],
    ['x.alias.shop.svc.cluster.local', 'A', ['NXDOMAIN aa', soa]],
    ['www.example.org.shop.svc.cluster.local', 'A', ['NXDOMAIN aa', soa]],
    // Empty non-terminals.
    ['cluster.local', 'A', ['NOERROR aa', soa]],
    ['svc.cluster.local', 'A', ['NOERROR aa', soa]],
    ['pod.cluster.local', 'A', ['NOERROR aa', soa]],
    ['shop.svc.cluster.local', 'A', ['NOERROR aa', soa]],
    ['empty.svc.cluster.local', 'A', ['NOERROR aa', soa]],
    ['empty.pod.cluster.local', 'A', ['NOERROR aa', soa]],
    [`_tcp.${web}`, 'SRV', ['NOERROR aa', soa]],
    ['dns.cluster.local', 'A', ['NOERROR aa', soa]],
    // Apex.
    ['cluster.local', 'SOA', ['NOERROR aa', 'an cluster.local 5 SOA ns.dns.cluster.local']],
    [
      'cluster.local',
      'NS',
      ['NOERROR aa', 'an cluster.local 5 NS ns.dns.cluster.local', 'ad ns.dns.cluster.local 5 A 10.96.0.10'],
    ],
    ['cluster.local', 'HINFO', ['NOERROR aa', soa]],
    ['cluster.local', 'SRV', ['NOERROR aa', soa]],
    ['ns.dns.cluster.local', 'A', ['NOERROR aa', 'an ns.dns.cluster.local 5 A 10.96.0.10']],
    ['dns-version.cluster.local', 'TXT', ['NOERROR aa', 'an dns-version.cluster.local 5 TXT "1.1.0"']],
    // SRV.
    [web, 'SRV', ['NOERROR aa', `an ${web} 5 SRV 0 100 80 ${web}`, `ad ${web} 5 A 10.96.0.1`]],
    [
      `_http._tcp.${web}`,
      'SRV',
      ['NOERROR aa', `an _http._tcp.${web} 5 SRV 0 100 80 ${web}`, `ad ${web} 5 A 10.96.0.1`],
    ],
    [`_http._udp.${web}`, 'SRV', ['NXDOMAIN aa', soa]],
    [`_http._tcp.${web}`, 'A', ['NOERROR aa', soa]],
    [
      `_http._tcp.${db}`,
      'SRV',
      [
        'NOERROR aa',
        `an _http._tcp.${db} 5 SRV 0 33 80 db-0.${db}`,
        `an _http._tcp.${db} 5 SRV 0 33 80 db-1.${db}`,
        `ad db-0.${db} 5 A 10.244.0.1`,
        `ad db-1.${db} 5 A 10.244.0.2`,
        `ad db-1.${db} 5 A 10.244.0.3`,
      ],
    ],
    // Reverse.
    ['1.0.96.10.in-addr.arpa', 'PTR', ['NOERROR aa', `an 1.0.96.10.in-addr.arpa 5 PTR ${web}`]],
    ['1.0.244.10.in-addr.arpa', 'PTR', ['NOERROR aa', `an 1.0.244.10.in-addr.arpa 5 PTR db-0.${db}`]],
    ['1.0.96.10.in-addr.arpa', 'A', ['NOERROR aa', 'ns in-addr.arpa 5 SOA ns.dns.cluster.local']],
    ['77.0.96.10.in-addr.arpa', 'PTR', ['hand-off']],
    // Pods.
    ['10-244-0-9.shop.pod.cluster.local', 'A', ['NOERROR aa', 'an 10-244-0-9.shop.pod.cluster.local 5 A 10.244.0.9']],
    ['10-244-0-8.shop.pod.cluster.local', 'A', ['NXDOMAIN aa', soa]],
    ['shop.pod.cluster.local', 'A', ['NOERROR aa', soa]],
    // Aliases and other names.
    ['alias.shop.svc.cluster.local', 'CNAME', ['NOERROR aa', `an alias.shop.svc.cluster.local 5 CNAME ${web}`]],
    ['alias.shop.svc.cluster.local', 'A', ['hand-off']],
    ['example.org', 'A', ['hand-off']],
    ['xcluster.local', 'A', ['hand-off']],
    ['.', 'NS', ['hand-off']],
    // Kinds of query.
    [web, 'ANY', ['NOERROR aa', `an ${web} 3600 HINFO 075246433834383200`]],
    ['none.shop.svc.cluster.local', 'ANY', ['NXDOMAIN aa', soa]],
    ['cluster.local', 'AXFR', ['REFUSED']],
    ['cluster.local', 'IXFR', ['REFUSED']],
    ['version.bind', 'TXT', ['REFUSED'], { class: rrClass.CH }],
    // Case: the owner as asked, also in the SOA.
    ['WeB.Shop.sVC.clusteR.local', 'A', ['NOERROR aa', 'an WeB.Shop.sVC.clusteR.local 5 A 10.96.0.1']],
    ['nO.clusteR.Local', 'A', ['NXDOMAIN aa', 'ns clusteR.Local 5 SOA ns.dns.clusteR.Local']],
  ];
  for (const [name, type, expected, bits] of rows) {
    await t.test(`${name} ${type}`, () => {
      const sorted = (answer: readonly string[]): string[] => [answer[0]!, ...answer.slice(1).sort()];
      for (const more of [{}, { edns: 1232 }]) {
        assert.deepEqual(sorted(ask(encodeQuery(name, type, { ...more, ...bits }))), sorted(expected));
      }
    });
  }
});

test('headers and OPT', async (t) => {
  /** Flags word and response OPT of an answer, in hex. */
  const head = (query: Uint8Array): string => {
    const output = new Uint8Array(1300);
    const length = answerer.answer(query, 0, query.length, output, 0, 0);
    const message = decodeMessage(output.slice(0, length))!;
    const opt = message.additional.find((record) => record.type === rrType.OPT);
    const words = [message.flags.toString(16).padStart(4, '0'), `q${message.questions.length}`];
    if (opt !== undefined) words.push(`opt ${opt.class} ${opt.ttl.toString(16).padStart(8, '0')} ${opt.data.length}`);
    return words.join(' ');
  };
  const withVersion = encodeQuery(web, 'A', { edns: 1232 });
  withVersion[withVersion.length - 5] = 1;
  const notify = encodeQuery(web, 'SOA', { flags: 0x2000 });
  const rows: readonly (readonly [title: string, query: Uint8Array, expected: string])[] = [
    ['RD is repeated', encodeQuery(web, 'A'), '8580 q1'],
    ['no RD', encodeQuery(web, 'A', { flags: 0 }), '8480 q1'],
    ['CD is repeated, AD and Z are not', encodeQuery(web, 'A', { flags: 0x0070 }), '8490 q1'],
    ['OPT for OPT', encodeQuery(web, 'A', { edns: 4096 }), '8580 q1 opt 1232 00000000 0'],
    ['DO is repeated', encodeQuery(web, 'A', { edns: 4096, dnssecOk: true }), '8580 q1 opt 1232 00008000 0'],
    ['BADVERS', withVersion, '8180 q1 opt 1232 01000000 0'],
    ['NOTIMP keeps the opcode', notify, 'a084 q0'],
    ['FORMERR', encodeQuery(web, 'A').subarray(0, 20), '8181 q0'],
  ];
  for (const [title, query, expected] of rows) await t.test(title, () => assert.equal(head(query), expected));
  await t.test('a response is not answered', () => {
    assert.deepEqual(ask(encodeQuery(web, 'A', { flags: 0x8000 })), ['nothing']);
    assert.deepEqual(ask(new Uint8Array(11)), ['nothing']);
  });
});

test('answers fit the client', async (t) => {
  const big = 'big.shop.svc.cluster.local';
  const rows: readonly (readonly [
    title: string,
    type: 'A' | 'SRV',
    edns: number | undefined,
    stream: number,
    records: number,
  ])[] = [
    ['512 bytes without OPT', 'A', undefined, 0, Math.floor((512 - 44) / 16)],
    ['a size below 512 counts as 512', 'A', 100, 0, Math.floor((512 - 44 - 11) / 16)],
    ['the size asked for', 'A', 700, 0, Math.floor((700 - 44 - 11) / 16)],
    ['never over 1232 bytes', 'A', 65535, 0, Math.floor((1232 - 44 - 11) / 16)],
    ['all over TCP', 'A', undefined, 65535, 300],
    ['SRV is left out as a whole', 'SRV', 1232, 0, 0],
    ['SRV over TCP', 'SRV', undefined, 65535, 300],
  ];
  for (const [title, type, edns, stream, records] of rows) {
    await t.test(title, () => {
      const bits = edns === undefined ? {} : { edns };
      const answer = ask(encodeQuery(big, type, bits), stream);
      assert.equal(answer.filter((line) => line.startsWith('an ')).length, records);
      assert.equal(answer[0], records === 300 ? 'NOERROR aa' : 'NOERROR aa tc');
    });
  }
  await t.test('glue is left out before the answer is cut', () => {
    const addresses = Array.from({ length: 7 }, (_, index) => `10.245.1.${index}`);
    const slice = makeSlice('shop/seven', 's', addresses);
    builder.setSource('seven', compileAll(makeService('shop/seven', ['None']), [slice], options));
    const answer = ask(encodeQuery('_http._tcp.seven.shop.svc.cluster.local', 'SRV'));
    assert.equal(answer[0], 'NOERROR aa');
    assert.equal(answer.filter((line) => line.startsWith('an ')).length, 7);
    assert.equal(answer.filter((line) => line.startsWith('ad ')).length, 0);
  });
});

test('rotation gives every address the first place equally often, and loses none', () => {
  const first = new Map<string, number>();
  for (let round = 0; round < 300; round++) {
    const answer = ask(encodeQuery(db, 'A'));
    assert.deepEqual(
      [...answer].sort(),
      ['NOERROR aa', ...['10.244.0.1', '10.244.0.2', '10.244.0.3'].map((address) => `an ${db} 5 A ${address}`)].sort(),
    );
    first.set(answer[1]!, (first.get(answer[1]!) ?? 0) + 1);
  }
  assert.deepEqual([...first.values()], [100, 100, 100]);
});

test('SERVFAIL for names of the zone before the first sync, hand-off for others', () => {
  const young = new AnswerTable(1);
  const youngBuilder = new ZoneBuilder(zone, young);
  for (const [source, records] of cluster) youngBuilder.setSource(source, records);
  const output = new Uint8Array(1300);
  const early = new QueryAnswerer(young.buffers, zoneTemplates(zone));
  const code = (name: string): number => {
    const query = encodeQuery(name, 'A');
    const length = early.answer(query, 0, query.length, output, 0, 0);
    return length === handOff ? handOff : output[3]! & 15;
  };
  assert.equal(code(web), rcode.SERVFAIL);
  assert.equal(code('none.shop.svc.cluster.local'), rcode.SERVFAIL);
  assert.equal(code('example.org'), handOff);
  young.markSynced(1);
  assert.equal(code(web), rcode.NOERROR);
  assert.equal(code('none.shop.svc.cluster.local'), rcode.NXDOMAIN);
});

test('the table and the plain resolver agree on every name and type', async () => {
  const forwarder = { resolve: () => Promise.reject(new Error('must not forward')) };
  const plain = plainNames(zone, cluster.values());
  const names = [...plain.keys(), ...['no', 'x.web.shop.svc', '_udp.web.shop.svc'].map((n) => `${n}.cluster.local`)];
  let compared = 0;
  for (const name of names) {
    for (const type of ['A', 'AAAA', 'SRV', 'PTR', 'CNAME', 'TXT', 'SOA', 'NS', 'HTTPS'] as const) {
      const query = encodeQuery(name, type);
      const fast = ask(query, 65535);
      if (fast[0] === 'hand-off') continue;
      const program = { zone, otherZones: [], names: plain };
      const context = { program, serial: 42, forwarder, isSynced: true };
      const isReverseNegative = name.endsWith('.arpa') && type !== 'PTR';
      if (isReverseNegative) continue;
      const slow = decodeMessage((await resolveQuery(query, context, 65535))!)!;
      assert.deepEqual([...fast].sort(), answerText(slow).sort(), `${name} ${type}`);
      compared++;
    }
  }
  assert.ok(compared > 2500, String(compared));
});

test('any bytes get an answer that is well-formed, or none', () => {
  const seed = encodeQuery(web, 'A', { edns: 1232 });
  const mutation = fc.record({ at: fc.nat(seed.length - 1), byte: fc.nat(255) });
  const output = new Uint8Array(1400);
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 5 }), fc.nat(seed.length), (mutations, cut) => {
      const bytes = seed.slice(0, cut);
      for (const { at, byte } of mutations) if (at < cut) bytes[at] = byte;
      output.fill(0xee);
      const length = answerer.answer(bytes, 0, cut, output, 0, 0);
      if (length <= 0) return;
      assert.ok(length <= 1232 && output[length] === 0xee, 'stays inside');
      assert.ok(decodeMessage(output.slice(0, length)), 'well-formed');
    }),
    { numRuns: 5000 },
  );
});
