import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../packages/fairlead/src/sys/testing/free-ports.ts';
import {
  concurrency,
  configMap,
  loadWriters,
  measureFanOut,
  measureLists,
  measureReadsUnderLoad,
  measureWrites,
  objects,
  watchers,
} from './api-load.ts';
import { findKubeApiserver, measureKubeApiserver, type ServerFigures } from './api-peer.ts';
import { type RunningApi, startApi, stopApi } from './api-server.ts';
import { measureEtcdWrites, type WriteResult } from './etcd.ts';
import { residentBytes } from './process-cpu.ts';
import { type Cell, median, printTable, quantile } from './table.ts';

const starts = 5;
/** After so long without requests the server has given back what bursts have left behind. */
const settleMs = 3_000;
/** Not /tmp: that may be memory, where a durable write costs nothing. */
const scratchRoot = '/var/tmp';

async function measureMemory(api: RunningApi): Promise<{ readonly atOnceMb: number; readonly idleMb: number }> {
  const atOnceMb = residentBytes(api.process.pid!) / 1e6;
  await sleep(settleMs);
  return { atOnceMb, idleMb: residentBytes(api.process.pid!) / 1e6 };
}

function hasEtcd(): boolean {
  try {
    execFileSync('etcd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function describeMachine(): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1] ?? 'unknown processor';
  return `${model}, Node ${process.version}`;
}

/** Measures the API server, and etcd's durable writes in the same run where it is installed. */
export async function runApiBench(): Promise<void> {
  const folder = mkdtempSync(join(scratchRoot, 'fairlead-bench-api-'));
  const children: RunningApi[] = [];
  try {
    const startMs: number[] = [];
    for (let round = 0; round < starts; round += 1) {
      const api = await startApi(join(folder, 'start'));
      children.push(api);
      if (round > 0) startMs.push(api.startMs);
      await stopApi(api);
    }
    const api = await startApi(join(folder, 'data'));
    children.push(api);
    const empty = await measureMemory(api);
    const writes = await measureWrites(api);
    const filled = await measureMemory(api);
    const fanOut = await measureFanOut(api);
    const reads = await measureReadsUnderLoad(api);
    await stopApi(api);
    const again = await startApi(join(folder, 'data'));
    children.push(again);
    const restarted = await measureMemory(again);
    await stopApi(again);
    const listed = await startApi(join(folder, 'services'));
    children.push(listed);
    const lists = await measureLists(listed);
    await stopApi(listed);

    const many = `${objects.toLocaleString('en-US')} ConfigMaps of 1 KB`;
    const rows: Cell[][] = [
      ['first start to /readyz 200, new data directory (own CA)', api.startMs, 'ms', '-'],
      ['start to /readyz 200, data directory in use (median)', median(startMs), 'ms', '<= 300'],
      ['resident memory, empty, just started', empty.atOnceMb, 'MB', '-'],
      ['resident memory, empty, idle', empty.idleMb, 'MB', '-'],
      [`start with ${many} in the store`, again.startMs, 'ms', '<= 300'],
      [`resident memory, just started with ${many}`, restarted.atOnceMb, 'MB', '-'],
      [`resident memory, started with ${many}, idle`, restarted.idleMb, 'MB', '<= 120'],
      [`resident memory, just after ${many} were created`, filled.atOnceMb, 'MB', '-'],
      [`resident memory, after ${many} were created, idle`, filled.idleMb, 'MB', '<= 120'],
      [`durable creates/s, ${concurrency} clients over HTTPS`, writes.writesPerSecond, '1/s', '>= 3,000'],
      ['CPU per create', writes.cpuPerWriteUs, 'us', '-'],
      [`write sent → first of ${watchers} watchers (median)`, median(fanOut.first), 'ms', '-'],
      [`write sent → last of ${watchers} watchers (median)`, median(fanOut.last), 'ms', '<= 20'],
      [`write sent → last of ${watchers} watchers (p90)`, quantile(fanOut.last, 0.9), 'ms', '-'],
      [
        `list of ${objects.toLocaleString('en-US')} Services, ${(lists.bytes / 1e6).toFixed(1)} MB (median)`,
        median(lists.listMs),
        'ms',
        '<= 150',
      ],
      [`GET while ${loadWriters} clients write (median)`, median(reads), 'ms', '-'],
      [`GET while ${loadWriters} clients write (p99)`, quantile(reads, 0.99), 'ms', '<= 5'],
    ];
    printTable(
      `API server (${describeMachine()})`,
      ['measure', { title: 'value', align: 'right' }, 'unit', 'target'],
      rows,
    );
    const ours = {
      name: 'fairlead apiserver',
      startMs: api.startMs,
      writes,
      reads,
      memoryMb: filled.atOnceMb,
    };
    await compareWithKubeApiserver(folder, ours);
    await compareWithEtcd(folder, writes, children);
  } finally {
    for (const child of children) if (child.process.exitCode === null) child.process.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compareWithKubeApiserver(folder: string, ours: ServerFigures): Promise<void> {
  const binary = findKubeApiserver();
  if (binary === undefined || !hasEtcd()) {
    process.stderr.write(
      'bench api: no kube-apiserver beside it: KUBE_APISERVER names its binary, and etcd is needed\n',
    );
    return;
  }
  const servers = [ours, await measureKubeApiserver(binary, folder)];
  printTable(
    `The same load, ${concurrency} clients that create, then ${loadWriters} that write beside readers`,
    ['server', 'creates/s', 'CPU us/create', 'GET p50 ms', 'GET p99 ms', 'first start ms', 'MB'],
    servers.map(({ name, writes, reads, startMs, memoryMb }) => [
      ...[name, writes.writesPerSecond, writes.cpuPerWriteUs, median(reads), quantile(reads, 0.99), startMs, memoryMb],
    ]),
  );
}

async function compareWithEtcd(folder: string, ours: WriteResult, children: RunningApi[]): Promise<void> {
  if (!hasEtcd()) return;
  const [client = 0, peer = 0] = await freePorts(2);
  let overEtcd: WriteResult | undefined;
  const etcd = await measureEtcdWrites(
    folder,
    [client, peer],
    configMap('bench-0', 0),
    concurrency,
    objects,
    async () => {
      const api = await startApi(join(folder, 'over-etcd'), ['--datastore', `etcd://127.0.0.1:${client}`]);
      children.push(api);
      overEtcd = await measureWrites(api);
      await stopApi(api);
    },
  );
  printTable(
    `Durable writes of 1 KB, ${concurrency} clients`,
    ['store', 'writes/s', 'CPU us/write', { title: 'what a write does', align: 'left' }],
    [
      [
        'fairlead apiserver',
        ours.writesPerSecond,
        ours.cpuPerWriteUs,
        'HTTPS, decode, default, validate, admit, store',
      ],
      [
        'fairlead apiserver on that etcd',
        overEtcd?.writesPerSecond ?? 0,
        overEtcd?.cpuPerWriteUs ?? 0,
        'the same; without the CPU of etcd',
      ],
      ['etcd', etcd.writesPerSecond, etcd.cpuPerWriteUs, 'plain gRPC, store'],
    ],
  );
}
