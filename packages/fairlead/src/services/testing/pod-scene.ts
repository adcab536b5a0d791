import { createTestNetwork, type TestNetwork } from './network.ts';
import { ProxyRunner } from './proxy-runner.ts';
import { scene } from './traffic-matrix.ts';

/** A node with a Pod that asks, one endpoint of its own and one of another node, both serving TCP at 8080. */
export interface PodScene {
  readonly network: TestNetwork;
  /** Starts service proxies on the node. */
  readonly proxies: ProxyRunner;
  /**
   * Who answers the Pod at port 80 of an address: `local`, `remote`, or `error CODE`. Only where silence is expected
   * may the wait for an answer be short.
   */
  ask(address: string, timeoutMs?: number): Promise<string>;
  remove(): Promise<void>;
}

/** Makes the scene; the kernel and the namespaces are real. */
export async function createPodScene(): Promise<PodScene> {
  const network = await createTestNetwork(
    ['192.0.2.1/24'],
    [
      { name: 'pod', addresses: [scene.pod] },
      { name: 'local', addresses: [scene.localEndpoint] },
      { name: 'remote', addresses: [scene.remoteEndpoint] },
    ],
  );
  const proxies = new ProxyRunner(network.inNode);
  for (const host of ['local', 'remote']) {
    await network.probe(host).ask({ do: 'serve', name: host, tcp: [8080], udp: [] });
  }
  return {
    network,
    proxies,
    async ask(host, timeoutMs = 10_000) {
      const answer = await network.probe('pod').ask({ do: 'connect', protocol: 'TCP', host, port: 80, timeoutMs });
      return answer.startsWith('error') ? answer : (answer.split(' ')[0] ?? '');
    },
    async remove() {
      await proxies.killAll();
      await network.remove();
    },
  };
}
