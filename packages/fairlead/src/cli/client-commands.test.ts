import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Command } from 'commander';
import { addClientCommands } from './client-commands.ts';

const { KUBECONFIG } = process.env;
afterEach(() => {
  if (KUBECONFIG !== undefined) process.env.KUBECONFIG = KUBECONFIG;
});

/** The lines on standard error, and the status. */
async function run(...args: string[]): Promise<{ readonly status: number; readonly errors: readonly string[] }> {
  delete process.env.KUBECONFIG;
  const errors: string[] = [];
  const status = { code: 0 };
  const program = new Command('fairlead');
  const host = { defaultKubeconfig: '/nonexistent/kubeconfig', defaultDataDir: '/nonexistent', print() {} };
  addClientCommands(program, { ...host, printError: (line) => errors.push(line) }, status);
  await program.parseAsync(args, { from: 'user' });
  return { status: status.code, errors };
}

test('before the first start, a command says where its kubeconfig comes from', async () => {
  assert.deepEqual(await run('get', 'pods'), {
    status: 1,
    errors: [
      'error: no kubeconfig at /nonexistent/kubeconfig: `fairlead up` writes one there; --kubeconfig or $KUBECONFIG names another',
    ],
  });
});

test('a kubeconfig that was named and is not there is named', async () => {
  const { status, errors } = await run('get', 'pods', '--kubeconfig', '/nonexistent/other');
  assert.equal(status, 1);
  assert.match(errors.join('\n'), /^error: kubeconfig \/nonexistent\/other: ENOENT/);
});
