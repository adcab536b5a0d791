import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { createNftApplier, type NftApplier } from './apply-nft.ts';
import { compileService } from './compile.ts';
import { createRunNft } from './nft-command.ts';
import type { ServiceProgram } from './program.ts';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const skip = kernelTestsProblem();
const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
/** How long to wait for what shall be dropped, and how long for what shall be answered. */
const dropTimeoutMs = 300;
const answerTimeoutMs = 10_000;
const clients = Array.from({ length: 12 }, (_, n) => `198.51.100.${n + 1}`);
const both = [{ ip: scene.localEndpoint }, { ip: scene.remoteEndpoint }];

describe('annotations with real packets', { skip }, () => {
  let network: TestNetwork;
  let applier: NftApplier;

  before(async () => {
    network = await createTestNetwork(
      ['192.0.2.1/24', '2001:db8::1/64'],
      [
        { name: 'local', addresses: [scene.localEndpoint, 'fd00:1::3'] },
        { name: 'remote', addresses: [scene.remoteEndpoint, 'fd00:2::3'] },
        { name: 'external', addresses: [...clients, '2001:db8:1::7', '2001:db8:1::8'] },
      ],
    );
    for (const host of ['local', 'remote']) {
      await network.probe(host).ask({ do: 'serve', name: host, tcp: [8080], udp: [8081] });
    }
    applier = createNftApplier({
      podCidrs: [...scene.podCidrs, 'fd00:1::/64'],
      serviceCidrs: [...scene.serviceCidrs, 'fd00:96::/112'],
      nodePorts: true,
      runNft: createRunNft([...network.inNode, 'nft']),
      clock: systemClock,
      log: (level, message, fields) => assert.fail(`${level} ${message} ${JSON.stringify(fields)}`),
    });
  });
  after(async () => network?.remove());

  const install = async (
    name: string,
    annotations: Readonly<Record<string, string>>,
    endpoints: readonly { readonly ip: string }[] = both,
    more: Parameters<typeof sceneService>[1] = {},
  ): Promise<void> => {
    const service = sceneService(name, { clusterIP: '10.96.6.1', ...more });
    service.metadata.annotations = Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`fairlead.dev/${key}`, value]),
    );
    const families = [false, true].map((six) => endpoints.filter(({ ip }) => ip.includes(':') === six));
    const ports = [
      { name: 't', port: 8080 },
      { name: 'u', port: 8081, protocol: 'UDP' as const },
    ];
    const slices = families.map((own, index) => sceneSlice(name, own, ports, `${index}`));
    const { program, warnings } = compileService(service, slices, node);
    assert.deepEqual(warnings, []);
    await applier.apply(new Map([[`default/${name}`, program as ServiceProgram]]));
  };
  const twoPorts = [
    { name: 't', port: 80, nodePort: 30700 },
    { name: 'u', port: 81, protocol: 'UDP' as const, nodePort: 30701 },
  ];
  const ask = async (
    source: string,
    host = '10.96.6.1',
    port = 80,
    more: { readonly protocol?: 'UDP'; readonly sourcePort?: number; readonly timeoutMs?: number } = {},
  ): Promise<string> => {
    const answer = await network
      .probe('external')
      .ask({ do: 'connect', protocol: 'TCP', host, port, source, timeoutMs: answerTimeoutMs, ...more });
    return answer.startsWith('error') ? answer : (answer.split(' ')[0] ?? '');
  };

  test('source-hash: a client has one endpoint on every port of its own, and keeps it when others go', async () => {
    await install('hashed', { 'load-balancing': 'source-hash' }, both, { ports: twoPorts });
    const first = new Map<string, string>();
    for (const client of clients) {
      const answers = new Set<string>();
      for (let tries = 0; tries < 4; tries++) answers.add(await ask(client));
      assert.equal(answers.size, 1, client);
      first.set(client, [...answers].join());
    }
    // All 12 on one endpoint would have a chance of 1 in 2048, but the hash is fixed: this never changes.
    assert.deepEqual([...new Set(first.values())].sort(), ['local', 'remote']);
    // The table is rebuilt by another process: the same answers.
    applier.forget();
    await install('hashed', { 'load-balancing': 'source-hash' }, [...both].reverse(), { ports: twoPorts });
    for (const client of clients) assert.equal(await ask(client), first.get(client));
    await install('hashed', { 'load-balancing': 'source-hash' }, both.slice(0, 1), { ports: twoPorts });
    for (const client of clients) assert.equal(await ask(client), 'local');
  });

  test('maglev: connections of one client are spread; the same address and port lead to the same endpoint', async () => {
    await install('hashed', { 'load-balancing': 'maglev' }, both, { ports: twoPorts });
    const seen = new Set<string>();
    for (let tries = 0; tries < 24 && seen.size < 2; tries++) seen.add(await ask(clients[0] ?? ''));
    assert.equal(seen.size, 2);
    // Another Service is another flow to the kernel, so only the hash can make them agree.
    await install('hashed-too', { 'load-balancing': 'maglev' }, both, {
      clusterIP: '10.96.6.9',
      ports: twoPorts.map(({ nodePort, ...port }) => port),
    });
    for (let sourcePort = 40_001; sourcePort <= 40_010; sourcePort++) {
      const udp = (host: string) => ask(clients[1] ?? '', host, 81, { protocol: 'UDP', sourcePort });
      assert.equal(await udp('10.96.6.1'), await udp('10.96.6.9'), `port ${sourcePort}`);
    }
  });

  test('weights: three to one', async () => {
    await install('weighted', { 'endpoint-weights': 'node/there=3' }, both, {
      clusterIP: '10.96.6.2',
      ports: twoPorts,
    });
    // 80 draws with 3/4: below 45 or above 75 has a chance of less than 1 in 10,000.
    let remote = 0;
    for (let tries = 0; tries < 80; tries++)
      if ((await ask(clients[tries % 8] ?? '', '10.96.6.2')) === 'remote') remote++;
    assert.ok(remote >= 45 && remote <= 75, `${remote} of 80`);
    await install('weighted', { 'endpoint-weights': 'node/there=0' }, both, {
      clusterIP: '10.96.6.2',
      ports: twoPorts,
    });
    for (let tries = 0; tries < 10; tries++) assert.equal(await ask(clients[0] ?? '', '10.96.6.2'), 'local');
  });

  test('deny and allow lists, at cluster IPs and node ports, IPv4 and IPv6', async () => {
    const dual = {
      type: 'NodePort' as const,
      clusterIP: '10.96.6.3',
      clusterIPs: ['10.96.6.3', 'fd00:96::3'],
      ports: twoPorts.map((port) => ({ ...port, nodePort: port.nodePort + 2 })),
    };
    const ends = [{ ip: scene.remoteEndpoint }, { ip: 'fd00:2::3' }];
    await install(
      'listed',
      { 'deny-sources': '198.51.100.1,2001:db8:1::7', 'allow-sources': '198.51.100.0/29' },
      ends,
      dual,
    );
    const rows: readonly [source: string, host: string, port: number, expected: string][] = [
      ['198.51.100.2', '10.96.6.3', 80, 'remote'],
      ['198.51.100.1', '10.96.6.3', 80, 'error ETIMEDOUT'],
      ['198.51.100.9', '10.96.6.3', 80, 'error ETIMEDOUT'],
      ['198.51.100.2', '192.0.2.1', 30702, 'remote'],
      ['198.51.100.1', '192.0.2.1', 30702, 'error ETIMEDOUT'],
      ['198.51.100.9', '192.0.2.1', 30702, 'error ETIMEDOUT'],
      ['2001:db8:1::8', 'fd00:96::3', 80, 'remote'],
      ['2001:db8:1::7', 'fd00:96::3', 80, 'error ETIMEDOUT'],
      ['2001:db8:1::7', '2001:db8::1', 30702, 'error ETIMEDOUT'],
    ];
    for (const [source, host, port, expected] of rows) {
      const timeoutMs = expected === 'error ETIMEDOUT' ? dropTimeoutMs : answerTimeoutMs;
      assert.equal(await ask(source, host, port, { timeoutMs }), expected, `${source} → ${host}`);
    }
    await install('listed', {}, ends, dual);
    for (const [source, host, port] of rows)
      assert.equal(await ask(source, host, port), 'remote', `${source} → ${host}`);
  });

  test('new connections above the rate are dropped, each client for itself', async () => {
    await install('slow', { 'new-connections-per-source': '1/hour burst 3' }, both, {
      clusterIP: '10.96.6.4',
      ports: twoPorts,
    });
    for (const client of clients.slice(0, 2)) {
      const answers: string[] = [];
      for (let tries = 0; tries < 5; tries++) {
        const timeoutMs = tries < 3 ? answerTimeoutMs : dropTimeoutMs;
        answers.push(await ask(client, '10.96.6.4', 80, { timeoutMs }));
      }
      assert.deepEqual(
        answers.map((answer) => answer.startsWith('error')),
        [false, false, false, true, true],
        client,
      );
    }
    await install('slow', {}, both, { clusterIP: '10.96.6.4', ports: twoPorts });
    assert.doesNotMatch(await ask(clients[0] ?? '', '10.96.6.4'), /error/);
  });

  test('connections at a time', async () => {
    await install('narrow', { 'max-connections-per-source': '2' }, both, { clusterIP: '10.96.6.5', ports: twoPorts });
    const [one = '', other = ''] = clients;
    // UDP flows stay for seconds: three ports are three connections.
    const udp = (source: string, sourcePort: number, timeoutMs = answerTimeoutMs) =>
      ask(source, '10.96.6.5', 81, { protocol: 'UDP', sourcePort, timeoutMs });
    assert.doesNotMatch(await udp(one, 41_001), /error/);
    assert.doesNotMatch(await udp(one, 41_002), /error/);
    assert.match(await udp(one, 41_003, dropTimeoutMs), /error/);
    assert.doesNotMatch(await udp(one, 41_001), /error/, 'those that are there go on');
    assert.doesNotMatch(await udp(other, 41_003), /error/);
  });
});
