import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Container, Pod, Stored } from '@fairlead/api';
import { compileHostPorts, hostPortKeyOf, podOfProgram, stripHostPortPod } from './host-ports.ts';
import { scenePod } from './testing/host-port-cases.ts';
import { createTestNetwork, kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import { ProxyRunner } from './testing/proxy-runner.ts';
import { scene } from './testing/traffic-matrix.ts';

const patient = 20_000;
const dual = (pod: Stored<Pod>): Stored<Pod> => ({
  ...pod,
  status: { ...pod.status, podIPs: [{ ip: '10.244.1.3' }, { ip: 'fd00:1::3' }] },
});
const sidecar = (restartPolicy?: 'Always'): Container => ({
  name: 'first',
  ports: [{ hostPort: 7000, containerPort: 70 }],
  ...(restartPolicy === undefined ? {} : { restartPolicy }),
});
const withInit = (pod: Stored<Pod>, ...initContainers: Container[]): Stored<Pod> => ({
  ...pod,
  spec: { ...pod.spec, containers: pod.spec?.containers ?? [], initContainers },
});
const one = scenePod('a', '10.244.1.3', [{ name: 'web', hostPort: 80, containerPort: 8080 }]);

/** `PROTOCOL ADDRESS:PORT → ENDPOINT` of each host port. */
function served(pod: Stored<Pod>): string[] {
  const program = compileHostPorts(pod);
  assert.deepEqual(program, compileHostPorts(stripHostPortPod(pod)), 'what is kept of a Pod is enough');
  return (program?.ports ?? []).map(({ protocol, port, vips: [vip], clusterEndpoints: [target] }) => {
    return `${protocol} ${vip?.ip} ${port} → ${target?.ip} ${target?.port}`;
  });
}

const rows: readonly (readonly [name: string, pod: Stored<Pod>, expected: readonly string[]])[] = [
  ['one port', one, ['TCP 0.0.0.0 80 → 10.244.1.3 8080']],
  ['both families', dual(one), ['TCP 0.0.0.0 80 → 10.244.1.3 8080', 'TCP :: 80 → fd00:1::3 8080']],
  ['no host port', scenePod('a', '10.244.1.3', [{ containerPort: 80 }]), []],
  ['no address yet', { ...one, status: { phase: 'Pending' } }, []],
  [
    'pending with an address',
    { ...one, status: { ...one.status, phase: 'Pending' } },
    ['TCP 0.0.0.0 80 → 10.244.1.3 8080'],
  ],
  ['failed', { ...one, status: { ...one.status, phase: 'Failed' } }, []],
  [
    'in the node’s network',
    scenePod('a', '192.0.2.1', [{ hostPort: 80, containerPort: 80 }], { hostNetwork: true }),
    [],
  ],
  [
    'an address of one family only',
    dual(scenePod('a', '10.244.1.3', [{ hostPort: 80, containerPort: 8080, hostIP: '2001:DB8::1' }])),
    ['TCP 2001:db8::1 80 → fd00:1::3 8080'],
  ],
  [
    'all addresses, said so',
    scenePod('a', '10.244.1.3', [{ hostPort: 80, containerPort: 8080, hostIP: '0.0.0.0' }]),
    ['TCP 0.0.0.0 80 → 10.244.1.3 8080'],
  ],
  [
    'one number, several protocols and addresses',
    scenePod('a', '10.244.1.3', [
      { hostPort: 53, containerPort: 1053, hostIP: '192.0.2.1' },
      { hostPort: 53, containerPort: 1054, hostIP: '127.0.0.1' },
      { hostPort: 53, containerPort: 1055, protocol: 'UDP' },
    ]),
    ['TCP 192.0.2.1 53 → 10.244.1.3 1053', 'TCP 127.0.0.1 53 → 10.244.1.3 1054', 'UDP 0.0.0.0 53 → 10.244.1.3 1055'],
  ],
  [
    'a sidecar',
    withInit(one, sidecar('Always')),
    ['TCP 0.0.0.0 7000 → 10.244.1.3 70', 'TCP 0.0.0.0 80 → 10.244.1.3 8080'],
  ],
  ['what runs before the others only', withInit(one, sidecar()), ['TCP 0.0.0.0 80 → 10.244.1.3 8080']],
  ['an address that is none', scenePod('a', '10.244.1.3', [{ hostPort: 80, containerPort: 80, hostIP: 'eth0' }]), []],
];

for (const [name, pod, expected] of rows) {
  test(`compiled: ${name}`, () => assert.deepEqual(served(pod), expected));
}

test('programs of Pods and of Services are told apart', () => {
  assert.equal(podOfProgram(hostPortKeyOf('shop/web')), 'shop/web');
  // A Service in a namespace that is called so.
  assert.equal(podOfProgram('default/web'), undefined);
});

describe('host ports through a whole proxy, with real packets', { skip: kernelTestsProblem() }, () => {
  const open = async (): Promise<{ network: TestNetwork; proxies: ProxyRunner }> => {
    const network = await createTestNetwork(
      ['192.0.2.1/24', '192.0.2.77/24'],
      [
        { name: 'pod', addresses: [scene.pod] },
        { name: 'local', addresses: [scene.localEndpoint] },
        { name: 'external', addresses: [scene.external] },
      ],
    );
    for (const host of ['pod', 'local']) {
      await network.probe(host).ask({ do: 'serve', name: host, tcp: [8080], udp: [8081] });
    }
    return { network, proxies: new ProxyRunner(network.inNode) };
  };
  const podAt = (ip: string, name: string): Stored<Pod> =>
    scenePod(name, ip, [
      { hostPort: 8080, containerPort: 8080 },
      { hostPort: 8081, containerPort: 8081, protocol: 'UDP' },
    ]);

  test('come with the Pod, move, and go without a trace', async () => {
    const { network, proxies } = await open();
    try {
      const ask = async (from: string, to: string, protocol: 'TCP' | 'UDP'): Promise<string> => {
        const port = protocol === 'TCP' ? 8080 : 8081;
        // A fixed port, so that what is tracked of it must be forgotten when the Pod changes.
        const fixed = protocol === 'UDP' ? { sourcePort: 40_000 } : {};
        const probe = from === 'node' ? network.node : network.probe(from);
        return probe.ask({ do: 'connect', protocol, host: to, port, timeoutMs: patient, ...fixed });
      };
      const proxy = proxies.start({ services: [], slices: [], pods: [] });
      await proxy.until((line) => 'ready' in line);
      assert.equal(await ask('external', '192.0.2.1', 'TCP'), 'error ECONNREFUSED');
      assert.equal(await ask('external', '192.0.2.1', 'UDP'), 'error ECONNREFUSED');
      assert.doesNotMatch(network.run('node', 'nft list table ip fairlead'), /host-ports-prerouting/);

      proxy.change('pod', podAt(scene.localEndpoint, 'a'));
      await proxy.settled();
      for (const to of ['192.0.2.1', '192.0.2.77']) {
        assert.equal(await ask('external', to, 'TCP'), `local ${scene.external}`);
        assert.equal(await ask('external', to, 'UDP'), `local ${scene.external}`);
      }
      assert.equal(await ask('pod', '192.0.2.1', 'TCP'), `local ${scene.pod}`);
      // The Pod itself would otherwise answer itself past the node.
      assert.match(await ask('local', '192.0.2.1', 'TCP'), /^local (192\.0\.2\.|169\.254\.)/);
      assert.match(await ask('node', '192.0.2.1', 'TCP'), /^local 192\.0\.2\./);
      assert.match(await ask('node', '127.0.0.1', 'TCP'), /^local /);
      assert.match(await ask('node', '127.0.0.1', 'UDP'), /^local /);

      // Both at once: the one that was first has it, and leaves it to the other.
      proxy.change('pod', podAt(scene.pod, 'b'));
      await proxy.settled();
      assert.equal(await ask('external', '192.0.2.1', 'TCP'), `local ${scene.external}`);
      proxy.change('pod', podAt(scene.localEndpoint, 'a'), 'gone');
      await proxy.settled();
      assert.equal(await ask('external', '192.0.2.1', 'TCP'), `pod ${scene.external}`);
      assert.equal(await ask('external', '192.0.2.1', 'UDP'), `pod ${scene.external}`);
      assert.match(await ask('node', '127.0.0.1', 'TCP'), /^pod /);

      proxy.change('pod', podAt(scene.pod, 'b'), 'gone');
      await proxy.settled();
      for (const from of ['external', 'node'] as const) {
        const to = from === 'node' ? '127.0.0.1' : '192.0.2.1';
        assert.equal(await ask(from, to, 'TCP'), 'error ECONNREFUSED');
        assert.equal(await ask(from, to, 'UDP'), 'error ECONNREFUSED');
      }
      assert.doesNotMatch(network.run('node', 'nft list table ip fairlead'), /host-ports-prerouting/);
      await proxy.kill('SIGTERM');
    } finally {
      await proxies.killAll();
      await network.remove();
    }
  });
});
