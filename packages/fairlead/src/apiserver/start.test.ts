import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type ConfigMap, configMaps, namespaces, pods, type Service, type Stored, services } from '@fairlead/api';
import { type ApiClient, ApiError, type WatchEventOf } from '@fairlead/client';
import { ApiServerError } from './api-server-error.ts';
import { type RunningApiServer, startApiServer } from './start.ts';
import { testServerOptions } from './testing/test-server.ts';

const run = promisify(execFile);

function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'fairlead-api-'));
}

function service(name: string, spec: Service['spec'] = { ports: [{ port: 80 }] }): Service {
  return { metadata: { name, namespace: 'default' }, spec };
}

/** Reads `count` events of a watch. */
async function take<T>(events: AsyncIterable<WatchEventOf<T>>, count: number): Promise<WatchEventOf<T>[]> {
  const taken: WatchEventOf<T>[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return `${error.code} ${error.reason}`;
  }
}

describe('API server', () => {
  const dataDir = temporary();
  let server: RunningApiServer;
  let client: ApiClient;

  before(async () => {
    server = await startApiServer(testServerOptions(dataDir));
    client = server.client();
  });
  after(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true });
  });

  test('bootstrap: namespaces and the Service of the API itself', async () => {
    const { items } = await client.list(namespaces);
    assert.deepEqual(items.map((item) => item.metadata.name).sort(), [
      'default',
      'fairlead-addresses',
      'kube-node-lease',
      'kube-public',
      'kube-system',
    ]);
    const own = await client.get(services, { name: 'kubernetes', namespace: 'default' });
    assert.equal(own.spec?.clusterIP, '10.96.0.1');
  });

  test('a write that changes nothing keeps the version; a stale one conflicts', async () => {
    const map = { metadata: { name: 'noop', namespace: 'default' }, data: { k: '1' } };
    const created = await client.create(configMaps, map);
    const same = await client.patch(configMaps, { name: 'noop', namespace: 'default' }, 'merge', { data: { k: '1' } });
    assert.equal(same.metadata.resourceVersion, created.metadata.resourceVersion);
    const changed = await client.update(configMaps, { ...created, data: { k: '2' } });
    assert.notEqual(changed.metadata.resourceVersion, created.metadata.resourceVersion);
    assert.equal(await codeOf(client.update(configMaps, { ...created, data: { k: '3' } })), '409 Conflict');
  });

  test('an annotation named like the version field does not confuse the stored text', async () => {
    const created = await client.create(configMaps, {
      metadata: { name: 'tricky', namespace: 'default', annotations: { resourceVersion: '' } },
      data: { resourceVersion: '' },
    });
    assert.match(created.metadata.resourceVersion, /^[1-9][0-9]*$/);
    assert.equal(created.metadata.annotations?.resourceVersion, '');
    const read = await client.get(configMaps, { name: 'tricky', namespace: 'default' });
    assert.deepEqual(read, created);
  });

  test('concurrent creates never share a cluster IP or a node port, and deletion frees them', async () => {
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        client.create(services, service(`np-${index}`, { type: 'NodePort', ports: [{ port: 80 }] })),
      ),
    );
    assert.equal(new Set(made.map((one) => one.spec?.clusterIP)).size, 40);
    assert.equal(new Set(made.map((one) => one.spec?.ports?.[0]?.nodePort)).size, 40);
    const explicit = service('explicit', { clusterIP: made[0]!.spec!.clusterIP!, ports: [{ port: 80 }] });
    assert.equal(await codeOf(client.create(services, explicit)), '422 Invalid');
    await client.delete(services, { name: 'np-0', namespace: 'default' });
    assert.equal((await client.create(services, explicit)).spec?.clusterIP, explicit.spec?.clusterIP);
  });

  test('a dry run stores and allocates nothing', async () => {
    const wanted = service('dry', { clusterIP: '10.96.9.9', ports: [{ port: 80 }] });
    const shown = await client.create(services, wanted, { dryRun: true });
    assert.equal(shown.spec?.clusterIP, '10.96.9.9');
    assert.equal(await codeOf(client.get(services, { name: 'dry', namespace: 'default' })), '404 NotFound');
    await client.create(services, wanted);
  });

  test('a watch translates selector transitions and continues from a version without gap', async () => {
    const { resourceVersion } = await client.list(configMaps, { namespace: 'default' });
    const name = { name: 'moves', namespace: 'default' };
    await client.create(configMaps, { metadata: { ...name, labels: { a: '1' } } });
    await client.patch(configMaps, name, 'merge', { metadata: { labels: { a: '2' } } });
    await client.patch(configMaps, name, 'merge', { metadata: { labels: { a: '1', b: 'x' } } });
    await client.delete(configMaps, name);
    const events = await take(
      client.watch(configMaps, { namespace: 'default', labelSelector: 'a=1', resourceVersion }),
      4,
    );
    assert.deepEqual(
      events.map((event) => event.type),
      ['ADDED', 'DELETED', 'ADDED', 'DELETED'],
    );
  });

  test('WatchList: the state, the bookmark that ends it, then live events', async () => {
    const selection = { namespace: 'kube-public', sendInitialEvents: true, allowBookmarks: true } as const;
    await client.create(configMaps, { metadata: { name: 'first', namespace: 'kube-public' } });
    const seen: string[] = [];
    for await (const event of client.watch(configMaps, selection)) {
      if (event.type === 'BOOKMARK') {
        assert.equal(event.object.metadata.annotations?.['k8s.io/initial-events-end'], 'true');
        seen.push('BOOKMARK');
        await client.create(configMaps, { metadata: { name: 'second', namespace: 'kube-public' } });
      } else if (event.type !== 'ERROR') {
        seen.push(`${event.type} ${event.object.metadata.name}`);
      }
      if (seen.length === 3) break;
    }
    assert.deepEqual(seen, ['ADDED first', 'BOOKMARK', 'ADDED second']);
  });

  test('chunks of a list come from one snapshot', async () => {
    for (const name of ['c1', 'c2', 'c3']) {
      await client.create(configMaps, { metadata: { name, namespace: 'kube-node-lease' } });
    }
    const first = await client.list(configMaps, { namespace: 'kube-node-lease', limit: 2 });
    await client.delete(configMaps, { name: 'c3', namespace: 'kube-node-lease' });
    const rest = await client.list(configMaps, { namespace: 'kube-node-lease', limit: 2, continue: first.continue! });
    assert.deepEqual(
      [...first.items, ...rest.items].map((item) => item.metadata.name),
      ['c1', 'c2', 'c3'],
    );
    assert.equal(rest.resourceVersion, first.resourceVersion);
  });

  test('a Pod on a node stays until its agent deletes it without grace', async () => {
    const name = { name: 'p', namespace: 'default' };
    await client.create(pods, { metadata: name, spec: { containers: [{ name: 'c', image: 'x' }] } });
    await client.request('POST', '/api/v1/namespaces/default/pods/p/binding', {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'p' },
      target: { kind: 'Node', name: 'n1' },
    });
    await client.delete(pods, name);
    const leaving = await client.get(pods, name);
    assert.equal(leaving.spec?.nodeName, 'n1');
    assert.equal(leaving.metadata.deletionGracePeriodSeconds, 30);
    await client.delete(pods, name, { gracePeriodSeconds: 0 });
    assert.equal(await codeOf(client.get(pods, name)), '404 NotFound');
  });

  test('a terminating namespace takes no new objects and goes with its last finalizer', async () => {
    await client.create(namespaces, { metadata: { name: 'leaving' } });
    await client.delete(namespaces, { name: 'leaving' });
    const leaving = await client.get(namespaces, { name: 'leaving' });
    assert.equal(leaving.status?.phase, 'Terminating');
    const late = client.create(configMaps, { metadata: { name: 'late', namespace: 'leaving' } });
    assert.equal(await codeOf(late), '403 Forbidden');
    await client.update(namespaces, { ...leaving, spec: { finalizers: [] } }, { subresource: 'finalize' });
    assert.equal(await codeOf(client.get(namespaces, { name: 'leaving' })), '404 NotFound');
  });

  test('status and specification are written apart', async () => {
    const made = await client.create(services, service('apart', { type: 'LoadBalancer', ports: [{ port: 80 }] }));
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
    const changed = await client.update(services, { ...made, spec: { ports: [{ port: 99 }] }, status } as Service, {
      subresource: 'status',
    });
    assert.equal(changed.spec?.ports?.[0]?.port, 80);
    assert.equal(changed.status?.loadBalancer?.ingress?.[0]?.ip, '192.0.2.1');
    const main = await client.update(services, { ...changed, status: {} });
    assert.deepEqual(main.status, changed.status);
  });

  test('server-side apply creates, yields to nobody without force, and removes what it gives up', async () => {
    const name = { name: 'applied', namespace: 'default' };
    const config = (data: object): object => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'applied' },
      data,
    });
    const apply = (fieldManager: string, data: object, force = false): Promise<Stored<ConfigMap>> =>
      client.patch(configMaps, name, 'apply', config(data), { fieldManager, force });
    assert.equal(await codeOf(client.patch(configMaps, name, 'apply', config({}))), '422 Invalid');
    await apply('one', { a: '1', b: '1' });
    assert.equal(await codeOf(apply('two', { a: '2' })), '409 Conflict');
    await apply('two', { a: '2', c: '2' }, true);
    const { data, metadata } = await apply('one', {});
    assert.deepEqual(data, { a: '2', c: '2' });
    assert.deepEqual(metadata.managedFields?.map(({ manager }) => manager).sort(), ['one', 'two']);
  });

  test('ordinary writes are tracked before the server adds to them', async () => {
    const created = await client.create(services, service('tracked'), { fieldManager: 'creator' });
    const [entry] = created.metadata.managedFields ?? [];
    assert.equal(entry?.manager, 'creator');
    assert.deepEqual(Object.keys((entry?.fieldsV1 as { 'f:spec'?: object } | undefined)?.['f:spec'] ?? {}), [
      'f:internalTrafficPolicy',
      'f:ports',
      'f:sessionAffinity',
      'f:type',
    ]);
  });

  test('HTTP/1.1: anonymous users see health only, and discovery answers 304', async () => {
    assert.equal((await get(server, '/healthz')).status, 200);
    assert.equal((await get(server, '/api/v1/services')).status, 403);
    assert.equal((await get(server, '/healthz', { authorization: 'Bearer bad' })).status, 401);
    const kubeconfig = readFileSync(server.kubeconfigFile, 'utf8');
    const pem = (field: string): string =>
      Buffer.from(new RegExp(`${field}: (\\S+)`).exec(kubeconfig)![1]!, 'base64').toString('utf8');
    const identity = { cert: pem('client-certificate-data'), key: pem('client-key-data') };
    const discovery = await get(server, '/apis', {}, identity);
    assert.equal(discovery.status, 200);
    const again = await get(server, '/apis', { 'if-none-match': discovery.etag }, identity);
    assert.equal(again.status, 304);
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const swagger = await get(server, '/openapi/v2', { accept }, identity);
    assert.equal(swagger.status, 200);
    const known = { accept, 'if-none-match': swagger.etag };
    assert.equal((await get(server, '/openapi/v2', known, identity)).status, 304);
    assert.notEqual((await get(server, '/openapi/v2', {}, identity)).etag, swagger.etag);
  });

  for (const version of ['1.32', '1.33']) {
    const kubectl = findKubectl(version);
    const skip = kubectl === undefined ? `kubectl ${version} is not installed` : false;
    test(`kubectl ${version} creates, applies, edits, watches, scales and deletes`, { skip }, async () => {
      const folder = temporary();
      const k = async (...args: string[]): Promise<string> => {
        const environment = { ...process.env, KUBECONFIG: server.kubeconfigFile, HOME: folder };
        const { stdout } = await run(kubectl!, args, { env: environment, timeout: 60_000 });
        return stdout;
      };
      const name = `web-${version.replace('.', '-')}`;
      try {
        const draft = await k('create', 'service', 'clusterip', name, '--tcp=80:80', '--dry-run=client', '-o', 'yaml');
        // kubectl counts the null it writes itself as a change.
        const manifest = draft.replace(/ *creationTimestamp: null\n/, '');
        writeFileSync(join(folder, 'svc.yaml'), manifest);
        assert.equal(await k('apply', '-f', join(folder, 'svc.yaml')), `service/${name} created\n`);
        assert.equal(await k('apply', '-f', join(folder, 'svc.yaml')), `service/${name} unchanged\n`);
        assert.match(
          await k('get', 'services', '-o', 'wide'),
          new RegExp(`${name} +ClusterIP +10\\.96\\.[0-9.]+ +<none> +80/TCP`),
        );
        assert.match(await k('describe', 'service', name), /Session Affinity: +None/);
        writeFileSync(join(folder, 'svc.yaml'), manifest.replace('targetPort: 80', 'targetPort: 8080'));
        assert.equal(await k('apply', '-f', join(folder, 'svc.yaml')), `service/${name} configured\n`);
        assert.equal(await k('get', 'svc', name, '-o', 'jsonpath={.spec.ports[0].targetPort}'), '8080');
        // The older form of OpenAPI, which this asks for in protobuf.
        assert.match(
          await k('explain', 'svc.spec.ports', '--output=plaintext-openapiv2'),
          /\n {3}port\t<integer> -required-\n/,
        );
        await k('label', 'svc', name, 'tier=front');
        await k('create', 'deployment', name, '--image=echo', '--replicas=2');
        await k('scale', 'deployment', name, '--replicas=5');
        assert.equal(await k('get', 'deployment', name, '-o', 'jsonpath={.spec.replicas}'), '5');
        await k('expose', 'deployment', name, '--port=80', `--name=${name}-exposed`);
        await k('wait', `svc/${name}`, '--for=jsonpath={.metadata.labels.tier}=front', '--timeout=20s');
        const deleted = await k('delete', `svc/${name}`, `svc/${name}-exposed`, `deployment/${name}`);
        assert.match(deleted, new RegExp(`service "${name}" deleted`));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

test('a restart keeps objects, addresses, keys and revisions', async () => {
  const dataDir = temporary();
  try {
    const first = await startApiServer(testServerOptions(dataDir));
    const made = await first.client().create(services, service('kept'));
    const ca = first.ca;
    await first.stop();
    const second = await startApiServer(testServerOptions(dataDir));
    try {
      const client = second.client();
      const kept = await client.get(services, { name: 'kept', namespace: 'default' });
      assert.deepEqual(kept, made);
      assert.equal(second.ca, ca);
      const taken = service('taken', { clusterIP: made.spec!.clusterIP!, ports: [{ port: 80 }] });
      assert.equal(await codeOf(client.create(services, taken)), '422 Invalid');
      const [event] = await take(
        client.watch(services, {
          namespace: 'default',
          resourceVersion: String(Number(made.metadata.resourceVersion) - 1),
        }),
        1,
      );
      assert.ok(event?.type === 'ADDED', 'a watch goes on over the restart');
    } finally {
      await second.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

test('a port in use is one clear line, and leaves nothing open', async () => {
  const [one, two] = [temporary(), temporary()];
  const server = await startApiServer(testServerOptions(one));
  try {
    const options = { ...testServerOptions(two), listen: [{ host: '127.0.0.1', port: server.port }] };
    await assert.rejects(
      startApiServer(options),
      (error: unknown) =>
        error instanceof ApiServerError &&
        error.code === 'AddressInUse' &&
        error.message === `address 127.0.0.1:${server.port} is already in use`,
    );
    const free = await startApiServer(testServerOptions(two));
    await free.stop();
  } finally {
    await server.stop();
    rmSync(one, { recursive: true });
    rmSync(two, { recursive: true });
  }
});

/** `kubectl.VERSION` on PATH, or beside the kubectl that PATH leads to. */
function findKubectl(version: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const plain = folders.map((folder) => join(folder, 'kubectl')).find((file) => existsSync(file));
  if (plain !== undefined) folders.push(dirname(realpathSync(plain)));
  return folders.map((folder) => join(folder, `kubectl.${version}`)).find((file) => existsSync(file));
}

function get(
  server: RunningApiServer,
  path: string,
  headers: Record<string, string> = {},
  identity: { readonly cert?: string; readonly key?: string } = {},
): Promise<{ readonly status: number; readonly etag: string }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { host: '127.0.0.1', port: server.port, path, headers, ca: server.ca, agent: false, ...identity },
      (response) => {
        response.resume();
        response.once('end', () => resolve({ status: response.statusCode ?? 0, etag: response.headers.etag ?? '' }));
      },
    );
    request.once('error', reject);
    request.end();
  });
}
