import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { decodeMessage } from '../../wire/dns/message.ts';
import { importCorefile } from '../corefile/import-corefile.ts';
import { answerText, askTcp, askUdp, compileAll, encodeQuery, makeService } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { ZoneBuilder } from '../zone-builder.ts';
import type { AccessRule } from './access-list.ts';
import { AnswerTable } from './answer-table.ts';
import { DnsServer } from './dns-server.ts';
import { QueryAnswerer } from './query-answerer.ts';
import { zoneTemplates } from './zone-template.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const web = 'web.shop.svc.cluster.local';

/** Rules of an `acl` block of a Corefile. */
function rulesOf(text: string): readonly AccessRule[] {
  const { settings, notes } = importCorefile(`.:53 {\n${text}\n}`);
  assert.ok(
    notes.every(({ result }) => result !== 'ignored'),
    JSON.stringify(notes),
  );
  return settings.accessRules ?? [];
}

test('who may ask for what: the first rule that fits decides', () => {
  const table = new AnswerTable(1);
  new ZoneBuilder(zone, table).setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], options));
  table.markSynced(42);
  const answer = ['NOERROR aa', `an ${web} 5 A 10.96.0.1`];
  const nearby = 'acl {\nallow net 10.0.0.0/8 fd00::/8\nblock\n}';
  type Row = readonly [
    title: string,
    acl: string,
    peer: readonly number[],
    name: string,
    type: 'A' | 'AAAA' | 'HTTPS',
    expected: string[],
  ];
  const v4 = (...address: number[]): number[] => [2, 0, 0, 53, ...address];
  const v6 = (...head: number[]): number[] => [
    10,
    0,
    0,
    53,
    0,
    0,
    0,
    0,
    ...head,
    ...new Array<number>(16 - head.length).fill(1),
  ];
  const rows: readonly Row[] = [
    ['no rule fits: allowed', 'acl {\nblock net 192.0.2.0/24\n}', v4(10, 0, 0, 1), web, 'A', answer],
    ['blocked by net', 'acl {\nblock net 192.0.2.0/24\n}', v4(192, 0, 2, 77), web, 'A', ['REFUSED']],
    ['by a single address', 'acl {\nblock net 192.0.2.7\n}', v4(192, 0, 2, 8), web, 'A', answer],
    ['allowed, then blocked for all others', nearby, v4(10, 9, 9, 9), web, 'A', answer],
    ['the others', nearby, v4(11, 9, 9, 9), web, 'A', ['REFUSED']],
    ['IPv6, allowed', nearby, v6(0xfd, 0), web, 'A', answer],
    ['IPv6, the others', nearby, v6(0x20, 1), web, 'A', ['REFUSED']],
    ['filtered: no records', 'acl {\nfilter type AAAA HTTPS\n}', v4(10, 0, 0, 1), web, 'HTTPS', ['NOERROR']],
    ['another type', 'acl {\nfilter type AAAA HTTPS\n}', v4(10, 0, 0, 1), web, 'A', answer],
    ['dropped', 'acl {\ndrop type A net 10.0.0.0/8\n}', v4(10, 0, 0, 1), web, 'A', ['nothing']],
    ['a zone, at or below', 'acl shop.svc.cluster.local {\nblock\n}', v4(10, 0, 0, 1), web, 'A', ['REFUSED']],
    ['in other case', 'acl Shop.Svc.cluster.local {\nblock\n}', v4(10, 0, 0, 1), web.toUpperCase(), 'A', ['REFUSED']],
    ['a zone that only ends alike', 'acl hop.svc.cluster.local {\nblock\n}', v4(10, 0, 0, 1), web, 'A', answer],
    ['a name that does not exist', 'acl svc.cluster.local {\nblock\n}', v4(10, 0, 0, 1), `x.${web}`, 'A', ['REFUSED']],
    ['two blocks, in order', 'acl x.test {\nblock\n}\nacl {\nfilter\n}', v4(10, 0, 0, 1), web, 'A', ['NOERROR']],
  ];
  for (const [title, acl, peer, name, type, expected] of rows) {
    const answerer = new QueryAnswerer(table.buffers, zoneTemplates(zone), { accessRules: rulesOf(acl) });
    answerer.peer.set(peer);
    const output = new Uint8Array(1400);
    const query = encodeQuery(name, type, { edns: 1232 });
    const length = answerer.answer(query, 0, query.length, output, 0, 0);
    const message = length > 0 ? decodeMessage(output.slice(0, length))! : undefined;
    const text = message === undefined ? ['nothing'] : answerText(message).map((line) => line.replace(name, web));
    assert.deepEqual(text, expected, title);
    const info = message?.additional[0]?.data;
    if (expected[0] === 'REFUSED' || expected[0] === 'NOERROR') {
      assert.deepEqual([...info!], [0, 15, 0, 2, 0, expected[0] === 'REFUSED' ? 15 : 17], `${title}: says why`);
    }
  }
});

test('rules hold over UDP and TCP, for forwarded names, and for what a rewrite leads to', {
  timeout: 120_000,
}, async () => {
  const server = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [],
    rewrites: [
      { kind: 'exact', from: 'side.door', to: 'secret.shop.svc.cluster.local' },
      { kind: 'prefix', from: 'old-', to: 'new-' },
      { kind: 'substring', from: 'x', to: 'xx' },
    ],
    accessRules: rulesOf('acl secret.shop.svc.cluster.local evil.test {\nblock\n}'),
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], options));
  server.setSource('secret', compileAll(makeService('shop/secret', ['10.96.0.2']), [], options));
  server.setSource('hosts', new Map([['new-name.lan', [{ type: 'A', ttl: 5, addresses: ['192.0.2.1'] }]]]));
  server.markSynced();
  await server.start();
  const [address] = server.addresses;
  try {
    const rows: readonly (readonly [name: string, expected: string[]])[] = [
      [web, ['NOERROR aa', `an ${web} 5 A 10.96.0.1`]],
      ['secret.shop.svc.cluster.local', ['REFUSED']],
      ['www.evil.test', ['REFUSED']],
      ['side.door', ['REFUSED']],
      ['old-name.lan', ['NOERROR aa', 'an old-name.lan 30 CNAME new-name.lan', 'an new-name.lan 5 A 192.0.2.1']],
      // Rewritten once, then nobody to ask; not round in circles.
      ['x.lan', ['SERVFAIL aa', 'an x.lan 30 CNAME xx.lan']],
    ];
    for (const [name, expected] of rows) {
      assert.deepEqual(answerText(await askUdp(address!, encodeQuery(name, 'A'))), expected, name);
      const [overTcp] = await askTcp(address!, [encodeQuery(name, 'A')]);
      assert.deepEqual(answerText(overTcp!), expected, `${name} over TCP`);
    }
  } finally {
    await server.stop();
  }
});
