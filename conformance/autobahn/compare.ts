/**
 * Reads the index.json of reports of Autobahn's: fails if a case FAILED through the gateway, or is worse there than
 * without it (agent `direct`), or was not played by all ways.
 */
import { readFileSync } from 'node:fs';

interface Result {
  readonly behavior: string;
  readonly behaviorClose: string;
}

/** From good to bad; what is not here counts as the worst. */
const RANKS = ['OK', 'INFORMATIONAL', 'NON-STRICT', 'UNIMPLEMENTED', 'UNCLEAN', 'WRONG CODE'];
const rank = (behavior: string): number => (RANKS.includes(behavior) ? RANKS.indexOf(behavior) : RANKS.length);

const reports = process.argv
  .slice(2)
  .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, Result>>);
const { direct, ...ways }: Record<string, Record<string, Result>> = Object.assign({}, ...reports);
if (direct === undefined || Object.keys(ways).length === 0)
  throw new Error('the report has no `direct`, or nothing else');
const faults: string[] = [];
for (const [way, results] of Object.entries({ direct, ...ways })) {
  const counts = new Map<string, number>();
  for (const { behavior } of Object.values(results)) counts.set(behavior, (counts.get(behavior) ?? 0) + 1);
  const cases = Object.keys(results).length;
  console.log(`${way}: ${cases} cases, ${[...counts].map(([behavior, n]) => `${behavior} ${n}`).join(', ')}`);
}
for (const [way, results] of Object.entries(ways)) {
  for (const [name, wanted] of Object.entries(direct)) {
    const got = results[name];
    if (got === undefined) faults.push(`${way} ${name}: not played`);
    else if (
      rank(got.behavior) > rank(wanted.behavior) ||
      rank(got.behaviorClose) > rank(wanted.behaviorClose) ||
      got.behavior === 'FAILED'
    ) {
      faults.push(
        `${way} ${name}: ${got.behavior}, close ${got.behaviorClose}; direct: ${wanted.behavior}, close ${wanted.behaviorClose}`,
      );
    }
  }
}
for (const fault of faults) console.log(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
