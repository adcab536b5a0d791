import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { type ChildSpec, restartDelayMs, type Supervisor, startSupervisor } from './supervisor.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-supervisor-'));
after(() => rmSync(folder, { recursive: true }));
const quiet: Log = () => {};

/** A real role process, run by the real child protocol, that writes what happens to a journal. */
function role(name: string, rank: number, behaviour = '', whileStopping = ''): ChildSpec {
  const file = join(folder, `${name}.ts`);
  const journal = join(folder, 'journal');
  writeFileSync(
    file,
    `import { appendFileSync } from 'node:fs';
     import { FatalError, runRole } from '${new URL('./role-process.ts', import.meta.url).pathname}';
     const note = (text) => appendFileSync('${journal}', '${name} ' + text + '\\n');
     const alive = setInterval(() => {}, 1000);
     process.exitCode = await runRole(async () => {
       ${behaviour}
       note('start');
       return { facts: { pid: String(process.pid) }, stop: async () => { note('stop'); ${whileStopping} clearInterval(alive); } };
     }, () => {});
     clearInterval(alive);
     process.disconnect?.();`,
  );
  return { name, rank, command: process.execPath, args: [file], env: process.env };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = systemClock.monotonicMs() + 60_000;
  while (!condition()) {
    assert.ok(systemClock.monotonicMs() < deadline, 'deadline');
    await systemClock.sleep(10);
  }
}

const stateOf = (supervisor: Supervisor, name: string) =>
  supervisor.children().find((child) => child.name === name) ?? assert.fail(name);

test('ranks start in order and stop in reverse; a killed child comes back', async () => {
  writeFileSync(join(folder, 'journal'), '');
  const supervisor = startSupervisor({
    children: [role('edge', 2), role('core', 0), role('middle', 1)],
    clock: systemClock,
    log: quiet,
  });
  try {
    const facts = await supervisor.ready;
    assert.deepEqual([...facts.keys()], ['core', 'middle', 'edge']);
    const first = stateOf(supervisor, 'core').pid;
    assert.ok(first !== undefined);
    process.kill(first, 'SIGKILL');
    await until(() => stateOf(supervisor, 'core').pid !== first && stateOf(supervisor, 'core').state === 'ready');
  } finally {
    await supervisor.stop();
  }
  assert.deepEqual(readFileSync(join(folder, 'journal'), 'utf8').trim().split('\n'), [
    'core start',
    'middle start',
    'edge start',
    'core start',
    'edge stop',
    'middle stop',
    'core stop',
  ]);
});

test('a role that takes its time to stop gets it; killed, it does not', async () => {
  writeFileSync(join(folder, 'journal'), '');
  const slow = role('slow', 0, '', "await new Promise((resolve) => setTimeout(resolve, 3000)); note('tidied up');");
  const journal = (): string => readFileSync(join(folder, 'journal'), 'utf8');
  const patient = startSupervisor({ children: [slow], clock: systemClock, log: quiet });
  await patient.ready;
  await patient.stop();
  assert.equal(journal(), 'slow start\nslow stop\nslow tidied up\n');
  const hasty = startSupervisor({ children: [slow], clock: systemClock, log: quiet });
  await hasty.ready;
  const stopped = hasty.stop();
  await until(() => journal().endsWith('slow start\nslow stop\n'));
  hasty.kill();
  await stopped;
  assert.ok(journal().endsWith('slow start\nslow stop\n'), journal());
});

test('a fatal error before readiness is told once and stops the start', async () => {
  const supervisor = startSupervisor({
    children: [role('broken', 0, "throw new FatalError('port 80 is in use');")],
    clock: systemClock,
    log: quiet,
  });
  try {
    await assert.rejects(supervisor.ready, /port 80 is in use/);
  } finally {
    await supervisor.stop();
  }
});

test('restart delays', () => {
  assert.deepEqual([0, 1, 2, 3, 10].map(restartDelayMs), [0, 200, 400, 800, 5000]);
});
