import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ownDefinitions } from '@fairlead/api/fairlead-dev/definitions';
import { addressPools, bgpAdvertisements, bgpPeers, l2Announcements } from '@fairlead/api/fairlead-dev/types';
import { ApiError, isNotFound } from '@fairlead/client';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

describe('Fairlead’s own kinds', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-own-kinds-'));
  let server: TestServer;
  const start = async (): Promise<void> => {
    server = await startTestServer({
      dataDir,
      advertisePort: 6443,
      machinePool: ['198.51.100.0/28'],
    });
  };
  before(start);
  after(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('are served after the first start, with the first pool', async () => {
    const client = server.client();
    for (const ref of [addressPools, l2Announcements, bgpPeers, bgpAdvertisements]) {
      await client.list<unknown>(ref);
    }
    const pool = await client.get(addressPools, { name: 'machine' });
    assert.deepEqual(pool.spec.addresses, ['198.51.100.0/28']);
    assert.equal(pool.spec.autoAssign, true, 'defaulted');
    assert.deepEqual((await client.get(l2Announcements, { name: 'machine' })).spec?.pools, ['machine']);
  });

  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ['no addresses', { spec: { addresses: [] } }, /spec\.addresses/],
    [
      'a selector with a wrong operator',
      { spec: { addresses: ['192.0.2.1'], serviceSelector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } } },
      /operator/,
    ],
  ];
  for (const [name, body, message] of wrong) {
    test(`a pool with ${name} is refused`, async () => {
      const object = { apiVersion: 'fairlead.dev/v1alpha1', kind: 'AddressPool', metadata: { name: 'wrong' }, ...body };
      await assert.rejects(
        server.client().request('POST', '/apis/fairlead.dev/v1alpha1/addresspools', object),
        (error) => error instanceof ApiError && error.code === 422 && message.test(error.message),
      );
    });
  }

  test('a definition changed by somebody is brought back at the next start; a deleted pool stays deleted', async () => {
    const client = server.client();
    await client.delete(addressPools, { name: 'machine' });
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${ownDefinitions[0]?.metadata?.name}`;
    const current = (await client.request('GET', path)) as {
      spec: { versions: { additionalPrinterColumns: unknown[] }[] };
    };
    current.spec.versions[0]!.additionalPrinterColumns = [];
    await client.request('PUT', path, current);
    await server.stop();
    await start();
    const again = (await server.client().request('GET', path)) as typeof current;
    assert.equal(
      again.spec.versions[0]!.additionalPrinterColumns.length,
      ownDefinitions[0]!.spec.versions[0]!.additionalPrinterColumns!.length,
    );
    await assert.rejects(server.client().get(addressPools, { name: 'machine' }), isNotFound);
  });
});
