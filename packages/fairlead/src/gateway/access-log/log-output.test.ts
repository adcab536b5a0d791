import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Clock } from '../../sys/clock.ts';
import { systemClock } from '../../sys/clock.ts';
import { LogOutput } from './log-output.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-log-'));
});
after(() => rmSync(folder, { recursive: true }));

/** A clock that a test moves. */
function movedClock(): Clock & { nowMs: number } {
  const clock = { ...systemClock, nowMs: 1000, monotonicMs: () => clock.nowMs };
  return clock;
}

describe('where access log lines go', () => {
  test('a file, in order, readable by its group only', async () => {
    const path = join(folder, 'plain.log');
    const output = new LogOutput(path, systemClock, () => {});
    await output.start();
    await Promise.all([output.write('one\n'), output.write(`${'two'.repeat(100_000)}\n`), output.write('three\n')]);
    await output.close();
    assert.equal(readFileSync(path, 'utf8'), `one\n${'two'.repeat(100_000)}\nthree\n`);
    assert.equal(statSync(path).mode & 0o007, 0);
    await output.write('late\n');
    assert.doesNotMatch(readFileSync(path, 'utf8'), /late/);
  });

  test('lines are added to a file that is there', async () => {
    const path = join(folder, 'again.log');
    for (const line of ['one\n', 'two\n']) {
      const output = new LogOutput(path, systemClock, () => {});
      await output.write(line);
      await output.close();
    }
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  });

  for (const [name, isAsked] of [
    ['at a signal', true],
    ['by itself, within a second', false],
  ] as const) {
    test(`a file that was renamed is opened anew: ${name}`, async () => {
      const path = join(folder, `moved-${isAsked}.log`);
      const clock = movedClock();
      const output = new LogOutput(path, clock, () => {});
      await output.write('before\n');
      renameSync(path, `${path}.1`);
      if (isAsked) output.reopen();
      else {
        await output.write('still the old one\n');
        clock.nowMs += 1000;
      }
      await output.write('behind\n');
      await output.close();
      assert.equal(readFileSync(`${path}.1`, 'utf8'), isAsked ? 'before\n' : 'before\nstill the old one\n');
      assert.equal(readFileSync(path, 'utf8'), 'behind\n');
    });
  }

  test('a place that cannot be had is an error at the start', async () => {
    const output = new LogOutput(join(folder, 'none', 'x.log'), systemClock, () => {});
    await assert.rejects(output.start(), /ENOENT/);
  });

  test('lines that cannot be written are lost, which is told once a minute, and the next ones are not', async () => {
    const path = join(folder, 'lost.log');
    const clock = movedClock();
    const told: string[] = [];
    const output = new LogOutput(path, clock, (level, message) => told.push(`${level} ${message}`));
    await output.write('one\n');
    rmSync(path);
    // A name that is a folder cannot be opened for writing.
    renameSync(mkdtempSync(join(folder, 'dir-')), path);
    output.reopen();
    await output.write('two\n');
    await output.write('three\n');
    assert.deepEqual(told, ['warn access log lines are lost']);
    rmSync(path, { recursive: true });
    await output.write('four\n');
    await output.close();
    assert.ok(existsSync(path));
    assert.equal(readFileSync(path, 'utf8'), 'four\n');
  });
});
