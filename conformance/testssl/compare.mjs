// compare.mjs THEIRS OURS: fails where a finding of testssl.sh is worse in the second report than in the first.
import { readFileSync } from 'node:fs';

const RANKS = ['OK', 'INFO', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'];
const rank = (severity) => (severity === 'WARN' ? RANKS.indexOf('LOW') : RANKS.indexOf(severity));
const read = (path) => new Map(JSON.parse(readFileSync(path, 'utf8')).map((finding) => [finding.id, finding]));
const [theirs, ours] = process.argv.slice(2).map(read);
const graded = [...ours.values()].filter(({ severity }) => rank(severity) >= 0);
if (graded.length < 30) throw new Error(`testssl.sh told ${graded.length} findings only`);
let worse = 0;
for (const { id, severity, finding } of graded) {
  const other = theirs.get(id);
  // What only one of them has is judged by itself: anything from LOW on counts.
  const limit = other === undefined ? 'INFO' : other.severity;
  if (rank(severity) <= Math.max(rank(limit), rank('INFO'))) continue;
  worse++;
  console.log(`worse: ${id}: ${severity} ${finding}; nginx: ${other?.severity ?? '-'} ${other?.finding ?? ''}`);
}
for (const { id, severity, finding } of theirs.values()) {
  const own = ours.get(id);
  if (rank(severity) > rank('INFO') && (own === undefined || rank(own.severity) < rank(severity))) {
    console.log(`better: ${id}: ${own?.severity ?? '-'}; nginx: ${severity} ${finding}`);
  }
}
console.log(`${graded.length} findings, ${worse} worse than on nginx`);
process.exitCode = worse === 0 ? 0 : 1;
