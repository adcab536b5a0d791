import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configMaps } from '@fairlead/api';
import { type ApiClient, ApiError, connect, loadKubeconfig } from '@fairlead/client';
import {
  type EtcdCluster,
  etcdSkip,
  startEtcd,
} from '../packages/fairlead/src/apiserver/storage/etcd/testing/etcd-cluster.ts';
import { systemClock, systemRandom } from '../packages/fairlead/src/sys/clock.ts';
import { freePort } from '../packages/fairlead/src/sys/testing/free-ports.ts';
import { eventually } from './system.ts';

/** More of them: FAIRLEAD_KILLS=300 (conformance/kill/run). */
const longForm = process.env.FAIRLEAD_KILLS;
const sqliteKills = Number(longForm ?? 15);
const etcdKills = Number(longForm ?? 9);
const writers = 8;
/** A kill comes at a random moment within this time after the server answers again. */
const longestLifeMs = 400;
const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));

/** What a writer was answered about one object: its last version, or that it is gone. */
interface Answered {
  version: number;
  value: string;
  /** A write that got no answer: it may have happened. */
  maybe: { readonly value: string | undefined } | undefined;
  deleted: boolean;
}

/** Creates, changes and deletes objects of its own until stopped, and keeps what it was answered. */
async function write(
  client: ApiClient,
  writer: number,
  known: Map<string, Answered>,
  stop: AbortSignal,
): Promise<void> {
  let highest = 0;
  const grown = (text: string | undefined): number => {
    const version = Number(text);
    assert.ok(version > highest, `version ${version} after ${highest}`);
    highest = version;
    return version;
  };
  for (let index = 0; !stop.aborted; index++) {
    const name = `w${writer}-${index}`;
    const value = `${index}`.padEnd((index * 97) % 2_000, 'x');
    const state: Answered = { version: 0, value, maybe: { value }, deleted: false };
    known.set(name, state);
    try {
      const metadata = { namespace: 'default', name };
      const created = await client.create(configMaps, { metadata, data: { value } });
      state.version = grown(created.metadata.resourceVersion);
      state.maybe = undefined;
      if (index % 3 === 0) {
        state.maybe = { value: `${value}!` };
        const updated = await client.update(configMaps, { ...created, data: { value: `${value}!` } });
        Object.assign(state, {
          version: grown(updated.metadata.resourceVersion),
          value: `${value}!`,
          maybe: undefined,
        });
      }
      if (index % 7 === 0) {
        state.maybe = { value: undefined };
        await client.delete(configMaps, metadata);
        Object.assign(state, { deleted: true, maybe: undefined });
      }
    } catch (error) {
      // No answer, or that the store does not answer: the outcome stays open.
      assert.ok(error instanceof ApiError && [0, 503, 504].includes(error.code), String(error));
      await systemClock.sleep(10);
    }
  }
}

function check(name: string, state: Answered, present: Map<string, { value: string; version: number }>): void {
  const found = present.get(name);
  const { maybe } = state;
  if (found === undefined) {
    const allowed = state.deleted || (maybe !== undefined && (state.version === 0 || maybe.value === undefined));
    assert.ok(allowed, `${name} was answered at version ${state.version} and is lost`);
    return;
  }
  assert.ok(!state.deleted, `${name} was deleted and is back`);
  if (found.version === state.version) assert.equal(found.value, state.value, name);
  else {
    assert.ok(maybe !== undefined && found.version > state.version, `${name} is at ${found.version}`);
    assert.equal(found.value, maybe.value, name);
  }
}

async function killUnderWrites(
  kills: number,
  datastore: (folder: string) => string,
  etcd?: EtcdCluster,
): Promise<void> {
  // Not /tmp: that may be memory, where nothing is ever half written.
  const folder = mkdtempSync('/var/tmp/fairlead-kill-');
  const port = await freePort();
  const kubeconfig = join(folder, 'kubeconfig');
  const start = (): ChildProcess =>
    spawn(
      process.execPath,
      [
        ...[
          program,
          'apiserver',
          '--data-dir',
          folder,
          '--api-listen',
          `127.0.0.1:${port}`,
          '--kubeconfig',
          kubeconfig,
        ],
        ...['--datastore', datastore(folder), '--compact-every', '1s', '--log-level', 'error'],
      ],
      { stdio: 'inherit' },
    );
  let server = start();
  const stop = new AbortController();
  const clients: ApiClient[] = [];
  try {
    await eventually('the kubeconfig', async () => existsSync(kubeconfig));
    const config = loadKubeconfig(kubeconfig);
    const surroundings = { clock: systemClock, random: systemRandom };
    const client = connect(config, surroundings);
    clients.push(client);
    const list = async (): Promise<{ version: number; present: Map<string, { value: string; version: number }> }> => {
      const { items, resourceVersion } = await client.list(configMaps, { namespace: 'default' });
      const present = items.map(({ metadata, data }) => {
        const { name = '', resourceVersion: version } = metadata;
        return [name, { value: data?.value ?? '', version: Number(version) }] as const;
      });
      return { version: Number(resourceVersion), present: new Map(present) };
    };
    const answers = (): Promise<{ version: number }> =>
      eventually('the server to answer', () => list().catch(() => undefined));
    let highest = (await answers()).version;
    const known = Array.from({ length: writers }, () => new Map<string, Answered>());
    const writing = known.map((map, writer) => {
      const own = connect(config, surroundings);
      clients.push(own);
      return write(own, writer, map, stop.signal);
    });
    for (let round = 0; round < kills; round++) {
      await systemClock.sleep(Math.random() * longestLifeMs);
      // With etcd, the store itself dies every third time.
      if (etcd !== undefined && round % 3 === 2) {
        await etcd.kill(0);
        await etcd.restart(0);
      } else {
        const exited = once(server, 'exit');
        server.kill('SIGKILL');
        await exited;
        server = start();
      }
      const { version } = await answers();
      assert.ok(version >= highest, `the store is at ${version} after ${highest}`);
      highest = version;
    }
    stop.abort();
    await Promise.all(writing);
    const { present } = await list();
    let objects = 0;
    for (const map of known) {
      for (const [name, state] of map) check(name, state, present);
      objects += [...map.values()].filter(({ version }) => version > 0).length;
    }
    process.stdout.write(`${kills} kills, ${objects} objects answered\n`);
    assert.ok(objects > kills, `only ${objects} objects`);
  } finally {
    stop.abort();
    for (const client of clients) await client.close();
    if (server.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit');
      server.kill('SIGKILL');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

test(`SIGKILL ${sqliteKills} times under 8 writers loses nothing that was answered: SQLite`, () =>
  killUnderWrites(sqliteKills, (folder) => `sqlite:${join(folder, 'state.db')}`));

test(`SIGKILL ${etcdKills} times under 8 writers loses nothing that was answered: etcd`, {
  skip: etcdSkip(),
}, async () => {
  const etcd = await startEtcd();
  try {
    await killUnderWrites(etcdKills, () => etcd.endpoints[0]!.replace('http:', 'etcd:'), etcd);
  } finally {
    await etcd.dispose();
  }
});
