import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock, systemRandom } from '../../../sys/clock.ts';
import { ApiServerError } from '../../api-server-error.ts';
import { type EtcdDatastore, openStorage } from '../open-storage.ts';
import type { Storage, StorageEvent } from '../storage.ts';
import { etcdSkip, startEtcd } from './testing/etcd-cluster.ts';

const skip =
  etcdSkip() ||
  (spawnSync('etcdctl', ['version']).error === undefined ? false : 'needs etcdctl (Debian package etcd-client)');

/** Administration by etcd's own tool, as its root. */
function etcdctl(endpoint: string, ...args: readonly string[]): void {
  const options = ['--endpoints', endpoint, '--user', 'root:of-etcd'];
  execFileSync('etcdctl', [...options, ...args], { env: { ...process.env, ETCDCTL_API: '3' }, stdio: 'pipe' });
}

/** Resolves when a key was told as written. */
function told(storage: Storage, key: string): Promise<StorageEvent> {
  return new Promise((resolve) => {
    const stop = storage.subscribe((events) => {
      const event = events.find(({ entry }) => entry.key === key);
      if (event === undefined) return;
      stop();
      resolve(event);
    });
  });
}

test('an etcd that wants a user and a password', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-etcd-user-'));
  const etcd = await startEtcd();
  const [endpoint = ''] = etcd.endpoints;
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const plain: EtcdDatastore = { kind: 'etcd', endpoints: etcd.endpoints, prefix: '/registry' };
  const as = (passwordFile: string): EtcdDatastore => ({ ...plain, user: { name: 'fairlead', passwordFile } });
  const open = (target: EtcdDatastore): ReturnType<typeof openStorage> =>
    openStorage(target, { clock: systemClock, random: systemRandom, log: () => undefined });
  try {
    etcdctl(endpoint, 'user', 'add', 'root:of-etcd');
    etcdctl(endpoint, 'user', 'grant-role', 'root', 'root');
    etcdctl(endpoint, 'role', 'add', 'cluster');
    // The prefix and no more.
    etcdctl(endpoint, 'role', 'grant-permission', '--prefix=true', 'cluster', 'readwrite', '/registry/');
    etcdctl(endpoint, 'user', 'add', 'fairlead:secret');
    etcdctl(endpoint, 'user', 'grant-role', 'fairlead', 'cluster');
    etcdctl(endpoint, 'auth', 'enable');
    const refused = (reason: RegExp) => (error: unknown) =>
      error instanceof ApiServerError && reason.test(error.message);
    await assert.rejects(open(plain), refused(/etcd: user name is empty/));
    await assert.rejects(open(as(file('wrong', 'guess'))), refused(/etcd: authentication failed/));
    await assert.rejects(open(as(join(folder, 'none'))), refused(/cannot read .*none/));
    const storage = await open(as(file('password', 'secret\n')));
    try {
      const first = told(storage, '/a/first');
      assert.ok((await storage.commit({ key: '/a/first', expect: 0, value: '1', lifetimeMs: 600_000 })).ok);
      await first;
      // Users change: tokens from before may be refused from then on.
      etcdctl(endpoint, 'user', 'add', 'other:secret');
      assert.ok((await storage.commit({ key: '/a/second', expect: 0, value: '1' })).ok);
      await storage.compact(storage.revision - 1);
      // A member that starts again knows no token.
      await etcd.kill(0);
      await etcd.restart(0);
      const third = told(storage, '/a/third');
      assert.ok((await storage.commit({ key: '/a/third', expect: 0, value: '1' })).ok);
      await third;
      await storage.catchUp();
      const all = await storage.range('/a/');
      assert.deepEqual(all.ok && all.entries.map(({ key }) => key), ['/a/first', '/a/second', '/a/third']);
      const history = await storage.replay('/a/', storage.revision - 1);
      assert.ok(history.ok);
    } finally {
      await storage.close();
    }
  } finally {
    await etcd.dispose();
    rmSync(folder, { recursive: true });
  }
});
