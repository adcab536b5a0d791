import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ApiServerError } from '../../api-server-error.ts';
import { describeStorage } from '../storage-conformance.ts';
import { SqliteStorage } from './sqlite-storage.ts';

function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'fairlead-storage-'));
}

describeStorage('sqlite', async () => {
  const folder = temporary();
  const file = join(folder, 'state.db');
  let storage = await SqliteStorage.open(file);
  return {
    storage,
    async reopen() {
      await storage.close();
      storage = await SqliteStorage.open(file);
      return storage;
    },
    async dispose() {
      await storage.close();
      rmSync(folder, { recursive: true });
    },
  };
});

const refusals: readonly {
  readonly name: string;
  readonly code: string;
  readonly spoil: (file: string) => void;
}[] = [
  { name: 'text', code: 'DataCorrupt', spoil: (file) => writeFileSync(file, 'not a database at all\n'.repeat(20)) },
  { name: 'a short file', code: 'DataCorrupt', spoil: (file) => writeFileSync(file, 'SQLite format 3\0') },
  {
    name: 'a database of another program',
    code: 'DataForeign',
    spoil(file) {
      const database = new DatabaseSync(file);
      database.exec('CREATE TABLE t (a)');
      database.close();
    },
  },
  {
    name: 'a newer layout',
    code: 'DataForeign',
    spoil(file) {
      const database = new DatabaseSync(file);
      database.exec(`PRAGMA application_id = ${0x46_4c_44_53}; PRAGMA user_version = 99; CREATE TABLE t (a)`);
      database.close();
    },
  },
];

for (const { name, code, spoil } of refusals) {
  test(`${name} is refused and not touched`, async () => {
    const folder = temporary();
    try {
      const file = join(folder, 'state.db');
      spoil(file);
      const before = readFileSync(file);
      await assert.rejects(
        SqliteStorage.open(file),
        (error: unknown) => error instanceof ApiServerError && error.code === code && !error.message.includes('\n'),
      );
      assert.deepEqual(readFileSync(file), before);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test('a damaged page is found and the file not touched', async () => {
  const folder = temporary();
  try {
    const file = join(folder, 'state.db');
    const storage = await SqliteStorage.open(file);
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        storage.commit({ key: `/a/${index}`, expect: 0, value: 'x'.repeat(500) }),
      ),
    );
    await storage.close();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 8192, 16384);
    writeFileSync(file, bytes);
    await assert.rejects(
      SqliteStorage.open(file),
      (error: unknown) => error instanceof ApiServerError && error.code === 'DataCorrupt',
    );
    assert.deepEqual(readFileSync(file), bytes);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Writes keys as fast as it can and prints each one that was answered. */
const writer = `
  import { SqliteStorage } from ${JSON.stringify(import.meta.resolve('./sqlite-storage.ts'))};
  const storage = await SqliteStorage.open(process.argv[1]);
  console.log('open');
  for (let round = 0; ; round++) {
    const results = await Promise.all(Array.from({ length: 8 }, (_, index) =>
      storage.commit({ key: '/k/' + round + '-' + index, expect: 0, value: 'v' + round })));
    process.stdout.write(results.map((result) => result.entry.key + ' ' + result.entry.modRevision + '\\n').join(''));
  }
`;

test('SIGKILL loses nothing that was answered, and a second process is refused', async () => {
  const folder = temporary();
  try {
    const file = join(folder, 'state.db');
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    let refusal: unknown;
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      output += chunk.toString();
      if (refusal === undefined && output.includes('open')) {
        try {
          await SqliteStorage.open(file);
          refusal = 'opened';
        } catch (error) {
          refusal = error;
        }
      }
      if (output.length > 20_000) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.ok(refusal instanceof ApiServerError && refusal.code === 'DataLocked', String(refusal));
    const storage = await SqliteStorage.open(file);
    try {
      const answered = output.slice(0, output.lastIndexOf('\n')).split('\n').slice(1);
      assert.ok(answered.length > 100);
      for (const line of answered) {
        const [key = '', revision] = line.split(' ');
        assert.equal((await storage.get(key))?.modRevision, Number(revision), key);
      }
    } finally {
      await storage.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
