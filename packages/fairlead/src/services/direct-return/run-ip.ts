import { execFile } from 'node:child_process';

/** Runs `ip` and returns what it printed as JSON; an empty list when it printed nothing or failed. */
export function runIp(args: readonly string[]): Promise<readonly unknown[]> {
  return new Promise((resolve) => {
    execFile('ip', [...args], { maxBuffer: 2 ** 24 }, (error, stdout) => {
      if (error !== null || stdout.trim() === '') return resolve([]);
      try {
        resolve(JSON.parse(stdout) as readonly unknown[]);
      } catch {
        resolve([]);
      }
    });
  });
}

/** Runs commands of `ip` or `bridge` in a batch, going on after failures; false when one failed. */
export function runBatch(program: 'ip' | 'bridge', lines: readonly string[], namespace?: string): Promise<boolean> {
  if (lines.length === 0) return Promise.resolve(true);
  const into = namespace === undefined ? [] : ['-n', namespace];
  return new Promise((resolve) => {
    const child = execFile(program, [...into, '-force', '-batch', '-'], (error) => resolve(error === null));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(`${lines.join('\n')}\n`);
  });
}
