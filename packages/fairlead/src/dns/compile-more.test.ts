import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileServiceRecords } from './compile.ts';
import { compileImportRecords, importSource } from './compile-clusterset.ts';
import { compileExternalRoute } from './compile-gateway.ts';
import { compileEndpointNames } from './compile-headless.ts';
import { makeService, makeSlice } from './dns-fixtures.ts';
import type { DnsGateway, DnsRoute } from './gateway-kinds.ts';
import { multiclusterDefinitions } from './multicluster-definitions.ts';
import type { ServiceImport } from './multicluster-kinds.ts';
import type { CompiledRecords } from './program.ts';

const options = { zone: 'clusterset.local', ttlSeconds: 5 };
const metadata = { namespace: 'shop', name: 'web' };
const web = 'web.shop.svc.clusterset.local';

/** Owner names with addresses, alias targets and ports, in short. */
function brief(records: CompiledRecords): string[] {
  return [...records].flatMap(([owner, sets]) =>
    sets.length === 0
      ? [`${owner} -`]
      : sets.map((set) => {
          if (set.type === 'A' || set.type === 'AAAA') return `${owner} ${set.type} ${set.addresses.join(' ')}`;
          if (set.type === 'SRV') {
            return `${owner} SRV ${set.services.map(({ weight, port, target }) => `${weight} ${port} ${target}`).join(', ')}`;
          }
          return set.type === 'CNAME' ? `${owner} CNAME ${set.target}` : `${owner} ${set.type}`;
        }),
  );
}

/** Endpoints of an import in one cluster. */
function clusterSlice(cluster: string | undefined, endpoints: readonly string[]) {
  const slice = makeSlice('shop/web', `web-${cluster}`, endpoints);
  const labels = {
    'multicluster.kubernetes.io/service-name': 'web',
    ...(cluster === undefined ? {} : { 'multicluster.kubernetes.io/source-cluster': cluster }),
  };
  return { ...slice, metadata: { ...slice.metadata, labels } };
}

test('multi-cluster: an import with ClusterSetIPs is like a Service, without reverse names', () => {
  const imported: ServiceImport = {
    metadata,
    spec: { type: 'ClusterSetIP', ips: ['10.112.0.5', 'fd00:112::5'], ports: [{ name: 'http', port: 80 }] },
  };
  assert.deepEqual(brief(compileImportRecords(imported, [], options)), [
    `${web} A 10.112.0.5`,
    `${web} AAAA fd00:112::5`,
    `${web} SRV 50 80 ${web}`,
    `_http._tcp.${web} SRV 50 80 ${web}`,
  ]);
  const waiting: ServiceImport = { metadata, spec: { type: 'ClusterSetIP', ports: [] } };
  assert.deepEqual(brief(compileImportRecords(waiting, [], options)), [], 'no address yet');
});

test('multi-cluster: headless endpoints are named below their cluster, which has no name itself', () => {
  const imported: ServiceImport = { metadata, spec: { type: 'Headless', ports: [{ name: 'http', port: 80 }] } };
  const slices = [
    clusterSlice('eu', ['10.1.0.1=web-0', '10.1.0.2']),
    clusterSlice('us', ['10.2.0.1=web-0', '10.2.0.9!']),
    clusterSlice(undefined, ['10.3.0.1']),
  ];
  const own = compileImportRecords(imported, slices, options);
  assert.deepEqual(brief(own), [
    `${web} A 10.1.0.1 10.1.0.2 10.2.0.1`,
    `${web} SRV 33 80 web-0.eu.${web}, 33 80 10-1-0-2.eu.${web}, 33 80 web-0.us.${web}`,
    `_http._tcp.${web} SRV 33 80 web-0.eu.${web}, 33 80 10-1-0-2.eu.${web}, 33 80 web-0.us.${web}`,
  ]);
  const source = importSource(imported, options.zone);
  assert.deepEqual(
    slices.flatMap((slice) => brief(compileEndpointNames(source, slice, options))),
    [`web-0.eu.${web} A 10.1.0.1`, `10-1-0-2.eu.${web} A 10.1.0.2`, `web-0.us.${web} A 10.2.0.1`],
  );
});

test('multi-cluster: the definitions have what DNS reads', () => {
  const names = multiclusterDefinitions.map(({ metadata }) => metadata?.name);
  assert.deepEqual(names, ['serviceimports.multicluster.x-k8s.io', 'serviceexports.multicluster.x-k8s.io']);
  const schema = multiclusterDefinitions[0]?.spec.versions[0]?.schema?.openAPIV3Schema;
  const spec = schema?.properties?.spec;
  assert.deepEqual(Object.keys(spec?.properties ?? {}).slice(0, 4), ['type', 'ips', 'ipFamilies', 'ports']);
  assert.deepEqual(spec?.properties?.type?.enum, ['ClusterSetIP', 'Headless']);
});

test('names by topology zone: pin and prefer', () => {
  const slice = makeSlice('shop/db', 's', ['10.0.0.1', '10.0.0.2', '10.0.0.3!'], []);
  const zones = ['eu-1a', 'eu-1b', 'eu-1c'];
  const zoned = { ...slice, endpoints: slice.endpoints.map((one, index) => ({ ...one, zone: zones[index]! })) };
  const service = makeService('shop/db', ['None'], []);
  const db = 'db.shop.svc.cluster.local';
  const given = { zone: 'cluster.local', ttlSeconds: 5, hasZonalNames: true };
  assert.deepEqual(brief(compileServiceRecords(service, [zoned], given)), [
    `${db} A 10.0.0.1 10.0.0.2`,
    `*.pin._zone.${db} -`,
    `*.prefer._zone.${db} A 10.0.0.1 10.0.0.2`,
    `eu-1a.pin._zone.${db} A 10.0.0.1`,
    `eu-1a.prefer._zone.${db} A 10.0.0.1`,
    `eu-1b.pin._zone.${db} A 10.0.0.2`,
    `eu-1b.prefer._zone.${db} A 10.0.0.2`,
  ]);
  assert.equal(compileServiceRecords(service, [zoned], { ...given, hasZonalNames: false }).size, 1);
  assert.equal(compileServiceRecords(makeService('shop/web', ['10.96.0.1'], []), [], given).size, 2, 'headless alone');
});

test('routes of the Gateway API in the external zone', async (t) => {
  const gateways = new Map<string, DnsGateway>([
    [
      'infra/edge',
      {
        spec: { listeners: [{ hostname: '*.apps.test' }, {}] },
        status: { addresses: [{ value: '192.0.2.7' }, { type: 'IPAddress', value: '2001:db8::7' }] },
      },
    ],
    ['shop/named', { status: { addresses: [{ type: 'Hostname', value: 'lb.example.net' }] } }],
    ['shop/waiting', { spec: { listeners: [] } }],
  ]);
  const route = (hostnames: string[], ...parents: NonNullable<DnsRoute['spec']>['parentRefs'] & object): DnsRoute => ({
    metadata: { namespace: 'shop', name: 'r' },
    spec: { hostnames, parentRefs: parents },
  });
  const edge = { namespace: 'infra', name: 'edge' };
  const rows: readonly (readonly [title: string, route: DnsRoute, expected: readonly string[]])[] = [
    [
      'names in the zone',
      route(['a.apps.test', 'a.other'], edge),
      ['a.apps.test A 192.0.2.7', 'a.apps.test AAAA 2001:db8::7'],
    ],
    ['a wildcard', route(['*.b.apps.test'], edge), ['*.b.apps.test A 192.0.2.7', '*.b.apps.test AAAA 2001:db8::7']],
    ['no names: those of the listeners', route([], edge), ['*.apps.test A 192.0.2.7', '*.apps.test AAAA 2001:db8::7']],
    [
      'a Gateway with a name, in its own namespace',
      route(['c.apps.test'], { name: 'named' }),
      ['c.apps.test CNAME lb.example.net'],
    ],
    [
      'addresses hide a name',
      route(['c.apps.test'], { name: 'named' }, edge),
      ['c.apps.test A 192.0.2.7', 'c.apps.test AAAA 2001:db8::7'],
    ],
    ['a Gateway without address', route(['c.apps.test'], { name: 'waiting' }), []],
    ['a Gateway that is not there', route(['c.apps.test'], { name: 'none' }), []],
    ['a parent of another kind', route(['c.apps.test'], { kind: 'Service', group: '', name: 'named' }), []],
  ];
  for (const [title, given, expected] of rows) {
    await t.test(title, () => {
      const records = compileExternalRoute(given, (key) => gateways.get(key), { zone: 'apps.test', ttlSeconds: 5 });
      assert.deepEqual(brief(records), expected);
    });
  }
});
