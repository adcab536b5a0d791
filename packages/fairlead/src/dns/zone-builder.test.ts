import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileAll, makeService, makeSlice, plainNames } from './dns-fixtures.ts';
import { type CompiledRecords, clusterZone, type NameRecords } from './program.ts';
import { AnswerTable } from './server/answer-table.ts';
import { ZoneBuilder } from './zone-builder.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const web = 'web.shop.svc.cluster.local';
const owners = (builder: ZoneBuilder): string[] => [...builder.program.names.entries()].map(([owner]) => owner).sort();

test('empty names between an owner and the origin come and go with it', () => {
  const builder = new ZoneBuilder(zone, new AnswerTable(1));
  assert.equal(builder.setSource('a', compileAll(makeService('shop/web', ['10.96.0.1']), [], options)), 7);
  assert.deepEqual(owners(builder), [
    '1.0.96.10.in-addr.arpa',
    `_http._tcp.${web}`,
    `_tcp.${web}`,
    'cluster.local',
    'shop.svc.cluster.local',
    'svc.cluster.local',
    web,
  ]);
  assert.deepEqual(builder.program.names.get(`_tcp.${web}`), []);
  assert.equal(builder.setSource('b', compileAll(makeService('shop/api', ['10.96.0.2'], []), [], options)), 2);
  assert.equal(builder.setSource('a', undefined), 4);
  assert.deepEqual(owners(builder), [
    '2.0.96.10.in-addr.arpa',
    'api.shop.svc.cluster.local',
    'cluster.local',
    'shop.svc.cluster.local',
    'svc.cluster.local',
  ]);
  builder.setSource('b', undefined);
  assert.deepEqual(owners(builder), []);
});

test('an equal contribution is no difference, a changed endpoint is few names', () => {
  const builder = new ZoneBuilder(zone, new AnswerTable(1));
  const compile = (addresses: string[]): CompiledRecords =>
    compileAll(makeService('shop/web', ['None'], []), [makeSlice('shop/web', 's', addresses, [])], options);
  const addresses = Array.from({ length: 100 }, (_, index) => `10.244.0.${index}`);
  builder.setSource('a', compile(addresses));
  assert.equal(builder.setSource('a', compile(addresses)), 0);
  assert.equal(builder.setSource('a', compile([...addresses.slice(1), '10.244.1.1'])), 3);
  assert.deepEqual(builder.program.names.get(`10-244-1-1.${web}`), [{ type: 'A', ttl: 5, addresses: ['10.244.1.1'] }]);
  assert.equal(builder.program.names.get(`10-244-0-0.${web}`), undefined);
});

test('PTR: two Services give two targets, a cluster IP hides endpoints', () => {
  const builder = new ZoneBuilder(zone, new AnswerTable(1));
  const reverse = '1.0.244.10.in-addr.arpa';
  const targets = (): unknown => {
    const set = builder.program.names.get(reverse)?.[0];
    return set?.type === 'PTR' ? set.targets : undefined;
  };
  for (const name of ['b', 'a']) {
    const slice = makeSlice(`shop/${name}`, 's', ['10.244.0.1=x']);
    builder.setSource(name, compileAll(makeService(`shop/${name}`, ['None']), [slice], options));
  }
  assert.deepEqual(targets(), ['x.a.shop.svc.cluster.local', 'x.b.shop.svc.cluster.local']);
  builder.setSource('vip', compileAll(makeService('shop/vip', ['10.244.0.1']), [], options));
  assert.deepEqual(targets(), ['vip.shop.svc.cluster.local']);
  builder.setSource('vip', undefined);
  builder.setSource('a', undefined);
  assert.deepEqual(targets(), ['x.b.shop.svc.cluster.local']);
});

test('the program is what the sources say by the plain rules, whatever was there before', () => {
  const label = fc.constantFrom('a', 'b', '_tcp', 'svc');
  const owner = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `${labels.join('.')}.cluster.local`);
  const sets = fc.constantFrom<NameRecords>(
    [{ type: 'A', ttl: 5, addresses: ['10.0.0.1'] }],
    [{ type: 'A', ttl: 5, addresses: ['10.0.0.2'] }],
    [{ type: 'PTR', ttl: 5, targets: ['x.cluster.local'], rank: 'cluster-ip' }],
    [{ type: 'PTR', ttl: 5, targets: ['y.cluster.local'], rank: 'endpoint' }],
    [],
  );
  const records = fc.array(fc.tuple(owner, sets), { maxLength: 6 }).map((rows): CompiledRecords => new Map(rows));
  const step = fc.tuple(fc.constantFrom('s1', 's2', 's3'), fc.option(records, { nil: undefined }));
  const sorted = (names: Iterable<readonly [string, NameRecords]>): unknown => new Map([...names].sort());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const table = new AnswerTable(1);
      const builder = new ZoneBuilder(zone, table);
      const last = new Map<string, CompiledRecords>();
      for (const [source, contribution] of steps) {
        const before = [...builder.program.names.entries()];
        const changes = builder.setSource(source, contribution);
        if (changes === 0) assert.deepEqual([...builder.program.names.entries()], before);
        if (contribution === undefined) last.delete(source);
        else last.set(source, contribution);
        const ordered = [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, compiled]) => compiled);
        const plain = plainNames(zone, ordered);
        assert.deepEqual(sorted(builder.program.names.entries()), sorted(plain));
        assert.equal(table.stats.names, plain.size);
      }
    }),
    { numRuns: 300 },
  );
});

test('addresses of several sources keep the weights that their own source gives them', () => {
  const table = new AnswerTable(1);
  const builder = new ZoneBuilder(clusterZone('cluster.local', 5), table);
  const name = 'web.shop.cluster.local';
  const source = (addresses: readonly string[], weights?: readonly number[]): CompiledRecords =>
    new Map([[name, [{ type: 'A', ttl: 5, addresses, ...(weights === undefined ? {} : { weights }) }]]]);
  const weightsNow = (): Record<string, number | undefined> => {
    const [set] = builder.program.names.get(name) ?? [];
    assert.ok(set?.type === 'A');
    return Object.fromEntries(set.addresses.map((address, index) => [address, set.weights?.[index]]));
  };
  builder.setSource('b', source(['10.0.0.1', '10.0.0.2'], [3, 1]));
  assert.deepEqual(weightsNow(), { '10.0.0.1': 3, '10.0.0.2': 1 });
  builder.setSource('c', source(['10.0.0.3']));
  assert.deepEqual(weightsNow(), { '10.0.0.1': 3, '10.0.0.2': 1, '10.0.0.3': 1 });
  builder.setSource('a', source(['10.0.0.2', '10.0.0.4'], [5, 2]));
  assert.deepEqual(weightsNow(), { '10.0.0.2': 5, '10.0.0.4': 2, '10.0.0.1': 3, '10.0.0.3': 1 });
  builder.setSource('a', undefined);
  builder.setSource('c', undefined);
  assert.deepEqual(weightsNow(), { '10.0.0.1': 3, '10.0.0.2': 1 });
  builder.setSource('b', source(['10.0.0.1', '10.0.0.2']));
  assert.deepEqual(weightsNow(), { '10.0.0.1': undefined, '10.0.0.2': undefined });
});
