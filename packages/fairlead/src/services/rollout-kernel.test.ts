import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import { type ProxyProcess, ProxyRunner } from './testing/proxy-runner.ts';
import { type SceneEndpoint, scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const deadlineMs = 60_000;
const ready = { ready: true, serving: true, terminating: false };
const draining = { ready: false, serving: true, terminating: true };
const starting = { ready: false, serving: false, terminating: false };

/** Pods of the rollout: two thousand addresses of one host. */
const crowd = '10.244.8.0/21';
const podCount = 1000;
const podsPerStep = 100;
const perSlice = 100;
const oldPods = Array.from({ length: podCount }, (_, n) => `10.244.${8 + (n >> 8)}.${n & 255}`);
const newPods = Array.from({ length: podCount }, (_, n) => `10.244.${12 + (n >> 8)}.${n & 255}`);

describe('transitions of Services, with real packets through a whole proxy', { skip: kernelTestsProblem() }, () => {
  let network: TestNetwork;
  let proxies: ProxyRunner;

  before(async () => {
    network = await createTestNetwork(
      ['192.0.2.1/24', '192.0.2.77/24'],
      [
        { name: 'pod', addresses: [scene.pod] },
        { name: 'local', addresses: [scene.localEndpoint] },
        { name: 'remote', addresses: [scene.remoteEndpoint] },
        { name: 'external', addresses: [scene.external] },
        { name: 'crowd', addresses: ['10.244.2.250'] },
      ],
    );
    proxies = new ProxyRunner(network.inNode);
    for (const host of ['local', 'remote', 'crowd']) {
      await network.probe(host).ask({ do: 'serve', name: host, tcp: [8080], udp: [8081] });
    }
    network.run('crowd', `ip route add local ${crowd} dev lo`);
    network.run('node', `ip route add ${crowd} via 10.244.2.250`);
    // A Pod that has ended: who is still sent to it is refused. Connections that began before go on: that is its grace.
    network.run('crowd', 'nft add table ip ended');
    network.run('crowd', "nft 'add set ip ended pods { type ipv4_addr; }'");
    network.run('crowd', "nft 'add chain ip ended input { type filter hook input priority 0; }'");
    network.run(
      'crowd',
      "nft 'add rule ip ended input ip daddr @pods tcp flags & (syn | ack) == syn reject with tcp reset'",
    );
  });
  after(async () => {
    await proxies?.killAll();
    await network?.remove();
  });

  const syncsOf = (proxy: ProxyProcess): number => proxy.lines.filter((line) => 'synced' in line).length;

  test('a rolling update of 1,000 Pods under traffic: no connection is refused', async () => {
    const service = sceneService('web', { clusterIP: '10.96.50.1' });
    const slices = (list: readonly SceneEndpoint[]) =>
      Array.from({ length: Math.ceil(list.length / perSlice) }, (_, n) =>
        sceneSlice('web', list.slice(n * perSlice, (n + 1) * perSlice), undefined, `${n}`),
      );
    const proxy = proxies.start({
      services: [service],
      slices: slices(oldPods.map((ip) => ({ ip, conditions: ready }))),
    });
    await proxy.until((line) => 'ready' in line);
    let rolling = true;
    const answers = new Map<string, number>();
    const knock = async (from: 'pod' | 'external'): Promise<void> => {
      while (rolling) {
        const answer = await network
          .probe(from)
          .ask({ do: 'connect', protocol: 'TCP', host: '10.96.50.1', port: 80, timeoutMs: 20_000 });
        const kind = answer
          .split(' ')
          .slice(0, answer.startsWith('error') ? 2 : 1)
          .join(' ');
        answers.set(kind, (answers.get(kind) ?? 0) + 1);
      }
    };
    let last = slices(oldPods.map((ip) => ({ ip, conditions: ready })));
    /** Changes the slices that differ, as the controller would, and waits until they are installed. */
    const become = async (list: readonly SceneEndpoint[]): Promise<void> => {
      const next = slices(list);
      const before = syncsOf(proxy);
      const changed = next.filter((slice, n) => JSON.stringify(slice) !== JSON.stringify(last[n]));
      const gone = last.slice(next.length);
      for (const slice of changed) proxy.change('slice', slice);
      for (const slice of gone) proxy.change('slice', slice, 'gone');
      last = next;
      await proxy.settled();
      assert.ok(changed.length + gone.length === 0 || syncsOf(proxy) > before);
    };
    const roll = async (): Promise<void> => {
      for (let step = 0; step < podCount; step += podsPerStep) {
        const end = step + podsPerStep;
        const fresh = newPods.slice(0, end).map((ip) => ({ ip, conditions: ready }));
        const leaving = oldPods.slice(step, end);
        const staying = oldPods.slice(end).map((ip) => ({ ip, conditions: ready }));
        await become([...staying, ...leaving.map((ip) => ({ ip, conditions: draining })), ...fresh]);
        await become([...staying, ...fresh]);
        // Their grace is over once nobody is sent to them any more.
        await proxy.settled();
        network.run('crowd', `nft 'add element ip ended pods { ${leaving.join(', ')} }'`);
      }
      rolling = false;
    };
    await Promise.all([
      roll().finally(() => {
        rolling = false;
      }),
      knock('pod'),
      knock('external'),
    ]);
    assert.deepEqual([...answers.keys()], ['crowd'], JSON.stringify([...answers]));
    assert.ok((answers.get('crowd') ?? 0) > podCount / podsPerStep, 'there was traffic');
    await proxy.kill('SIGTERM');
  });

  test('a UDP client with a fixed port follows its Service through every transition', async (t) => {
    const udp = (name: string) =>
      sceneService(name, {
        type: 'NodePort',
        clusterIP: '10.96.51.1',
        ports: [{ port: 53, protocol: 'UDP', targetPort: 8081, nodePort: 30553 }],
      });
    const slice = (...endpoints: SceneEndpoint[]) =>
      sceneSlice('udp', endpoints, [{ name: '', port: 8081, protocol: 'UDP' }]);
    const local = { ip: scene.localEndpoint };
    const remote = { ip: scene.remoteEndpoint };
    const proxy = proxies.start({ services: [udp('udp')], slices: [] });
    await proxy.until((line) => 'ready' in line);
    const clients = [
      ['Pod → cluster IP', 'pod', '10.96.51.1', 53, undefined],
      ['node → cluster IP', 'node', '10.96.51.1', 53, scene.node],
      ['outside → node port', 'external', '192.0.2.1', 30553, undefined],
    ] as const;
    const ask = async ([, from, host, port, source]: (typeof clients)[number]): Promise<string> => {
      const probe = from === 'node' ? network.node : network.probe(from);
      const answer = await probe.ask({
        do: 'connect',
        protocol: 'UDP',
        host,
        port,
        sourcePort: 40_053,
        timeoutMs: 300,
        ...(source === undefined ? {} : { source }),
      });
      return answer.startsWith('error') ? answer : (answer.split(' ')[0] ?? '');
    };
    const follows = async (wanted: string): Promise<void> => {
      for (const client of clients) {
        const until = performance.now() + deadlineMs;
        let answer = '';
        while (answer !== wanted) {
          assert.ok(performance.now() < until, `${client[0]}: wanted '${wanted}', last was '${answer}'`);
          answer = await ask(client);
        }
      }
    };
    await t.test('no endpoints', () => follows('error ECONNREFUSED'));
    const steps: readonly (readonly [name: string, change: () => void, wanted: string])[] = [
      ['0 → 1', () => proxy.change('slice', slice(local)), 'local'],
      ['replaced', () => proxy.change('slice', slice(remote)), 'remote'],
      [
        'becomes unready',
        () => proxy.change('slice', slice({ ...remote, conditions: starting })),
        'error ECONNREFUSED',
      ],
      ['unready → ready', () => proxy.change('slice', slice({ ...remote, conditions: ready })), 'remote'],
      [
        'drains, another is ready',
        () => proxy.change('slice', slice({ ...remote, conditions: draining }, local)),
        'local',
      ],
      ['1 → 0', () => proxy.change('slice', slice(local), 'gone'), 'error ECONNREFUSED'],
      ['back', () => proxy.change('slice', slice(remote)), 'remote'],
    ];
    for (const [name, change, wanted] of steps) {
      await t.test(name, async () => {
        change();
        await follows(wanted);
      });
    }
    await t.test('a valid flow is kept while another endpoint comes', async () => {
      await proxy.settled();
      proxy.change('slice', slice(remote, local));
      await proxy.settled();
      for (const client of clients) for (let n = 0; n < 6; n++) assert.equal(await ask(client), 'remote', client[0]);
    });
    await t.test('and over a restart of the proxy; deleted and made anew, the Service is followed', async () => {
      await proxy.kill('SIGKILL');
      const next = proxies.start({ services: [udp('udp')], slices: [slice(remote, local)] });
      await next.until((line) => 'ready' in line);
      await next.settled();
      for (const client of clients) for (let n = 0; n < 6; n++) assert.equal(await ask(client), 'remote', client[0]);
      next.change('service', udp('udp'), 'gone');
      await next.settled();
      assert.notEqual(await ask(clients[0]), 'remote', 'the Service is deleted');
      next.change('slice', slice(local));
      next.change('service', udp('udp'));
      await follows('local');
      await next.kill('SIGKILL');
    });
    await t.test('deleted while no proxy runs: the next one knows it only by the range of its address', async () => {
      // Another proxy's Service: its flows are none of our business.
      const foreign = udp('foreign');
      foreign.metadata.labels = { 'service.kubernetes.io/service-proxy-name': 'other' };
      const keeper = proxies.start({ services: [foreign], slices: [slice(local)] });
      await keeper.until((line) => 'ready' in line);
      await keeper.settled();
      assert.equal(await ask(clients[0]), 'local');
      await keeper.kill('SIGKILL');
      const next = proxies.start({ services: [], slices: [] });
      await next.until((line) => 'ready' in line);
      await next.settled();
      assert.equal(await ask(clients[0]), 'error ETIMEDOUT');
      await next.kill('SIGTERM');
    });
  });

  test('killed in the middle of changes, a Service is never half programmed', async () => {
    const few = Array.from({ length: 5 }, (_, n) => ({ ip: `10.244.1.${n + 20}` }));
    const many = Array.from({ length: 9 }, (_, n) => ({ ip: `10.244.2.${n + 20}` }));
    const whole = sceneService('whole', { clusterIP: '10.96.52.1' });
    const others = Array.from({ length: 200 }, (_, n) => sceneService(`o${n}`, { clusterIP: `10.96.53.${n + 1}` }));
    const installed = (): string => {
      const endpoints = network.run('node', 'nft list map ip fairlead endpoints-tcp');
      const own = [...endpoints.matchAll(/10\.96\.52\.1 \. 80 \. (\w+) : (10\.244\.\d)\.\d+ \. 8080/g)];
      const subnets = new Set(own.map((match) => match[2]));
      const indexes = new Set(own.map((match) => Number(match[1])));
      const frontends = network.run('node', 'nft list map ip fairlead frontends');
      const count = /10\.96\.52\.1 \. tcp \. 80 : [0-9a-f]*:([0-9a-f]+)/.exec(frontends)?.[1];
      return `${[...subnets].join()} ${own.length} of ${Number.parseInt(count ?? '', 16)}, ${indexes.size} indexes below ${Math.max(...indexes) + 1}`;
    };
    const good = ['10.244.1 5 of 5, 5 indexes below 5', '10.244.2 9 of 9, 9 indexes below 9'];
    const seen = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const proxy = proxies.start({
        services: [whole, ...others],
        slices: [
          sceneSlice('whole', round % 2 === 0 ? few : many),
          ...others.map(({ metadata }) => sceneSlice(metadata.name, many)),
        ],
      });
      await proxy.until((line) => 'ready' in line);
      for (let change = 0; change < 16; change++) {
        proxy.change('slice', sceneSlice('whole', change % 2 === 0 ? many : few));
        for (const { metadata } of others.slice(0, 20)) {
          proxy.change('slice', sceneSlice(metadata.name, change % 2 === 0 ? few : many));
        }
      }
      const before = syncsOf(proxy);
      // Somewhere among the changes.
      await proxy.until(() => syncsOf(proxy) > before + round);
      await proxy.kill('SIGKILL');
      const found = installed();
      assert.ok(good.includes(found), found);
      seen.add(found);
    }
    assert.ok(seen.size > 0);
  });

  test('after a reboot one synchronization heals all', async () => {
    const services = Array.from({ length: 50 }, (_, n) => sceneService(`r${n}`, { clusterIP: `10.96.54.${n + 1}` }));
    const seed = {
      services,
      slices: services.map(({ metadata }) => sceneSlice(metadata.name, [{ ip: scene.localEndpoint }])),
    };
    const first = proxies.start(seed);
    await first.until((line) => 'ready' in line);
    await first.kill('SIGKILL');
    network.run('node', 'nft flush ruleset');
    const second = proxies.start(seed);
    await second.until((line) => 'ready' in line);
    for (const host of ['10.96.54.1', '10.96.54.25', '10.96.54.50']) {
      const answer = await network
        .probe('pod')
        .ask({ do: 'connect', protocol: 'TCP', host, port: 80, timeoutMs: 20_000 });
      assert.match(answer, /^local /, host);
    }
    assert.deepEqual(
      second.lines.filter((line) => 'synced' in line),
      [{ synced: { full: true } }],
    );
    await second.kill('SIGTERM');
    assert.doesNotMatch(network.run('node', 'nft list tables'), /fairlead/);
  });
});
