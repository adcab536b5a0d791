/** `npm run bench -- l7|dns|l4|api`: compares with real peers in the same run and prints a table. */
import { prepare, runNode } from './prepare.mjs';

prepare();
process.exitCode = await runNode(['bench/main.ts', ...process.argv.slice(2)]);
