import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type EndpointSlice, endpointSlices, nodes, type Service, services } from '@fairlead/api';
import { type ApiClient, connect, loadKubeconfig } from '@fairlead/client';
import { measureCpu, residentBytes } from './process-cpu.ts';
import { printTable } from './table.ts';

const insideFlag = '--inside-namespace';
const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
const perService = 10;
const parallelWrites = 64;
const changes = 200;
const changePauseMs = 20;
const settleMs = 3000;

type Agent = ChildProcess & { readonly pid: number };

function address(first: number, n: number): string {
  return `${first}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}

function sliceOf(index: number, endpoints: number): EndpointSlice {
  return {
    metadata: { name: `s${index}-a`, namespace: 'default', labels: { 'kubernetes.io/service-name': `s${index}` } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpoints }, (_, k) => ({
      addresses: [address(100 + k, index + 1)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${(index + k) % 100}`,
      zone: `zone-${k % 3}`,
      targetRef: { kind: 'Pod', namespace: 'default', name: `s${index}-7d9c6b5f4d-${k}x7kq`, uid: `${index}-${k}` },
    })),
  };
}

function serviceOf(index: number): Service {
  return {
    metadata: { name: `s${index}`, namespace: 'default', labels: { app: `s${index}` } },
    spec: { selector: { app: `s${index}` }, ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] },
  };
}

/** Writes all objects, some at a time. */
async function fill(client: ApiClient, count: number): Promise<void> {
  let next = 0;
  await client.create(nodes, { metadata: { name: 'here' }, spec: { podCIDR: '10.244.0.0/24' } });
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      await client.create(services, serviceOf(index));
      await client.create(endpointSlices, sliceOf(index, perService));
    }
  };
  await Promise.all(Array.from({ length: parallelWrites }, worker));
}

async function waitFor(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 240_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(50);
  }
}

function start(...args: readonly string[]): Agent {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (child.pid === undefined) throw new Error(`cannot start ${args[0]}`);
  return child as Agent;
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

function highestMiB(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kibibytes ?? 0) / 1024;
}

/** Has nft installed all Services? Counted by the program's own health. */
async function isHealthy(): Promise<boolean> {
  return fetch('http://127.0.0.1:10256/healthz').then(
    ({ status }) => status === 200,
    () => false,
  );
}

async function isProgrammed(): Promise<boolean> {
  const text = await fetch('http://127.0.0.1:10249/metrics').then(
    (answer) => answer.text(),
    () => '',
  );
  return /^kubeproxy_sync_proxy_rules_duration_seconds_count ([1-9])/m.test(text);
}

async function measureSize(count: number, dataDir: string): Promise<(string | number)[]> {
  const kubeconfig = join(dataDir, `kubeconfig-${count}`);
  const used = existsSync(kubeconfig);
  const api = start('apiserver', '--data-dir', join(dataDir, `api-${count}`), '--kubeconfig', kubeconfig);
  let agent: Agent | undefined;
  let client: ApiClient | undefined;
  try {
    await waitFor('the kubeconfig', async () => existsSync(kubeconfig));
    const connected = connect(loadKubeconfig(kubeconfig));
    client = connected;
    await waitFor('the API', () =>
      connected.list(nodes).then(
        () => true,
        () => false,
      ),
    );
    if (!used) await fill(client, count);
    const startedAt = performance.now();
    agent = start('agent', '--kubeconfig', kubeconfig, '--services-only', '--node-name', 'here');
    await waitFor('the rules', async () => (await isHealthy()) && (await isProgrammed()));
    const readyMs = performance.now() - startedAt;
    const { pid } = agent;
    const atReady = residentBytes(pid) / 2 ** 20;
    await sleep(settleMs);
    const settled = residentBytes(pid) / 2 ** 20;
    const { cpuUs } = await measureCpu(pid, async () => {
      for (let n = 0; n < changes; n++) {
        const index = (n * 7919) % count;
        const stored = await connected.get(endpointSlices, { name: `s${index}-a`, namespace: 'default' });
        const next = sliceOf(index, stored.endpoints.length === perService ? perService + 1 : perService);
        await connected.update(endpointSlices, {
          ...next,
          metadata: { ...next.metadata, resourceVersion: stored.metadata.resourceVersion },
        });
        await sleep(changePauseMs);
      }
    });
    const after = residentBytes(pid) / 2 ** 20;
    return [`${count} x ${perService}`, readyMs, atReady, settled, after, highestMiB(pid), cpuUs / 1000 / changes];
  } finally {
    await end(agent);
    await client?.close();
    await end(api);
  }
}

async function runInside(): Promise<void> {
  spawnSync('sh', ['-c', 'ip link set lo up; ip addr add 192.0.2.1/32 dev lo; ip route add default dev lo']);
  const kept = process.env.FAIRLEAD_BENCH_DATA;
  const dataDir = kept ?? mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
  try {
    const rows = [];
    for (const size of (process.env.FAIRLEAD_BENCH_SIZES ?? '10,10000,25000').split(',')) {
      rows.push(await measureSize(Number(size), dataDir));
    }
    printTable(
      'The process `fairlead agent --services-only` against `fairlead apiserver` (Services x endpoints): resident memory in MiB, and its CPU per change of one endpoint.',
      ['size', 'start to rules ms', 'at ready', 'settled', `after ${changes} changes`, 'highest', 'CPU ms per change'],
      rows,
    );
  } finally {
    if (kept === undefined) rmSync(dataDir, { recursive: true, force: true });
  }
}

/**
 * Memory of the service proxy's process at full size, in a network namespace of its own. Needs root.
 *
 * `FAIRLEAD_BENCH_SIZES`: numbers of Services, default `10,10000,25000`. `FAIRLEAD_BENCH_DATA`: a folder that keeps
 * the filled stores for the next run.
 */
export async function runAgentBench(): Promise<void> {
  const namespace = `flbench-agent-${process.pid}`;
  const ip = (...args: string[]): number | null => spawnSync('ip', args, { stdio: 'inherit' }).status;
  if (ip('netns', 'add', namespace) !== 0) throw new Error('this benchmark needs root, for a network namespace');
  try {
    const status = ip('netns', 'exec', namespace, process.execPath, import.meta.filename, insideFlag);
    if (status !== 0) throw new Error(`the benchmark ended with status ${status}`);
  } finally {
    ip('netns', 'delete', namespace);
  }
}

if (process.argv[1] === import.meta.filename) await (process.argv.includes(insideFlag) ? runInside() : runAgentBench());
