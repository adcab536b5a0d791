/** `npm start`: installs what is missing, then `fairlead up --demo` with the arguments after `--`. */
import { prepare, runNode } from './prepare.mjs';

prepare();
process.exitCode = await runNode(['packages/fairlead/bin/fairlead.mjs', 'up', '--demo', ...process.argv.slice(2)]);
