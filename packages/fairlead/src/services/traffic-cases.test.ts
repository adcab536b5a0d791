import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { createNftApplier, type NftApplier, type NftApplierOptions } from './apply-nft.ts';
import { compileService } from './compile.ts';
import { compileHostPorts } from './host-ports.ts';
import { createRunNft } from './nft-command.ts';
import type { ServiceProgram } from './program.ts';
import {
  type CaseFlow,
  type CaseSource,
  type CaseStep,
  endpointNames,
  sourceAddresses,
  type TrafficCase,
} from './testing/case-scene.ts';
import { dualStackCases } from './testing/change-cases.ts';
import { inIpv6, ipv6Of, ipv6Scene } from './testing/ipv6-cases.ts';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import { trafficCases } from './testing/traffic-cases.ts';
import {
  destinationOf,
  type MatrixMode,
  matrixIn,
  matrixModes,
  matrixServices,
  scene,
} from './testing/traffic-matrix.ts';
import { type TraceContext, tracePacket } from './trace.ts';

const both = (ips: readonly string[]): string[] => [...ips, ...ips.map(ipv6Of)];
const node = { nodeName: scene.nodeName, nodeIps: both(scene.nodeIps), zone: 'a' };
const context: TraceContext = {
  podCidrs: [...scene.podCidrs, ...ipv6Scene.podCidrs],
  serviceCidrs: [...scene.serviceCidrs, ...ipv6Scene.serviceCidrs],
  nodeIps: node.nodeIps,
  nodePorts: true,
};
const names = new Map(
  Object.entries(endpointNames).flatMap(([ip, name]) => [
    [ip, name],
    [ipv6Of(ip), name],
  ]),
);
const cases = [...trafficCases.flatMap((each) => [each, inIpv6(each)]), ...dualStackCases];

/** The 27 flows of a mode as a case. */
function matrixCase(mode: MatrixMode): TrafficCase {
  const flows = matrixIn(mode).map(({ policy, from, to, endpoints, masquerade }): CaseFlow => {
    const { ip, port } = destinationOf(policy, to);
    const servers = endpoints === 'both' ? 'local remote' : 'local';
    const expected = `${servers}${masquerade ? ' masqueraded' : ''}`;
    return { name: `${policy}: ${from} → ${to}`, from, protocol: 'TCP', to: ip, port, expected };
  });
  return { name: `traffic matrix, ${mode}`, steps: [{ name: 'matrix', services: matrixServices(), flows }] };
}

function layoutOf(mode: MatrixMode): { readonly podCidrs: readonly string[]; readonly masqueradeAll: boolean } {
  return { podCidrs: mode === 'no detection' ? [] : context.podCidrs, masqueradeAll: mode === 'masquerade all' };
}

function programsOf(step: CaseStep): ServiceProgram[] {
  return [
    ...step.services.flatMap(({ service, slices }) => compileService(service, slices, node).program ?? []),
    ...(step.pods ?? []).flatMap((pod) => compileHostPorts(pod) ?? []),
  ];
}

function sourceOf(from: CaseSource, to: string): string {
  if (!to.includes(':')) return sourceAddresses[from];
  // Masquerading prefers the newest IPv6 address, so the other one shows it.
  return ipv6Of(from === 'node' ? '192.0.2.1' : sourceAddresses[from]);
}

function interpret(step: CaseStep, flow: CaseFlow, around: TraceContext = context): string {
  const packet = {
    source: sourceOf(flow.from, flow.to),
    destination: flow.to,
    protocol: flow.protocol,
    port: flow.port,
  };
  const result = tracePacket(programsOf(step), around, packet);
  if (result.kind !== 'endpoints') return result.kind.toUpperCase();
  const servers = result.endpoints.map((text) => names.get(text.replace(/:\d+$/, '').replace(/[[\]]/g, '')) ?? text);
  return `${servers.sort().join(' ')}${result.masquerade || result.hairpin !== undefined ? ' masqueraded' : ''}`;
}

test('the cases are told apart by name, in both families', () => {
  const flows = cases.flatMap(({ name, steps }) =>
    steps.flatMap((step) => step.flows.map((flow) => `${name}/${step.name}/${flow.name}`)),
  );
  assert.equal(new Set(flows).size, flows.length);
  const protocols = new Set(
    cases.flatMap(({ steps }) => steps.flatMap(({ flows: own }) => own.map(({ protocol }) => protocol))),
  );
  assert.deepEqual([...protocols].sort(), ['SCTP', 'TCP', 'UDP']);
  // What a flow can come to, for every source: a verdict that no row has would be untested.
  const verdicts = new Set(
    cases.flatMap(({ steps }) =>
      steps.flatMap(({ flows: own }) =>
        own.map(({ from, expected }) => `${from} ${/^[A-Z]/.test(expected) ? expected : 'served'}`),
      ),
    ),
  );
  for (const from of ['pod', 'node', 'external']) {
    for (const verdict of ['DROP', 'REJECT', 'served'])
      assert.ok(verdicts.has(`${from} ${verdict}`), `${from} ${verdict}`);
  }
});

for (const { name, steps } of cases) {
  test(`interpreted: ${name}`, async (t) => {
    for (const step of steps) {
      for (const flow of step.flows) {
        await t.test(`${step.name}: ${flow.name}`, () => assert.equal(interpret(step, flow), flow.expected));
      }
    }
  });
}

for (const mode of matrixModes) {
  for (const each of [matrixCase(mode), inIpv6(matrixCase(mode))]) {
    test(`interpreted: ${each.name}`, async (t) => {
      const [step] = each.steps;
      assert.ok(step?.flows.length === 27);
      for (const flow of step.flows) {
        await t.test(flow.name, () =>
          assert.equal(interpret(step, flow, { ...context, ...layoutOf(mode) }), flow.expected),
        );
      }
    });
  }
}

/** Tries until both of two endpoints must have answered: a miss has a chance of 2 in a million. */
const mostTries = 20;
const dropTimeoutMs = 250;

describe('with real packets', { skip: kernelTestsProblem() }, () => {
  let network: TestNetwork;
  let applier: NftApplier;

  before(async () => {
    const host = (name: string, ...ips: string[]) => ({ name, addresses: both(ips) });
    network = await createTestNetwork(
      ['192.0.2.1/24', '192.0.2.77/24', `${ipv6Of('192.0.2.1')}/64`, `${ipv6Of('192.0.2.77')}/64`],
      [
        host('pod', scene.pod),
        host('local', scene.localEndpoint),
        host('remote', scene.remoteEndpoint),
        host('external', scene.external, sourceAddresses.stranger),
      ],
    );
    for (const [place, name] of [
      ['local', 'local'],
      ['remote', 'remote'],
      ['pod', 'self'],
    ] as const) {
      await network.probe(place).ask({ do: 'serve', name, tcp: [8080, 9090], udp: [8081], sctp: true });
    }
    applier = startApplier({});
  });
  after(async () => network?.remove());

  const startApplier = (more: Partial<NftApplierOptions>): NftApplier =>
    createNftApplier({
      podCidrs: context.podCidrs,
      serviceCidrs: context.serviceCidrs,
      nodePorts: true,
      runNft: createRunNft([...network.inNode, 'nft']),
      clock: systemClock,
      log: (level, message, fields) => assert.fail(`${level} ${message} ${JSON.stringify(fields)}`),
      ...more,
    });

  const once = (flow: CaseFlow): Promise<string> => {
    const host = flow.from === 'node' ? network.node : network.probe(flow.from === 'stranger' ? 'external' : flow.from);
    const silent = flow.expected === 'DROP';
    return host.ask({
      do: 'connect',
      protocol: flow.protocol,
      host: flow.to,
      port: flow.port,
      source: sourceOf(flow.from, flow.to),
      timeoutMs: silent ? dropTimeoutMs : 5000,
    });
  };

  /** What became of the flow, in the words of the case. */
  const observe = async (flow: CaseFlow): Promise<string> => {
    const wanted = flow.expected.replace(' masqueraded', '').split(' ').length;
    const servers = new Set<string>();
    const hidden = new Set<boolean>();
    for (let tries = 0; tries < mostTries && (servers.size < wanted || tries < 3); tries++) {
      const answer = await once(flow);
      if (answer === 'error ETIMEDOUT') return 'DROP';
      if (answer === 'error ECONNREFUSED') return 'REJECT';
      const [server = '', client] = answer.split(' ');
      servers.add(server);
      hidden.add(client !== sourceOf(flow.from, flow.to));
    }
    assert.equal(hidden.size, 1, 'masqueraded or not, but not now and then');
    return `${[...servers].sort().join(' ')}${hidden.has(true) ? ' masqueraded' : ''}`;
  };

  const play = async ({ steps }: TrafficCase, run: (title: string, flow: CaseFlow) => Promise<void>): Promise<void> => {
    let installed = new Set<string>();
    const become = async (programs: readonly ServiceProgram[]): Promise<void> => {
      const changes = new Map<string, ServiceProgram | undefined>(programs.map((program) => [program.key, program]));
      for (const key of installed) if (!changes.has(key)) changes.set(key, undefined);
      await applier.apply(changes);
      installed = new Set(programs.map(({ key }) => key));
    };
    for (const step of steps) {
      await become(programsOf(step));
      for (const flow of step.flows) {
        // What is no Service's business is the machine's: nobody listens, or a route leads on.
        if (flow.expected !== 'PASS') await run(`${step.name}: ${flow.name}`, flow);
      }
    }
    await become([]);
  };

  for (const each of cases) {
    test(each.name, async (t) => {
      await play(each, async (title, flow) => {
        await t.test(title, async () => assert.equal(await observe(flow), flow.expected));
      });
    });
  }

  for (const mode of matrixModes) {
    for (const each of [matrixCase(mode), inIpv6(matrixCase(mode))]) {
      test(each.name, async (t) => {
        applier = startApplier(layoutOf(mode));
        await play(each, async (title, flow) => {
          await t.test(title, async () => assert.equal(await observe(flow), flow.expected));
        });
      });
    }
  }

  test('Pods told by their links: the same matrix', async (t) => {
    // The link of the host 'pod', the first one.
    applier = startApplier({ podCidrs: [], podInterface: 'v0' });
    await play(matrixCase('detection'), async (title, flow) => {
      await t.test(title, async () => assert.equal(await observe(flow), flow.expected));
    });
  });

  test('an announced address that is the machine’s own: its listeners are reached', async (t) => {
    applier = startApplier({});
    await network.node.ask({ do: 'serve', name: 'machine', tcp: [9099], udp: [] });
    const story = cases.find(({ name }) => name === 'other ports of an address from a pool are refused, not routed on');
    const step = story?.steps.find(({ name }) => name.startsWith('an address of this machine'));
    assert.ok(step !== undefined);
    const own = { name: 'own listener', from: 'external', protocol: 'TCP', to: '192.0.2.77', port: 9099 } as const;
    await play({ name: 'own', steps: [{ ...step, flows: [{ ...own, expected: 'machine' }] }] }, async (title, flow) => {
      await t.test(title, async () => assert.equal(await observe(flow), flow.expected));
    });
  });

  test('node ports on listed addresses only', async (t) => {
    const nodePortCidrs = ['192.0.2.1/32', `${ipv6Of('192.0.2.1')}/128`];
    applier = startApplier({ nodePortCidrs });
    const [step] = matrixCase('detection').steps;
    const [plain] = step?.services ?? [];
    assert.ok(step !== undefined && plain !== undefined);
    const at = (to: string): CaseFlow => ({
      name: to,
      from: 'external',
      protocol: 'TCP',
      to,
      port: 30081,
      expected: to.endsWith('1') ? 'local remote masqueraded' : 'PASS',
    });
    const flows = ['192.0.2.1', '192.0.2.77'].map(at);
    const listed: CaseStep = { name: 'listed', services: [plain], flows };
    for (const flow of flows) {
      assert.equal(interpret(listed, flow, { ...context, nodePortCidrs }), flow.expected);
    }
    await play({ name: 'listed', steps: [listed] }, async (title, flow) => {
      await t.test(title, async () => assert.equal(await observe(flow), flow.expected));
    });
    await applier.apply(new Map(programsOf(listed).map((program) => [program.key, program])));
    const [, other] = flows;
    assert.equal(other === undefined ? '' : await once(other), 'error ECONNREFUSED', 'the machine itself answers');
  });
});
