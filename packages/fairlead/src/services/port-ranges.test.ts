import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileService } from './compile.ts';
import { joinPortRanges, type PortRange, withoutPorts } from './port-ranges.ts';
import type { Protocol } from './program.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';
import { tracePacket } from './trace.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
const context = { ...scene, nodePorts: true };
const protocol = fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP');
const range = fc
  .tuple(protocol, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 20 }))
  .map(([name, from, more]): PortRange => ({ protocol: name, from, to: from + more }));
const has = (ranges: readonly PortRange[], name: Protocol, port: number): boolean =>
  ranges.some((each) => each.protocol === name && port >= each.from && port <= each.to);

test('joined ranges hold the same ports, disjoint, and lose exactly the ports taken out', () => {
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 8 }),
      fc.array(fc.record({ protocol, port: fc.integer({ min: 1, max: 90 }) }), { maxLength: 5 }),
      (ranges, taken) => {
        const joined = joinPortRanges(ranges);
        const left = withoutPorts(joined, taken);
        for (const name of ['TCP', 'UDP', 'SCTP'] as const) {
          for (let port = 1; port <= 90; port++) {
            assert.equal(has(joined, name, port), has(ranges, name, port));
            const out = taken.some((each) => each.protocol === name && each.port === port);
            assert.equal(has(left, name, port), has(ranges, name, port) && !out);
            const holders = left.filter((each) => has([each], name, port)).length;
            assert.ok(holders <= 1, 'disjoint');
          }
        }
        assert.ok(left.every(({ from, to }) => from <= to));
      },
    ),
  );
});

const ranged = sceneService(
  'ranged',
  { type: 'LoadBalancer', clusterIP: '10.96.7.1', ports: [{ port: 7001, targetPort: 8080, nodePort: 30710 }] },
  ['203.0.113.71', '192.0.2.1'],
);
ranged.metadata.annotations = { 'fairlead.dev/port-ranges': '7000-7003, 30000-31000/TCP, 53/UDP' };
const dual = sceneService('dual', { clusterIP: '10.96.7.2', clusterIPs: ['10.96.7.2', 'fd00:96::7'] });
dual.metadata.annotations = { 'fairlead.dev/port-ranges': 'all' };
const empty = sceneService('empty', { clusterIP: '10.96.7.3', internalTrafficPolicy: 'Local' });
empty.metadata.annotations = { 'fairlead.dev/port-ranges': '1-9' };
const programs = [
  compileService(ranged, [sceneSlice('ranged', [{ ip: scene.remoteEndpoint }])], node),
  compileService(dual, [sceneSlice('dual', [{ ip: scene.pod }]), sceneSlice('dual', [{ ip: 'fd00:2::3' }])], node),
  compileService(empty, [sceneSlice('empty', [{ ip: scene.remoteEndpoint }])], node),
].flatMap(({ program, warnings }) => {
  assert.deepEqual(warnings, []);
  return program ?? [];
});

const r = scene.remoteEndpoint;
const rows: readonly [name: string, source: string, to: string, name: Protocol, port: number, expected: string][] = [
  ['first of a range', scene.pod, '10.96.7.1', 'TCP', 7000, `${r}:7000`],
  ['last of a range', scene.pod, '10.96.7.1', 'TCP', 7003, `${r}:7003`],
  ["the spec's own port wins", scene.pod, '10.96.7.1', 'TCP', 7001, `${r}:8080`],
  ['beside a range', scene.pod, '10.96.7.1', 'TCP', 7004, 'reject'],
  ['other protocol', scene.pod, '10.96.7.1', 'UDP', 7000, 'reject'],
  ['one port of UDP', scene.pod, '10.96.7.1', 'UDP', 53, `${r}:53`],
  ['load balancer, from outside', scene.external, '203.0.113.71', 'TCP', 7000, `${r}:7000 masqueraded`],
  ['a node port wins over a range', scene.external, '192.0.2.1', 'TCP', 30710, `${r}:8080 masqueraded`],
  ['all ports', scene.pod, '10.96.7.2', 'SCTP', 65535, `${scene.pod}:65535 masqueraded`],
  ['all ports, IPv6', 'fd00:1::2', 'fd00:96::7', 'UDP', 1, '[fd00:2::3]:1 masqueraded'],
  ['Local policy without local endpoint', scene.pod, '10.96.7.3', 'TCP', 5, 'drop'],
];
for (const [name, source, destination, proto, port, expected] of rows) {
  test(`port range: ${name}`, () => {
    const result = tracePacket(programs, context, { source, destination, protocol: proto, port });
    const text =
      result.kind === 'endpoints'
        ? `${result.endpoints.join()}${result.masquerade || result.hairpin !== undefined ? ' masqueraded' : ''}`
        : result.kind;
    assert.equal(text, expected);
  });
}
