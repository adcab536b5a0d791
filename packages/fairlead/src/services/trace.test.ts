import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileService } from './compile.ts';
import type { ServiceProgram } from './program.ts';
import {
  destinationOf,
  destinations,
  matrixServices,
  policies,
  scene,
  sceneService,
  sceneSlice,
  sources,
  trafficMatrix,
} from './testing/traffic-matrix.ts';
import { type Packet, type TraceContext, type TraceResult, tracePacket } from './trace.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
const context: TraceContext = {
  podCidrs: scene.podCidrs,
  serviceCidrs: scene.serviceCidrs,
  nodeIps: scene.nodeIps,
  nodePorts: true,
};
const both = `${scene.localEndpoint}:8080 ${scene.remoteEndpoint}:8080`;
const local = `${scene.localEndpoint}:8080`;

function show(result: TraceResult): string {
  if (result.kind !== 'endpoints') return result.kind.toUpperCase();
  const masquerade = result.masquerade || result.hairpin !== undefined;
  return `${result.endpoints.join(' ')}${masquerade ? ' masqueraded' : ''}`;
}

function programsOf(list: readonly ReturnType<typeof matrixServices>[number][]): ServiceProgram[] {
  return list.flatMap(({ service, slices }) => compileService(service, slices, node).program ?? []);
}

test('the traffic matrix has every flow once', () => {
  const flows = new Set(trafficMatrix.map(({ policy, from, to }) => `${policy}/${from}/${to}`));
  assert.equal(flows.size, trafficMatrix.length);
  assert.equal(flows.size, policies.length * sources.length * destinations.length);
});

for (const { policy, from, to, endpoints, masquerade } of trafficMatrix) {
  test(`${policy}: ${from} → ${to}`, () => {
    const { ip, port } = destinationOf(policy, to);
    const packet: Packet = { source: scene[from], destination: ip, protocol: 'TCP', port };
    const expected = `${endpoints === 'both' ? both : local}${masquerade ? ' masqueraded' : ''}`;
    assert.equal(show(tracePacket(programsOf(matrixServices()), context, packet)), expected);
  });
}

test('without detection of local Pods', async (t) => {
  const blind = { ...context, podCidrs: [] };
  for (const { policy, from, to, endpoints, masquerade } of trafficMatrix) {
    await t.test(`${policy}: ${from} → ${to}`, () => {
      const { ip, port } = destinationOf(policy, to);
      const packet: Packet = { source: scene[from], destination: ip, protocol: 'TCP', port };
      const podOutside = policy === 'eTP Local' && from === 'pod' && to !== 'clusterIP';
      const reached = podOutside ? local : endpoints === 'both' ? both : local;
      const hidden = to === 'clusterIP' ? false : masquerade;
      assert.equal(
        show(tracePacket(programsOf(matrixServices()), blind, packet)),
        `${reached}${hidden ? ' masqueraded' : ''}`,
      );
    });
  }
});

const threeProtocols = sceneService('multi', {
  type: 'NodePort',
  clusterIP: '10.96.1.1',
  ports: [
    { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 5353, nodePort: 30053 },
    { name: 'dns-udp', port: 53, protocol: 'UDP', targetPort: 5354, nodePort: 30053 },
    { name: 'dns-sctp', port: 53, protocol: 'SCTP', targetPort: 5355, nodePort: 30053 },
  ],
});
const threeProtocolSlice = sceneSlice(
  'multi',
  [{ ip: scene.remoteEndpoint }],
  [
    { name: 'dns-tcp', port: 5353, protocol: 'TCP' },
    { name: 'dns-udp', port: 5354, protocol: 'UDP' },
    { name: 'dns-sctp', port: 5355, protocol: 'SCTP' },
  ],
);
const restricted = sceneService(
  'restricted',
  {
    type: 'LoadBalancer',
    clusterIP: '10.96.1.2',
    ports: [{ port: 80, protocol: 'TCP', nodePort: 30090 }],
    // Padding is legal; the nested range must not break anything.
    loadBalancerSourceRanges: [' 198.51.100.0/24 ', '198.51.100.0/28', '192.0.2.0/24'],
  },
  ['203.0.113.9'],
);
const empty = sceneService('empty', {
  type: 'NodePort',
  clusterIP: '10.96.1.3',
  ports: [{ port: 80, nodePort: 30091 }],
});
const proxied = sceneService('proxied', {
  type: 'LoadBalancer',
  clusterIP: '10.96.1.4',
  ports: [{ port: 80, nodePort: 30092 }],
});
proxied.status = { loadBalancer: { ingress: [{ ip: '203.0.113.10', ipMode: 'Proxy' }] } };
const remoteOnly = sceneService(
  'remote-only',
  {
    type: 'LoadBalancer',
    clusterIP: '10.96.1.5',
    externalTrafficPolicy: 'Local',
    internalTrafficPolicy: 'Local',
    ports: [{ port: 80, nodePort: 30093 }],
  },
  ['203.0.113.11'],
);
const remote = [{ ip: scene.remoteEndpoint }];
const general = [
  { service: threeProtocols, slices: [threeProtocolSlice] },
  { service: restricted, slices: [sceneSlice('restricted', remote)] },
  {
    service: empty,
    slices: [sceneSlice('empty', [{ ip: scene.remoteEndpoint, conditions: { ready: false, serving: false } }])],
  },
  { service: proxied, slices: [sceneSlice('proxied', remote)] },
  { service: remoteOnly, slices: [sceneSlice('remote-only', remote)] },
  {
    service: sceneService('selfish', { clusterIP: '10.96.1.6' }),
    slices: [sceneSlice('selfish', [{ ip: scene.pod }])],
  },
];

const r = scene.remoteEndpoint;
const flows: readonly [
  name: string,
  from: string,
  protocol: Packet['protocol'],
  to: string,
  port: number,
  expected: string,
][] = [
  ['TCP of one number on three protocols', scene.pod, 'TCP', '10.96.1.1', 53, `${r}:5353`],
  ['UDP of one number on three protocols', scene.pod, 'UDP', '10.96.1.1', 53, `${r}:5354`],
  ['SCTP of one number on three protocols', scene.pod, 'SCTP', '10.96.1.1', 53, `${r}:5355`],
  ['UDP node port', scene.external, 'UDP', '192.0.2.1', 30053, `${r}:5354 masqueraded`],
  ['other port of a live cluster IP', scene.pod, 'TCP', '10.96.1.1', 54, 'REJECT'],
  ['other protocol of a live cluster IP', scene.pod, 'UDP', '10.96.1.2', 80, 'REJECT'],
  ['cluster IP that no Service has', scene.pod, 'TCP', '10.96.200.1', 80, 'DROP'],
  ['address of no Service', scene.pod, 'TCP', '198.51.100.99', 80, 'PASS'],
  ['node port on loopback', scene.node, 'TCP', '127.0.0.1', 30053, 'PASS'],
  ['no endpoints, cluster IP', scene.pod, 'TCP', '10.96.1.3', 80, 'REJECT'],
  ['no endpoints, node port', scene.external, 'TCP', '192.0.2.1', 30091, 'REJECT'],
  ['source in range', scene.external, 'TCP', '203.0.113.9', 80, `${r}:8080 masqueraded`],
  ['source out of range', '198.51.101.1', 'TCP', '203.0.113.9', 80, 'DROP'],
  ['Pod out of range', scene.pod, 'TCP', '203.0.113.9', 80, 'DROP'],
  ['node in range', scene.node, 'TCP', '203.0.113.9', 80, `${r}:8080 masqueraded`],
  ['node in range, with the address it connects to', '203.0.113.9', 'TCP', '203.0.113.9', 80, `${r}:8080 masqueraded`],
  ['node port is not filtered by ranges', '198.51.101.1', 'TCP', '192.0.2.1', 30090, `${r}:8080 masqueraded`],
  ['ipMode Proxy is not captured', scene.pod, 'TCP', '203.0.113.10', 80, 'PASS'],
  ['iTP Local without local endpoint', scene.pod, 'TCP', '10.96.1.5', 80, 'DROP'],
  ['eTP Local without local endpoint, outside', scene.external, 'TCP', '203.0.113.11', 80, 'DROP'],
  ['eTP Local without local endpoint, node port', scene.external, 'TCP', '192.0.2.1', 30093, 'DROP'],
  ['eTP Local without local endpoint, Pod', scene.pod, 'TCP', '203.0.113.11', 80, `${r}:8080`],
  ['eTP Local without local endpoint, node', scene.node, 'TCP', '192.0.2.1', 30093, `${r}:8080 masqueraded`],
  ['a Pod to itself', scene.pod, 'TCP', '10.96.1.6', 80, `${scene.pod}:8080 masqueraded`],
];

for (const [name, source, protocol, destination, port, expected] of flows) {
  test(name, () => {
    assert.equal(show(tracePacket(programsOf(general), context, { source, destination, protocol, port })), expected);
  });
}
