import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rcode, rrClass, rrType } from '../wire/dns/constants.ts';
import { decodeMessage } from '../wire/dns/message.ts';
import { nameToText } from '../wire/dns/name.ts';
import { compilePodRecords } from './compile.ts';
import { answerText, compileAll, encodeQuery, makeService } from './dns-fixtures.ts';
import type { ForwardQuestion } from './forward/forwarder.ts';
import { clusterZone } from './program.ts';
import { resolveQuery } from './resolve-query.ts';
import { splitSearchName } from './search-completion.ts';
import { AnswerTable } from './server/answer-table.ts';
import { handOff, QueryAnswerer } from './server/query-answerer.ts';
import { control } from './server/table-layout.ts';
import { zoneTemplates } from './server/zone-template.ts';
import { ZoneBuilder } from './zone-builder.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const table = new AnswerTable(1);
const builder = new ZoneBuilder(zone, table);
for (const key of ['shop/web', 'bank/api']) {
  builder.setSource(key, compileAll(makeService(key, ['10.96.0.1'], []), [], options));
}
const pod = (namespace: string, podIP: string) => ({ metadata: { namespace, name: 'p' }, status: { podIP } });
builder.setSource('p1', compilePodRecords(pod('shop', '10.244.0.5'), options));
builder.setSource('p2', compilePodRecords(pod('bank', '10.244.0.6'), options));
table.markSynced(1);

const asked: string[] = [];
const forwarder = {
  resolve: async ({ name }: ForwardQuestion) => {
    asked.push(nameToText(name));
    const isThere = nameToText(name) === 'www.example.org';
    const record = { name, type: rrType.A, class: rrClass.IN, ttl: 60, data: Uint8Array.of(192, 0, 2, 1) };
    return { rcode: isThere ? 0 : rcode.NXDOMAIN, answers: isThere ? [record] : [], authority: [], authentic: false };
  },
};

async function ask(name: string, searchClient: string): Promise<string[]> {
  asked.length = 0;
  const context = { program: builder.program, serial: 1, forwarder, isSynced: true, searchClient };
  return answerText(decodeMessage((await resolveQuery(encodeQuery(name, 'A'), context))!)!);
}

const soa = 'ns cluster.local 5 SOA ns.dns.cluster.local';

test('one query of a search list is answered with what the list leads to', async () => {
  const outside = 'www.example.org.shop.svc.cluster.local';
  assert.deepEqual(await ask(outside, '10.244.0.5'), [
    'NOERROR aa',
    `an ${outside} 60 CNAME www.example.org`,
    'an www.example.org 60 A 192.0.2.1',
  ]);
  const other = 'api.bank.shop.svc.cluster.local';
  assert.deepEqual(await ask(other, '10.244.0.5'), [
    'NOERROR aa',
    `an ${other} 5 CNAME api.bank.svc.cluster.local`,
    'an api.bank.svc.cluster.local 5 A 10.96.0.1',
  ]);
  assert.deepEqual(asked, []);
  assert.deepEqual(await ask('no.example.org.shop.svc.cluster.local', '10.244.0.5'), ['NXDOMAIN aa', soa]);
  assert.deepEqual(asked, ['no.example.org']);
});

test('not for clients of another namespace, nor for those that are no Pods', async () => {
  for (const client of ['10.244.0.6', '10.244.0.7', '127.0.0.1', 'fd00::5']) {
    assert.deepEqual(await ask('www.example.org.shop.svc.cluster.local', client), ['NXDOMAIN aa', soa], client);
    assert.deepEqual(asked, [], client);
  }
});

test('what counts as a search name', () => {
  const answerer = new QueryAnswerer(table.buffers, zoneTemplates(zone));
  const output = new Uint8Array(600);
  const isHandedOff = (name: string, type: 'A' | 'AAAA' | 'SRV'): boolean => {
    const query = encodeQuery(name, type);
    return answerer.answer(query, 0, query.length, output, 0, 0) === handOff;
  };
  const rows: readonly (readonly [name: string, type: 'A' | 'AAAA' | 'SRV', isSearch: boolean])[] = [
    ['www.example.org.shop.svc.cluster.local', 'A', true],
    ['example.org.shop.svc.cluster.local', 'AAAA', true],
    ['EXAMPLE.org.Shop.SVC.cluster.local', 'A', true],
    ['www.example.org.shop.svc.cluster.local', 'SRV', false],
    ['db.shop.svc.cluster.local', 'A', false],
    ['x.db.cluster.local', 'A', false],
    ['a.b.c.d.cluster.local', 'A', false],
  ];
  assert.equal(isHandedOff(rows[0]![0], 'A'), false, 'off');
  table.control[control.completesSearch] = 1;
  for (const [name, type, isSearch] of rows) {
    assert.equal(isHandedOff(name, type), isSearch, name);
    const split = splitSearchName(name.toLowerCase(), zone.origin);
    if (type !== 'SRV') assert.equal(split !== undefined, isSearch, name);
  }
});
