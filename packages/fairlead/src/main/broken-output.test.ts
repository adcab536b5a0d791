import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { watchOutput } from './broken-output.ts';

const program = fileURLToPath(new URL('../../bin/fairlead.mjs', import.meta.url));

const rows: readonly {
  readonly name: string;
  readonly serves: boolean;
  readonly code: string;
  readonly exits: readonly number[];
  readonly told: readonly string[];
}[] = [
  { name: 'the reader of a command has gone', serves: false, code: 'EPIPE', exits: [141], told: [] },
  {
    name: 'the disk under the output of a command is full',
    serves: false,
    code: 'ENOSPC',
    exits: [1],
    told: ['fairlead: cannot write: ENOSPC\n'],
  },
  { name: 'the reader of a role has gone', serves: true, code: 'EPIPE', exits: [], told: [] },
  { name: 'the terminal of a system was closed', serves: true, code: 'EIO', exits: [], told: [] },
];

for (const { name, serves, code, exits, told } of rows) {
  test(name, () => {
    const seen = { exits: [] as number[], told: [] as string[] };
    const stdout = new EventEmitter();
    const stderr = Object.assign(new EventEmitter(), { write: (text: string) => seen.told.push(text) });
    const watch = watchOutput({ stdout, stderr, exit: (status) => seen.exits.push(status) });
    if (serves) watch.serve();
    const error = Object.assign(new Error(code), { code });
    stdout.emit('error', error);
    stderr.emit('error', error);
    assert.deepEqual(seen, { exits, told });
  });
}

test('a command whose reader has gone ends without a word', async () => {
  const child = spawn(process.execPath, [program, 'up', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const told: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => told.push(chunk));
  const [status] = await once(child, 'close');
  assert.equal(Buffer.concat(told).toString(), '');
  assert.equal(status, 141);
});
