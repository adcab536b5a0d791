import { execFileSync } from 'node:child_process';

/** Runs a module's text by this Node in a network namespace that ends with it; gives what it printed. */
export function runInNetns(source: string): string {
  const args = ['--net', process.execPath, '--input-type=module-typescript', '--eval', source];
  return execFileSync('unshare', args, { encoding: 'utf8', timeout: 30_000 });
}
