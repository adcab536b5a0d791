import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiServerError } from '../../api-server-error.ts';
import { SqliteStorage } from './sqlite-storage.ts';

function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'fairlead-failure-'));
}

test('a log that ends anywhere opens, with every write that was on disk by then', async () => {
  const folder = temporary();
  try {
    const file = join(folder, 'state.db');
    const storage = await SqliteStorage.open(file);
    const durable: { readonly key: string; readonly revision: number; readonly logBytes: number }[] = [];
    for (let index = 0; index < 40; index++) {
      const key = `/a/${index}`;
      const result = await storage.commit({ key, expect: 0, value: 'v'.repeat((index * 337) % 5_000) });
      assert.ok(result.ok);
      // Answered: the log was synced up to here.
      durable.push({ key, revision: result.entry.modRevision, logBytes: statSync(`${file}-wal`).size });
    }
    const base = readFileSync(file);
    const log = readFileSync(`${file}-wal`);
    await storage.close();
    for (let attempt = 0; attempt < 40; attempt++) {
      // Spread over the log, at no page boundary; every other one ends in bytes of nothing instead of an end.
      const length = Math.floor((log.length * attempt) / 40) + (attempt % 7);
      const torn = Buffer.from(attempt % 2 === 0 ? log.subarray(0, length) : log);
      if (attempt % 2 === 1) torn.fill(0x5a, length);
      const copy = join(folder, `torn-${attempt}`);
      mkdirSync(copy);
      writeFileSync(join(copy, 'state.db'), base);
      writeFileSync(join(copy, 'state.db-wal'), torn);
      const opened = await SqliteStorage.open(join(copy, 'state.db'));
      try {
        const wanted = durable.filter(({ logBytes }) => logBytes <= length);
        for (const { key, revision } of wanted) assert.equal((await opened.get(key))?.modRevision, revision, key);
        assert.ok(opened.revision >= (wanted.at(-1)?.revision ?? 1));
        const next = await opened.commit({ key: '/a/next', expect: 0, value: '1' });
        assert.ok(next.ok && next.entry.modRevision > (wanted.at(-1)?.revision ?? 0));
      } finally {
        await opened.close();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const mountSkip = process.platform === 'linux' && process.getuid?.() === 0 ? false : 'needs root on Linux';

test('a full disk refuses writes, loses nothing, and takes writes again when there is room', {
  skip: mountSkip,
}, async () => {
  const folder = temporary();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'fairlead-test', folder]);
  try {
    const file = join(folder, 'state.db');
    const ballast = join(folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    let storage = await SqliteStorage.open(file);
    const answered = new Map<string, number>();
    const told: unknown[] = [];
    storage.subscribe((events) => told.push(...events));
    let refused = 0;
    for (let index = 0; refused < 20; index++) {
      assert.ok(index < 5_000, 'the disk never became full');
      const batch = [0, 1, 2, 3].map((part) => ({ key: `/a/${index}-${part}`, expect: 0, value: 'v'.repeat(4_000) }));
      const results = await Promise.allSettled(batch.map((write) => storage.commit(write)));
      for (const [at, result] of results.entries()) {
        if (result.status === 'fulfilled') {
          assert.ok(result.value.ok);
          answered.set(batch[at]!.key, result.value.entry.modRevision);
        } else {
          const error: unknown = result.reason;
          assert.ok(error instanceof ApiServerError && error.code === 'StorageFull', String(error));
          refused += 1;
        }
      }
    }
    assert.equal(told.length, answered.size, 'no event of a write that was refused');
    const check = async (): Promise<void> => {
      for (const [key, revision] of answered) assert.equal((await storage.get(key))?.modRevision, revision, key);
      const all = await storage.range('/a/');
      assert.ok(all.ok);
      assert.equal(all.entries.length, answered.size);
    };
    await check();
    // A server that starts on a full disk still serves what there is.
    await storage.close();
    storage = await SqliteStorage.open(file);
    await check();
    rmSync(ballast);
    const again = await storage.commit({ key: '/a/again', expect: 0, value: 'x' });
    assert.ok(again.ok && again.entry.modRevision > Math.max(...answered.values()));
    answered.set('/a/again', again.entry.modRevision);
    await storage.close();
    storage = await SqliteStorage.open(file);
    await check();
    await storage.close();
  } finally {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
});
