import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Secret, secrets, serviceAccounts } from '@fairlead/api';
import { startTestServer } from '../testing/test-server.ts';

test('a token Secret is filled once its account exists, and its token dies with it', async () => {
  const server = await startTestServer();
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
      signal: AbortSignal.timeout(60_000),
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
  }
});
