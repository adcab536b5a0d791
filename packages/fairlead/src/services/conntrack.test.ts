import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileService } from './compile.ts';
import { changedUdpFrontends, isOrphan, isStale, type ProgramChange } from './conntrack.ts';
import type { ServiceProgram } from './program.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };

function program(endpoints: readonly string[], clusterIP = '10.96.0.1'): ServiceProgram {
  const service = sceneService('dns', {
    type: 'NodePort',
    clusterIP,
    ports: [
      { port: 53, protocol: 'UDP', nodePort: 30053 },
      { name: 't', port: 53, nodePort: 30053 },
    ],
  });
  const slices =
    endpoints.length === 0
      ? []
      : [
          sceneSlice(
            'dns',
            endpoints.map((ip) => ({ ip })),
            [{ name: '', port: 5353, protocol: 'UDP' }],
          ),
        ];
  return compileService(service, slices, node).program as ServiceProgram;
}

function flow(destination: string, port: number, source: string, sourcePort: number) {
  return {
    protocol: 'UDP' as const,
    destination: { ip: destination, port },
    replySource: { ip: source, port: sourcePort },
    identity: Buffer.alloc(0),
  };
}

const a = scene.localEndpoint;
const b = scene.remoteEndpoint;
const rows: readonly [name: string, change: ProgramChange, flow: ReturnType<typeof flow>, stale: boolean][] = [
  [
    'translated to a serving endpoint',
    { before: program([a]), after: program([a, b]) },
    flow('10.96.0.1', 53, a, 5353),
    false,
  ],
  ['endpoint gone', { before: program([a, b]), after: program([b]) }, flow('10.96.0.1', 53, a, 5353), true],
  ['scaled to zero', { before: program([a]), after: program([]) }, flow('10.96.0.1', 53, a, 5353), true],
  ['Service deleted', { before: program([a]), after: undefined }, flow('10.96.0.1', 53, a, 5353), true],
  [
    'sent before the Service existed',
    { before: undefined, after: program([a]) },
    flow('10.96.0.1', 53, '10.96.0.1', 53),
    true,
  ],
  [
    'cluster IP changed',
    { before: program([a]), after: program([a], '10.96.0.2') },
    flow('10.96.0.1', 53, a, 5353),
    true,
  ],
  [
    'node port, endpoint gone',
    { before: program([a, b]), after: program([b]) },
    flow('192.0.2.1', 30053, a, 5353),
    true,
  ],
  ['node port, serving', { before: program([a, b]), after: program([b]) }, flow('192.0.2.1', 30053, b, 5353), false],
  [
    'node port number on a foreign address',
    { before: program([a]), after: undefined },
    flow('198.51.100.9', 30053, a, 5353),
    false,
  ],
  ['other port of the cluster IP', { before: program([a]), after: undefined }, flow('10.96.0.1', 54, a, 5353), false],
  ['straight to the endpoint', { before: program([a]), after: undefined }, flow(a, 5353, a, 5353), false],
];

for (const [name, change, entry, stale] of rows) {
  test(name, () => assert.equal(isStale(entry, changedUdpFrontends([change], node.nodeIps)), stale));
}

test('a frontend that moved to another Service keeps its flows', () => {
  const moved = [
    { before: undefined, after: program([a]) },
    { before: program([a]), after: undefined },
  ];
  assert.equal(isStale(flow('10.96.0.1', 53, a, 5353), changedUdpFrontends(moved, [])), false);
});

const orphanRows: readonly [name: string, to: string, from: string, orphan: boolean][] = [
  ['translated, and no Service has the address', '10.96.7.7', '10.244.1.3', true],
  ['not translated: it never met a Service', '10.96.7.7', '10.96.7.7', false],
  ['a Service has the address, if only another proxy’s', '10.96.0.10', '10.244.1.3', false],
  ['not in the range: somebody else may translate it', '192.0.2.1', '10.244.1.3', false],
  ['IPv6', 'fd00:96::7', 'fd00:1::3', true],
];
for (const [name, to, from, orphan] of orphanRows) {
  test(`orphans: ${name}`, () => {
    const entry = { protocol: 'UDP', destination: { ip: to, port: 53 }, replySource: { ip: from, port: 53 } } as const;
    assert.equal(isOrphan(entry, ['10.96.0.0/16', 'fd00:96::/112'], new Set(['10.96.0.10'])), orphan);
  });
}
