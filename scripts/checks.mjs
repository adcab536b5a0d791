/** Types, lint, format: what needs no running system. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, runtimeEnvironment } from './prepare.mjs';

const checks = [
  { name: 'types', command: 'tsc', args: ['-p', '.'] },
  { name: 'lint and format', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
];

/** Runs every check, prints one line each; resolves to 0 or 1. */
export async function runChecks() {
  let failed = 0;
  for (const check of checks) {
    const began = performance.now();
    const done = spawnSync(join(root, 'node_modules', '.bin', check.command), check.args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: runtimeEnvironment(),
    });
    const ok = done.status === 0;
    if (!ok) failed = 1;
    process.stdout.write(`${ok ? 'ok' : 'FAILED'}: ${check.name} (${Math.round(performance.now() - began)} ms)\n`);
  }
  return failed;
}
