/** `npm run check`: types, lint, format, import rule and unit tests, in well under a minute. */

import { runChecks } from './checks.mjs';
import { prepare, runNode } from './prepare.mjs';

prepare();
const failed = await runChecks();
const status = await runNode([
  '--test',
  '--test-reporter=dot',
  'packages/{api,balance}/src/**/*.test.ts',
  'packages/fairlead/src/{wire,collections,routing,telemetry,main}/**/*.test.ts',
  'packages/fairlead/src/{services,dns,gateway,node,controllers}/**/{compile,program,diff,categorize,trace}*.test.ts',
]);
process.exitCode = failed || status;
