import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoints, leases } from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';
import { TestClock } from '@fairlead/client/test-clock';
import { startTestServer } from '../testing/test-server.ts';
import { publishServerAddress } from './server-addresses.ts';

/** Resolves when the endpoints of `default/kubernetes` are these addresses. */
async function shown(client: ApiClient, addresses: readonly string[]): Promise<void> {
  const options = { namespace: 'default', sendInitialEvents: true, signal: AbortSignal.timeout(60_000) };
  for await (const { type, object } of client.watch(endpoints, options)) {
    if (type === 'BOOKMARK' || type === 'ERROR' || object.metadata.name !== 'kubernetes') continue;
    const found = (object.subsets ?? []).flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => ip));
    if (found.join() === addresses.join()) return;
  }
  assert.fail(`the endpoints never were ${addresses.join()}`);
}

test('servers renew their Leases, and one that does not is taken out of the endpoints', async () => {
  const log = (): undefined => undefined;
  const server = await startTestServer({
    advertiseAddress: '192.0.2.1',
    advertisePort: 6443,
    log,
  });
  const client = server.client();
  // Each server has a clock of its own: that of the second will stand still.
  const [clockA, clockB] = [new TestClock(), new TestClock()];
  const publish = (address: string, clock: TestClock): ReturnType<typeof publishServerAddress> =>
    publishServerAddress({ client, clock, log, address, port: 6443 });
  const a = await publish('192.0.2.1', clockA);
  try {
    await shown(client, ['192.0.2.1']);
    await publish('192.0.2.2', clockB);
    await shown(client, ['192.0.2.1', '192.0.2.2']);
    const lease = { namespace: 'kube-system', name: 'apiserver-192-0-2-1-6443' };
    const before = await client.get(leases, lease);
    let left = false;
    const leaving = shown(client, ['192.0.2.1']).finally(() => {
      left = true;
    });
    while (!left) {
      clockA.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await leaving;
    const after = await client.get(leases, lease);
    assert.notEqual(after.metadata.resourceVersion, before.metadata.resourceVersion);
    assert.ok((after.spec?.renewTime ?? '') > (before.spec?.renewTime ?? ''));
  } finally {
    await a.stop();
    await server.stop();
  }
});
