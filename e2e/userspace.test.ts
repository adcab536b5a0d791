import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ingress, web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
let system: TestSystem | undefined;
after(async () => {
  await system?.dispose();
});

test('userspace mode serves Pods, Services and Ingress without rules or namespaces', { skip }, async () => {
  system = await startSystem({ args: ['--mode', 'userspace'] });
  const { kubectl, exec, apply } = system;
  await apply(`${web('web', 3)}---${web('other', 1)}---${ingress('web', 'other', 'none')}`);
  await kubectl('wait', 'deployment/web', 'deployment/other', '--for=condition=Available', '--timeout=100s');
  const ip = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  assert.match(ip, /^127\.96\./);
  await eventually('all three Pods answer', async () => {
    const { stdout } = await exec('sh', '-c', `for i in $(seq 30); do curl -s --max-time 2 http://${ip}/; echo; done`);
    return new Set([...stdout.matchAll(/"pod":\s*"([^"]*)"/g)].map(([, pod]) => pod)).size === 3;
  });
  await eventually('the Ingress answers', async () =>
    (await exec('curl', '-s', '-H', 'Host: one.example', 'http://127.0.0.1:8080/')).stdout.includes('"pod"'),
  );
  assert.equal((await exec('nft', 'list', 'ruleset')).stdout.trim(), '');
  assert.equal(await system.stop(), 0);
});

test('the same Ingress on node:net, without system calls of the gateway', { skip }, async () => {
  await system?.dispose();
  process.env.FAIRLEAD_REACTOR = 'node';
  try {
    system = await startSystem({ args: ['--mode', 'userspace'] });
  } finally {
    delete process.env.FAIRLEAD_REACTOR;
  }
  const { kubectl, exec, apply } = system;
  await apply(`${web('web', 2)}---${web('other', 1)}---${ingress('web', 'other', 'none')}`);
  await kubectl('wait', 'deployment/web', 'deployment/other', '--for=condition=Available', '--timeout=100s');
  const ip = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  await eventually('the Service answers', async () =>
    (await exec('curl', '-s', '--max-time', '2', `http://${ip}/`)).stdout.includes('"pod"'),
  );
  await eventually('both Pods answer over HTTP', async () => {
    const { stdout } = await exec(
      'sh',
      '-c',
      'for i in $(seq 10); do curl -s --max-time 2 -H "Host: one.example" http://127.0.0.1:8080/; echo; done',
    );
    return new Set([...stdout.matchAll(/"pod":\s*"([^"]*)"/g)].map(([, pod]) => pod)).size === 2;
  });
  const http2 = await exec(
    'curl',
    '-sk',
    '--http2',
    '-H',
    'Host: one.example',
    '-w',
    '%{http_version}',
    'https://127.0.0.1:8443/',
  );
  assert.match(http2.stdout, /"pod"[\s\S]*2$/);
  assert.equal(await system.stop(), 0);
});
