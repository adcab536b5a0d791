import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readWrkReport } from '../bench/wrk-report.ts';
import { ingress, web } from './echo-manifest.ts';
import {
  command,
  createMachine,
  eventually,
  kernelSkip,
  namespacesWith,
  processesWith,
  removeMachine,
  startSystem,
  type TestSystem,
} from './system.ts';

const skip = kernelSkip('kubectl', 'curl', 'wrk');
const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
const constantRate = fileURLToPath(new URL('./constant-rate.ts', import.meta.url));
const disposals: (() => Promise<void>)[] = [];
after(async () => {
  for (const dispose of disposals.reverse()) await dispose();
});

async function start(options: Parameters<typeof startSystem>[0] = {}): Promise<TestSystem> {
  const system = await startSystem(options);
  disposals.push(() => system.dispose());
  return system;
}

/** Runs wrk on the machine while something happens; gives how many requests ran and failed. */
async function underLoad(system: TestSystem, url: string, host: string, seconds: number, event: () => Promise<void>) {
  const load = system.exec('wrk', '-t1', '-c8', `-d${seconds}s`, '--timeout', '5s', '-H', `Host: ${host}`, url);
  await event();
  const { stdout } = await load;
  return { ...readWrkReport(stdout), text: stdout };
}

test('traffic survives the death of any role; nothing is left after SIGTERM; the next start resumes', {
  skip,
}, async (context) => {
  const system = await start();
  await system.apply(`${web('web', 3)}---${web('other', 1)}---${ingress('web', 'other', 'none')}`);
  await system.kubectl('wait', 'deployment/web', 'deployment/other', '--for=condition=Available', '--timeout=100s');
  const ip = await system.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  const reach = async (url: string): Promise<boolean> =>
    (
      await system.exec(
        'curl',
        '-s',
        '--max-time',
        '2',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '-H',
        'Host: one.example',
        url,
      )
    ).stdout === '200';
  await eventually('the Ingress answers', () => reach('http://127.0.0.1/'));

  await context.test('kill -9 of control: no request fails, nothing acknowledged is lost', async () => {
    await system.kubectl('create', 'configmap', 'kept', '--from-literal=a=b');
    const before = await system.pidOf('control');
    const result = await underLoad(system, 'http://127.0.0.1/', 'one.example', 4, async () => {
      process.kill(before, 'SIGKILL');
      await eventually('control is back', async () => (await system.pidOf('control').catch(() => before)) !== before);
      await eventually(
        'the API answers',
        async () => (await system.kubectl('get', 'configmap', 'kept').catch(() => '')) !== '',
      );
    });
    assert.ok(result.requests > 100, result.text);
    assert.equal(result.failed, 0, result.text);
    assert.equal(await system.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}'), ip);
    await system.kubectl('scale', 'deployment/other', '--replicas=2');
    await system.kubectl('wait', 'deployment/other', '--for=jsonpath={.status.readyReplicas}=2', '--timeout=100s');
  });

  await context.test('kill -9 of the agent: cluster IPs go on, Pods live', async () => {
    const role =
      (await system.exec('curl', '-s', 'http://127.0.0.1:7070/')).stdout
        .split('\n')
        .find((line) => line.startsWith('agent'))
        ?.split(/\s+/)[0] ?? '';
    const before = await system.pidOf(role);
    const result = await underLoad(system, `http://${ip}/`, 'web', 3, async () => {
      process.kill(before, 'SIGKILL');
      await eventually('the agent is back', async () => (await system.pidOf(role).catch(() => before)) !== before);
    });
    assert.equal(result.failed, 0, result.text);
    const restarts = await system.kubectl(
      'get',
      'pods',
      '-o',
      'jsonpath={.items[*].status.containerStatuses[0].restartCount}',
    );
    assert.match(restarts, /^0( 0)*$/);
  });

  await context.test('kill -9 of the gateway: it comes back', async () => {
    const before = await system.pidOf('gateway');
    process.kill(before, 'SIGKILL');
    await eventually('the gateway answers again', () => reach('http://127.0.0.1/'));
    assert.notEqual(await system.pidOf('gateway'), before);
  });

  await context.test('SIGTERM leaves nothing, and the next start resumes with the same cluster IPs', async () => {
    const began = performance.now();
    assert.equal(await system.stop(), 0, system.output());
    const stopMs = performance.now() - began;
    context.diagnostic(`stopped in ${Math.round(stopMs)} ms`);
    const instance = createHash('sha256').update(system.dataDir).digest('hex').slice(0, 4);
    assert.deepEqual(await namespacesWith(`fl-${instance}-`), []);
    assert.deepEqual(await processesWith(system.dataDir), []);
    const { stdout: links } = await command('ip', ['-n', system.machine, '-br', 'link']);
    assert.deepEqual(
      links
        .split('\n')
        .map((line) => line.split(/[\s@]/)[0])
        .filter((name) => name !== '')
        .sort(),
      ['eth0', 'lo'],
    );
    const { stdout: rules } = await system.exec('nft', 'list', 'ruleset');
    assert.equal(rules.trim(), '');
    const again = await start({ dataDir: system.dataDir, machine: system.machine });
    assert.equal(await again.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}'), ip);
    await eventually('the Service answers again', async () =>
      (await again.exec('curl', '-s', '--max-time', '2', `http://${ip}/`)).stdout.includes('"pod"'),
    );
  });
});

test('a rolling update under traffic loses no request', { skip }, async () => {
  const system = await start();
  await system.apply(`${web('web', 3)}---${web('other', 1)}---${ingress('web', 'other', 'none')}`);
  await system.kubectl('wait', 'deployment/web', 'deployment/other', '--for=condition=Available', '--timeout=100s');
  const ip = await system.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  for (const [name, url] of [
    ['cluster IP', `http://${ip}/`],
    ['Ingress', 'http://127.0.0.1/'],
  ] as const) {
    await eventually(`${name} answers`, async () =>
      (await system.exec('curl', '-s', '-H', 'Host: one.example', url)).stdout.includes('"pod"'),
    );
    // 500 new connections a second, while every Pod is replaced.
    const load = system.exec(process.execPath, constantRate, url, 'one.example', '500', '12');
    await system.kubectl('rollout', 'restart', 'deployment/web');
    await system.kubectl('rollout', 'status', 'deployment/web', '--timeout=100s');
    const { stdout, stderr } = await load;
    const { outcomes, elapsedMs } = JSON.parse(stdout || `{"outcomes":{"none":${JSON.stringify(stderr)}}}`);
    assert.deepEqual(outcomes, { 200: 6000 }, `${name}, in ${elapsedMs} ms`);
  }
});

test('bad input: a port in use, a corrupt data file, a wrong flag', { skip }, async (context) => {
  const up = (machine: string, dataDir: string) =>
    command('ip', ['netns', 'exec', machine, process.execPath, program, 'up', '--data-dir', dataDir]);
  for (const [what, port, line] of [
    ['the API', '6443', /^fairlead: --api-listen 127\.0\.0\.1:6443: the port is in use\n$/],
    ['the gateway', '80', /^fairlead: --gateway-http \[::\]:80: the port is in use\n$/],
    ['the status page', '7070', /^fairlead: --console-listen 127\.0\.0\.1:7070: the port is in use\n$/],
  ] as const) {
    await context.test(`a port in use is one clear line and exit status 1: ${what}`, async () => {
      const machine = await createMachine();
      const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-port-'));
      const script = `require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log('up'))`;
      const occupant = spawn('ip', ['netns', 'exec', machine, process.execPath, '-e', script]);
      try {
        await new Promise((resolve) => occupant.stdout.once('data', resolve));
        const failed = await up(machine, dataDir);
        assert.equal(failed.status, 1);
        assert.match(failed.stderr, line);
        assert.equal((await command('ip', ['-n', machine, 'link', 'show', 'fairlead0'])).status, 1, 'nothing is left');
      } finally {
        occupant.kill('SIGKILL');
        await removeMachine(machine);
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
  }
  await context.test('a corrupt data file is refused and not touched', async () => {
    const machine = await createMachine();
    try {
      const dataDir = mkdtempSync('/tmp/fairlead-corrupt-');
      const garbage = Buffer.alloc(8192, 'not a database ');
      writeFileSync(`${dataDir}/state.db`, garbage);
      const failed = await up(machine, dataDir);
      assert.equal(failed.status, 1);
      assert.match(failed.stderr, /state\.db/);
      assert.deepEqual(readFileSync(`${dataDir}/state.db`), garbage);
      rmSync(dataDir, { recursive: true });
    } finally {
      await removeMachine(machine);
    }
  });
  await context.test('a second system on a machine is refused, and disturbs nothing', async (own) => {
    const system = await startSystem();
    own.after(() => system.dispose());
    const other = mkdtempSync(join(tmpdir(), 'fairlead-second-'));
    own.after(() => rmSync(other, { recursive: true, force: true }));
    /** The number of the machine link, the routes over it, and how roles reach the API. */
    const state = async (): Promise<readonly string[]> => [
      /^\d+: fairlead0/.exec((await system.exec('ip', '-o', 'link', 'show', 'fairlead0')).stdout)?.[0] ?? 'no link',
      (await system.exec('ip', 'route', 'show', 'dev', 'fairlead0')).stdout,
      ...readdirSync(join(system.dataDir, 'roles')).filter((file) => file.endsWith('.kubeconfig')),
    ];
    const before = await state();
    assert.match(before.join(), /fairlead0,.*10\.96\.0\.0\/16.*\.kubeconfig/s);
    for (const dataDir of [system.dataDir, other]) {
      const failed = await up(system.machine, dataDir);
      assert.equal(failed.status, 1);
      assert.match(
        failed.stderr,
        /^fairlead: another `fairlead up` runs in kernel mode on this machine; stop it first\n$/,
      );
    }
    assert.deepEqual(await state(), before);
  });
  await context.test('a disk that is full at the start is one clear line', async () => {
    const machine = await createMachine();
    const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-full-'));
    try {
      const mounted = await command('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'fairlead-test', dataDir]);
      assert.equal(mounted.status, 0, mounted.stderr);
      const failed = await up(machine, dataDir);
      assert.equal(failed.status, 1);
      assert.equal(failed.stderr, `fairlead: API server: the disk of the data file is full: ${dataDir}\n`);
      assert.equal((await command('ip', ['-n', machine, 'link', 'show', 'fairlead0'])).status, 1, 'nothing is left');
    } finally {
      await command('umount', [dataDir]);
      await removeMachine(machine);
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
  await context.test('wrong settings are all named', async () => {
    const failed = await command(process.execPath, [program, 'up', '--nodes', 'x', '--mode', 'y']);
    assert.equal(failed.status, 1);
    assert.deepEqual(failed.stderr.trim().split('\n').length, 2, failed.stderr);
  });
});
