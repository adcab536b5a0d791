import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '@fairlead/api';
import fc from 'fast-check';
import { compileServiceRecords, compileServiceSteps, type DnsCompileOptions, writeSliceRecords } from './compile.ts';
import { makeService, makeSlice } from './dns-fixtures.ts';
import { addressFamily, dashedAddress, normalizeName, reverseOwner } from './owner-names.ts';
import { type CompiledRecords, clusterZone, type NameRecords } from './program.ts';
import { AnswerTable } from './server/answer-table.ts';
import { EntryBlock } from './server/entry-block.ts';
import { NameKey } from './server/name-key.ts';
import { stripSlice } from './slice-strip.ts';
import { ServiceNamesWriter } from './write-service-names.ts';
import { ZoneBuilder } from './zone-builder.ts';

const options: DnsCompileOptions = { zone: 'cluster.local', ttlSeconds: 5 };
const zone = clusterZone('cluster.local', 5);
const service: Service = makeService('shop/web', ['None']);
const writer = new ServiceNamesWriter();

/** What is installed for a Service. */
function install(slices: readonly EndpointSlice[], of = service): CompiledRecords | EntryBlock {
  const steps = compileServiceSteps(of, slices, options, writer);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** All names of a table with the bytes of their answers. */
function tableOf(records: CompiledRecords | EntryBlock): Map<string, unknown> {
  const table = new AnswerTable(1);
  const builder = new ZoneBuilder(zone, table);
  builder.setSource('service', records);
  const key = new NameKey();
  return new Map(
    [...builder.program.names.entries()].map(([owner, decoded]) => {
      assert.ok(key.setText(owner));
      const sets = [...table.sets(table.find(key))].map((set) => ({
        ...set,
        answer: Buffer.from(set.answer).toString('hex'),
        additional: Buffer.from(set.additional).toString('hex'),
      }));
      return [owner, { decoded, sets }];
    }),
  );
}

function assertSame(slices: readonly EndpointSlice[], of = service): void {
  const sorted = (names: Map<string, unknown>): unknown => [...names].sort(([a], [b]) => (a < b ? -1 : 1));
  assert.deepEqual(sorted(tableOf(install(slices, of))), sorted(tableOf(compileServiceRecords(of, slices, options))));
}

const address = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map((last) => `10.244.0.${last}`),
  fc.integer({ min: 1, max: 6 }).map((last) => `fd00::${last.toString(16)}:1`),
  fc.constantFrom('::', 'fd00::', 'FD00::ABCD', '255.100.10.1', 'example.org'),
);
const hostname = fc.option(
  fc.oneof(
    fc.constantFrom('db-0', 'db-1', 'Db-1', 'x_y', '', 'a.b', 'ü', 'dot\\.', 'x'.repeat(63), 'y'.repeat(64), '-', 'z.'),
    fc.integer({ min: 0, max: 9 }).map((number) => `db-${number}`),
  ),
  { nil: undefined },
);
const endpoint = fc.record({
  addresses: fc.array(address, { minLength: 1, maxLength: 2 }),
  hostname,
  isReady: fc.boolean(),
  zone: fc.constantFrom(undefined, 'a', 'b'),
});
const port = fc.constantFrom('http/TCP/80', 'http/TCP/81', 'alt/TCP/80', 'dns/UDP/53', '/TCP/9', 'HTTP/TCP/80');
const sliceOf = (index: number) =>
  fc
    .record({
      endpoints: fc.array(endpoint, { maxLength: 8 }),
      ports: fc.oneof(
        { weight: 3, arbitrary: fc.constant(['http/TCP/80']) },
        { weight: 1, arbitrary: fc.array(port, { maxLength: 3 }) },
      ),
    })
    .map(({ endpoints, ports }): EndpointSlice => {
      const slice = makeSlice('shop/web', `s${index}`, [], ports);
      const objects = endpoints.map(({ addresses, hostname: name, isReady, zone: topologyZone }) => ({
        addresses,
        ...(name === undefined ? {} : { hostname: name }),
        ...(topologyZone === undefined ? {} : { zone: topologyZone }),
        conditions: { ready: isReady },
      }));
      return stripSlice({ ...slice, endpoints: objects } as never);
    });
const slices = fc.tuple(sliceOf(2), sliceOf(1), sliceOf(3)).chain((all) => fc.subarray(all, { minLength: 1 }));

test('what is written for a Service is what its records are, byte by byte', () => {
  let written = 0;
  fc.assert(
    fc.property(slices, fc.boolean(), (some, servesNotReady) => {
      const of = { ...service, spec: { ...service.spec, publishNotReadyAddresses: servesNotReady } };
      if (install(some, of) instanceof EntryBlock) written++;
      assertSame(some, of);
    }),
    { numRuns: 300 },
  );
  assert.ok(written > 50, `${written} written`);
});

test('the records of a Service by size and shape', async (t) => {
  const addresses = (count: number, from = 0): string[] =>
    Array.from({ length: count }, (_, index) => {
      const number = from + index;
      return `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    });
  const v6 = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `fd00::${(index + 1).toString(16)}`);
  const named = (all: readonly string[]): string[] => all.map((one, index) => `${one}=a-rather-long-hostname-${index}`);
  const ports = ['http/TCP/80', 'metrics/TCP/9090'];
  const cases: readonly (readonly [title: string, slices: readonly EndpointSlice[], isWritten: boolean])[] = [
    ['one endpoint', [makeSlice('shop/web', 's', ['10.0.0.1'])], true],
    ['no ready endpoint', [makeSlice('shop/web', 's', ['10.0.0.1!'])], true],
    [
      'ports of a slice without ready endpoints',
      [makeSlice('shop/web', 'a', ['10.0.0.1!'], ['x/TCP/1']), makeSlice('shop/web', 'b', ['10.0.0.2'])],
      true,
    ],
    ['targets beyond the reach of pointers', [makeSlice('shop/web', 's', named(addresses(400)), ports)], true],
    ['more than a message holds', [makeSlice('shop/web', 's', named(addresses(5000)), ports)], true],
    [
      'more of both families',
      [makeSlice('shop/web', 's4', addresses(4300)), makeSlice('shop/web', 's6', v6(4300))],
      true,
    ],
    [
      'a hostname in both families',
      [makeSlice('shop/web', 's4', named(addresses(3))), makeSlice('shop/web', 's6', named(v6(3)))],
      true,
    ],
    ['one port by two names', [makeSlice('shop/web', 's', ['10.0.0.1'], ['http/TCP/80', 'alt/TCP/80'])], true],
    ['no ports', [makeSlice('shop/web', 's', ['10.0.0.1=x'], [])], true],
    [
      'other ports of another slice',
      [makeSlice('shop/web', 'a', ['10.0.0.1'], ['x/TCP/1']), makeSlice('shop/web', 'b', ['10.0.0.2'])],
      true,
    ],
    [
      'other ports of the same address',
      [makeSlice('shop/web', 'a', ['10.0.0.1'], ['x/TCP/1']), makeSlice('shop/web', 'b', ['10.0.0.1'])],
      false,
    ],
    [
      'other ports of the same hostname',
      [makeSlice('shop/web', 'a', ['10.0.0.1=x'], ['x/TCP/1']), makeSlice('shop/web', 'b', ['10.0.0.2=x'])],
      false,
    ],
  ];
  for (const [title, given, isWritten] of cases) {
    await t.test(title, () => {
      assert.equal(install(given) instanceof EntryBlock, isWritten);
      assertSame(given);
    });
  }
  await t.test('rules take the plain way', () => {
    const annotations = { 'fairlead.dev/dns-weights': 'a=3', 'fairlead.dev/dns-ttl': '9' };
    const ruled = { ...service, metadata: { ...service.metadata, annotations } };
    const given = [makeSlice('shop/web', 's', ['10.0.0.1=a', '10.0.0.2=b'])];
    assert.equal(install(given, ruled) instanceof EntryBlock, false);
    assertSame(given, ruled);
  });
  await t.test('a TTL does not', () => {
    const ruled = { ...service, metadata: { ...service.metadata, annotations: { 'fairlead.dev/dns-ttl': '9' } } };
    const given = [makeSlice('shop/web', 's', ['10.0.0.1=a', '10.0.0.2=b'])];
    assert.equal(install(given, ruled) instanceof EntryBlock, true);
    assertSame(given, ruled);
  });
});

/** The names of a slice's endpoints by the plain rules. */
function plainEndpointNames(
  slice: EndpointSlice,
): Map<string, { readonly addresses: Set<string>; readonly targets: Set<string> }> {
  const names = new Map<string, { addresses: Set<string>; targets: Set<string> }>();
  const at = (owner: string) => {
    const known = names.get(owner) ?? { addresses: new Set<string>(), targets: new Set<string>() };
    names.set(owner, known);
    return known;
  };
  const key = new NameKey();
  for (const { addresses, hostname: host, conditions } of slice.endpoints ?? []) {
    if (conditions?.ready === false) continue;
    for (const one of addresses) {
      if (addressFamily(one) === undefined) continue;
      const owner = `${host ? normalizeName(host) : dashedAddress(one)}.web.shop.svc.cluster.local`;
      if (!key.setText(owner)) continue;
      at(owner).addresses.add(one.toLowerCase());
      if (host) at(reverseOwner(one)!).targets.add(owner);
    }
  }
  return names;
}

test('what is written for a slice is the names of its endpoints', () => {
  // Text of names that escapes or folds is looked at in the other tests.
  const plain = (slice: EndpointSlice): boolean =>
    (slice.endpoints ?? []).every(({ hostname: host = '' }) => /^[a-zA-Z0-9_-]*$/.test(host));
  const read = (records: NameRecords, type: string): Set<string> =>
    new Set(
      records.flatMap((set) =>
        set.type === type ? ('targets' in set ? set.targets : 'addresses' in set ? set.addresses : []) : [],
      ),
    );
  fc.assert(
    fc.property(sliceOf(1).filter(plain), (slice) => {
      const block = new EntryBlock();
      writeSliceRecords(service, slice, options, block);
      const builder = new ZoneBuilder(zone, new AnswerTable(1));
      builder.setSource('slice', block);
      const found = [...builder.program.names.entries()].filter(([, records]) => records.length > 0);
      const expected = plainEndpointNames(slice);
      assert.deepEqual(found.map(([owner]) => owner).sort(), [...expected.keys()].sort());
      for (const [owner, records] of found) {
        assert.deepEqual(new Set([...read(records, 'A'), ...read(records, 'AAAA')]), expected.get(owner)!.addresses);
        assert.deepEqual(read(records, 'PTR'), expected.get(owner)!.targets);
      }
    }),
    { numRuns: 300 },
  );
});

test('a block written again changes only what is other', () => {
  const builder = new ZoneBuilder(zone, new AnswerTable(1));
  const block = new EntryBlock();
  const put = (addresses: readonly string[]): number => {
    writeSliceRecords(service, makeSlice('shop/web', 's', addresses), options, block);
    return builder.setSource('slice', block);
  };
  put(['10.0.0.1=a', '10.0.0.2=b', '10.0.0.3']);
  assert.equal(put(['10.0.0.1=a', '10.0.0.2=b', '10.0.0.3']), 0);
  assert.equal(put(['10.0.0.4=a', '10.0.0.2=b', '10.0.0.3']), 3, 'an address, and two reverse names');
  // A second source of a name: its records are merged, and stay when the block's go.
  builder.setSource(
    'other',
    new Map([['a.web.shop.svc.cluster.local', [{ type: 'A', ttl: 5, addresses: ['10.9.9.9'] }]]]),
  );
  const addressesNow = (): unknown => {
    const [set] = builder.program.names.get('a.web.shop.svc.cluster.local') ?? [];
    return set?.type === 'A' ? [...set.addresses].sort() : undefined;
  };
  assert.deepEqual(addressesNow(), ['10.0.0.4', '10.9.9.9']);
  assert.equal(put(['10.0.0.5=a']), 6);
  assert.deepEqual(addressesNow(), ['10.0.0.5', '10.9.9.9']);
  builder.setSource('slice', undefined);
  assert.deepEqual(addressesNow(), ['10.9.9.9']);
});
