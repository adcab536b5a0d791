/** `npm run fairlead -- …`: the command line on the exact runtime, whatever Node is installed. */
import { prepare, runNode } from './prepare.mjs';

prepare();
process.exitCode = await runNode(['packages/fairlead/bin/fairlead.mjs', ...process.argv.slice(2)]);
