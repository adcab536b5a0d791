import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ingress, web } from './echo-manifest.ts';
import { command, createMachine, eventually, kernelSkip, removeMachine } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-roles-'));
const roles: ChildProcess[] = [];
let machine: string | undefined;

after(async () => {
  for (const role of roles.reverse()) {
    const ended = new Promise((resolve) => role.on('exit', resolve));
    if (role.exitCode !== null || role.signalCode !== null) continue;
    role.kill('SIGTERM');
    const timer = setTimeout(() => role.kill('SIGKILL'), 60_000);
    await ended;
    clearTimeout(timer);
  }
  if (machine !== undefined) await removeMachine(machine);
  rmSync(dataDir, { recursive: true, force: true });
});

test('apiserver, controllers, agent and gateway run alone, with a kubeconfig between them', { skip }, async () => {
  machine = await createMachine();
  const kubeconfig = join(dataDir, 'kubeconfig');
  const start = (...args: readonly string[]): ChildProcess => {
    const role = spawn('ip', ['netns', 'exec', machine ?? '', process.execPath, program, ...args], {
      stdio: 'inherit',
    });
    roles.push(role);
    return role;
  };
  // Cluster IPs are reached over the default route, as on any machine that has a network.
  await command('ip', ['-n', machine, 'route', 'add', 'default', 'via', '192.0.2.1', 'dev', 'eth0']);
  start(
    'apiserver',
    '--data-dir',
    join(dataDir, 'api'),
    '--kubeconfig',
    kubeconfig,
    '--advertise-address',
    '192.0.2.10',
  );
  await eventually('the kubeconfig', async () => existsSync(kubeconfig));
  start('controllers', '--kubeconfig', kubeconfig);
  const agent = start('agent', '--kubeconfig', kubeconfig, '--data-dir', join(dataDir, 'agent'), '--node-name', 'solo');
  start('gateway', '--kubeconfig', kubeconfig, '--gateway-http', '192.0.2.10:8000');
  const inside = ['--target', `${agent.pid}`, '--net', '--mount', '--'];
  const exec = (...args: readonly string[]) => command('nsenter', [...inside, ...args]);
  const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
    const done = await command('nsenter', [...inside, 'kubectl', '--kubeconfig', kubeconfig, ...args], {
      ...(input === undefined ? {} : { input }),
      env: { ...process.env, KUBECACHEDIR: join(dataDir, 'kubectl-cache') },
    });
    if (done.status !== 0) throw new Error(done.stderr);
    return done.stdout;
  };
  // The agent's process enters the machine's namespace a moment after it was started.
  await eventually('the API', async () => (await kubectl(['get', 'namespaces']).catch(() => '')) !== '');
  await kubectl(['apply', '-f', '-'], `${web('web', 2)}---${web('other', 1)}---${ingress('web', 'other', 'none')}`);
  await kubectl(['wait', 'deployment/web', '--for=condition=Available', '--timeout=100s']);
  const ip = await kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
  await eventually('the cluster IP', async () =>
    (await exec('curl', '-s', '--max-time', '2', `http://${ip}/`)).stdout.includes('"pod"'),
  );
  await eventually('the gateway', async () => {
    const { stdout } = await exec(
      'curl',
      '-s',
      '--max-time',
      '2',
      '-H',
      'Host: one.example',
      'http://192.0.2.10:8000/',
    );
    return stdout.includes('"pod":"web-');
  });
  assert.match(await kubectl(['get', 'nodes']), /^solo\s+Ready/m);
});
