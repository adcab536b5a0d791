import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileServiceRecords } from './compile.ts';
import { makeService, makeSlice } from './dns-fixtures.ts';
import { type CompiledRecords, clusterZone, type NameRecords, type OwnerName } from './program.ts';
import { ZoneBuilder } from './zone-builder.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const web = 'web.shop.svc.cluster.local';
const owners = (diff: Iterable<readonly [string, unknown]>): string[] => [...diff].map(([owner]) => owner).sort();

test('empty names between an owner and the origin come and go with it', () => {
  const builder = new ZoneBuilder(zone);
  const first = builder.setSource('a', compileServiceRecords(makeService('shop/web', ['10.96.0.1']), [], options));
  assert.deepEqual(owners(first), [
    '1.0.96.10.in-addr.arpa',
    `_http._tcp.${web}`,
    `_tcp.${web}`,
    'cluster.local',
    'shop.svc.cluster.local',
    'svc.cluster.local',
    web,
  ]);
  assert.deepEqual(builder.program.names.get(`_tcp.${web}`), []);
  const second = builder.setSource('b', compileServiceRecords(makeService('shop/api', ['10.96.0.2'], []), [], options));
  assert.deepEqual(owners(second), ['2.0.96.10.in-addr.arpa', 'api.shop.svc.cluster.local']);
  assert.deepEqual(owners(builder.setSource('a', undefined)), [
    '1.0.96.10.in-addr.arpa',
    `_http._tcp.${web}`,
    `_tcp.${web}`,
    web,
  ]);
  builder.setSource('b', undefined);
  assert.equal(builder.program.names.size, 0);
});

test('an equal contribution is no difference, a changed endpoint is few names', () => {
  const builder = new ZoneBuilder(zone);
  const compile = (addresses: string[]): CompiledRecords =>
    compileServiceRecords(makeService('shop/web', ['None'], []), [makeSlice('shop/web', 's', addresses, [])], options);
  const addresses = Array.from({ length: 100 }, (_, index) => `10.244.0.${index}`);
  builder.setSource('a', compile(addresses));
  assert.deepEqual(builder.setSource('a', compile(addresses)), []);
  const diff = builder.setSource('a', compile([...addresses.slice(1), '10.244.1.1']));
  assert.deepEqual(owners(diff), [`10-244-0-0.${web}`, `10-244-1-1.${web}`, web]);
});

test('PTR: two Services give two targets, a cluster IP hides endpoints', () => {
  const builder = new ZoneBuilder(zone);
  const reverse = '1.0.244.10.in-addr.arpa';
  const targets = (): unknown => {
    const set = builder.program.names.get(reverse)?.[0];
    return set?.type === 'PTR' ? set.targets : undefined;
  };
  for (const name of ['b', 'a']) {
    const slice = makeSlice(`shop/${name}`, 's', ['10.244.0.1=x']);
    builder.setSource(name, compileServiceRecords(makeService(`shop/${name}`, ['None']), [slice], options));
  }
  assert.deepEqual(targets(), ['x.a.shop.svc.cluster.local', 'x.b.shop.svc.cluster.local']);
  builder.setSource('vip', compileServiceRecords(makeService('shop/vip', ['10.244.0.1']), [], options));
  assert.deepEqual(targets(), ['vip.shop.svc.cluster.local']);
  builder.setSource('vip', undefined);
  builder.setSource('a', undefined);
  assert.deepEqual(targets(), ['x.b.shop.svc.cluster.local']);
});

test('differences add up to the program, and the program depends on the sources alone', () => {
  const label = fc.constantFrom('a', 'b', '_tcp', 'svc');
  const owner = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `${labels.join('.')}.cluster.local`);
  const records = fc
    .array(fc.tuple(owner, fc.constantFrom('10.0.0.1', '10.0.0.2')), { maxLength: 4 })
    .map(
      (rows): CompiledRecords => new Map(rows.map(([name, ip]) => [name, [{ type: 'A', ttl: 5, addresses: [ip] }]])),
    );
  const step = fc.tuple(fc.constantFrom('s1', 's2', 's3'), fc.option(records, { nil: undefined }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const builder = new ZoneBuilder(zone);
      const replica = new Map<OwnerName, NameRecords>();
      const last = new Map<string, CompiledRecords>();
      for (const [source, contribution] of steps) {
        for (const [name, sets] of builder.setSource(source, contribution)) {
          if (sets === undefined) replica.delete(name);
          else replica.set(name, sets);
        }
        if (contribution === undefined) last.delete(source);
        else last.set(source, contribution);
      }
      assert.deepEqual(new Map([...replica].sort()), new Map([...builder.program.names].sort()));
      const fresh = new ZoneBuilder(zone);
      for (const source of [...last.keys()].sort()) fresh.setSource(source, last.get(source));
      assert.deepEqual(new Map([...replica].sort()), new Map([...fresh.program.names].sort()));
    }),
  );
});
