import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { createNftApplier, type NftApplier, type NftApplierOptions } from './apply-nft.ts';
import { compileService } from './compile.ts';
import { createRunNft } from './nft-command.ts';
import type { ServiceProgram } from './program.ts';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import {
  destinationOf,
  matrixServices,
  type Source,
  scene,
  sceneService,
  sceneSlice,
  trafficMatrix,
} from './testing/traffic-matrix.ts';

const skip = kernelTestsProblem();
const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
const serverNames: Readonly<Record<string, string>> = {
  [scene.localEndpoint]: 'local',
  [scene.remoteEndpoint]: 'remote',
  [scene.pod]: 'self',
};

/** Connections until both of two endpoints must have answered: a miss has a chance of 2 in a million. */
const mostTries = 20;
const dropTimeoutMs = 300;

describe('real packets through the kernel', { skip }, () => {
  let network: TestNetwork;
  let applier: NftApplier;
  let options: NftApplierOptions;

  before(async () => {
    network = await createTestNetwork(
      ['192.0.2.1/24', '192.0.2.77/24', '2001:db8::1/64'],
      [
        { name: 'pod', addresses: [scene.pod, 'fd00:1::2'] },
        { name: 'local', addresses: [scene.localEndpoint, 'fd00:1::3'] },
        { name: 'remote', addresses: [scene.remoteEndpoint, 'fd00:2::3'] },
        { name: 'external', addresses: [scene.external, '2001:db8:1::7'] },
      ],
    );
    for (const [host, name] of [
      ['local', 'local'],
      ['remote', 'remote'],
      ['pod', 'self'],
    ] as const) {
      await network.probe(host).ask({ do: 'serve', name, tcp: [8080, 5353], udp: [5354] });
    }
    options = {
      podCidrs: [...scene.podCidrs, 'fd00:1::/64'],
      serviceCidrs: [...scene.serviceCidrs, 'fd00:96::/112'],
      nodePorts: true,
      runNft: createRunNft([...network.inNode, 'nft']),
      clock: systemClock,
      log: (level, message, fields) => assert.fail(`${level} ${message} ${JSON.stringify(fields)}`),
    };
    applier = createNftApplier(options);
  });
  after(async () => network?.remove());

  const install = async (
    list: readonly {
      readonly service: Parameters<typeof compileService>[0];
      readonly slices: Parameters<typeof compileService>[1];
    }[],
  ) => {
    const programs = list.map(({ service, slices }) => compileService(service, slices, node).program as ServiceProgram);
    await applier.apply(new Map(programs.map((program) => [program.key, program])));
  };
  const ask = (
    from: Source,
    host: string,
    port: number,
    more: { protocol?: 'TCP' | 'UDP'; sourcePort?: number; timeoutMs?: number; source?: string } = {},
  ) => {
    const probe = from === 'node' ? network.node : network.probe(from);
    const source = more.source ?? (from === 'node' && !host.includes(':') ? scene.node : undefined);
    return probe.ask({
      do: 'connect',
      protocol: more.protocol ?? 'TCP',
      host,
      port,
      timeoutMs: more.timeoutMs ?? 20_000,
      ...(source === undefined ? {} : { source }),
      ...(more.sourcePort === undefined ? {} : { sourcePort: more.sourcePort }),
    });
  };

  test('the traffic matrix', async (t) => {
    await install(matrixServices());
    for (const { policy, from, to, endpoints, masquerade } of trafficMatrix) {
      await t.test(`${policy}: ${from} → ${to}`, async () => {
        const { ip, port } = destinationOf(policy, to);
        const wanted = endpoints === 'both' ? 2 : 1;
        const servers = new Set<string>();
        for (let tries = 0; tries < mostTries && (servers.size < wanted || tries < 4); tries++) {
          const [server = '', client] = (await ask(from, ip, port)).split(' ');
          servers.add(server);
          assert.equal(client !== scene[from], masquerade, `${server} saw ${client}`);
        }
        assert.deepEqual([...servers].sort(), endpoints === 'both' ? ['local', 'remote'] : ['local']);
      });
    }
  });

  test('refused, dropped, filtered', async (t) => {
    const remote = [{ ip: scene.remoteEndpoint }];
    await install([
      {
        service: sceneService('empty', {
          type: 'NodePort',
          clusterIP: '10.96.1.3',
          ports: [
            { port: 80, nodePort: 30091 },
            { port: 53, protocol: 'UDP', name: 'u', nodePort: 30092 },
          ],
        }),
        slices: [],
      },
      {
        service: sceneService(
          'remote-only',
          {
            type: 'LoadBalancer',
            clusterIP: '10.96.1.5',
            externalTrafficPolicy: 'Local',
            internalTrafficPolicy: 'Local',
            ports: [{ port: 80, nodePort: 30093 }],
          },
          ['203.0.113.11'],
        ),
        slices: [sceneSlice('remote-only', remote)],
      },
      {
        service: sceneService(
          'restricted',
          {
            type: 'LoadBalancer',
            clusterIP: '10.96.1.2',
            ports: [{ port: 80, nodePort: 30090 }],
            loadBalancerSourceRanges: ['198.51.100.0/24', '198.51.100.0/28', '192.0.2.0/24'],
          },
          ['203.0.113.9'],
        ),
        slices: [sceneSlice('restricted', remote)],
      },
      {
        service: sceneService('selfish', { clusterIP: '10.96.1.6' }),
        slices: [sceneSlice('selfish', [{ ip: scene.pod }])],
      },
    ]);
    const rows: readonly [string, Source, string, number, 'TCP' | 'UDP', string][] = [
      ['no endpoints, Pod', 'pod', '10.96.1.3', 80, 'TCP', 'error ECONNREFUSED'],
      ['no endpoints, node', 'node', '10.96.1.3', 80, 'TCP', 'error ECONNREFUSED'],
      ['no endpoints, outside', 'external', '10.96.1.3', 80, 'TCP', 'error ECONNREFUSED'],
      ['no endpoints, node port', 'external', '192.0.2.1', 30091, 'TCP', 'error ECONNREFUSED'],
      ['no endpoints, UDP', 'pod', '10.96.1.3', 53, 'UDP', 'error ECONNREFUSED'],
      ['no endpoints, UDP node port', 'external', '192.0.2.1', 30092, 'UDP', 'error ECONNREFUSED'],
      ['other port of a live cluster IP', 'pod', '10.96.1.2', 81, 'TCP', 'error ECONNREFUSED'],
      ['other port of a live cluster IP, node', 'node', '10.96.1.2', 81, 'TCP', 'error ECONNREFUSED'],
      ['cluster IP that no Service has', 'pod', '10.96.200.1', 80, 'TCP', 'error ETIMEDOUT'],
      ['iTP Local without local endpoint', 'pod', '10.96.1.5', 80, 'TCP', 'error ETIMEDOUT'],
      ['eTP Local without local endpoint', 'external', '203.0.113.11', 80, 'TCP', 'error ETIMEDOUT'],
      ['eTP Local without local endpoint, node port', 'external', '192.0.2.1', 30093, 'TCP', 'error ETIMEDOUT'],
      ['eTP Local without local endpoint, Pod', 'pod', '203.0.113.11', 80, 'TCP', 'remote'],
      ['source in range', 'external', '203.0.113.9', 80, 'TCP', 'remote'],
      ['node in range', 'node', '203.0.113.9', 80, 'TCP', 'remote'],
      ['Pod out of range', 'pod', '203.0.113.9', 80, 'TCP', 'error ETIMEDOUT'],
      ['node port is not filtered by ranges', 'pod', '192.0.2.1', 30090, 'TCP', 'remote'],
      ['a Pod to itself', 'pod', '10.96.1.6', 80, 'TCP', 'self'],
    ];
    for (const [name, from, host, port, protocol, expected] of rows) {
      await t.test(name, async () => {
        const timeoutMs = expected === 'error ETIMEDOUT' ? dropTimeoutMs : 20_000;
        const answer = await ask(from, host, port, { protocol, timeoutMs });
        const got = answer.startsWith('error') ? answer : answer.split(' ')[0];
        assert.equal(got, expected);
      });
    }
  });

  test('affinity keeps a client, across frontends, until its endpoint is gone', async () => {
    const service = sceneService('sticky', {
      type: 'NodePort',
      clusterIP: '10.96.2.1',
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
      ports: [{ port: 80, nodePort: 30200 }],
    });
    const all = [{ ip: scene.localEndpoint }, { ip: scene.remoteEndpoint }];
    await install([{ service, slices: [sceneSlice('sticky', all)] }]);
    const first = (await ask('pod', '10.96.2.1', 80)).split(' ')[0];
    for (let tries = 0; tries < 12; tries++) {
      const [host, port] = tries % 2 === 0 ? (['10.96.2.1', 80] as const) : (['192.0.2.1', 30200] as const);
      assert.equal((await ask('pod', host, port)).split(' ')[0], first);
    }
    const others = all.filter(({ ip }) => serverNames[ip] !== first);
    await install([{ service, slices: [sceneSlice('sticky', others)] }]);
    const second = (await ask('pod', '10.96.2.1', 80)).split(' ')[0];
    assert.equal(second, serverNames[others[0]?.ip ?? '']);
    await install([{ service, slices: [sceneSlice('sticky', all)] }]);
    for (let tries = 0; tries < 8; tries++) assert.equal((await ask('pod', '10.96.2.1', 80)).split(' ')[0], second);
    const seen = new Set<string | undefined>();
    delete service.spec?.sessionAffinity;
    await install([{ service, slices: [sceneSlice('sticky', all)] }]);
    for (let tries = 0; tries < mostTries && seen.size < 2; tries++)
      seen.add((await ask('pod', '10.96.2.1', 80)).split(' ')[0]);
    assert.equal(seen.size, 2);
  });

  test('three protocols, IPv6, and node ports of both families', async () => {
    const service = sceneService('dual', {
      type: 'NodePort',
      clusterIP: '10.96.3.1',
      clusterIPs: ['10.96.3.1', 'fd00:96::1'],
      ports: [
        { name: 't', port: 53, nodePort: 30300 },
        { name: 'u', port: 53, protocol: 'UDP', nodePort: 30300 },
        { name: 's', port: 53, protocol: 'SCTP', nodePort: 30300 },
      ],
    });
    const ports = [
      { name: 't', port: 5353 },
      { name: 'u', port: 5354, protocol: 'UDP' as const },
      { name: 's', port: 5355, protocol: 'SCTP' as const },
    ];
    await install([
      {
        service,
        slices: [
          sceneSlice('dual', [{ ip: scene.remoteEndpoint }], ports),
          sceneSlice('dual', [{ ip: 'fd00:2::3' }], ports, 'b'),
        ],
      },
    ]);
    for (const host of ['10.96.3.1', 'fd00:96::1']) {
      for (const protocol of ['TCP', 'UDP'] as const) {
        for (const from of ['pod', 'external'] as const) {
          assert.match(await ask(from, host, 53, { protocol }), /^remote /, `${from} ${host} ${protocol}`);
        }
      }
    }
    for (const host of ['192.0.2.1', '2001:db8::1']) assert.match(await ask('external', host, 30300), /^remote /, host);
    assert.equal(await ask('pod', 'fd00:96::1', 54), 'error ECONNREFUSED');
  });

  test('a second agent takes over without a gap, and the first one may be gone without a word', async () => {
    const service = sceneService('steady', { clusterIP: '10.96.4.1' });
    const list = [{ service, slices: [sceneSlice('steady', [{ ip: scene.remoteEndpoint }])] }];
    await install(list);
    const program = compileService(service, list[0]?.slices ?? [], node).program as ServiceProgram;
    let takenOver = false;
    const takeOver = async (): Promise<void> => {
      for (let restarts = 0; restarts < 5; restarts++) {
        applier = createNftApplier(options);
        await applier.apply(new Map([[program.key, program]]));
      }
      takenOver = true;
    };
    const answers = new Set<string | undefined>();
    const knock = async (): Promise<void> => {
      while (!takenOver) answers.add((await ask('pod', '10.96.4.1', 80)).split(' ')[0]);
    };
    await Promise.all([takeOver(), knock(), knock()]);
    assert.deepEqual([...answers], ['remote']);
  });

  test('removing the tables leaves nothing', async () => {
    await applier.remove();
    assert.equal(network.run('node', 'nft list tables').trim(), '');
  });
});
