import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

/** Writes groups of keys, one group after the other, and prints a line when a group was answered. */
const writer = `
  import { SqliteStorage } from ${JSON.stringify(import.meta.resolve('./sqlite-storage.ts'))};
  const storage = await SqliteStorage.open(process.argv[1]);
  for (let group = 0; group < 20; group++) {
    await Promise.all(Array.from({ length: 3 }, (_, index) =>
      storage.commit({ key: '/k/' + group + '-' + index, expect: 0, value: 'value of group ' + group })));
    process.stdout.write('answered ' + group + '\\n');
  }
  await storage.close();
`;

/** A finished system call of one thread, in the order of their ends. */
interface Call {
  readonly thread: number;
  readonly text: string;
}

/** Joins the halves of calls that others came in between. */
function finishedCalls(trace: string): Call[] {
  const begun = new Map<number, string>();
  const calls: Call[] = [];
  for (const line of trace.split('\n')) {
    const [, threadText, text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const thread = Number(threadText);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    if (text.endsWith('<unfinished ...>')) begun.set(thread, text.slice(0, -'<unfinished ...>'.length));
    else if (resumed !== null) calls.push({ thread, text: `${begun.get(thread) ?? ''}${resumed[1]}` });
    else if (text !== '') calls.push({ thread, text });
  }
  return calls;
}

function straceObstacle(): string | false {
  const tried = spawnSync('strace', ['-o', '/dev/null', 'true']);
  if (tried.error !== undefined) return 'needs strace';
  return tried.status === 0 ? false : 'strace may not trace here';
}

test('a write is on disk before it is answered, and the answering thread never waits for the disk', {
  skip: straceObstacle(),
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-order-'));
  try {
    const trace = join(folder, 'trace');
    const file = join(folder, 'state.db');
    const filter = ['-f', '-y', '-s', '40', '-e', 'trace=pwrite64,fdatasync,fsync,write'];
    const script = ['--input-type=module', '-e', writer, file];
    const { status, stderr } = spawnSync('strace', [...filter, '-o', trace, process.execPath, ...script], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const calls = finishedCalls(readFileSync(trace, 'latin1'));
    const isLog = ({ text }: Call): boolean => text.includes(`${file}-wal>`);
    const answers = calls.flatMap(({ text }, index) => (/^write\(.*"answered /.test(text) ? [index] : []));
    assert.equal(answers.length, 20);
    const main = calls[answers[0]!]!.thread;
    let before = 0;
    for (const answer of answers) {
      const group = calls.slice(before, answer);
      const written = group.findLastIndex((call) => isLog(call) && call.text.startsWith('pwrite64('));
      const synced = group.findLastIndex((call) => isLog(call) && /^f(data)?sync\(.*= 0/.test(call.text));
      assert.ok(written >= 0 && synced > written, `${calls[answer]!.text}: ${JSON.stringify(group)}`);
      before = answer + 1;
    }
    const ofMain = calls.filter(({ thread, text }) => thread === main && text.includes(file));
    assert.deepEqual(ofMain, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
