import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import type { Service, Stored } from '@fairlead/api';
import { systemClock } from '../../../sys/clock.ts';
import { interfaceIndex } from '../../../sys/interface-index.ts';
import { inNetns } from '../../../sys/netns.ts';
import { openPacketSocket } from '../../../sys/packet-socket.ts';
import { PinnedBuffer } from '../../../sys/pinned.ts';
import { close, recv } from '../../../sys/socket.ts';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from '../../testing/network.ts';
import type { ProxySeed } from '../../testing/proxy-process.ts';
import { type ProxyProcess, ProxyRunner } from '../../testing/proxy-runner.ts';
import { scene, sceneService, sceneSlice } from '../../testing/traffic-matrix.ts';
import { findIpipProblem } from './ipip-problem.ts';

const deadlineMs = 60_000;
const local6 = 'fd00:1::3';
/** An endpoint whose own kernel would unwrap: it is no Pod of the agent's. */
const foreign = '10.244.1.9';
const foreign6 = 'fd00:1::9';
const client = '198.51.100.7';
const client6 = '2001:db8:1::7';
const node6 = '2001:db8::1';
const ports = [
  { name: 't', port: 8080 },
  { name: 'u', port: 8081, protocol: 'UDP' as const },
  { name: 'e', port: 8082 },
];

function byIpip(name: string, vip: string, clusterIP: string): Stored<Service> {
  const service = sceneService(
    name,
    { type: 'LoadBalancer', clusterIP, ports: ports.map((port) => ({ ...port, targetPort: port.port })) },
    [vip],
  );
  service.metadata.annotations = { 'fairlead.dev/direct-server-return': 'ipip' };
  return service;
}

const seed = {
  services: [
    byIpip('four', '203.0.113.91', '10.96.9.1'),
    byIpip('six', '2001:db8:f::91', 'fd00:96::91'),
    byIpip('foreign-four', '203.0.113.92', '10.96.9.2'),
    byIpip('foreign-six', '2001:db8:f::92', 'fd00:96::92'),
  ],
  slices: [
    sceneSlice('four', [{ ip: scene.localEndpoint }], ports),
    sceneSlice('six', [{ ip: local6, nodeName: scene.nodeName }], ports),
    sceneSlice('foreign-four', [{ ip: foreign }], ports),
    sceneSlice('foreign-six', [{ ip: foreign6, nodeName: scene.nodeName }], ports),
  ],
};
const vip = '203.0.113.91';
const vip6 = '2001:db8:f::91';

const problem = kernelTestsProblem() || (await findIpipProblem()) || false;

describe('tunnels of IP in IP, with real packets', { skip: problem }, () => {
  let network: TestNetwork;
  let proxies: ProxyRunner;
  let proxy: ProxyProcess;
  const start = async (what: Pick<ProxySeed, 'services' | 'slices'> = seed): Promise<ProxyProcess> => {
    const started = proxies.start({
      ...what,
      directLinks: ['v2'],
      nodeIps: [scene.node, node6],
      podNamespaces: {
        [scene.localEndpoint]: network.namespaceOf('local'),
        [local6]: network.namespaceOf('local'),
      },
    });
    await started.until((line) => 'ready' in line);
    return started;
  };

  before(async () => {
    network = await createTestNetwork(
      ['192.0.2.1/24', '192.0.2.77/24', `${node6}/64`],
      [
        { name: 'local', addresses: [scene.localEndpoint, local6] },
        { name: 'foreign', addresses: [foreign, foreign6] },
        { name: 'external', addresses: [client, client6] },
      ],
    );
    proxies = new ProxyRunner(network.inNode);
    await network.probe('local').ask({ do: 'serve', name: 'local', tcp: [], udp: [], sink: [8080], echo: [8082] });
    proxy = await start();
    // Answers have to come from the address that was asked: that of the Service, or after translation the Pod's.
    for (const address of [vip, vip6, scene.localEndpoint, local6]) {
      await network.probe('local').ask({ do: 'serve', name: 'local', tcp: [], udp: [8081], address });
    }
  });
  after(async () => {
    await proxies?.killAll();
    await network?.remove();
  });

  const ask = (host: string, more: { readonly size?: number; readonly timeoutMs?: number } = {}): Promise<string> =>
    network.probe('external').ask({ do: 'connect', protocol: 'UDP', host, port: 8081, timeoutMs: 300, ...more });
  const eventually = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    const until = performance.now() + deadlineMs;
    while (!(await holds())) {
      assert.ok(performance.now() < until, what);
      await systemClock.sleep(20);
    }
  };

  /** The first wrapped packet that arrives at the endpoint which does not unwrap, without its link header. */
  const wrappedPacket = async (
    etherType: number,
    protocolAt: number,
    protocol: number,
    host: string,
  ): Promise<Buffer> => {
    const fd = inNetns(`/run/netns/${network.namespaceOf('foreign')}`, () =>
      openPacketSocket(interfaceIndex('eth0'), etherType),
    );
    assert.ok(fd >= 0, String(fd));
    const memory = new PinnedBuffer(4096);
    try {
      let found: Buffer | undefined;
      await eventually('no wrapped packet', async () => {
        await ask(host);
        for (;;) {
          const length = recv(fd, memory, 0, memory.length);
          if (length < 0) return found !== undefined;
          const packet = memory.bytes.subarray(14, length);
          if (packet[protocolAt] === protocol) found ??= Buffer.from(packet);
        }
      });
      return found ?? Buffer.alloc(0);
    } finally {
      close(fd);
    }
  };

  test('the outer header is that of RFC 2003, the inner packet has one hop less', async () => {
    const packet = await wrappedPacket(0x0800, 9, 4, '203.0.113.92');
    const inner = packet.subarray(20);
    // 20 + 20 + 8 + 1 bytes; no identification as it is never fragmented.
    assert.equal(packet.subarray(0, 10).toString('hex'), '45000031000040004004');
    assert.equal(packet.subarray(12, 20).join('.'), `${scene.node}.${foreign}`);
    const sums = [packet, inner].map((header) => {
      let sum = 0;
      for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at);
      return (sum & 0xffff) + (sum >>> 16);
    });
    assert.deepEqual(sums, [0xffff, 0xffff]);
    assert.equal(inner.subarray(0, 4).toString('hex'), '4500001d');
    assert.deepEqual([inner[8], inner[9]], [63, 17]);
    assert.equal(inner.subarray(12, 20).join('.'), `${client}.203.0.113.92`);
    assert.equal(inner.readUInt16BE(22), 8081);
    assert.equal(inner.subarray(28).toString(), '?');
  });

  test('the same in IPv6: RFC 2473', async () => {
    const packet = await wrappedPacket(0x86dd, 6, 41, '2001:db8:f::92');
    const inner = packet.subarray(40);
    assert.equal(packet.subarray(0, 4).toString('hex'), inner.subarray(0, 4).toString('hex'));
    assert.equal(packet.subarray(4, 8).toString('hex'), '00312940');
    assert.equal(
      packet.subarray(8, 40).toString('hex'),
      '20010db80000000000000000000000' + '01' + 'fd000001000000000000000000000009',
    );
    assert.equal(inner.subarray(4, 8).toString('hex'), '0009113f');
    assert.equal(inner.readUInt16BE(42), 8081);
  });

  for (const [name, segments] of [
    ['with offloads', 65_535],
    ['without', 1],
  ] as const) {
    test(`a large transfer arrives whole, ${name}`, async () => {
      network.run('external', `ip link set eth0 gso_max_segs ${segments}`);
      for (const host of [vip, vip6]) {
        const upload = { do: 'upload', host, port: 8080, bytes: 4_000_000, timeoutMs: 20_000 } as const;
        assert.equal(await network.probe('external').ask(upload), 'local 4000000', host);
      }
    });
  }

  for (const [host, size, mtu] of [
    [vip, 1472, 1480],
    [vip6, 1452, 1460],
  ] as const) {
    test(`a packet that does not fit is answered: ${host} takes ${mtu} bytes`, async () => {
      const learned = (): boolean => network.run('external', `ip route get ${host}`).includes(`mtu ${mtu}`);
      assert.ok(!learned());
      await eventually('the client learns nothing', async () => {
        await ask(host, { size, timeoutMs: 100 });
        return learned();
      });
      // From now on it sends fragments: those are translated.
      await eventually('fragments are not served', async () => (await ask(host, { size })).startsWith('local '));
      assert.equal(await ask(host, { timeoutMs: 20_000 }), `local ${host === vip ? client : client6}`);
    });
  }

  test('a killed agent’s tunnels serve on, and the next one takes them over', async () => {
    const say = (): Promise<string> =>
      network.probe('external').ask({ do: 'say', name: 'stays', timeoutMs: deadlineMs });
    assert.equal(await network.probe('external').ask({ do: 'open', name: 'stays', host: vip, port: 8082 }), 'ok');
    assert.equal(await say(), 'local');
    await proxy.kill('SIGKILL');
    assert.equal(await say(), 'local');
    proxy = await start();
    assert.equal(await say(), 'local');
    assert.equal(await ask(vip, { timeoutMs: 20_000 }), `local ${client}`);
    assert.equal(await say(), 'local');
  });

  test('a link that somebody deletes comes back', async () => {
    network.run('node', 'ip link delete fl-ipip');
    await eventually('it does not', () => network.run('node', 'ip -o link').includes('fl-ipip'));
    await eventually('no answer', async () => (await ask(vip)) === `local ${client}`);
  });

  test('stopped, nothing stays: no link, no filter', async () => {
    const filters = (): string =>
      execFileSync('tc', ['-n', network.namespaceOf('local'), 'qdisc', 'show', 'dev', 'eth0'], { encoding: 'utf8' });
    assert.match(filters(), /clsact/);
    await proxy.kill('SIGTERM');
    assert.doesNotMatch(filters(), /clsact/);
    assert.doesNotMatch(network.run('node', 'ip -o link'), /fl-/);
  });

  test('what a killed agent left, and no Service asks for any more, goes with the next start', async () => {
    proxy = await start();
    await proxy.kill('SIGKILL');
    assert.match(network.run('node', 'ip -o link'), /fl-ipip/);
    proxy = await start({ services: [], slices: [] });
    await eventually('the link stays', () => !network.run('node', 'ip -o link').includes('fl-ipip'));
    assert.doesNotMatch(network.run('node', 'nft list tables'), /netdev/);
    await proxy.kill('SIGTERM');
  });
});
