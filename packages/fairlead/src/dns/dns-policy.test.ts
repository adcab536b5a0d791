import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage } from '../wire/dns/message.ts';
import { compileServiceRecords, compileSliceRecords } from './compile.ts';
import { answerText, encodeQuery, makeService, makeSlice } from './dns-fixtures.ts';
import { readDnsPolicy } from './dns-policy.ts';
import { clusterZone } from './program.ts';
import { AnswerTable } from './server/answer-table.ts';
import { QueryAnswerer } from './server/query-answerer.ts';
import { weightedSchedule } from './server/weighted-schedule.ts';
import { zoneTemplates } from './server/zone-template.ts';
import { ZoneBuilder } from './zone-builder.ts';

const zone = clusterZone('cluster.local', 5);
const web = 'web.shop.svc.cluster.local';

function annotated(annotations: Readonly<Record<string, string>>) {
  const service = makeService('shop/web', ['None'], []);
  const all = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`fairlead.dev/dns-${key}`, value]));
  return { ...service, metadata: { ...service.metadata, annotations: all } };
}

/** Endpoints `ADDRESS[=HOSTNAME][!][@ZONE]`. */
function zonedSlice(endpoints: readonly string[]) {
  const slice = makeSlice(
    'shop/web',
    's',
    endpoints.map((text) => text.split('@')[0]!),
    [],
  );
  return {
    ...slice,
    endpoints: slice.endpoints.map((endpoint, index) => {
      const zoneName = endpoints[index]!.split('@')[1];
      return zoneName === undefined ? endpoint : { ...endpoint, zone: zoneName };
    }),
  };
}

/** Answers to so many queries for A records of the Service: its addresses, in order, and the TTL of the first. */
function answersTo(
  annotations: Readonly<Record<string, string>>,
  endpoints: readonly string[],
  queries: number,
  nodeZone = 'a',
): { readonly addresses: string[][]; readonly ttl: string } {
  const options = { zone: zone.origin, ttlSeconds: 5, nodeZone };
  const table = new AnswerTable(1);
  const builder = new ZoneBuilder(zone, table);
  const slice = zonedSlice(endpoints);
  builder.setSource('slice', compileSliceRecords(annotated(annotations), slice, options));
  builder.setSource('service', compileServiceRecords(annotated(annotations), [slice], options));
  table.markSynced(1);
  const answerer = new QueryAnswerer(table.buffers, zoneTemplates(zone));
  const output = new Uint8Array(1400);
  let ttl = '';
  const addresses = Array.from({ length: queries }, () => {
    const query = encodeQuery(web, 'A');
    const length = answerer.answer(query, 0, query.length, output, 0, 0);
    const [, ...lines] = answerText(decodeMessage(output.slice(0, length))!);
    ttl = lines[0]?.split(' ')[2] ?? '';
    return lines.filter((line) => line.startsWith('an ')).map((line) => line.split(' ').at(-1)!);
  });
  return { addresses, ttl };
}

function countFirst(addresses: readonly (readonly string[])[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [first = 'none'] of addresses) counts[first] = (counts[first] ?? 0) + 1;
  return counts;
}

const three = ['10.0.0.1=x-0@a', '10.0.0.2=x-1@b', '10.0.0.3=x-2@b'];

test('TTL, limits and weights', () => {
  assert.equal(answersTo({ ttl: '30' }, three, 1).ttl, '30');
  assert.equal(answersTo({ ttl: '0' }, three, 1).ttl, '0');
  const two = answersTo({ 'max-endpoints': '2' }, three, 300).addresses;
  assert.ok(two.every((answer) => answer.length === 2 && answer[0] !== answer[1]));
  assert.deepEqual(countFirst(two), { '10.0.0.1': 100, '10.0.0.2': 100, '10.0.0.3': 100 });
  const weighted = answersTo({ weights: 'x-0=3, zone:b=1, 10.0.0.3=0', 'max-endpoints': '1' }, three, 400).addresses;
  assert.deepEqual(countFirst(weighted), { '10.0.0.1': 300, '10.0.0.2': 100 });
  assert.ok(weighted.every((answer) => answer.length === 1));
  const all = answersTo({ weights: 'zone:a=0,zone:b=0' }, three, 1).addresses;
  assert.equal(all[0]!.length, 3, 'when all weigh nothing, all are answered');
});

test('zone preference, and all down', () => {
  const sorted = (annotations: Record<string, string>, endpoints: readonly string[], nodeZone?: string): string[] =>
    [...answersTo(annotations, endpoints, 1, nodeZone).addresses[0]!].sort();
  const prefer = { 'zone-preference': 'prefer' };
  assert.deepEqual(sorted(prefer, three), ['10.0.0.1']);
  assert.deepEqual(sorted(prefer, three, 'c'), ['10.0.0.1', '10.0.0.2', '10.0.0.3'], 'none in the zone');
  assert.deepEqual(sorted(prefer, ['10.0.0.1!@a', '10.0.0.2@b']), ['10.0.0.2'], 'the one in the zone is not ready');
  assert.deepEqual(sorted({ 'zone-preference': 'off' }, three).length, 3);
  const down = ['10.0.0.1!', '10.0.0.2!'];
  assert.deepEqual(sorted({}, down), []);
  assert.deepEqual(sorted({ 'all-down': 'serve' }, down), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(sorted({ 'all-down': 'serve' }, ['10.0.0.1!', '10.0.0.2']), ['10.0.0.2']);
});

test('mistakes name their field, and count as absent', () => {
  const rows: readonly (readonly [Record<string, string>, string])[] = [
    [{ ttl: '-1' }, 'ttl]: must be a whole number from 0 to 3600'],
    [{ ttl: '4000' }, 'ttl]: must be a whole number from 0 to 3600'],
    [{ 'max-endpoints': '0' }, 'max-endpoints]: must be a whole number from 1 to 1000'],
    [{ weights: 'x' }, "weights]: 'x' must be NAME=WEIGHT with a weight from 0 to 100"],
    [{ weights: 'x=101' }, "weights]: 'x=101' must be NAME=WEIGHT with a weight from 0 to 100"],
    [{ 'zone-preference': 'yes' }, "zone-preference]: must be 'prefer' or 'off'"],
    [{ 'all-down': '1' }, "all-down]: must be 'serve' or 'off'"],
    [{ sticky: 'yes' }, "sticky]: must be 'client-subnet' or 'off'"],
    [
      { 'subnet-preference': '33' },
      "subnet-preference]: must be 'off' or lengths of prefixes: IPv4's from 1 to 32, after a comma IPv6's from 1 to 128",
    ],
    [
      { weight: 'x=1' },
      'weight]: unknown; there are ttl, max-endpoints, weights, zone-preference, all-down, sticky, subnet-preference',
    ],
  ];
  for (const [annotations, expected] of rows) {
    const { policy, problems } = readDnsPolicy(annotated(annotations));
    assert.deepEqual(
      problems.map(({ field, message }) => `${field}: ${message}`),
      [`metadata.annotations[fairlead.dev/dns-${expected}`],
    );
    assert.deepEqual(policy, { prefersZone: false, servesAllDown: false, isSticky: false });
  }
});

test('a schedule has exact shares, spread evenly', () => {
  assert.deepEqual(weightedSchedule([5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
  assert.deepEqual(weightedSchedule([2, 2]), [0, 1]);
  assert.deepEqual(weightedSchedule([0, 0]), []);
  assert.equal(weightedSchedule(Array.from({ length: 300 }, () => 1)).length, 256);
});
