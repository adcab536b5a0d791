import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askUdp, encodeQuery } from '../../dns/dns-fixtures.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { freePort } from '../../sys/testing/free-ports.ts';

const program = fileURLToPath(new URL('../../../bin/fairlead.mjs', import.meta.url));

/** A kubeconfig of an API that is not there. */
const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {token: none}}]
current-context: none
`;

test('DNS alone, without an API, ends when it is told to', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-agent-stop-'));
  const file = join(folder, 'kubeconfig');
  writeFileSync(file, kubeconfig);
  const address: SocketAddress = { family: 'ipv4', address: '127.0.0.1', port: await freePort() };
  const listen = `${address.address}:${address.port}`;
  const child = spawn(
    process.execPath,
    [program, 'agent', '--kubeconfig', file, '--dns-only', '--dns-listen', listen],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exited = once(child, 'exit');
  try {
    const query = encodeQuery('a.svc.cluster.local', 'A');
    const deadline = AbortSignal.timeout(40_000);
    for (let isUp = false; !isUp; assert.ok(!deadline.aborted && child.exitCode === null, 'it serves')) {
      isUp = await askUdp(address, query, 250).then(
        () => true,
        () => false,
      );
    }
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});
