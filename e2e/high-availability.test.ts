import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configMaps, leases, namespaces, type Service, services } from '@fairlead/api';
import { type ApiClient, ApiError, connect, loadKubeconfig } from '@fairlead/client';
import {
  type EtcdCluster,
  etcdSkip,
  startEtcd,
} from '../packages/fairlead/src/apiserver/storage/etcd/testing/etcd-cluster.ts';
import { systemClock, systemRandom } from '../packages/fairlead/src/sys/clock.ts';
import { freePorts } from '../packages/fairlead/src/sys/testing/free-ports.ts';
import { eventually } from './system.ts';

const skip = etcdSkip();
/** Further kills, of any server and any controllers, three of each: FAIRLEAD_HA_ROUNDS=40 (conformance/high-availability/run). */
const rounds = Number(process.env.FAIRLEAD_HA_ROUNDS ?? 0);
/** Services of each writer: together fewer than there are node ports. */
const servicesPerWriter = 200;
const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fairlead-ha-'));
const children = new Set<ChildProcess>();
const clients: ApiClient[] = [];
let etcd: EtcdCluster | undefined;

after(async () => {
  for (const client of clients) await client.close();
  await Promise.all([...children].map((child) => end(child, 'SIGKILL')));
  await etcd?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Ports that nobody listens on, below those that connections get: while a server is dead its port stays free. */
/** One API server that can be killed and started again at the same address. */
interface Server {
  /** `host:port`. */
  readonly address: string;
  readonly kubeconfig: string;
  readonly client: ApiClient;
  process: ChildProcess;
  start(): ChildProcess;
}

async function startServers(count: number, datastore: string): Promise<Server[]> {
  const ports = await freePorts(count);
  const servers = ports.map((port, index) => {
    const address = `127.0.0.1:${port}`;
    const dataDir = join(folder, `server-${index}`);
    const kubeconfig = join(dataDir, 'kubeconfig');
    const launch = (): ChildProcess =>
      start('apiserver', '--data-dir', dataDir, '--api-listen', address, '--datastore', datastore);
    return { address, kubeconfig, launch, process: launch() };
  });
  return Promise.all(
    servers.map(async ({ address, kubeconfig, launch, process }) => {
      await eventually('the kubeconfig', async () => existsSync(kubeconfig));
      const client = connect(loadKubeconfig(kubeconfig), { clock: systemClock, random: systemRandom });
      clients.push(client);
      return { address, kubeconfig, client, process, start: launch };
    }),
  );
}

/** Creates through one server, and through the next when that one does not answer; resolves to the object's version. */
async function createSomewhere(
  servers: readonly Server[],
  first: number,
  create: (client: ApiClient) => Promise<string>,
) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await create(servers[(first + attempt) % servers.length]!.client);
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      const unanswered = error.code === 0 || error.code === 503 || error.code === 504;
      // Created by an attempt that got no answer; whoever wrote it, it is there.
      if (error.reason === 'AlreadyExists' && attempt > 0) return undefined;
      if (!unanswered || attempt > 200) throw error;
      await systemClock.sleep(20);
    }
  }
}

/** Follows the ConfigMaps of a namespace from a version on, at whichever server answers. */
async function follow(
  servers: readonly Server[],
  from: string,
  seen: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  let version = from;
  let last = Number(from);
  for (let turn = 0; !signal.aborted; turn++) {
    const { client } = servers[turn % servers.length]!;
    try {
      const options = { namespace: 'default', resourceVersion: version, allowBookmarks: true, signal };
      for await (const event of client.watch(configMaps, options)) {
        assert.notEqual(event.type, 'ERROR', `a gap after ${version}: ${JSON.stringify(event.object)}`);
        if (event.type === 'ERROR') return;
        version = event.object.metadata.resourceVersion ?? version;
        if (event.type === 'BOOKMARK') continue;
        const { name = '' } = event.object.metadata;
        assert.ok(Number(version) > last, `${name}: version ${version} after ${last}`);
        assert.equal(event.type, 'ADDED', name);
        assert.ok(!seen.has(name), `${name} was told twice`);
        last = Number(version);
        seen.set(name, last);
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await systemClock.sleep(20);
    }
  }
}

/** Controllers that go to another server when the one of their kubeconfig is gone. */
function startControllers(servers: readonly Server[], { address, kubeconfig }: Server): ChildProcess {
  const addresses = [address, ...servers.map((server) => server.address).filter((other) => other !== address)];
  const access = ['--kubeconfig', kubeconfig, '--api-servers', addresses.join(',')];
  return start('controllers', '--log-level', 'error', ...access);
}

/** Starts and writes of the long form may take a while: it runs wherever there is room, and looks at no times. */
const patienceMs = 180_000;

/** The long form: every few seconds one server and, every third time, all controllers of one server. */
async function killManyTimes(servers: readonly Server[], answers: () => Promise<number>): Promise<void> {
  const launch = (server: Server): ChildProcess => startControllers(servers, server);
  const controllers = rounds > 0 ? servers.map(launch) : [];
  for (let round = 0; round < rounds; round++) {
    const index = Math.floor(Math.random() * servers.length);
    const victim = servers[index]!;
    if (round % 3 === 2) {
      await end(controllers[index]!, 'SIGKILL');
      controllers[index] = launch(victim);
    }
    await end(victim.process, 'SIGKILL');
    await systemClock.sleep(Math.random() * 1_000);
    victim.process = victim.start();
    const alive = async () => victim.client.get(namespaces, { name: 'default' }).catch(() => false as const);
    await eventually('the server again', alive, patienceMs);
    const before = await answers();
    await eventually('writes to go on', async () => (await answers()) > before + 50, patienceMs);
  }
  if (rounds > 0) process.stdout.write(`${rounds} more kills, ${await answers()} objects answered\n`);
}

test('two API servers and two controllers over one etcd, one of each killed under writes', { skip }, async () => {
  etcd = await startEtcd();
  const datastore = etcd.endpoints[0]!.replace('http:', 'etcd:');
  const servers = await startServers(rounds > 0 ? 3 : 2, datastore);
  const [a, b] = servers as [Server, Server];
  const holder = async (): Promise<string | undefined> => {
    const name = { namespace: 'kube-system', name: 'fairlead-controllers' };
    return (await b.client.get(leases, name).catch(() => undefined))?.spec?.holderIdentity;
  };
  const firstControllers = startControllers(servers, a);
  const firstLeader = await eventually('a leader', holder);
  const secondControllers = startControllers(servers, b);

  const stopWriting = new AbortController();
  const stopWatching = new AbortController();
  const { resourceVersion } = await a.client.list(configMaps, { namespace: 'default' });
  const seen = [new Map<string, number>(), new Map<string, number>()];
  const watching = [
    follow(servers, resourceVersion, seen[0]!, stopWatching.signal),
    follow([b, a], resourceVersion, seen[1]!, stopWatching.signal),
  ];
  const answered = new Map<string, number | undefined>();
  const addresses: string[] = [];
  const nodePorts: number[] = [];
  const write = async (writer: number): Promise<void> => {
    let last = 0;
    for (let index = 0; !stopWriting.signal.aborted; index++) {
      const metadata = { namespace: 'default', name: `w${writer}-${index}` };
      const version = await createSomewhere(servers, writer, async (client) => {
        const created = await client.create(configMaps, { metadata, data: { index: String(index) } });
        return created.metadata.resourceVersion ?? '';
      });
      answered.set(metadata.name, version === undefined ? undefined : Number(version));
      if (version !== undefined) {
        assert.ok(Number(version) > last, `version ${version} after ${last}`);
        last = Number(version);
      }
      await systemClock.sleep(2);
      if (index % 5 !== 0 || index >= servicesPerWriter * 5) continue;
      const spec: Service['spec'] = { type: 'NodePort', ports: [{ port: 80 }] };
      await createSomewhere(servers, writer, async (client) => {
        await client.create(services, { metadata, spec });
        return '';
      });
    }
  };
  const writing = [0, 1, 2, 3].map(write);
  try {
    await eventually('writes', async () => answered.size > 100);
    await end(a.process, 'SIGKILL');
    const before = answered.size;
    await eventually('writes while one server is dead', async () => answered.size > before + 100);
    // Whoever leads does so through the other server.
    await b.client.create(namespaces, { metadata: { name: 'meanwhile' } });
    await eventually('the controllers at another server', async () =>
      b.client.get(configMaps, { namespace: 'meanwhile', name: 'kube-root-ca.crt' }).catch(() => false),
    );
    a.process = a.start();
    await eventually('the server again', async () => a.client.get(namespaces, { name: 'default' }).catch(() => false));
    // The leader dies; the other may lead when the Lease has run out.
    const leader = await eventually('a leader', holder);
    await Promise.all([
      end(leader === firstLeader ? firstControllers : secondControllers, 'SIGKILL'),
      end(b.process, 'SIGKILL'),
    ]);
    b.process = b.start();
    await eventually('leadership to move', async () => {
      const now = await holder();
      return now !== undefined && now !== leader;
    });
    await b.client.create(namespaces, { metadata: { name: 'after' } });
    await eventually('the controllers at work', async () =>
      b.client.get(configMaps, { namespace: 'after', name: 'kube-root-ca.crt' }).catch(() => false),
    );
    await killManyTimes(servers, async () => answered.size);
  } catch (error) {
    stopWatching.abort();
    throw error;
  } finally {
    stopWriting.abort();
    await Promise.all(writing);
  }
  const present = await a.client.list(configMaps, { namespace: 'default' });
  const versions = new Map(present.items.map(({ metadata }) => [metadata.name, Number(metadata.resourceVersion)]));
  for (const [name, version] of answered) {
    assert.ok(versions.has(name), `${name} was answered and is lost`);
    if (version !== undefined) assert.equal(versions.get(name), version, name);
  }
  for (const map of seen) {
    await eventually('the watches to have told everything', async () =>
      [...answered.keys()].every((name) => map.has(name)),
    );
    for (const name of answered.keys()) assert.equal(map.get(name), versions.get(name), name);
  }
  stopWatching.abort();
  await Promise.all(watching);
  for (const { spec } of (await b.client.list(services, { namespace: 'default' })).items) {
    addresses.push(spec?.clusterIP ?? '');
    for (const { nodePort } of spec?.ports ?? []) if (nodePort !== undefined) nodePorts.push(nodePort);
  }
  assert.ok(nodePorts.length > 40, `${nodePorts.length} Services`);
  assert.equal(new Set(addresses).size, addresses.length, 'each cluster IP once');
  assert.equal(new Set(nodePorts).size, nodePorts.length, 'each node port once');
});
