import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '@fairlead/client';
import { startTestServer } from '../testing/test-server.ts';

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: { readonly 'f:spec'?: { readonly 'f:replicas'?: object } };
}

test('a Scale is applied: conflicts with owners of the replicas, ownership under scale, taken by force', async () => {
  const server = await startTestServer();
  try {
    const client = server.client();
    const path = '/apis/apps/v1/namespaces/default/deployments/web';
    const labels = { app: 'web' };
    const apply = (at: string, query: string, body: object): Promise<unknown> =>
      client.request('PATCH', `${at}?${query}`, body, { 'content-type': 'application/apply-patch+yaml' });
    await apply(path, 'fieldManager=author', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'x' }] } },
      },
    });
    const scaleTo = (replicas: number): object => ({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'web' },
      spec: { replicas },
    });
    await assert.rejects(apply(`${path}/scale`, 'fieldManager=scaler', scaleTo(3)), (error) => {
      assert.ok(error instanceof ApiError && error.code === 409, String(error));
      assert.match(error.message, /conflict with "author".*\.spec\.replicas/s);
      return true;
    });
    const scaled = await apply(`${path}/scale`, 'fieldManager=scaler&force=true', scaleTo(3));
    assert.partialDeepStrictEqual(scaled, { kind: 'Scale', spec: { replicas: 3 } });
    const owners = async (): Promise<string[]> => {
      const { metadata } = (await client.request('GET', path)) as { metadata: { managedFields: Entry[] } };
      return metadata.managedFields
        .filter((entry) => entry.fieldsV1['f:spec']?.['f:replicas'] !== undefined)
        .map(({ manager, operation, subresource }) => `${manager} ${operation} ${subresource ?? ''}`.trim());
    };
    assert.deepEqual(await owners(), ['scaler Apply scale']);
    // The same number again shares the field.
    await apply(path, 'fieldManager=second', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 3 },
    });
    assert.deepEqual((await owners()).sort(), ['scaler Apply scale', 'second Apply']);
    await assert.rejects(
      apply(`${path}/scale`, 'force=true', scaleTo(3)),
      (error) => error instanceof ApiError && error.code === 422 && /fieldManager/.test(error.message),
    );
  } finally {
    await server.stop();
  }
});
