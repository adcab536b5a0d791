import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Service, Stored } from '@fairlead/api';
import { compileService } from '../compile.ts';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from '../testing/network.ts';
import { type ProxyProcess, ProxyRunner } from '../testing/proxy-runner.ts';
import { scene, sceneService, sceneSlice } from '../testing/traffic-matrix.ts';
import { tracePacket } from '../trace.ts';

const deadlineMs = 60_000;
const second = '10.244.1.4';
const both = [{ ip: scene.localEndpoint }, { ip: second }];
const both6 = [
  { ip: 'fd00:1::3', nodeName: scene.nodeName },
  { ip: 'fd00:1::4', nodeName: scene.nodeName },
];
const clients = ['198.51.100.1', ...Array.from({ length: 7 }, (_, n) => `198.51.100.${n + 2}`)] as const;
const clients6 = ['2001:db8:1::1', ...Array.from({ length: 7 }, (_, n) => `2001:db8:1::${n + 2}`)] as const;
const forms = ['mac', 'vxlan', 'ipip'] as const;
const vips = forms.flatMap((_, n) => [`203.0.113.8${n + 1}`, `2001:db8:f::8${n + 1}`]);
const ports = [
  { name: 't', port: 8080 },
  { name: 'u', port: 8081, protocol: 'UDP' as const },
];

function direct(name: string, by: string, vip: string, clusterIP: string, sources?: string): Stored<Service> {
  const service = sceneService(
    name,
    {
      type: 'LoadBalancer',
      clusterIP,
      ports: [
        { name: 't', port: 8080, targetPort: 8080 },
        { name: 'u', port: 8081, protocol: 'UDP', targetPort: 8081 },
      ],
    },
    [vip],
  );
  service.metadata.annotations = {
    'fairlead.dev/direct-server-return': by,
    ...(sources === undefined ? {} : { 'fairlead.dev/deny-sources': sources }),
  };
  return service;
}

const services = [
  direct('by-mac', 'mac', '203.0.113.81', '10.96.8.1', '198.51.100.99'),
  direct('by-vxlan', 'vxlan', '203.0.113.82', '10.96.8.2'),
  direct('by-mac-6', 'mac', '2001:db8:f::81', 'fd00:96::1', '2001:db8:1::99'),
  direct('by-vxlan-6', 'vxlan', '2001:db8:f::82', 'fd00:96::2'),
  direct('by-ipip', 'ipip', '203.0.113.83', '10.96.8.3'),
  direct('by-ipip-6', 'ipip', '2001:db8:f::83', 'fd00:96::3'),
];
const slices = services.map(({ metadata: { name } }) => sceneSlice(name, name.endsWith('6') ? both6 : both, ports));

/** What the interpreter says of a connection: how it goes, to whom, and whether the client is seen. */
function traced(source: string, destination: string): string {
  const node = { nodeName: scene.nodeName, nodeIps: [scene.node] };
  const programs = services.flatMap((service, index) => {
    const own = slices[index];
    return compileService(service, own === undefined ? [] : [own], node).program ?? [];
  });
  const context = {
    podCidrs: scene.podCidrs,
    serviceCidrs: scene.serviceCidrs,
    nodeIps: [scene.node],
    nodePorts: true,
  };
  const result = tracePacket(programs, context, { source, destination, protocol: 'TCP', port: 8080 });
  if (result.kind !== 'endpoints') return result.kind;
  return `${result.direct ?? 'translated'} ${result.endpoints.length} ${result.masquerade ? 'node' : 'client'}`;
}

describe('direct server return, with real packets', { skip: kernelTestsProblem() }, () => {
  let network: TestNetwork;
  let proxies: ProxyRunner;
  let proxy: ProxyProcess;

  before(async () => {
    network = await createTestNetwork(
      ['192.0.2.1/24', '192.0.2.77/24', '2001:db8::1/64'],
      [
        { name: 'pod', addresses: [scene.pod] },
        { name: 'local', addresses: [scene.localEndpoint, 'fd00:1::3'] },
        { name: 'second', addresses: [second, 'fd00:1::4'] },
        { name: 'external', addresses: [...clients, '198.51.100.99', ...clients6, '2001:db8:1::99'] },
      ],
    );
    proxies = new ProxyRunner(network.inNode);
    for (const host of ['local', 'second']) {
      await network.probe(host).ask({ do: 'serve', name: host, tcp: [8080], udp: [] });
    }
    proxy = proxies.start({
      services,
      slices,
      // The link of the host 'external', the fourth one.
      directLinks: ['v3'],
      nodeIps: [scene.node, '2001:db8::1'],
      podNamespaces: {
        [scene.localEndpoint]: network.namespaceOf('local'),
        [second]: network.namespaceOf('second'),
        'fd00:1::3': network.namespaceOf('local'),
        'fd00:1::4': network.namespaceOf('second'),
      },
    });
    await proxy.until((line) => 'ready' in line);
    // A server of datagrams has to answer from the address at which it was asked.
    for (const host of ['local', 'second']) {
      for (const address of vips) {
        await network.probe(host).ask({ do: 'serve', name: host, tcp: [], udp: [8081], address });
      }
    }
  });
  after(async () => {
    await proxies?.killAll();
    await network?.remove();
  });

  const ask = (host: string, source: string, more: { readonly protocol?: 'UDP'; readonly timeoutMs?: number } = {}) =>
    network.probe('external').ask({
      do: 'connect',
      protocol: 'TCP',
      host,
      port: more.protocol === 'UDP' ? 8081 : 8080,
      source,
      timeoutMs: 20_000,
      ...more,
    });

  for (const [name, by, vip, sources] of [
    ['by link address', 'mac', '203.0.113.81', clients],
    ['in VXLAN', 'vxlan', '203.0.113.82', clients],
    ['in IPIP', 'ipip', '203.0.113.83', clients],
    ['by link address, IPv6', 'mac', '2001:db8:f::81', clients6],
    ['in VXLAN, IPv6', 'vxlan', '2001:db8:f::82', clients6],
    ['in IPIP, IPv6', 'ipip', '2001:db8:f::83', clients6],
  ] as const) {
    test(`${name}: the client's address is seen, both endpoints serve, a connection stays with one`, async () => {
      assert.equal(traced(sources[0], vip), `${by} 2 client`);
      const seen = new Set<string>();
      for (const client of sources) {
        for (let tries = 0; tries < 3; tries++) {
          const [server = '', saw] = (await ask(vip, client)).split(' ');
          assert.equal(saw, client, server);
          seen.add(server);
        }
        assert.match(await ask(vip, client, { protocol: 'UDP' }), new RegExp(`^(local|second) ${client}$`));
      }
      assert.deepEqual([...seen].sort(), ['local', 'second']);
      // From outside with an unmasqueraded source: translation with policy Cluster would have hidden it.
      assert.match(network.run('local', 'ip -o addr show lo'), new RegExp(vip.replaceAll('.', '\\.')));
    });
  }

  test('a Pod of the node is served by translation; a denied source not at all', async () => {
    const answer = await network
      .probe('pod')
      .ask({ do: 'connect', protocol: 'TCP', host: '203.0.113.81', port: 8080, timeoutMs: 20_000 });
    assert.equal(traced(scene.pod, '203.0.113.81'), 'translated 2 node');
    assert.match(answer, /^(local|second) /);
    assert.equal(traced('198.51.100.99', '203.0.113.81'), 'drop');
    assert.equal(await ask('203.0.113.81', '198.51.100.99', { timeoutMs: 400 }), 'error ETIMEDOUT');
    assert.equal(await ask('2001:db8:f::81', '2001:db8:1::99', { timeoutMs: 400 }), 'error ETIMEDOUT');
  });

  test('its own tables are not taken for somebody else’s', () => {
    const foreign = proxy.lines.filter((line) => 'log' in line && line.log.startsWith('Others changed'));
    assert.deepEqual(foreign, []);
  });

  test('endpoints do not answer for the address on the link', () => {
    assert.equal(
      network.run('local', 'sysctl -n net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce').trim(),
      '1\n2',
    );
  });

  test('an endpoint that leaves gets nothing more, and loses the address', async () => {
    proxy.change('slice', sceneSlice('by-mac', both.slice(0, 1), ports));
    const until = performance.now() + deadlineMs;
    const addresses = (): string => network.run('second', 'ip -o addr show lo');
    while (addresses().includes('203.0.113.81')) assert.ok(performance.now() < until, 'the address stays');
    for (const client of clients) assert.equal(await ask('203.0.113.81', client), `local ${client}`);
    assert.match(addresses(), /203\.0\.113\.82/);
  });

  test('another target port is translated, and the condition says so', async () => {
    const service = direct('by-mac', 'mac', '203.0.113.81', '10.96.8.1');
    const other = { ...service, spec: { ...service.spec, ports: [{ name: 't', port: 80, targetPort: 8080 }] } };
    proxy.change('service', other);
    await proxy.until((line) => 'notice' in line && line.notice.includes('listen on 8080, not on 80'));
    const until = performance.now() + deadlineMs;
    let answer = '';
    while (!answer.startsWith('local ')) {
      assert.ok(performance.now() < until, answer);
      answer = await network
        .probe('external')
        .ask({ do: 'connect', protocol: 'TCP', host: '203.0.113.81', port: 80, timeoutMs: 500 });
    }
    assert.doesNotMatch(answer, / 198\.51\.100\./);
  });

  test('a flushed table comes back; stopped, nothing stays', async () => {
    network.run('node', 'nft flush ruleset');
    const until = performance.now() + deadlineMs;
    while (!network.run('node', 'nft list tables').includes('netdev fairlead')) {
      assert.ok(performance.now() < until, 'not installed again');
    }
    await proxy.kill('SIGTERM');
    assert.equal(network.run('node', 'nft list tables').trim(), '');
    assert.doesNotMatch(network.run('node', 'ip -o link'), /fl-(direct|ipip)/);
    for (const host of ['local', 'second']) {
      assert.doesNotMatch(network.run(host, 'ip -o addr show lo'), /203\.0\.113|2001:db8:f/);
      assert.doesNotMatch(network.run(host, 'ip -o link'), /fl-(direct|ipip)/);
    }
  });
});
