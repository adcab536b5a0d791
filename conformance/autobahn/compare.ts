/**
 * Reads the index.json of reports of Autobahn's, later ones counting before earlier ones: fails if a case FAILED through the
 * gateway, or is worse there than without it (agent `direct`), or was not played by all ways. Writes the cases at fault
 * into the file given first.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Result {
  readonly behavior: string;
  readonly behaviorClose: string;
}

/** From good to bad; what is not here counts as the worst. */
const RANKS = ['OK', 'INFORMATIONAL', 'NON-STRICT', 'UNIMPLEMENTED', 'UNCLEAN', 'WRONG CODE'];
const rank = (behavior: string): number => (RANKS.includes(behavior) ? RANKS.indexOf(behavior) : RANKS.length);

const [faultsFile, ...files] = process.argv.slice(2);
if (faultsFile === undefined) throw new Error('usage: compare.ts FAULTS INDEX.json...');
const report: Record<string, Record<string, Result>> = {};
for (const file of files) {
  const read = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, Result>>;
  for (const [way, results] of Object.entries(read)) report[way] = { ...report[way], ...results };
}
const { direct, ...ways } = report;
if (direct === undefined || Object.keys(ways).length === 0)
  throw new Error('the report has no `direct`, or nothing else');
const faults: string[] = [];
const cases = new Set<string>();
for (const [way, results] of Object.entries({ direct, ...ways })) {
  const counts = new Map<string, number>();
  for (const { behavior } of Object.values(results)) counts.set(behavior, (counts.get(behavior) ?? 0) + 1);
  console.log(
    `${way}: ${Object.keys(results).length} cases, ${[...counts].map(([behavior, n]) => `${behavior} ${n}`).join(', ')}`,
  );
}
for (const [way, results] of Object.entries(ways)) {
  for (const [name, wanted] of Object.entries(direct)) {
    const got = results[name];
    const before = faults.length;
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
    if (faults.length > before) cases.add(name);
  }
}
for (const fault of faults) console.log(fault);
writeFileSync(faultsFile, [...cases].join(' '));
process.exitCode = faults.length === 0 ? 0 : 1;
