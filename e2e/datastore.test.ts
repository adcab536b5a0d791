import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configMaps, services } from '@fairlead/api';
import { type ApiClient, connect, loadKubeconfig } from '@fairlead/client';
import {
  type EtcdCluster,
  etcdSkip,
  startEtcd,
} from '../packages/fairlead/src/apiserver/storage/etcd/testing/etcd-cluster.ts';
import { systemClock, systemRandom } from '../packages/fairlead/src/sys/clock.ts';
import { freePort } from '../packages/fairlead/src/sys/testing/free-ports.ts';
import { command, eventually, type Outcome } from './system.ts';

const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fairlead-datastore-'));
const dataDir = join(folder, 'data');
const kubeconfig = join(dataDir, 'kubeconfig');
let etcd: EtcdCluster | undefined;
let server: ChildProcess | undefined;
let client: ApiClient | undefined;

before(async () => {
  if (etcdSkip() === false) etcd = await startEtcd();
});
after(async () => {
  await stop();
  await etcd?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const datastore = (...args: readonly string[]): Promise<Outcome> =>
  command(process.execPath, [program, 'datastore', ...args]);

async function start(...args: readonly string[]): Promise<ApiClient> {
  const port = await freePort();
  rmSync(kubeconfig, { force: true });
  const address = ['--data-dir', dataDir, '--api-listen', `127.0.0.1:${port}`, '--kubeconfig', kubeconfig];
  server = spawn(process.execPath, [program, 'apiserver', ...address, ...args], { stdio: 'inherit' });
  await eventually('the kubeconfig', async () => existsSync(kubeconfig));
  client = connect(loadKubeconfig(kubeconfig), { clock: systemClock, random: systemRandom });
  return client;
}

async function stop(): Promise<void> {
  await client?.close();
  client = undefined;
  if (server === undefined || server.exitCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  await exited;
}

const name = (of: string): { readonly namespace: string; readonly name: string } => ({
  namespace: 'default',
  name: of,
});
const backup = join(folder, 'backup.jsonl');
let clusterIp: string | undefined;
let lastVersion = 0;

test('a backup of a running server holds what was there, at one revision', async () => {
  const api = await start();
  await api.create(configMaps, { metadata: name('kept'), data: { a: '1' } });
  const spec = { type: 'NodePort', ports: [{ port: 80 }] } as const;
  clusterIp = (await api.create(services, { metadata: name('web'), spec: { ...spec, ports: [...spec.ports] } })).spec
    ?.clusterIP;
  const made = await datastore('backup', backup, '--kubeconfig', kubeconfig);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^\S+backup\.jsonl: [0-9]+ objects at revision [0-9]+$/m);
  assert.equal(statSync(backup).mode & 0o777, 0o600, 'it holds Secrets');
  const later = await api.create(configMaps, { metadata: name('later'), data: {} });
  lastVersion = Number(later.metadata.resourceVersion);
});

test('a store in use is neither read nor written behind its server', async () => {
  for (const args of [
    ['backup', join(folder, 'no'), '--datastore', `sqlite:${join(dataDir, 'state.db')}`],
    ['restore', backup, '--data-dir', dataDir, '--overwrite'],
  ]) {
    const refused = await datastore(...args);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /in use by another process/);
  }
  assert.ok(!existsSync(join(folder, 'no')));
});

test('restore wants an empty store or to be told; then all is as it was, at higher versions', async () => {
  await stop();
  const refused = await datastore('restore', backup, '--data-dir', dataDir);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /not empty; --overwrite/);
  const done = await datastore('restore', backup, '--data-dir', dataDir, '--overwrite');
  assert.equal(done.status, 0, done.stderr);
  const api = await start();
  const kept = await api.get(configMaps, name('kept'));
  assert.deepEqual(kept.data, { a: '1' });
  assert.ok(Number(kept.metadata.resourceVersion) > lastVersion);
  assert.equal((await api.get(services, name('web'))).spec?.clusterIP, clusterIp);
  await assert.rejects(api.get(configMaps, name('later')), /not found/);
  // A watch from before the restore has to start anew.
  for await (const event of api.watch(configMaps, { namespace: 'default', resourceVersion: String(lastVersion) })) {
    assert.ok(event.type === 'ERROR' && event.object.code === 410, JSON.stringify(event));
    break;
  }
  lastVersion = Number((await api.list(configMaps)).resourceVersion);
  await stop();
});

test('a damaged backup changes nothing', async () => {
  const damaged = join(folder, 'damaged.jsonl');
  writeFileSync(damaged, readFileSync(backup, 'utf8').replace('"a":"1"', '"a":"2"'));
  const refused = await datastore('restore', damaged, '--data-dir', dataDir, '--overwrite');
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /damaged at line [0-9]+: the checksum does not match/);
});

test('migrate to etcd and back keeps every object, and versions grow', { skip: etcdSkip() }, async () => {
  const sqlite = `sqlite:${join(dataDir, 'state.db')}`;
  const url = etcd!.endpoints[0]!.replace('http:', 'etcd:');
  const there = await datastore('migrate', sqlite, url);
  assert.equal(there.status, 0, there.stderr);
  const again = await datastore('migrate', sqlite, url);
  assert.match(again.stderr, /not empty; --overwrite/);
  let api = await start('--datastore', url);
  assert.deepEqual((await api.get(configMaps, name('kept'))).data, { a: '1' });
  const added = await api.create(configMaps, { metadata: name('added'), data: {} });
  assert.ok(Number(added.metadata.resourceVersion) > lastVersion);
  lastVersion = Number(added.metadata.resourceVersion);
  // Node ports are still claimed: a second Service cannot have the first one's.
  const web = await api.get(services, name('web'));
  const nodePort = web.spec?.ports?.[0]?.nodePort;
  assert.ok(nodePort !== undefined);
  const rival = { metadata: name('rival'), spec: { type: 'NodePort' as const, ports: [{ port: 80, nodePort }] } };
  await assert.rejects(api.create(services, rival), /already allocated/);
  await stop();
  const back = await datastore('migrate', url, sqlite, '--overwrite');
  assert.equal(back.status, 0, back.stderr);
  api = await start();
  const { items, resourceVersion } = await api.list(configMaps, { namespace: 'default' });
  assert.deepEqual(items.map(({ metadata }) => metadata.name).sort(), ['added', 'kept']);
  assert.ok(Number(resourceVersion) > lastVersion);
  await stop();
});
