import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { createNftApplier } from './apply-nft.ts';
import { compileService } from './compile.ts';
import { createNativeLoad, type NativeLoad, NativeLoadError, nativeShapes } from './native-load.ts';
import { createRunNft } from './nft-command.ts';
import type { ServiceProgram } from './program.ts';
import type { ComparedSet } from './testing/compare-loads.ts';
import { kernelTestsProblem, type TestNetwork } from './testing/network.ts';
import { createPodScene, type PodScene } from './testing/pod-scene.ts';
import type { ProxyLine, ProxySeed } from './testing/proxy-process.ts';
import type { ProxyRunner } from './testing/proxy-runner.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const skip = kernelTestsProblem();
const both = [{ ip: scene.localEndpoint }, { ip: scene.remoteEndpoint }];
const isReady = (line: ProxyLine): boolean => 'ready' in line;

describe('a big table is built beside the one that serves', { skip }, () => {
  let pods: PodScene | undefined;
  let network: TestNetwork;
  let proxies: ProxyRunner;
  let ask: PodScene['ask'];

  before(async () => {
    pods = await createPodScene();
    ({ network, proxies, ask } = pods);
  });
  after(() => pods?.remove());
  const tables = (): string[] => network.run('node', 'nft list tables').trim().split('\n').sort();

  test('its elements are those that nft would have made of the text, bit by bit', () => {
    const [program = '', ...words] = network.inNode;
    const script = new URL('./testing/compare-loads.ts', import.meta.url).pathname;
    const output = execFileSync(program, [...words, process.execPath, script], { encoding: 'utf8' });
    const compared = JSON.parse(output) as ComparedSet[];
    assert.equal(compared.length, 2 * nativeShapes.size);
    for (const { name, elements, different } of compared) {
      assert.equal(different, 0, name);
      assert.ok(elements > 0, `nothing to compare in ${name}`);
    }
  });

  const sticky = sceneService('sticky', { clusterIP: '10.96.20.1', sessionAffinity: 'ClientIP' });
  const seed: ProxySeed = {
    services: [sceneService('web', { clusterIP: '10.96.0.1' }), sticky],
    slices: [sceneSlice('web', both), sceneSlice('sticky', both)],
    nativeFrom: 0,
  };

  test('restarts are seen by no client, whatever the table is called; afterwards there is one', async () => {
    const names = [
      ['table ip fairlead', 'table ip6 fairlead'],
      ['table ip fairlead-2', 'table ip6 fairlead-2'],
    ];
    let chosen: string | undefined;
    let asking = true;
    const failed: string[] = [];
    let asked = 0;
    let proxy = proxies.start(seed);
    await proxy.until(isReady);
    const client = (async () => {
      for (; asking; asked++) {
        const answer = await ask('10.96.0.1');
        if (!/^(local|remote)$/.test(answer)) failed.push(answer);
      }
    })();
    for (let start = 0; start < 4; start++) {
      assert.deepEqual(tables(), names[start % 2]);
      const answer = await ask('10.96.20.1');
      chosen ??= answer;
      assert.equal(answer, chosen, 'affinity outlives the restart');
      await proxy.kill('SIGKILL');
      proxy = proxies.start(seed);
      await proxy.until(isReady);
    }
    asking = false;
    await client;
    assert.deepEqual(failed, []);
    assert.ok(asked > 0);
    // What changes from then on changes in the table of whatever name.
    proxy.change('slice', sceneSlice('web', [{ ip: scene.remoteEndpoint }]));
    await proxy.settled();
    for (let n = 0; n < 5; n++) assert.equal(await ask('10.96.0.1'), 'remote');
    await proxy.kill('SIGTERM');
    assert.deepEqual(tables(), ['']);
  });

  test('what a killed process left half built is built anew; small again, the table has its first name', async () => {
    network.run('node', "nft add table ip fairlead-2 '{ flags dormant; }'");
    network.run('node', 'nft add map ip fairlead-2 frontends "{ type mark : mark; }"');
    let proxy = proxies.start(seed);
    await proxy.until(isReady);
    assert.deepEqual(tables(), ['table ip fairlead', 'table ip6 fairlead']);
    await proxy.kill('SIGKILL');
    network.run('node', "nft add table ip fairlead-2 '{ flags dormant; }'");
    network.run('node', 'nft add map ip fairlead-2 frontends "{ type mark : mark; }"');
    proxy = proxies.start(seed);
    await proxy.until(isReady);
    assert.deepEqual(tables(), ['table ip fairlead-2', 'table ip6 fairlead-2']);
    assert.match(await ask('10.96.0.1'), /^(local|remote)$/);
    await proxy.kill('SIGKILL');
    const { nativeFrom: _, ...small } = seed;
    proxy = proxies.start(small);
    await proxy.until(isReady);
    assert.deepEqual(tables(), ['table ip fairlead', 'table ip6 fairlead']);
    assert.match(await ask('10.96.0.1'), /^(local|remote)$/);
    await proxy.kill('SIGTERM');
  });

  test('foreign changes of the second table are noticed and undone', async () => {
    let proxy = proxies.start(seed);
    await proxy.until(isReady);
    await proxy.kill('SIGKILL');
    proxy = proxies.start(seed);
    await proxy.until(isReady);
    network.run('node', 'nft flush chain ip fairlead-2 dispatch');
    await proxy.until((line) => 'log' in line && line.log.startsWith('Others changed'));
    await proxy.until(() => proxy.lines.filter((line) => 'synced' in line && line.synced.full).length === 2);
    assert.deepEqual(tables(), ['table ip fairlead', 'table ip6 fairlead']);
    assert.match(await ask('10.96.0.1'), /^(local|remote)$/);
    await proxy.kill('SIGTERM');
  });

  test('where elements cannot be sent directly, nft loads them', async () => {
    const runNft = createRunNft([...network.inNode, 'nft']);
    const service = sceneService('web', { clusterIP: '10.96.0.1' });
    const { program } = compileService(service, [sceneSlice('web', both)], { nodeName: 'x', nodeIps: [] });
    const native: NativeLoad = {
      ...createNativeLoad(),
      liveTable: async () => undefined,
      fill: async () => {
        throw new NativeLoadError('the kernel refuses elements: EOPNOTSUPP');
      },
    };
    const logged: string[] = [];
    const applier = createNftApplier({
      podCidrs: [],
      serviceCidrs: [],
      nodePorts: true,
      runNft,
      clock: systemClock,
      log: (_, message) => logged.push(message),
      native,
      nativeFrom: 0,
    });
    await applier.apply(new Map([['default/web', program as ServiceProgram]]));
    assert.deepEqual(tables(), ['table ip fairlead', 'table ip6 fairlead']);
    assert.match(await ask('10.96.0.1'), /^(local|remote)$/);
    assert.equal(logged.length, 1, 'once: it is not tried again');
    await applier.remove();
    assert.deepEqual(tables(), ['']);
  });
});
