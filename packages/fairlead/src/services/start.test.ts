import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { endpointSlices, nodes, serviceCidrs, services } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock } from '../sys/clock.ts';
import { freePort } from '../sys/testing/free-ports.ts';
import { ServiceProxyError } from './nft-command.ts';
import { type ServiceProxyOptions, startServiceProxy } from './start.ts';
import { createTestNetwork, kernelTestsProblem } from './testing/network.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const quiet: ServiceProxyOptions['log'] = () => undefined;
const deadlineMs = 60_000;

/** Waits until `probe` gives the wanted answer; every attempt is a new connection. */
async function eventually(wanted: string, probe: () => Promise<string>): Promise<void> {
  const until = performance.now() + deadlineMs;
  let last = '';
  while (performance.now() < until) {
    last = await probe();
    if (last === wanted) return;
    await systemClock.sleep(5);
  }
  assert.fail(`wanted '${wanted}', last was '${last}'`);
}

test('kernel mode follows the API', { skip: kernelTestsProblem() }, async () => {
  const network = await createTestNetwork(
    ['192.0.2.1/24'],
    [
      { name: 'pod', addresses: [scene.pod] },
      { name: 'local', addresses: [scene.localEndpoint] },
    ],
  );
  try {
    await network.probe('local').ask({ do: 'serve', name: 'local', tcp: [8080], udp: [] });
    const api = new FakeApi();
    api.seed(nodes, { metadata: { name: scene.nodeName } });
    api.seed(services, sceneService('web', { clusterIP: '10.96.0.1' }));
    const syncs: number[] = [];
    let markSynced = (): void => undefined;
    const proxy = await startServiceProxy({
      client: api,
      nodeName: scene.nodeName,
      mode: 'kernel',
      podCidr: scene.podCidrs,
      serviceCidr: scene.serviceCidrs,
      log: quiet,
      nftCommand: [...network.inNode, 'nft'],
      metrics: {
        synced: (sync) => {
          syncs.push(sync.services);
          // Seeded, created, deleted.
          if (syncs.length === 3) markSynced();
        },
      },
    });
    const ask = async (): Promise<string> =>
      (
        await network
          .probe('pod')
          .ask({ do: 'connect', protocol: 'TCP', host: '10.96.0.1', port: 80, timeoutMs: 20_000 })
      ).replace(/^local .*/, 'local');
    await proxy.ready;
    assert.equal(await ask(), 'error ECONNREFUSED');
    await api.create(endpointSlices, sceneSlice('web', [{ ip: scene.localEndpoint }]));
    await eventually('local', ask);
    // After foreign interference the next change is refused; that replaces the whole table at once.
    network.run('node', 'nft flush map ip fairlead frontends');
    // Otherwise the deletion could meet the creation that follows, and nothing would change.
    const deleted = new Promise<void>((resolve) => {
      markSynced = resolve;
    });
    await api.delete(endpointSlices, { namespace: 'default', name: 'web-a' });
    await deleted;
    await eventually('error ECONNREFUSED', ask);
    await api.create(endpointSlices, sceneSlice('web', [{ ip: scene.localEndpoint }]));
    await eventually('local', ask);
    assert.deepEqual([...proxy.program().keys()], ['default/web']);
    assert.equal(syncs[0], 1);
    // What no Service has in a range that is added later is dropped like in the first one.
    const ranges = (): string => {
      const text = network.run('node', 'nft list set ip fairlead service-cidrs').replaceAll(/\s+/g, ' ');
      return /elements = \{ ([^}]*) \}/.exec(text)?.[1] ?? '';
    };
    assert.equal(ranges(), '10.96.0.0/16');
    await api.create(serviceCidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.4.0/22', 'fd00:97::/112'] } });
    await eventually('10.96.0.0/16, 10.97.4.0/22', async () => ranges());
    assert.equal(await ask(), 'local');
    await api.delete(serviceCidrs, { name: 'more' });
    await eventually('10.96.0.0/16', async () => ranges());
    await proxy.stop();
    assert.equal(network.run('node', 'nft list tables').trim(), '');
  } finally {
    await network.remove();
  }
});

test('what changes while a table is being loaded is not lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-slow-nft-'));
  try {
    // Keeps what it is given, and lets nothing through before it may.
    const nft = join(folder, 'nft');
    const wait = `until [ -e ${folder}/go ]; do sleep 0.02; done`;
    writeFileSync(nft, `#!/bin/sh\n[ "$1" = -f ] || exec echo v1.0.6\ncat >${folder}/load-$$\n${wait}\n`);
    chmodSync(nft, 0o755);
    const api = new FakeApi();
    api.seed(nodes, { metadata: { name: scene.nodeName } });
    const proxy = await startServiceProxy({
      client: api,
      nodeName: scene.nodeName,
      mode: 'kernel',
      podCidr: scene.podCidrs,
      serviceCidr: scene.serviceCidrs,
      log: quiet,
      nftCommand: [nft],
    });
    const loads = (): string[] =>
      readdirSync(folder)
        .filter((name) => name.startsWith('load-'))
        .map((name) => readFileSync(join(folder, name), 'utf8'));
    await eventually('true', async () => String(loads().length > 0));
    await api.create(serviceCidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.4.0/22'] } });
    await eventually('true', async () => String(proxy.traceContext().serviceCidrs.includes('10.97.4.0/22')));
    writeFileSync(join(folder, 'go'), '');
    await eventually('true', async () => String(loads().some((text) => text.includes('10.97.4.0/22'))));
    await proxy.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a missing nft is one typed error that says what is lost', async () => {
  const started = startServiceProxy({
    client: new FakeApi(),
    nodeName: 'n',
    mode: 'kernel',
    podCidr: [],
    serviceCidr: [],
    log: quiet,
    nftCommand: ['nft-that-does-not-exist'],
  });
  await assert.rejects(started, (error) => {
    assert.ok(error instanceof ServiceProxyError);
    assert.equal(error.code, 'nft-missing');
    assert.match(error.message, /not installed.*Services cannot be served by the kernel/);
    return true;
  });
});

test('userspace mode serves a cluster IP of the loopback range', async () => {
  const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const api = new FakeApi();
  api.seed(nodes, { metadata: { name: scene.nodeName } });
  api.seed(services, sceneService('web', { clusterIP: '127.96.7.7', ports: [{ port: 18080 }] }));
  api.seed(endpointSlices, sceneSlice('web', [{ ip: '127.0.0.1' }], [{ name: '', port: address.port }]));
  const proxy = await startServiceProxy({
    client: api,
    nodeName: scene.nodeName,
    mode: 'userspace',
    podCidr: [],
    serviceCidr: ['127.96.0.0/16'],
    log: quiet,
  });
  try {
    await proxy.ready;
    const answer = await new Promise<string>((resolve, reject) => {
      import('node:net').then(({ connect }) => {
        connect(18080, '127.96.7.7')
          .on('data', (data) => resolve(String(data)))
          .on('error', reject);
      }, reject);
    });
    assert.equal(answer, 'hello');
  } finally {
    await proxy.stop();
    server.close();
  }
});

test('a change that installs nothing leaves no change waiting', async () => {
  const api = new FakeApi();
  api.seed(nodes, { metadata: { name: scene.nodeName } });
  let changes = 0;
  const port = await freePort();
  const proxy = await startServiceProxy({
    client: api,
    nodeName: scene.nodeName,
    mode: 'userspace',
    podCidr: scene.podCidrs,
    serviceCidr: scene.serviceCidrs,
    log: quiet,
    healthListen: { host: '127.0.0.1', port },
    metrics: {
      queued: ({ services: count }) => {
        changes += count;
      },
    },
  });
  await proxy.ready;
  await api.create(services, sceneService('headless', { clusterIP: 'None' }));
  await eventually('up to date', async () => {
    // Asked before: an answer from before the change proves nothing.
    const seen = changes > 0;
    const health = (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as {
      readonly lastUpdated: string;
      readonly currentTime: string;
    };
    return seen && health.lastUpdated === health.currentTime ? 'up to date' : 'waiting';
  });
  await proxy.stop();
});
