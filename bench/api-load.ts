import type { RunningApi } from './api-server.ts';
import type { WriteResult } from './etcd.ts';
import { Http2Client, runOverClients } from './http2-clients.ts';
import { treeCpuUs } from './process-cpu.ts';

/** Clients of the writes, each with a connection of its own. */
export const concurrency = 32;
/** Objects that are made. */
export const objects = 10_000;
/** Watches that one change goes to. */
export const watchers = 1_000;
/** Writers beside the readers whose answers are timed. */
export const loadWriters = 8;
const fanOutRounds = 30;
const listRounds = 7;
const loadReaders = 4;
const loadRequests = 4_000;

/** About 1 KB as JSON, as a ConfigMap of an application is. */
const payload = 'x'.repeat(800);

/** A ConfigMap whose versions differ. */
export function configMap(name: string, version: number): Buffer {
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

/** Creates objects as fast as the clients get answers; `processes` are those that the server consists of. */
export async function measureWrites(
  api: RunningApi,
  processes: readonly number[] = [api.process.pid!],
): Promise<WriteResult> {
  const clients = await Promise.all(Array.from({ length: concurrency }, () => Http2Client.open(api.url, api.tls)));
  const headers = { ':method': 'POST', ':path': collection, 'content-type': 'application/json' };
  const create = (client: Http2Client, index: number): Promise<void> =>
    expectStatus(201, client.send(headers, configMap(`bench-${index}`, 0)));
  const cpu = (): number => processes.reduce((sum, pid) => sum + treeCpuUs(pid), 0);
  const before = cpu();
  const seconds = await runOverClients(clients, objects, create);
  const cpuUs = cpu() - before;
  for (const client of clients) client.close();
  return { writesPerSecond: objects / seconds, cpuPerWriteUs: cpuUs / objects };
}

function service(name: string): Buffer {
  const spec = { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
  return Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }));
}

/** Milliseconds of lists of all Services, after creating them. */
export async function measureLists(api: RunningApi): Promise<{ readonly listMs: number[]; readonly bytes: number }> {
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
export async function measureReadsUnderLoad(api: RunningApi): Promise<number[]> {
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
export async function measureFanOut(api: RunningApi): Promise<{ readonly first: number[]; readonly last: number[] }> {
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
