import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Secret, secrets, serviceAccounts } from '@fairlead/api';
import { systemClock } from '../../sys/clock.ts';
import { startApiServer } from '../start.ts';

test('a token Secret is filled once its account exists, and its token dies with it', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-tokens-'));
  const server = await startApiServer({
    dataDir,
    listen: [{ host: '127.0.0.1', port: 0 }],
    advertiseAddress: '127.0.0.1',
    advertisePort: 0,
    serviceCidr: '10.96.0.0/16',
    nodePortRange: '30000-32767',
    clusterDomain: 'cluster.local',
    clock: systemClock,
    log: () => {},
    compactEveryMs: 300_000,
    logToken: '',
  });
  try {
    const client = server.client();
    const metadata = {
      name: 't',
      namespace: 'default',
      annotations: { 'kubernetes.io/service-account.name': 'robot' },
    };
    await client.create(secrets, { metadata, type: 'kubernetes.io/service-account-token' });
    await client.create(serviceAccounts, { metadata: { name: 'robot', namespace: 'default' } });
    let filled: Secret | undefined;
    for await (const event of client.watch(secrets, {
      namespace: 'default',
      sendInitialEvents: true,
      allowBookmarks: true,
      signal: AbortSignal.timeout(20_000),
    })) {
      if (event.type === 'BOOKMARK' || event.type === 'ERROR') continue;
      filled = event.object;
      if (filled.data?.token !== undefined) break;
    }
    assert.ok(filled?.data?.token, 'the Secret holds a token');
    assert.equal(Buffer.from(filled.data['ca.crt'] ?? '', 'base64').toString(), server.ca);
    const token = Buffer.from(filled.data.token, 'base64').toString();
    const review = async (): Promise<unknown> => {
      const body = { spec: { token } };
      const answer = await client.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', body);
      return (answer as { status: { user?: { username?: string } } }).status.user?.username;
    };
    assert.equal(await review(), 'system:serviceaccount:default:robot');
    await client.delete(secrets, { namespace: 'default', name: 't' });
    assert.equal(await review(), undefined);
  } finally {
    await server.stop();
    rmSync(dataDir, { recursive: true });
  }
});
