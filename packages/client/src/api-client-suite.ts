import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type ConfigMap,
  configMaps,
  type Namespace,
  namespaces,
  pods,
  replicaSets,
  serviceAccounts,
} from '@fairlead/api';
import { type ApiClient, ApiError, isAlreadyExists, isConflict, isNotFound, type WatchEventOf } from './api-client.ts';
import { machineClock } from './clock.ts';
import { startInformer } from './list-watch.ts';

/** What the suite needs: a client of a server on which it may make namespaces, and how to end both. */
export interface ClientUnderTest {
  readonly client: ApiClient;
  close(): Promise<void>;
}

function within<R>(promise: Promise<R>, what: string): Promise<R> {
  return new Promise((resolve, reject) => {
    const cancel = machineClock.after(15_000, () => reject(new Error(`no ${what} within 15 s`)));
    promise.then(resolve, reject).finally(cancel);
  });
}

/** The behaviour every {@link ApiClient} shares; run on the fake and on real servers alike. */
export function describeApiClient(kind: string, start: () => Promise<ClientUnderTest>): void {
  describe(`ApiClient: ${kind}`, { timeout: 60_000 }, () => {
    let under: ClientUnderTest;
    let client: ApiClient;
    let sequence = 0;
    before(async () => {
      under = await start();
      client = under.client;
    });
    after(() => under?.close());

    async function makeNamespace(): Promise<string> {
      const name = `suite-${process.pid}-${++sequence}`;
      const object: Namespace = { metadata: { name } };
      await client.create(namespaces, object);
      return name;
    }
    const configMap = (namespace: string, name: string, data: Record<string, string> = {}): ConfigMap => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, labels: { app: name } },
      data,
    });

    test('create, get, update, delete', async () => {
      const namespace = await makeNamespace();
      const created = await client.create(configMaps, configMap(namespace, 'a', { x: '1' }));
      assert.ok(created.metadata.uid !== '' && Number(created.metadata.resourceVersion) > 0);
      assert.equal((await client.get(configMaps, { namespace, name: 'a' })).data?.x, '1');
      const updated = await client.update(configMaps, { ...created, data: { x: '2' } });
      assert.ok(Number(updated.metadata.resourceVersion) > Number(created.metadata.resourceVersion));
      const same = await client.update(configMaps, updated);
      assert.equal(
        same.metadata.resourceVersion,
        updated.metadata.resourceVersion,
        'a write of nothing keeps the version',
      );
      await client.delete(configMaps, { namespace, name: 'a' });
      await assert.rejects(client.get(configMaps, { namespace, name: 'a' }), isNotFound);
    });

    test('errors: absent, twice, stale, precondition', async () => {
      const namespace = await makeNamespace();
      const created = await client.create(configMaps, configMap(namespace, 'a'));
      await assert.rejects(client.create(configMaps, configMap(namespace, 'a')), isAlreadyExists);
      await client.update(configMaps, { ...created, data: { x: '1' } });
      await assert.rejects(client.update(configMaps, { ...created, data: { x: '2' } }), isConflict);
      await assert.rejects(client.delete(configMaps, { namespace, name: 'b' }), isNotFound);
      const preconditions = { uid: '00000000-0000-0000-0000-00000000ffff' };
      await assert.rejects(
        client.delete(configMaps, { namespace, name: 'a' }, { preconditions }),
        (error) => error instanceof ApiError && error.code === 409,
      );
    });

    test('merge and strategic patch; status apart from spec', async () => {
      const namespace = await makeNamespace();
      await client.create(configMaps, configMap(namespace, 'a', { x: '1', y: '2' }));
      const name = { namespace, name: 'a' };
      const merged = await client.patch(configMaps, name, 'merge', { data: { x: null, z: '3' } });
      assert.deepEqual(merged.data, { y: '2', z: '3' });
      const strategic = await client.patch(configMaps, name, 'strategic', { metadata: { labels: { b: 'c' } } });
      assert.deepEqual(strategic.metadata.labels, { app: 'a', b: 'c' });

      const template = {
        metadata: { labels: { app: 'r' } },
        spec: { containers: [{ name: 'c', image: 'example.com/c:1' }] },
      };
      const metadata = { name: 'r', namespace };
      const spec = { replicas: 1, selector: { matchLabels: { app: 'r' } }, template };
      const replicaSet = await client.create(replicaSets, { metadata, spec });
      assert.equal(replicaSet.metadata.generation, 1);
      const status = { replicas: 1 };
      const reported = await client.update(
        replicaSets,
        { ...replicaSet, status, spec: { ...spec, replicas: 5 } },
        { subresource: 'status' },
      );
      assert.equal(reported.status?.replicas, 1);
      assert.equal(reported.spec?.replicas, 1, 'a status write leaves the spec');
      assert.equal(reported.metadata.generation, 1);
      const scaled = await client.update(replicaSets, {
        ...reported,
        status: { replicas: 9 },
        spec: { ...replicaSet.spec, ...spec, replicas: 2 },
      });
      assert.equal(scaled.status?.replicas, 1, 'a main write leaves the status');
      assert.equal(scaled.metadata.generation, 2);
    });

    test('lists: selectors, pages from one snapshot', async () => {
      const namespace = await makeNamespace();
      for (const name of ['a', 'b', 'c', 'd', 'e']) await client.create(configMaps, configMap(namespace, name));
      const names = async (options: object): Promise<string[]> =>
        (await client.list(configMaps, { namespace, ...options })).items
          .map((item) => item.metadata.name)
          .filter((name) => name.length === 1);
      assert.deepEqual(await names({}), ['a', 'b', 'c', 'd', 'e']);
      assert.deepEqual(await names({ labelSelector: 'app in (b, d)' }), ['b', 'd']);
      assert.deepEqual(await names({ labelSelector: 'app!=b,app' }), ['a', 'c', 'd', 'e']);
      assert.deepEqual(await names({ fieldSelector: 'metadata.name=c' }), ['c']);
      const first = await client.list(configMaps, { namespace, limit: 2 });
      assert.equal(first.items.length, 2);
      assert.ok(first.continue);
      const second = await client.list(configMaps, { namespace, limit: 2, continue: first.continue });
      assert.equal(second.resourceVersion, first.resourceVersion);
      assert.notEqual(second.items[0]?.metadata.name, first.items[0]?.metadata.name);
    });

    test('watch from a version: add, modify, delete, and selectors translated', async () => {
      const namespace = await makeNamespace();
      const { resourceVersion } = await client.list(configMaps, { namespace });
      const labelSelector = 'app=w';
      const seen: WatchEventOf<ConfigMap>[] = [];
      const controller = new AbortController();
      const watching = (async () => {
        const options = { namespace, labelSelector, resourceVersion, signal: controller.signal };
        for await (const event of client.watch(configMaps, options)) {
          seen.push(event);
          if (seen.length === 4) return;
        }
      })();
      const name = { namespace, name: 'w' };
      await client.create(configMaps, configMap(namespace, 'w'));
      await client.create(configMaps, configMap(namespace, 'other'));
      await client.patch(configMaps, name, 'merge', { data: { x: '1' } });
      await client.patch(configMaps, name, 'merge', { metadata: { labels: { app: 'not' } } });
      await client.patch(configMaps, name, 'merge', { metadata: { labels: { app: 'w' } } });
      await within(watching, 'fourth event');
      controller.abort();
      assert.deepEqual(
        seen.map((event) => event.type),
        ['ADDED', 'MODIFIED', 'DELETED', 'ADDED'],
      );
    });

    test('an aborted watch ends', async () => {
      const namespace = await makeNamespace();
      const controller = new AbortController();
      const watching = (async () => {
        let count = 0;
        for await (const event of client.watch(configMaps, {
          namespace,
          sendInitialEvents: true,
          allowBookmarks: true,
          signal: controller.signal,
        })) {
          if (event.type === 'BOOKMARK') controller.abort();
          count++;
        }
        return count;
      })();
      assert.ok((await within(watching, 'end of the watch')) >= 1);
    });

    test('a watch that cannot be opened rejects with the answer', async () => {
      const open = async (): Promise<void> => {
        for await (const _ of client.watch({ ...configMaps, plural: 'nothings' }, { namespace: 'default' })) return;
      };
      // The fake knows every resource name; a server does not.
      if (kind === 'fake') return;
      await assert.rejects(within(open(), 'rejection'), isNotFound);
    });

    test('finalizers keep an object under deletion', async () => {
      const namespace = await makeNamespace();
      const name = { namespace, name: 'held' };
      const object = configMap(namespace, 'held');
      await client.create(configMaps, {
        ...object,
        metadata: { ...object.metadata, finalizers: ['example.com/hold'] },
      });
      await client.delete(configMaps, name);
      assert.ok((await client.get(configMaps, name)).metadata.deletionTimestamp);
      await client.patch(configMaps, name, 'merge', { metadata: { finalizers: null } });
      await assert.rejects(client.get(configMaps, name), isNotFound);
    });

    test('a Pod without a node goes at once', async () => {
      const namespace = await makeNamespace();
      // Nobody makes the account `default` here, and a Pod needs one.
      await client.create(serviceAccounts, { metadata: { name: 'own', namespace } });
      const spec = { serviceAccountName: 'own', containers: [{ name: 'c', image: 'example.com/c:1' }] };
      await client.create(pods, { metadata: { name: 'p', namespace }, spec });
      await client.delete(pods, { namespace, name: 'p' });
      await assert.rejects(client.get(pods, { namespace, name: 'p' }), isNotFound);
    });

    test('raw requests: discovery', async () => {
      const core = (await client.request('GET', '/api/v1')) as { resources: { name: string }[] };
      assert.ok(core.resources.some((resource) => resource.name === 'pods'));
      await assert.rejects(client.request('GET', '/apis/none.example.com/v9'), isNotFound);
    });

    test('a stream: whole answers in pieces, and failures like those of a request', async () => {
      const read = async (path: string): Promise<string> => {
        const pieces: Uint8Array[] = [];
        for await (const piece of client.stream(path)) pieces.push(piece);
        return Buffer.concat(pieces).toString('utf8');
      };
      assert.deepEqual(JSON.parse(await read('/api/v1')), await client.request('GET', '/api/v1'));
      await assert.rejects(read('/apis/none.example.com/v9'), isNotFound);
    });

    test('an informer follows 120 objects over pages, in whole batches', async () => {
      const namespace = await makeNamespace();
      await Promise.all(
        Array.from({ length: 120 }, (_, n) => client.create(configMaps, configMap(namespace, `m${n}`))),
      );
      const informer = startInformer(client, configMaps, { namespace, labelSelector: 'app' }, { pageSize: 50 });
      try {
        await within(informer.synced, 'first list');
        assert.equal(informer.size, 120);
        const gone = new Promise<void>((resolve) => {
          informer.subscribe(() => {
            if (informer.size === 119) resolve();
          });
        });
        await client.delete(configMaps, { namespace, name: 'm7' });
        await within(gone, 'deletion');
        assert.equal(informer.get(`${namespace}/m7`), undefined);
      } finally {
        informer.stop();
      }
    });
  });
}
