import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { createNftApplier } from './apply-nft.ts';
import { compileService } from './compile.ts';
import { createRunNft } from './nft-command.ts';
import type { ServiceProgram } from './program.ts';
import { createTestNetwork, kernelTestsProblem } from './testing/network.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
const reconcileScript = new URL('./testing/reconcile.ts', import.meta.url).pathname;

test('a UDP client with a fixed port follows its Service', { skip: kernelTestsProblem() }, async () => {
  const network = await createTestNetwork(
    ['192.0.2.1/24'],
    [
      { name: 'pod', addresses: [scene.pod] },
      { name: 'local', addresses: [scene.localEndpoint] },
      { name: 'remote', addresses: [scene.remoteEndpoint] },
    ],
  );
  try {
    for (const host of ['local', 'remote']) {
      await network.probe(host).ask({ do: 'serve', name: host, tcp: [], udp: [5354] });
    }
    const applier = createNftApplier({
      podCidrs: scene.podCidrs,
      serviceCidrs: scene.serviceCidrs,
      nodePorts: true,
      runNft: createRunNft([...network.inNode, 'nft']),
      clock: systemClock,
      log: () => undefined,
    });
    const service = sceneService('dns', { clusterIP: '10.96.0.10', ports: [{ port: 53, protocol: 'UDP' }] });
    let installed: ServiceProgram | undefined;
    const install = async (...endpoints: string[]): Promise<{ deleted: number; errno: number }> => {
      const slice = sceneSlice(
        'dns',
        endpoints.map((ip) => ({ ip })),
        [{ name: '', port: 5354, protocol: 'UDP' }],
      );
      const program = compileService(service, endpoints.length === 0 ? [] : [slice], node).program as ServiceProgram;
      await applier.apply(new Map([[program.key, program]]));
      const changes = JSON.stringify([{ before: installed, after: program }]);
      installed = program;
      const [command = '', ...args] = network.inNode;
      const script = [...args, process.execPath, reconcileScript, changes, '[]'];
      return JSON.parse(execFileSync(command, script, { encoding: 'utf8' })) as { deleted: number; errno: number };
    };
    const ask = async (): Promise<string | undefined> => {
      const ask = { do: 'connect', protocol: 'UDP', host: '10.96.0.10', port: 53, sourcePort: 40_000 } as const;
      return (await network.probe('pod').ask({ ...ask, timeoutMs: 20_000 })).replace(/^(local|remote) .*/, '$1');
    };
    await install(scene.localEndpoint);
    assert.equal(await ask(), 'local');
    // Another endpoint more: the flow is valid and must not be touched.
    assert.deepEqual(await install(scene.localEndpoint, scene.remoteEndpoint), { deleted: 0, errno: 0 });
    assert.equal(await ask(), 'local');
    assert.deepEqual(await install(scene.remoteEndpoint), { deleted: 1, errno: 0 });
    assert.equal(await ask(), 'remote');
    assert.deepEqual(await install(), { deleted: 1, errno: 0 });
    assert.equal(await ask(), 'error ECONNREFUSED');
    await install(scene.localEndpoint);
    assert.equal(await ask(), 'local');
  } finally {
    await network.remove();
  }
});
