import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { annotatedIngress, web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
const skip = kernelSkip('kubectl', 'curl', 'kdig');
const deadlineMs = 100_000;
let system: TestSystem;
let clusterIp: string;

before(async () => {
  if (skip !== false) return;
  system = await startSystem();
  await system.apply(`${web('alpha', 1)}${annotatedIngress('alpha', 'alpha', {})}`);
  await system.kubectl('wait', 'deployment/alpha', '--for=condition=Available', '--timeout=100s');
  await eventually('the route', async () => {
    const { stdout } = await system.exec('curl', '-s', '-H', 'Host: alpha.example', 'http://127.0.0.1/');
    return stdout.includes('"pod"');
  });
  clusterIp = await system.kubectl('get', 'service', 'alpha', '-o', 'jsonpath={.spec.clusterIP}');
});
after(async () => {
  await system?.dispose();
});

/** Runs `fairlead tap` and does something again and again until it has printed a line; resolves to that line. */
async function tapped(args: readonly string[], act: () => Promise<unknown>): Promise<string> {
  const inside = ['--target', `${system.process.pid}`, '--net', '--mount', '--'];
  const fairlead = [process.execPath, program, 'tap', '--data-dir', system.dataDir, '--kubeconfig', system.kubeconfig];
  const child = spawn('nsenter', [...inside, ...fairlead, '--lines', '1', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: deadlineMs,
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)));
  let line: string | undefined;
  let isOver = false;
  createInterface({ input: child.stdout }).once('line', (text) => {
    line = text;
  });
  void ended.then(() => {
    isOver = true;
  });
  while (line === undefined && !isOver) await act();
  assert.equal(await ended, 0);
  return line ?? '';
}

test('a request through the gateway, with the Pod that answered', { skip }, async () => {
  const line = await tapped(['--host', 'alpha.example', '--path', '/tapped'], () =>
    system.exec('curl', '-s', '-H', 'Host: alpha.example', 'http://127.0.0.1/tapped'),
  );
  assert.match(
    line,
    /request {5}127\.0\.0\.1 {2}GET alpha\.example\/tapped {2}200 {2}\d+\.\d ms {2}-> default\/alpha:80 {2}-> default\/alpha-/,
  );
});

test('a query of a name', { skip }, async () => {
  const line = await tapped(['--kind', 'query', '--service', 'alpha'], () =>
    system.exec('kdig', '+short', '@10.96.0.10', 'alpha.default.svc.cluster.local'),
  );
  assert.match(line, /query {7}\S+ {2}A alpha\.default\.svc\.cluster\.local {2}NOERROR$/);
});

test('a connection to a cluster IP, as JSON', { skip }, async () => {
  const line = await tapped(['--kind', 'connection', '--service', 'default/alpha', '-o', 'json'], () =>
    system.exec('curl', '-s', `http://${clusterIp}/`),
  );
  const { kind, protocol, to, service, endpoint, endpointPod } = JSON.parse(line);
  assert.deepEqual(
    { kind, protocol, to, service },
    { kind: 'connection', protocol: 'TCP', to: { ip: clusterIp, port: 80 }, service: 'default/alpha:http' },
  );
  assert.equal(endpoint.port, 8080);
  assert.match(endpointPod, /^default\/alpha-/);
});
