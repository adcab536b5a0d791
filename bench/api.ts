import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { loadKubeconfig } from '@fairlead/client';
import { measureEtcdWrites, type WriteResult } from './etcd.ts';
import { Http2Client, runOverClients } from './http2-clients.ts';
import { measureCpu, residentBytes } from './process-cpu.ts';
import { type Cell, median, printTable, quantile } from './table.ts';

const concurrency = 32;
const objects = 10_000;
const watchers = 1_000;
const fanOutRounds = 30;
const starts = 5;
const listRounds = 7;
/** Writers beside the readers whose answers are timed. */
const loadWriters = 8;
const loadReaders = 4;
const loadRequests = 4_000;
/** After so long without requests the server has given back what bursts have left behind. */
const settleMs = 3_000;
/** Not /tmp: that may be memory, where a durable write costs nothing. */
const scratchRoot = '/var/tmp';

/** About 1 KB as JSON, as a ConfigMap of an application is. */
const payload = 'x'.repeat(800);

interface RunningApi {
  readonly process: ChildProcess;
  readonly url: string;
  readonly startMs: number;
  readonly tls: ConnectionOptions;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Status of /readyz; 0 when nothing answers. */
function readyz(url: string): Promise<number> {
  return new Promise((resolve) => {
    // The CA is made by the server that is just starting; nothing is sent that needs protection.
    const request = get(`${url}/readyz`, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', () => resolve(0));
  });
}

/** `fairlead apiserver` as a process of its own; resolves when /readyz answers 200. */
async function startApi(folder: string, datastore: readonly string[] = []): Promise<RunningApi> {
  const [port = 0] = await freePorts(1);
  const entry = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = join(folder, 'kubeconfig');
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...[entry, 'apiserver', '--data-dir', folder, '--api-listen', `127.0.0.1:${port}`, '--kubeconfig', kubeconfig],
      ...datastore,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  while ((await readyz(url)) !== 200) {
    if (child.exitCode !== null) throw new Error(`fairlead apiserver ended with status ${child.exitCode}`);
    if (performance.now() - began > 30_000) throw new Error('fairlead apiserver was not ready within 30 s');
    await sleep(2);
  }
  const startMs = performance.now() - began;
  const config = loadKubeconfig(kubeconfig);
  const tls: ConnectionOptions = {
    ...(config.ca === undefined ? {} : { ca: config.ca }),
    ...(config.clientCertificate === undefined ? {} : { cert: config.clientCertificate }),
    ...(config.clientKey === undefined ? {} : { key: config.clientKey }),
  };
  return { process: child, url, startMs, tls };
}

async function stopApi(api: RunningApi): Promise<void> {
  if (api.process.exitCode !== null) return;
  api.process.kill('SIGTERM');
  await once(api.process, 'exit');
}

async function measureMemory(api: RunningApi): Promise<{ readonly atOnceMb: number; readonly idleMb: number }> {
  const atOnceMb = residentBytes(api.process.pid!) / 1e6;
  await sleep(settleMs);
  return { atOnceMb, idleMb: residentBytes(api.process.pid!) / 1e6 };
}

function configMap(name: string, version: number): Buffer {
  return Buffer.from(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data: { payload, version: String(version) },
    }),
  );
}

const collection = '/api/v1/namespaces/default/configmaps';

async function expectStatus(wanted: number, answer: Promise<{ status: number; body: Buffer }>): Promise<void> {
  const { status, body } = await answer;
  if (status !== wanted) throw new Error(`API server answered ${status}: ${body.toString('utf8', 0, 300)}`);
}

async function measureWrites(api: RunningApi): Promise<WriteResult> {
  const clients = await Promise.all(Array.from({ length: concurrency }, () => Http2Client.open(api.url, api.tls)));
  const headers = { ':method': 'POST', ':path': collection, 'content-type': 'application/json' };
  const create = (client: Http2Client, index: number): Promise<void> =>
    expectStatus(201, client.send(headers, configMap(`bench-${index}`, 0)));
  const { cpuUs, result: seconds } = await measureCpu(api.process.pid!, () => runOverClients(clients, objects, create));
  for (const client of clients) client.close();
  return { writesPerSecond: objects / seconds, cpuPerWriteUs: cpuUs / objects };
}

function service(name: string): Buffer {
  const spec = { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
  return Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }));
}

/** Milliseconds of lists of all Services, after creating them. */
async function measureLists(api: RunningApi): Promise<{ readonly listMs: number[]; readonly bytes: number }> {
  const path = '/api/v1/namespaces/default/services';
  const clients = await Promise.all(Array.from({ length: concurrency }, () => Http2Client.open(api.url, api.tls)));
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/json' };
  await runOverClients(clients, objects, (client, index) =>
    expectStatus(201, client.send(headers, service(`bench-${index}`))),
  );
  const [reader] = clients;
  const listMs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < listRounds; round += 1) {
    const began = performance.now();
    const answer = await reader!.send({ ':method': 'GET', ':path': path });
    listMs.push(performance.now() - began);
    bytes = answer.body.length;
    if (answer.status !== 200) throw new Error(`the list was answered ${answer.status}`);
  }
  for (const client of clients) client.close();
  return { listMs, bytes };
}

/** Milliseconds of single GETs while others write. */
async function measureReadsUnderLoad(api: RunningApi): Promise<number[]> {
  const count = loadWriters + loadReaders;
  const clients = await Promise.all(Array.from({ length: count }, () => Http2Client.open(api.url, api.tls)));
  const writers = clients.slice(0, loadWriters);
  const readers = clients.slice(loadWriters);
  let reading = true;
  const writing = writers.map(async (client, writer) => {
    for (let index = 0; reading; index += 1) {
      const name = `bench-${writer}`;
      const headers = { ':method': 'PUT', ':path': `${collection}/${name}`, 'content-type': 'application/json' };
      await expectStatus(200, client.send(headers, configMap(name, index)));
    }
  });
  const latencies: number[] = [];
  await runOverClients(readers, loadRequests, async (client, index) => {
    const began = performance.now();
    await expectStatus(200, client.send({ ':method': 'GET', ':path': `${collection}/bench-${index % objects}` }));
    latencies.push(performance.now() - began);
  });
  reading = false;
  await Promise.all(writing);
  for (const client of clients) client.close();
  return latencies;
}

/** Milliseconds from sending a write until each of the watchers has its event, per round. */
async function measureFanOut(api: RunningApi): Promise<{ readonly first: number[]; readonly last: number[] }> {
  const perSession = 50;
  const writer = await Http2Client.open(api.url, api.tls);
  const sessions = await Promise.all(
    Array.from({ length: watchers / perSession }, () => Http2Client.open(api.url, api.tls)),
  );
  const list = await writer.send({ ':method': 'GET', ':path': `${collection}?limit=1` });
  const { resourceVersion } = (JSON.parse(list.body.toString()) as { metadata: { resourceVersion: string } }).metadata;
  let arrived = 0;
  let firstAt = 0;
  let all = Promise.withResolvers<void>();
  const opened = sessions.flatMap((session) =>
    Array.from({ length: perSession }, async () => {
      const path = `${collection}?watch=1&resourceVersion=${resourceVersion}`;
      await session.follow({ ':path': path }, (chunk) => {
        // An event is one line.
        if (chunk.at(-1) !== 0x0a) return;
        if (arrived === 0) firstAt = performance.now();
        arrived += 1;
        if (arrived === watchers) all.resolve();
      });
    }),
  );
  await Promise.all(opened);
  const first: number[] = [];
  const last: number[] = [];
  const headers = { ':method': 'PUT', ':path': `${collection}/bench-0`, 'content-type': 'application/json' };
  for (let round = 1; round <= fanOutRounds; round += 1) {
    arrived = 0;
    all = Promise.withResolvers();
    const began = performance.now();
    const [, finished] = await Promise.all([
      expectStatus(200, writer.send(headers, configMap('bench-0', round))),
      all.promise.then(() => performance.now()),
    ]);
    first.push(firstAt - began);
    last.push(finished - began);
  }
  for (const session of [...sessions, writer]) session.close();
  return { first, last };
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
    await compareWithEtcd(folder, writes, children);
  } finally {
    for (const child of children) if (child.process.exitCode === null) child.process.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
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
