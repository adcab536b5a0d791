import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { createNftApplier, type NftApplier } from './apply-nft.ts';
import { compileService } from './compile.ts';
import { createRunNft } from './nft-command.ts';
import type { Protocol, ServiceProgram } from './program.ts';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const skip = kernelTestsProblem();
const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];
const ways = [
  { name: 'session affinity', spec: { sessionAffinity: 'ClientIP' as const }, annotations: {}, sticky: true },
  { name: 'source-hash', spec: {}, annotations: { 'fairlead.dev/load-balancing': 'source-hash' }, sticky: true },
  { name: 'maglev', spec: {}, annotations: { 'fairlead.dev/load-balancing': 'maglev' }, sticky: false },
  { name: 'weights', spec: {}, annotations: { 'fairlead.dev/endpoint-weights': 'node/here=3' }, sticky: false },
  {
    name: 'limits',
    spec: {},
    annotations: {
      'fairlead.dev/max-connections-per-source': '100',
      'fairlead.dev/new-connections-per-source': '100/second',
    },
    sticky: false,
  },
  {
    name: 'source lists',
    spec: {},
    annotations: {
      'fairlead.dev/allow-sources': '198.51.100.0/24, 2001:db8:1::/64',
      'fairlead.dev/deny-sources': '198.51.100.8, 2001:db8:1::8',
    },
    sticky: false,
  },
] as const;
/** A port of the spec is translated, a range is not. */
const places = [
  { name: 'a port', port: 80, annotations: {} },
  {
    name: 'a range',
    port: 8080,
    annotations: { 'fairlead.dev/port-ranges': '8080-8089/TCP, 8080-8089/UDP, 8080-8089/SCTP' },
  },
] as const;
const families = [
  {
    name: 'IPv4',
    vip: (row: number) => `10.96.6.${row}`,
    client: '198.51.100.7',
    endpoints: [scene.localEndpoint, scene.remoteEndpoint],
  },
  {
    name: 'IPv6',
    vip: (row: number) => `fd00:96::${row.toString(16)}`,
    client: '2001:db8:1::7',
    endpoints: ['fd00:1::3', 'fd00:2::3'],
  },
] as const;

describe('each way to serve a port, with each protocol and family', { skip }, () => {
  let network: TestNetwork;
  let applier: NftApplier;
  const problems: string[] = [];

  before(async () => {
    network = await createTestNetwork(
      ['192.0.2.1/24', '2001:db8::1/64'],
      [
        { name: 'local', addresses: families.map(({ endpoints }) => endpoints[0]) },
        { name: 'remote', addresses: families.map(({ endpoints }) => endpoints[1]) },
        { name: 'external', addresses: families.map(({ client }) => client) },
      ],
    );
    for (const host of ['local', 'remote']) {
      await network.probe(host).ask({ do: 'serve', name: host, tcp: [8080], udp: [8080], sctp: true });
    }
    applier = createNftApplier({
      podCidrs: [...scene.podCidrs, 'fd00:1::/64'],
      serviceCidrs: [...scene.serviceCidrs, 'fd00:96::/112'],
      nodePorts: true,
      runNft: createRunNft([...network.inNode, 'nft']),
      clock: systemClock,
      log: (level, message, fields) => problems.push(`${level} ${message} ${JSON.stringify(fields)}`),
    });
    await applier.apply(new Map());
  });
  after(async () => network?.remove());

  let rows = 0;
  // A datagram from a port used before belongs to the flow of then: each has its own, and each row its own address.
  let lastPort = 20_000;
  const portOf = (protocol: Protocol): { readonly sourcePort?: number } =>
    protocol === 'UDP' ? { sourcePort: ++lastPort } : {};
  for (const family of families) {
    for (const protocol of protocols) {
      for (const [way, place] of ways.flatMap((each) => places.map((at) => [each, at] as const))) {
        const host = family.vip(++rows);
        test(`${way.name}, ${place.name}, ${protocol}, ${family.name}`, async () => {
          const service = sceneService('own', {
            clusterIP: host,
            ...way.spec,
            ports: [{ name: 'p', port: 80, protocol }],
          });
          service.metadata.annotations = { ...way.annotations, ...place.annotations };
          const targets = family.endpoints.map((ip) => ({ ip }));
          const slice = sceneSlice('own', targets, [{ name: 'p', port: 8080, protocol }], protocol);
          const { program, warnings } = compileService(service, [slice], { nodeName: scene.nodeName, nodeIps: [] });
          assert.deepEqual(warnings, []);
          await applier.apply(new Map([['default/own', program as ServiceProgram]]));
          assert.deepEqual(problems.splice(0), []);
          const answers = new Set<string>();
          const { client: source } = family;
          for (let tries = 0; tries < 6; tries++) {
            const answer = await network
              .probe('external')
              .ask({ do: 'connect', protocol, host, port: place.port, source, timeoutMs: 10_000, ...portOf(protocol) });
            answers.add(answer.split(' ')[0] ?? '');
          }
          for (const answer of answers) assert.match(answer, /^(local|remote)$/);
          if (way.sticky) assert.equal(answers.size, 1);
          // What the chosen endpoint leaves, the other takes.
          const [chosen = ''] = answers;
          const rest = targets.filter((_, index) => (index === 0) !== (chosen === 'local'));
          const smaller = sceneSlice('own', rest, [{ name: 'p', port: 8080, protocol }], protocol);
          const next = compileService(service, [smaller], { nodeName: scene.nodeName, nodeIps: [] });
          await applier.apply(new Map([['default/own', next.program as ServiceProgram]]));
          const ask = {
            do: 'connect',
            protocol,
            host,
            port: place.port,
            source,
            timeoutMs: 10_000,
            ...portOf(protocol),
          } as const;
          const answer = await network.probe('external').ask(ask);
          assert.equal(answer.split(' ')[0], chosen === 'local' ? 'remote' : 'local');
          await applier.apply(new Map([['default/own', undefined]]));
          assert.deepEqual(problems.splice(0), []);
        });
      }
    }
  }
  test('the grid is whole', () => assert.equal(rows, families.length * protocols.length * ways.length * places.length));
});
