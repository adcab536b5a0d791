/**
 * Compares what `hashes` prints with our own: `compare.ts types FILE` the Go types with the table that we have,
 * `compare.ts vectors FILE` the hashes. Exit status 1: they differ.
 */
import { readFileSync } from 'node:fs';
import { goNames, goStructs } from '../../packages/fairlead/src/controllers/workload/go-pod-template.ts';
import {
  revisionData,
  revisionHash,
  templateHash,
} from '../../packages/fairlead/src/controllers/workload/template-hash.ts';
import { readHashes } from '../../packages/fairlead/src/controllers/workload/testing/template-hashes.ts';

const [what = '', file = ''] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const differences: string[] = [];
let compared = 0;
if (what === 'types') {
  const ours = new Set([...goStructs.trim().split('\n'), ...goNames.trim().split('\n')]);
  for (const line of text.trim().split('\n')) {
    compared++;
    if (!ours.delete(line.replace(' = ', ' '))) differences.push(`not ours: ${line}`);
  }
  for (const line of ours) differences.push(`only ours: ${line}`);
} else {
  for (const { template, collisions, hash, revision } of readHashes(text)) {
    compared++;
    const data = revisionData(template);
    const same =
      templateHash(template, collisions || undefined) === hash && revisionHash(data, collisions) === revision;
    if (!same) differences.push(JSON.stringify(template));
  }
}
for (const difference of differences.slice(0, 10)) console.log(difference);
console.log(`${what}: ${compared} compared, ${differences.length} differ`);
process.exitCode = differences.length > 0 || compared === 0 ? 1 : 0;
