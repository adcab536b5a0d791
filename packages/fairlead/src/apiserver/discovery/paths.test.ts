import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

describe('paths that are no resources', () => {
  let server: TestServer;
  const read = (path: string): Promise<unknown> => server.client().request('GET', path);
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.stop());

  test('the index names them, and each answers', async () => {
    const { paths } = (await read('/')) as { paths: string[] };
    assert.deepEqual(paths, [...paths].sort());
    for (const path of ['/api/v1', '/apis/apps/v1', '/livez/ping', '/metrics', '/version']) {
      assert.ok(paths.includes(path), path);
    }
    const keys = '/openid/v1/jwks';
    for (const path of paths) if (path !== keys) assert.ok((await read(path)) !== undefined, path);
    await assert.rejects(read(keys), /application\/jwk-set\+json/);
  });

  test('groups come in the order of a Kubernetes server', async () => {
    const { groups } = (await read('/apis')) as { groups: { name: string }[] };
    const names = groups.map(({ name }) => name);
    const expected = [
      'apiregistration.k8s.io',
      'apps',
      'events.k8s.io',
      'authentication.k8s.io',
      'authorization.k8s.io',
    ];
    assert.deepEqual(names.slice(0, expected.length), expected);
  });

  test('one check of several', async () => {
    assert.equal(await read('/readyz/bootstrap'), 'ok');
    await assert.rejects(read('/livez/nope'), (error) => error instanceof ApiError && error.code === 404);
  });

  test('a body whose media type has half a parameter is of no known type', async () => {
    const body = { metadata: { name: 'x' } };
    const post = (type: string): Promise<unknown> =>
      server
        .client()
        .request('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', body, { 'content-type': type });
    await post('application/json; charset=utf-8');
    await assert.rejects(post('application/json;foo'), (error) => error instanceof ApiError && error.code === 415);
  });
});
