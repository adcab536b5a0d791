/**
 * `npm test`: installs what is missing, then runs every check and every test.
 * Arguments after `--` are test files, instead of all of them.
 */

import { runChecks } from './checks.mjs';
import { prepare, runNode } from './prepare.mjs';

prepare();
const named = process.argv.slice(2);
const failed = named.length > 0 ? 0 : await runChecks();
const files =
  named.length > 0
    ? named
    : ['packages/*/src/**/*.test.ts', 'packages/*/scripts/*.test.ts', 'bench/*.test.ts', 'e2e/*.test.ts'];
const status = await runNode([
  '--test',
  '--test-concurrency=2',
  '--test-timeout=300000',
  '--test-reporter=spec',
  ...files,
]);
process.exitCode = failed || status;
