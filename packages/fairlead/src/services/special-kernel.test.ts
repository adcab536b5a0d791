import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Service, Stored } from '@fairlead/api';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import { type ProxyProcess, ProxyRunner } from './testing/proxy-runner.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const skip = kernelTestsProblem();
const dropTimeoutMs = 400;
const deadlineMs = 60_000;
/** An answer that takes longer may have been lost. */
const lostAnswerMs = 5_000;
const both = [{ ip: scene.localEndpoint }, { ip: scene.remoteEndpoint }];

function annotated(
  name: string,
  annotations: Readonly<Record<string, string>>,
  spec: Parameters<typeof sceneService>[1],
  ingress: readonly string[] = [],
): Stored<Service> {
  const service = sceneService(name, spec, ingress);
  service.metadata.annotations = Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [`fairlead.dev/${key}`, value]),
  );
  return service;
}

/**
 * Says something on a connection again and again until it does not get the answer of its endpoint any more. The answer
 * that is on its way when the kernel forgets the connection is lost, and only who asks once more is told.
 */
async function sayUntilEnded(probe: ReturnType<TestNetwork['probe']>, name: string, endpoint: string): Promise<string> {
  const until = performance.now() + deadlineMs;
  let answer = endpoint;
  while ((answer === endpoint || answer === 'error ETIMEDOUT') && performance.now() < until) {
    answer = await probe.ask({ do: 'say', name, timeoutMs: lostAnswerMs });
  }
  return answer;
}

const ranged = annotated(
  'ranged',
  { 'port-ranges': '7000-7003/TCP, 7002/UDP', 'deny-sources': '198.51.100.9' },
  { type: 'LoadBalancer', clusterIP: '10.96.7.1', ports: [{ port: 7001, targetPort: 8080, nodePort: 30710 }] },
  ['203.0.113.71'],
);
const everyPort = annotated(
  'every-port',
  { 'port-ranges': 'all' },
  {
    type: 'LoadBalancer',
    clusterIP: '10.96.7.2',
    sessionAffinity: 'ClientIP',
    ports: [{ port: 80, targetPort: 8080 }],
  },
  // The address of the node itself: its node ports, and what it serves, must stay reachable where no range says otherwise.
  ['203.0.113.72'],
);
const emptyRange = annotated('empty-range', { 'port-ranges': '7000-7009' }, { clusterIP: '10.96.7.3' });
const localRange = annotated(
  'local-range',
  { 'port-ranges': '7000-7009', 'load-balancing': 'source-hash' },
  {
    type: 'LoadBalancer',
    clusterIP: '10.96.7.4',
    externalTrafficPolicy: 'Local',
    ports: [{ port: 80, targetPort: 8080, nodePort: 30714 }],
  },
  ['203.0.113.74'],
);
const drained = annotated(
  'drained',
  { 'drain-seconds': '1' },
  { type: 'NodePort', clusterIP: '10.96.7.5', ports: [{ port: 80, targetPort: 8080, nodePort: 30715 }] },
);
const undrained = annotated('undrained', {}, { clusterIP: '10.96.7.6' });
const shielded = annotated(
  'shielded',
  { 'syn-proxy': 'on', 'deny-sources': '198.51.100.9' },
  { type: 'LoadBalancer', clusterIP: '10.96.7.7', ports: [{ port: 80, targetPort: 8080, nodePort: 30717 }] },
  ['203.0.113.77'],
);

const shieldedDrained = annotated(
  'shielded-drained',
  { 'syn-proxy': 'on', 'drain-seconds': '1' },
  { type: 'LoadBalancer', clusterIP: '10.96.7.8', ports: [{ port: 80, targetPort: 8090, nodePort: 30718 }] },
  ['203.0.113.78'],
);

describe('what annotations add, with real packets through a whole proxy', { skip }, () => {
  let network: TestNetwork;
  let proxies: ProxyRunner;
  let proxy: ProxyProcess;

  before(async () => {
    network = await createTestNetwork(
      ['192.0.2.1/24', '192.0.2.77/24'],
      [
        { name: 'pod', addresses: [scene.pod] },
        { name: 'local', addresses: [scene.localEndpoint] },
        { name: 'remote', addresses: [scene.remoteEndpoint] },
        { name: 'external', addresses: [scene.external, '198.51.100.9'] },
      ],
    );
    proxies = new ProxyRunner(network.inNode);
    for (const host of ['local', 'remote']) {
      const ports = { tcp: [8080, 7000, 7003, 7004], udp: [7002], echo: [8090] };
      await network.probe(host).ask({ do: 'serve', name: host, ...ports });
    }
    const echoPort = [{ name: '', port: 8090 }];
    proxy = proxies.start({
      services: [ranged, everyPort, emptyRange, localRange, drained, undrained],
      slices: [
        sceneSlice('ranged', both),
        sceneSlice('every-port', both),
        sceneSlice('local-range', both),
        sceneSlice('drained', both.slice(0, 1), echoPort),
        sceneSlice('undrained', both.slice(0, 1), echoPort),
        sceneSlice('shielded', both),
      ],
    });
    await proxy.until((line) => 'ready' in line);
  });
  after(async () => {
    await proxies?.killAll();
    await network?.remove();
  });

  const ask = async (
    from: 'pod' | 'external',
    host: string,
    port: number,
    more: { readonly protocol?: 'UDP'; readonly source?: string; readonly dropped?: true } = {},
  ): Promise<string> => {
    const { dropped, ...rest } = more;
    const timeoutMs = dropped === undefined ? 5000 : dropTimeoutMs;
    return network.probe(from).ask({ do: 'connect', protocol: 'TCP', host, port, timeoutMs, ...rest });
  };
  const servers = async (from: 'pod' | 'external', host: string, port: number, tries = 16): Promise<string> => {
    const seen = new Set<string>();
    for (let n = 0; n < tries && seen.size < 2; n++) seen.add((await ask(from, host, port)).split(' ')[0] ?? '');
    return [...seen].sort().join(' ');
  };

  test('a range translates the address and keeps the port', async () => {
    for (const host of ['10.96.7.1', '203.0.113.71']) {
      assert.equal(await servers('external', host, 7000), 'local remote', host);
      assert.equal(await servers('external', host, 7003), 'local remote', host);
      assert.match(await ask('external', host, 7002, { protocol: 'UDP' }), /^(local|remote) /);
    }
    // 7001 is the spec's own port, which leads elsewhere; 7002/TCP reaches an endpoint that does not listen.
    assert.match(await ask('pod', '10.96.7.1', 7001), /^(local|remote) /);
    assert.equal(await ask('pod', '10.96.7.1', 7002), 'error ECONNREFUSED');
    assert.equal(await ask('pod', '10.96.7.1', 7004), 'error ECONNREFUSED', 'beside the range');
    assert.equal(await ask('pod', '10.96.7.1', 7003, { protocol: 'UDP' }), 'error ECONNREFUSED', 'other protocol');
  });

  test('a range masquerades like a single port', async () => {
    assert.match(await ask('pod', '10.96.7.1', 7000), new RegExp(` ${scene.pod}$`));
    assert.match(await ask('external', '203.0.113.71', 7000), / 192\.0\.2\.|169\.254/);
    assert.match(await ask('external', '203.0.113.74', 7000), new RegExp(`^local ${scene.external}$`));
  });

  test('source lists hold for ranges', async () => {
    const denied = { source: '198.51.100.9', dropped: true } as const;
    assert.equal(await ask('external', '203.0.113.71', 7000, denied), 'error ETIMEDOUT');
    assert.equal(await ask('external', '203.0.113.71', 7001, denied), 'error ETIMEDOUT');
    assert.match(await ask('external', '203.0.113.72', 7000, { source: '198.51.100.9' }), /^(local|remote) /);
  });

  test('all ports, with affinity over all of them', async () => {
    const first = (await ask('pod', '10.96.7.2', 7000)).split(' ')[0];
    for (const port of [7000, 7003, 7004, 7000, 7003, 7004])
      assert.equal((await ask('pod', '10.96.7.2', port)).split(' ')[0], first === undefined ? '' : first);
    assert.match(await ask('pod', '10.96.7.2', 80), /^(local|remote) /);
    assert.equal(await ask('pod', '10.96.7.2', 9), 'error ECONNREFUSED', 'by the endpoint');
  });

  test('a range without endpoints refuses', async () => {
    assert.equal(await ask('pod', '10.96.7.3', 7005), 'error ECONNREFUSED');
  });

  test('connections to a removed endpoint end after the bound, and only where there is one', async () => {
    const pod = network.probe('pod');
    for (const [name, host] of [
      ['bounded', '10.96.7.5'],
      ['free', '10.96.7.6'],
    ] as const) {
      assert.equal(await pod.ask({ do: 'open', name, host, port: 80 }), 'ok');
      assert.equal(await pod.ask({ do: 'say', name, timeoutMs: 20_000 }), 'local');
    }
    const echoPort = [{ name: '', port: 8090 }];
    const removedAt = performance.now();
    proxy.change('slice', sceneSlice('undrained', both.slice(1), echoPort));
    proxy.change('slice', sceneSlice('drained', both.slice(1), echoPort));
    const answer = await sayUntilEnded(pod, 'bounded', 'local');
    const endedAfterMs = performance.now() - removedAt;
    assert.match(answer, /^error (ECONNRESET|EPIPE|ECLOSED)$/);
    assert.ok(endedAfterMs > 900, `ended ${endedAfterMs} ms after the removal`);
    assert.equal(await pod.ask({ do: 'say', name: 'free', timeoutMs: 20_000 }), 'local');
    assert.equal(await pod.ask({ do: 'open', name: 'next', host: '10.96.7.5', port: 80 }), 'ok');
    assert.equal(await pod.ask({ do: 'say', name: 'next', timeoutMs: 20_000 }), 'remote');
  });

  test('the kernel answers handshakes; only completed ones reach an endpoint', async () => {
    const passiveOpens = (): number =>
      ['local', 'remote']
        .map((host) => network.run(host, "awk '/^Tcp:/ && $7 ~ /[0-9]/ {print $7}' /proc/net/snmp"))
        .reduce((sum, text) => sum + Number(text), 0);
    // Not before: strict tracking would let the ended connections above fall silent instead of being reset.
    proxy.change('service', shielded);
    const installedBy = performance.now() + deadlineMs;
    while (!network.run('node', 'nft list set ip fairlead syn-proxied').includes('203.0.113.77')) {
      assert.ok(performance.now() < installedBy, 'not installed');
    }
    const before = passiveOpens();
    for (const [host, port] of [
      ['203.0.113.77', 80],
      ['192.0.2.1', 30717],
    ] as const) {
      assert.match(await ask('external', host, port), /^(local|remote) /, host);
    }
    assert.match(await ask('pod', '10.96.7.7', 80), /^(local|remote) 10\.244\.1\.2$/);
    assert.equal(passiveOpens(), before + 3);
    assert.equal(network.run('node', 'sysctl -n net.netfilter.nf_conntrack_tcp_loose').trim(), '0');
    // A client that never sends its ACK: it has an answer, but no endpoint has heard of it.
    network.run(
      'external',
      'sh -c \'nft add table ip mute; nft add chain ip mute o "{ type filter hook output priority 0; }"; nft add rule ip mute o "tcp flags & (syn|ack) == ack drop"\'',
    );
    assert.equal(await ask('external', '203.0.113.77', 80, { dropped: true }), 'error ETIMEDOUT');
    assert.equal(passiveOpens(), before + 3);
    network.run('external', 'nft delete table ip mute');
    const denied = { source: '198.51.100.9', dropped: true } as const;
    assert.equal(await ask('external', '203.0.113.77', 80, denied), 'error ETIMEDOUT');
  });

  test('with strict tracking, too, a drained connection is reset and not left to silence', async () => {
    const echoPort = [{ name: '', port: 8090 }];
    const clients = [
      ['from a Pod', network.probe('pod'), '10.96.7.5', 80],
      ['from the node', network.node, '10.96.7.5', 80],
      ['at a node port', network.probe('external'), '192.0.2.1', 30715],
    ] as const;
    for (const [name, probe, host, port] of clients) {
      assert.equal(await probe.ask({ do: 'open', name, host, port }), 'ok');
      assert.equal(await probe.ask({ do: 'say', name, timeoutMs: 20_000 }), 'remote', name);
    }
    proxy.change('slice', sceneSlice('drained', both.slice(0, 1), echoPort));
    for (const [name, probe] of clients) {
      const answer = await sayUntilEnded(probe, name, 'remote');
      assert.match(answer, /^error (ECONNRESET|EPIPE|ECLOSED)$/, name);
    }
  });

  test('behind the SYN proxy, too; and a new connection from the same port is served', async () => {
    const echoPort = [{ name: '', port: 8090 }];
    const client = network.probe('external');
    const connection = { name: 'shielded', host: '203.0.113.78', port: 80, sourcePort: 41_234 };
    const say = (): Promise<string> => client.ask({ do: 'say', name: 'shielded', timeoutMs: 20_000 });
    proxy.change('slice', sceneSlice('shielded-drained', both.slice(1), echoPort));
    proxy.change('service', shieldedDrained);
    await proxy.settled();
    assert.equal(await client.ask({ do: 'open', ...connection }), 'ok');
    assert.equal(await say(), 'remote');
    proxy.change('slice', sceneSlice('shielded-drained', both.slice(0, 1), echoPort));
    const answer = await sayUntilEnded(client, 'shielded', 'remote');
    assert.match(answer, /^error (ECONNRESET|EPIPE|ECLOSED)$/);
    assert.equal(await client.ask({ do: 'open', ...connection }), 'ok');
    assert.equal(await say(), 'local');
    assert.doesNotMatch(network.run('node', 'nft list set inet fairlead-ended ended'), /41234/);
    proxy.change('service', shieldedDrained, 'gone');
  });

  test('the SYN proxy goes with its last Service, and gives the kernel setting back', async () => {
    proxy.change('service', shielded, 'gone');
    const until = performance.now() + deadlineMs;
    const loose = (): string => network.run('node', 'sysctl -n net.netfilter.nf_conntrack_tcp_loose').trim();
    while (loose() !== '1') assert.ok(performance.now() < until, 'the setting stays');
    assert.doesNotMatch(network.run('node', 'nft list chains ip'), /syn-proxy/);
  });

  test('stopped, it leaves nothing', async () => {
    await proxy.kill('SIGTERM');
    const liberal = (): string => network.run('node', 'sysctl -n net.netfilter.nf_conntrack_tcp_be_liberal').trim();
    assert.equal(liberal(), '0');
    const tolerant = proxies.start({ services: [], slices: [], liberalTracking: true });
    await tolerant.until((line) => 'ready' in line);
    assert.equal(liberal(), '1', 'segments outside the window are valid while the user wants it');
    await tolerant.kill('SIGTERM');
    assert.equal(liberal(), '0');
    assert.equal(network.run('node', 'nft list tables').trim(), '');
    assert.doesNotMatch(readFileSync('/proc/net/dev', 'utf8'), /fl-try/);
  });
});
