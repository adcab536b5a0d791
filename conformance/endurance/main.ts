import { endureChanges } from './churn.ts';
import { endureConnections } from './connections.ts';
import { CHANGE_KINDS, type ChangeKind } from './rig.ts';
import { endureSlowClients } from './slow.ts';

/** The trials, each with the argument it has unless one is given. */
const TRIALS: Readonly<Record<string, readonly [run: (amount: number) => Promise<readonly string[]>, amount: number]>> =
  {
    slow: [endureSlowClients, 10_000],
    churn: [(seconds) => endureChanges(seconds, changed, rate), 60],
    connections: [endureConnections, 1_000_000],
  };

const [name, given, what = 'all', perSecond = '20000'] = process.argv.slice(2);
const rate = Number(perSecond);
/** `routes,endpoints`: these alone; nothing: everything that can be changed. */
const changed: readonly ChangeKind[] =
  what === 'all' ? CHANGE_KINDS : CHANGE_KINDS.filter((kind) => what.split(',').includes(kind));
if (name !== undefined && TRIALS[name] === undefined) {
  process.stderr.write(`no trial ${name}; there are ${Object.keys(TRIALS).join(', ')}\n`);
  process.exit(1);
}
for (const [each, [run, amount]] of Object.entries(TRIALS)) {
  if (name !== undefined && name !== each) continue;
  const problems = await run(given === undefined ? amount : Number(given));
  for (const problem of problems) process.stdout.write(`${each}: FAILED: ${problem}\n`);
  if (problems.length === 0) process.stdout.write(`${each}: passed\n`);
  else process.exitCode = 1;
}
