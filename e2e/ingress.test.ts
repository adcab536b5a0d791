import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ingress, web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
const skip = kernelSkip('kubectl', 'curl');
let system: TestSystem;

before(async () => {
  if (skip !== false) return;
  system = await startSystem();
  await system.apply(`${web('alpha', 2)}---${web('beta', 1)}---
apiVersion: v1
kind: Service
metadata: { name: hollow }
spec: { selector: { app: nobody }, ports: [{ port: 80 }] }
---${ingress('alpha', 'beta', 'hollow')}`);
  await system.kubectl('wait', 'deployment/alpha', 'deployment/beta', '--for=condition=Available', '--timeout=100s');
});
after(async () => {
  await system?.dispose();
});

const rows: readonly [host: string, path: string, status: number, pod: string | undefined][] = [
  ['one.example', '/', 200, 'alpha-'],
  ['one.example', '/other/path?x=1', 200, 'alpha-'],
  ['one.example', '/second', 200, 'beta-'],
  ['one.example', '/second/deeper', 200, 'beta-'],
  ['one.example', '/secondary', 200, 'alpha-'],
  ['two.example', '/', 200, 'beta-'],
  ['two.example', '/empty', 503, undefined],
  ['unknown.example', '/', 404, undefined],
];

for (const [host, path, status, pod] of rows) {
  test(`http://${host}${path} → ${pod ?? status}`, { skip }, async () => {
    await eventually(`${status} from ${pod ?? 'the gateway'}`, async () => {
      const { stdout } = await system.exec(
        'curl',
        '-s',
        '-w',
        '\n%{http_code}',
        '-H',
        `Host: ${host}`,
        `http://127.0.0.1${path}`,
      );
      const code = Number(stdout.trim().split('\n').at(-1));
      return code === status && (pod === undefined || new RegExp(`"pod":\\s*"${pod}`).test(stdout));
    });
  });
}

test('the Ingress has an address, and kubectl describes it', { skip }, async () => {
  const address = await eventually('an address in status', async () =>
    system.kubectl('get', 'ingress', 'routes', '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}'),
  );
  assert.match(address, /^\d+\.\d+\.\d+\.\d+$/);
  const described = await system.kubectl('describe', 'ingress', 'routes');
  assert.match(described, /one\.example/);
  assert.match(described, /\/second\s+beta:80/);
});

test('explain follows a URL and a name to the same Pods as the data planes', { skip }, async () => {
  const explained = async (...args: readonly string[]) => {
    const done = await system.exec(
      process.execPath,
      program,
      'explain',
      ...args,
      '-o',
      'json',
      '--kubeconfig',
      system.kubeconfig,
    );
    assert.equal(done.status, 0, done.stderr);
    return JSON.parse(done.stdout);
  };
  const ips = (await system.kubectl('get', 'pods', '-l', 'app=alpha', '-o', 'jsonpath={.items[*].status.podIP}')).split(
    ' ',
  );
  const endpoints = ips.map((ip) => `${ip}:8080`).sort();
  const byUrl = await explained('http://one.example/');
  assert.deepEqual([byUrl.outcome, byUrl.endpoints.sort()], ['reaches', endpoints]);
  const byName = await explained('alpha.default.svc.cluster.local');
  assert.deepEqual([byName.outcome, byName.endpoints.sort()], ['reaches', endpoints]);
  assert.equal((await explained('http://two.example/empty')).outcome, 'answered');
});
