import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'kdig');
let system: TestSystem;

before(async () => {
  if (skip !== false) return;
  system = await startSystem();
  await system.apply(`${web('web', 2)}---
apiVersion: v1
kind: Service
metadata: { name: peers }
spec: { clusterIP: None, selector: { app: web }, ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: elsewhere }
spec: { type: ExternalName, externalName: web.default.svc.cluster.local }
`);
  await system.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=100s');
});
after(async () => {
  await system?.dispose();
});

async function dig(...query: readonly string[]): Promise<string[]> {
  const { stdout } = await system.exec('kdig', '+short', '+timeout=2', '@10.96.0.10', ...query);
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

async function service(name: string): Promise<string> {
  return system.kubectl('get', 'service', name, '-o', 'jsonpath={.spec.clusterIP}');
}

async function podAddresses(): Promise<string[]> {
  const text = await system.kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.podIP}');
  return text.split(' ').sort();
}

test('a Service has an address, over UDP and TCP, and a reverse name', { skip }, async () => {
  const ip = await service('web');
  await eventually('A', async () => (await dig('web.default.svc.cluster.local', 'A')).includes(ip));
  assert.deepEqual(await dig('+tcp', 'web.default.svc.cluster.local', 'A'), [ip]);
  assert.deepEqual(await dig('-x', ip), ['web.default.svc.cluster.local.']);
  assert.deepEqual(await dig('web.default.svc.cluster.local', 'AAAA'), []);
});

test('a headless Service has the addresses of its ready Pods', { skip }, async () => {
  const pods = await podAddresses();
  await eventually('all Pods', async () => (await dig('peers.default.svc.cluster.local', 'A')).join() === pods.join());
});

test('SRV names the ports', { skip }, async () => {
  assert.deepEqual(await dig('_http._tcp.web.default.svc.cluster.local', 'SRV'), [
    '0 100 80 web.default.svc.cluster.local.',
  ]);
  const headless = await dig('_http._tcp.peers.default.svc.cluster.local', 'SRV');
  assert.equal(headless.length, 2);
  for (const line of headless) assert.match(line, /^0 50 8080 \S+\.peers\.default\.svc\.cluster\.local\.$/);
});

test('ExternalName is an alias', { skip }, async () => {
  const answer = await dig('elsewhere.default.svc.cluster.local', 'A');
  assert.ok(answer.includes('web.default.svc.cluster.local.'), answer.join());
  assert.ok(answer.includes(await service('web')), answer.join());
});

test('an unknown name does not exist, a known one without the type is empty', { skip }, async () => {
  const status = async (...query: readonly string[]): Promise<string | undefined> => {
    const { stdout } = await system.exec('kdig', '+timeout=2', '@10.96.0.10', ...query);
    return /status: (\w+)/.exec(stdout)?.[1];
  };
  assert.equal(await status('missing.default.svc.cluster.local', 'A'), 'NXDOMAIN');
  assert.equal(await status('web.default.svc.cluster.local', 'AAAA'), 'NOERROR');
  assert.equal(await status('default.svc.cluster.local', 'A'), 'NOERROR');
});

test('a deleted Service loses its name', { skip }, async () => {
  await system.kubectl('create', 'service', 'clusterip', 'brief', '--tcp=80:80');
  await eventually('the name', async () => (await dig('brief.default.svc.cluster.local', 'A')).length === 1);
  await system.kubectl('delete', 'service', 'brief');
  await eventually('no name', async () => (await dig('brief.default.svc.cluster.local', 'A')).length === 0);
});
