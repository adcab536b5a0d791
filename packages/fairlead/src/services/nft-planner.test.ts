import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileService } from './compile.ts';
import { placeEndpoints } from './nft-elements.ts';
import { NftPlanner } from './nft-planner.ts';
import type { ServiceProgram } from './program.ts';
import { matrixServices, scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
const layout = { podCidrs: scene.podCidrs, serviceCidrs: scene.serviceCidrs, nodePorts: true };
const remote = (count: number): string[] => Array.from({ length: count }, (_, index) => `10.244.2.${index + 1}`);

function program(spec: Parameters<typeof sceneService>[1], endpoints: readonly string[], name = 'web'): ServiceProgram {
  const slice = sceneSlice(
    name,
    endpoints.map((ip) => ({ ip })),
  );
  return compileService(sceneService(name, spec), endpoints.length === 0 ? [] : [slice], node)
    .program as ServiceProgram;
}

/** Operations of the second change, after the first is installed among other Services. */
function operations(before: ServiceProgram | undefined, after: ServiceProgram | undefined): string {
  const planner = new NftPlanner('IPv4', layout);
  planner.plan(
    new Map(
      matrixServices().map(({ service, slices }) => {
        const compiled = compileService(service, slices, node).program as ServiceProgram;
        return [compiled.key, compiled];
      }),
    ),
  );
  planner.plan(new Map([['default/web', before]]));
  const { addedElements, deletedElements, chainOperations } = planner.plan(new Map([['default/web', after]])).count;
  return `+${addedElements} -${deletedElements} chains ${chainOperations}`;
}

type Spec = Parameters<typeof sceneService>[1];
const plain: Spec = { clusterIP: '10.96.9.9' };
const nodePort: Spec = { ...plain, type: 'NodePort', ports: [{ port: 80, nodePort: 30999 }] };
const sticky: Spec = { ...plain, sessionAffinity: 'ClientIP' };
const counts: readonly [
  name: string,
  before: ServiceProgram | undefined,
  after: ServiceProgram | undefined,
  expected: string,
][] = [
  // cluster-ips, frontends, one endpoint each.
  ['add a Service with 2 endpoints', undefined, program(plain, remote(2)), '+4 -0 chains 0'],
  ['delete it', program(plain, remote(2)), undefined, '+0 -4 chains 0'],
  // The endpoint, and the frontend's new count: a map element cannot change, it is deleted and added.
  ['2 → 3 endpoints', program(plain, remote(2)), program(plain, remote(3)), '+2 -1 chains 0'],
  // A new chain would make the kernel walk the whole endpoint map.
  ['4 → 5 endpoints', program(plain, remote(4)), program(plain, remote(5)), '+2 -1 chains 0'],
  ['15 → 16 endpoints', program(plain, remote(15)), program(plain, remote(16)), '+2 -1 chains 0'],
  ['3 → 2 endpoints, the last', program(plain, remote(3)), program(plain, remote(2)), '+1 -2 chains 0'],
  [
    '3 → 2 endpoints, the first: the last moves into its place',
    program(plain, remote(3)),
    program(plain, remote(3).slice(1)),
    '+2 -3 chains 0',
  ],
  ['one endpoint replaced', program(plain, remote(3)), program(plain, [...remote(2), '10.244.2.99']), '+1 -1 chains 0'],
  [
    '100 endpoints, one replaced',
    program(plain, remote(100)),
    program(plain, [...remote(99), '10.244.2.200']),
    '+1 -1 chains 0',
  ],
  [
    'order of the slice does not matter',
    program(plain, remote(9)),
    program(plain, remote(9).reverse()),
    '+0 -0 chains 0',
  ],
  ['nothing changed', program(plain, remote(3)), program(plain, remote(3)), '+0 -0 chains 0'],
  // The first Service with so many endpoints makes the shared chain: itself, its flush and three rules.
  // A count that no Service had: its chain, and the chain's number in two maps.
  ['first Service with 40 endpoints', program(plain, remote(39)), program(plain, remote(40)), '+4 -1 chains 4'],
  ['last endpoint gone: unavailable instead', program(plain, remote(1)), program(plain, []), '+1 -2 chains 0'],
  [
    'local endpoint added: also a hairpin element',
    program(plain, remote(2)),
    program(plain, [...remote(2), '10.244.1.77']),
    '+3 -1 chains 0',
  ],
  ['node port, 2 → 3 endpoints', program(nodePort, remote(2)), program(nodePort, remote(3)), '+6 -2 chains 4'],
  [
    'affinity, one endpoint replaced',
    program(sticky, remote(3)),
    program(sticky, [...remote(2), '10.244.2.99']),
    '+2 -2 chains 0',
  ],
];

for (const [name, before, after, expected] of counts) {
  test(`operations: ${name}`, () => assert.equal(operations(before, after), expected));
}

test('placement: everybody keeps its index where it can', () => {
  const targets = (text: string) => [...text].map((ip) => ({ ip, port: 1, onThisNode: 'no' as const }));
  const place = (previous: string, next: string): string =>
    placeEndpoints(targets(previous), targets(next))
      .map(({ ip }) => ip)
      .join('');
  const rows: readonly [string, string, string][] = [
    ['', 'abc', 'abc'],
    ['abc', 'cba', 'abc'],
    ['abc', 'bc', 'cb'],
    ['abc', 'abcd', 'abcd'],
    ['abc', 'xbc', 'xbc'],
    ['abc', '', ''],
    ['abc', 'xyz', 'xyz'],
  ];
  for (const [previous, next, expected] of rows) assert.equal(place(previous, next), expected, `${previous} → ${next}`);
});

test('a frontend of two Services stays with the first until that gives it up', () => {
  const planner = new NftPlanner('IPv4', layout);
  const a = program({ clusterIP: '10.96.5.1', externalIPs: ['203.0.113.50'] }, ['10.244.2.1'], 'a');
  const b = program({ clusterIP: '10.96.5.2', externalIPs: ['203.0.113.50'] }, ['10.244.2.2'], 'b');
  const first = planner
    .plan(
      new Map([
        ['default/a', a],
        ['default/b', b],
      ]),
    )
    .text();
  assert.match(first, /203\.0\.113\.50 \. 80 \. 0 : 10\.244\.2\.1 \. 8080/);
  assert.doesNotMatch(first, /203\.0\.113\.50 \. 80 \. 0 : 10\.244\.2\.2/);
  const second = planner.plan(new Map([['default/a', undefined]])).text();
  assert.match(second, /203\.0\.113\.50 \. 80 \. 0 : 10\.244\.2\.2 \. 8080/);
});

test('a shared hairpin element goes with its last user', () => {
  const planner = new NftPlanner('IPv4', layout);
  const a = program({ clusterIP: '10.96.5.1' }, [scene.localEndpoint], 'a');
  const b = program({ clusterIP: '10.96.5.2' }, [scene.localEndpoint], 'b');
  planner.plan(
    new Map([
      ['default/a', a],
      ['default/b', b],
    ]),
  );
  assert.doesNotMatch(planner.plan(new Map([['default/a', undefined]])).text(), /hairpin/);
  assert.match(planner.plan(new Map([['default/b', undefined]])).text(), /delete element ip fairlead hairpin/);
});

test('a special chain is emptied at once and deleted later', () => {
  const planner = new NftPlanner('IPv4', layout);
  planner.plan(new Map([['default/web', program(sticky, remote(2))]]));
  const text = planner.plan(new Map([['default/web', program(plain, remote(2))]])).text();
  assert.match(text, /flush chain ip fairlead affinity-\d+/);
  assert.doesNotMatch(text, /delete chain/);
  assert.equal(planner.retiredChains, 1);
  assert.match(planner.planChainRemoval().text(), /^delete chain ip fairlead affinity-\d+\S*\n$/);
});

const golden: Readonly<Record<string, ServiceProgram>> = {
  'cluster-ip': program(plain, remote(2)),
  'node-port': program(nodePort, [scene.localEndpoint, ...remote(1)]),
  'no-endpoints': program(nodePort, []),
  affinity: program(sticky, remote(2)),
  'load-balancer-local': compileService(
    sceneService(
      'web',
      {
        ...nodePort,
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        loadBalancerSourceRanges: ['198.51.100.0/24'],
      },
      ['203.0.113.5'],
    ),
    [sceneSlice('web', [{ ip: scene.localEndpoint }, { ip: scene.remoteEndpoint }])],
    node,
  ).program as ServiceProgram,
};

function compareGolden(name: string, text: string): void {
  const file = new URL(`./testdata/${name}.nft`, import.meta.url);
  // FAIRLEAD_REFRESH_GOLDEN=1 writes what is produced now; read the difference before committing it.
  if (process.env.FAIRLEAD_REFRESH_GOLDEN === '1') writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
}

test('golden: table without Services', () => {
  compareGolden('table-ipv4', new NftPlanner('IPv4', layout).plan(new Map()).text());
  const dual = { ...layout, podCidrs: ['fd00:1::/64'], serviceCidrs: ['fd00:96::/112'] };
  compareGolden('table-ipv6', new NftPlanner('IPv6', dual).plan(new Map()).text());
});

for (const [name, service] of Object.entries(golden)) {
  test(`golden: ${name}`, () => {
    const planner = new NftPlanner('IPv4', layout);
    planner.plan(new Map());
    compareGolden(name, planner.plan(new Map([[service.key, service]])).text());
  });
}
