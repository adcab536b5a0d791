import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { createNftApplier } from './apply-nft.ts';
import { compileService } from './compile.ts';
import { createRunNft } from './nft-command.ts';
import type { ServiceProgram } from './program.ts';
import { kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import { createPodScene, type PodScene } from './testing/pod-scene.ts';
import type { ProxyLine, ProxySeed } from './testing/proxy-process.ts';
import type { ProxyProcess, ProxyRunner } from './testing/proxy-runner.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const skip = kernelTestsProblem();
const deadlineMs = 60_000;
const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
const both = [{ ip: scene.localEndpoint }, { ip: scene.remoteEndpoint }];

function compiled(name: string, clusterIP: string, ips: readonly string[]): ServiceProgram {
  const slice = sceneSlice(
    name,
    ips.map((ip) => ({ ip })),
  );
  return compileService(sceneService(name, { clusterIP }), [slice], node).program as ServiceProgram;
}

/** A program whose rules are not those of every Service. */
function withAffinity(program: ServiceProgram): ServiceProgram {
  return { ...program, ports: program.ports.map((port) => ({ ...port, affinityTimeoutSeconds: 60 })) };
}

/** A program that the kernel refuses: two of its source ranges overlap. */
function refusedProgram(name: string, clusterIP: string): ServiceProgram {
  const program = compiled(name, clusterIP, [scene.remoteEndpoint]);
  const vip = { kind: 'loadBalancer', ip: '203.0.113.99', sourceRanges: ['10.0.0.0/8', '10.1.0.0/16'] } as const;
  return { ...program, ports: program.ports.map((port) => ({ ...port, vips: [...port.vips, vip] })) };
}

describe('the table and what happens to it', { skip }, () => {
  let pods: PodScene | undefined;
  let network: TestNetwork;
  let proxies: ProxyRunner;
  let ask: PodScene['ask'];
  const startProxy = (wanted: ProxySeed): ProxyProcess => proxies.start(wanted);

  before(async () => {
    pods = await createPodScene();
    ({ network, proxies, ask } = pods);
  });
  after(() => pods?.remove());
  const eventually = async (host: string, wanted: string): Promise<void> => {
    const until = performance.now() + deadlineMs;
    let last = '';
    while (performance.now() < until) {
      last = await ask(host, 400);
      if (last === wanted) return;
    }
    assert.fail(`${host}: wanted '${wanted}', last was '${last}'`);
  };

  const isReady = (line: ProxyLine): boolean => 'ready' in line;

  test('a Service that the kernel refuses does not keep others out', async () => {
    const refused: string[] = [];
    const applier = createNftApplier({
      podCidrs: scene.podCidrs,
      serviceCidrs: scene.serviceCidrs,
      nodePorts: true,
      runNft: createRunNft([...network.inNode, 'nft']),
      clock: systemClock,
      log: () => undefined,
      families: ['IPv4'],
      onRefused: (service, family) => refused.push(`${service} ${family}`),
    });
    const list = Array.from({ length: 9 }, (_, n) => compiled(`s${n}`, `10.96.1.${n + 1}`, [scene.remoteEndpoint]));
    const bad = refusedProgram('bad', '10.96.2.1');
    const all = [...list.slice(0, 4), bad, ...list.slice(4)];
    await applier.apply(new Map(all.map((program) => [program.key, program])));
    assert.deepEqual(refused, ['default/bad IPv4']);
    for (const n of [1, 4, 5, 9]) assert.equal(await ask(`10.96.1.${n}`), 'remote');
    assert.equal(await ask('10.96.2.1', 400), 'error ETIMEDOUT', 'not served: an unassigned cluster IP');
    assert.equal(network.run('node', 'nft list tables').trim(), 'table ip fairlead', 'the trial table is gone');

    // A change that makes a served Service bad leaves it as it was, and takes the others along.
    const worse = refusedProgram('s0', '10.96.1.1');
    const moved = compiled('s1', '10.96.1.2', [scene.localEndpoint]);
    const added = compiled('new', '10.96.1.77', [scene.localEndpoint]);
    await applier.apply(new Map([worse, moved, added].map((program) => [program.key, program])));
    assert.deepEqual(refused, ['default/bad IPv4', 'default/s0 IPv4']);
    assert.equal(await ask('10.96.1.1'), 'remote');
    assert.equal(await ask('10.96.1.2'), 'local');
    assert.equal(await ask('10.96.1.77'), 'local');

    // Mended, it is installed; deleted, it is gone.
    const good = compiled('bad', '10.96.2.1', [scene.localEndpoint]);
    await applier.apply(new Map([[good.key, good]]));
    assert.equal(await ask('10.96.2.1'), 'local');
    await applier.apply(new Map([['default/s0', undefined]]));
    assert.equal(await ask('10.96.1.1', 400), 'error ETIMEDOUT');
    assert.equal(refused.length, 2);
    await applier.remove();
  });

  test('rules that make nft abort are those of one Service, and go to nft in a process of its own from then on', async () => {
    // Stands for an nft with an assertion that this Service's rules fail (1.0.6 has some).
    const script = 'text=$(cat); case "$text" in *10.96.2.1*) kill -ABRT $$;; esac; printf "%s" "$text" | nft -f -';
    const apart: string[] = [];
    const inside: string[] = [];
    const aborting = createRunNft([...network.inNode, 'sh', '-c', script]);
    const textOf = (text: string | Iterable<string>): string => (typeof text === 'string' ? text : [...text].join(''));
    const refused: string[] = [];
    const applier = createNftApplier({
      podCidrs: scene.podCidrs,
      serviceCidrs: scene.serviceCidrs,
      nodePorts: true,
      runNft: async (text) => {
        inside.push(textOf(text));
        await aborting(textOf(text));
      },
      runNftApart: async (text) => {
        apart.push(textOf(text));
        await aborting(textOf(text));
      },
      clock: systemClock,
      log: () => undefined,
      families: ['IPv4'],
      onRefused: (service) => refused.push(service),
    });
    const good = ['10.96.1.1', '10.96.1.2', '10.96.1.3'].map((ip, n) => compiled(`s${n}`, ip, [scene.localEndpoint]));
    const bad = withAffinity(compiled('bad', '10.96.2.1', [scene.localEndpoint]));
    await applier.apply(new Map([...good, bad].map((program) => [program.key, program])));
    assert.deepEqual(refused, ['default/bad']);
    assert.equal(await ask('10.96.1.2'), 'local');
    // Whole tables with more than plain Services, and the search for the fault, are left to another process.
    assert.ok(apart.length > 0 && inside.every((text) => !text.includes('10.96.2.1')));
    inside.length = 0;
    const moved = compiled('s1', '10.96.1.2', [scene.remoteEndpoint]);
    await applier.apply(new Map([[moved.key, moved]]));
    assert.equal(await ask('10.96.1.2'), 'remote');
    assert.equal(inside.length, 1, 'changes of the others are made here');
    const before = apart.length;
    const again = withAffinity(compiled('bad', '10.96.2.1', [scene.remoteEndpoint]));
    await applier.apply(new Map([[again.key, again]]));
    assert.ok(apart.length > before);
    assert.ok(inside.every((text) => !text.includes('10.96.2.1')));
    assert.equal(await ask('10.96.1.2'), 'remote');
    await applier.remove();
  });

  const web = sceneService('web', { clusterIP: '10.96.0.1' });
  const seed: ProxySeed = { services: [web], slices: [sceneSlice('web', [{ ip: scene.localEndpoint }])] };
  const interference: readonly (readonly [name: string, command: string])[] = [
    ['an element deleted', 'nft delete element ip fairlead frontends { 10.96.0.1 . tcp . 80 }'],
    ['the table deleted', 'nft delete table ip fairlead'],
    ['everything flushed', 'nft flush ruleset'],
    ['a chain flushed', 'nft flush chain ip fairlead dispatch'],
    ['a rule added', 'nft insert rule ip fairlead dispatch drop'],
  ];

  test('foreign changes are noticed and undone; changes of other tables are none', async (t) => {
    const proxy = startProxy(seed);
    await proxy.until(isReady);
    await eventually('10.96.0.1', 'local');
    const fulls = (): number => proxy.lines.filter((line) => 'synced' in line && line.synced.full).length;
    assert.equal(fulls(), 1);
    network.run('node', 'nft add table ip other');
    for (let change = 0; change < 5; change++) {
      const ip = change % 2 === 0 ? scene.remoteEndpoint : scene.localEndpoint;
      proxy.change('slice', sceneSlice('web', [{ ip }]));
      await eventually('10.96.0.1', ip === scene.remoteEndpoint ? 'remote' : 'local');
    }
    const [first, ...rest] = interference;
    assert.ok(first);
    // Own transactions and another table's were not taken for foreign ones.
    assert.equal(fulls(), 1);
    await t.test(first[0], async () => {
      network.run('node', `${first[1].replace(/[{}]/g, "'$&'")}`);
      await proxy.until((line) => 'log' in line && line.log.startsWith('Others changed'));
      await eventually('10.96.0.1', 'remote');
    });
    await proxy.kill('SIGKILL');
    for (const [name, command] of rest) {
      await t.test(name, async () => {
        const next = startProxy(seed);
        await next.until(isReady);
        network.run('node', command);
        await next.until((line) => 'log' in line && line.log.startsWith('Others changed'));
        await eventually('10.96.0.1', 'local');
        await next.kill('SIGKILL');
      });
    }
  });

  test('killed while it works, restarted: heals; stopped: leaves nothing', async () => {
    const many = Array.from({ length: 400 }, (_, n) => sceneService(`s${n}`, { clusterIP: `10.96.7.${n % 250}` }));
    const crowd: ProxySeed = {
      services: [
        web,
        ...many.map((service, n) => ({
          ...service,
          spec: { ...service.spec, clusterIP: `10.96.${8 + (n >> 7)}.${n & 127}` },
        })),
      ],
      slices: [...seed.slices, ...many.map((service) => sceneSlice(service.metadata.name, both))],
    };
    for (const wait of [0, 1, 2]) {
      const doomed = startProxy(crowd);
      // At once, after the start of the first transaction, and just after it.
      if (wait > 0) await doomed.until((line) => wait === 1 || isReady(line)).catch(() => undefined);
      await doomed.kill('SIGKILL');
    }
    const heir = startProxy(crowd);
    await heir.until(isReady);
    for (const host of ['10.96.0.1', '10.96.8.5', '10.96.11.7']) {
      assert.match(await ask(host), /^(local|remote)$/);
    }
    await heir.kill('SIGTERM');
    assert.equal(network.run('node', 'nft list tables | grep fairlead || true').trim(), '');
  });

  test('clients with affinity keep their endpoint over a restart and over a rebuilt table', async () => {
    const sticky = Array.from({ length: 6 }, (_, n) =>
      sceneService(`sticky${n}`, {
        clusterIP: `10.96.20.${n + 1}`,
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
      }),
    );
    const stickySeed: ProxySeed = {
      services: sticky,
      slices: sticky.map((service) => sceneSlice(service.metadata.name, both)),
    };
    const hosts = sticky.map((service) => service.spec?.clusterIP ?? '');
    const answers = async (): Promise<string[]> => {
      const got: string[] = [];
      for (const host of hosts) got.push(await ask(host));
      return got;
    };
    let proxy = startProxy(stickySeed);
    await proxy.until(isReady);
    const first = await answers();
    for (let restart = 0; restart < 3; restart++) {
      await proxy.kill('SIGKILL');
      proxy = startProxy(stickySeed);
      await proxy.until(isReady);
      assert.deepEqual(await answers(), first, `restart ${restart}`);
    }
    network.run('node', 'nft flush chain ip fairlead dispatch');
    await proxy.until((line) => 'log' in line && line.log.startsWith('Others changed'));
    await proxy.until(() => proxy.lines.filter((line) => 'synced' in line).length === 2);
    assert.deepEqual(await answers(), first);
    assert.match(network.run('node', 'nft list map ip fairlead affinity'), /timeout 10m expires 9m/);
    await proxy.kill('SIGTERM');
  });
});
