import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { ApiError } from '@fairlead/client';
import { systemClock } from '../../sys/clock.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import { CertificateAuthority } from '../pki/certificate-authority.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import type { KubeObject } from '../watch/kube-object.ts';

const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';
const things = '/apis/example.com/v1/namespaces/default/things';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly client: string;
  readonly body: string;
}

/** A small server of the group example.com, as people write them: it believes the front proxy. */
class ThingServer {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  readonly #watches = new Set<ServerResponse>();

  constructor(pair: { readonly certificate: string; readonly key: string }, frontProxyAuthority: string) {
    this.#server = createServer(
      { cert: pair.certificate, key: pair.key, ca: frontProxyAuthority, requestCert: true, rejectUnauthorized: true },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.on('upgrade', (request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n');
      socket.pipe(socket);
      assert.equal(request.headers.upgrade, 'echo');
    });
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** An event to those who watch; where its text is cut in two on the way. */
  tell(line: string): void {
    for (const response of this.#watches) {
      response.write(line.slice(0, 10));
      response.write(`${line.slice(10)}\n`);
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { method = '', url = '', headers } = request;
    const client = (request.socket as TLSSocket).getPeerCertificate().subject.CN;
    this.seen.push({ method, url, headers, client: String(client), body });
    const json = (value: object, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'x-thing': 'yes' }).end(JSON.stringify(value));
    };
    const verbs = ['get', 'list', 'watch', 'create'];
    const resources = [
      { name: 'things', singularName: 'thing', namespaced: true, kind: 'Thing', verbs, shortNames: ['tg'] },
      { name: 'things/part', singularName: '', namespaced: true, kind: 'Part', verbs: ['get'] },
    ];
    const { pathname, searchParams } = new URL(url, 'https://x');
    switch (pathname) {
      case '/apis/example.com/v1':
        return json({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'example.com/v1', resources });
      case '/openapi/v3':
        return json({
          paths: { 'apis/example.com/v1': { serverRelativeURL: '/openapi/v3/apis/example.com/v1?hash=AB' } },
        });
      case '/openapi/v3/apis/example.com/v1':
        return json({
          openapi: '3.0.0',
          info: { title: 'things' },
          paths: { [things]: { get: { operationId: 'listThings', responses: { 200: { description: 'OK' } } } } },
          components: {
            schemas: { 'com.example.v1.Thing': { type: 'object', properties: { size: { type: 'integer' } } } },
          },
        });
      case things:
        if (searchParams.get('watch') === 'true') {
          response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
          this.#watches.add(response);
          return;
        }
        return json(
          { kind: 'ThingList', apiVersion: 'example.com/v1', metadata: {}, items: [] },
          method === 'POST' ? 201 : 200,
        );
      default:
        return json(
          { kind: 'Status', status: 'Failure', code: 404, message: 'no such thing', reason: 'NotFound' },
          404,
        );
    }
  }
}

describe('an extension server', () => {
  let server: TestServer;
  let client: InProcessClient;
  let remote: ThingServer;
  let pair: { certificate: string; key: string };
  let frontProxyAuthority = '';
  let port = 0;
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-aggregation-'));
  const authority = CertificateAuthority.open(folder, systemClock);
  const read = async (path: string): Promise<KubeObject> => (await client.request('GET', path)) as KubeObject;

  /** Waits for what a write leads to; the test's own time is the deadline. */
  async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const found = await look().catch(() => undefined);
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  const condition = async (name = 'v1.example.com'): Promise<{ status: string; reason: string } | undefined> => {
    const { status } = await read(`${apiServices}/${name}`);
    return (status as { conditions?: { status: string; reason: string }[] }).conditions?.[0];
  };
  const reason = (wanted: string): Promise<object> =>
    eventually(async () => ((await condition())?.reason === wanted ? {} : undefined));
  const slice = (ports: readonly number[]): object => ({
    metadata: { name: 'things', labels: { 'kubernetes.io/service-name': 'things' } },
    addressType: 'IPv4',
    endpoints: ports.length === 0 ? [] : [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    ports: [{ name: 'api', port: ports[0] ?? 1, protocol: 'TCP' }],
  });
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const spec = {
    group: 'example.com',
    version: 'v1',
    groupPriorityMinimum: 17_900,
    versionPriority: 5,
    service: { namespace: 'default', name: 'things' },
    caBundle: Buffer.from(authority.certificate).toString('base64'),
  };

  before(async () => {
    // Services and endpoints of this system live on 127.0.0.0/8.
    server = await startTestServer({ serviceCidr: '127.96.0.0/16' });
    client = server.client();
    const map = await eventually(() =>
      read('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication'),
    );
    const data = map.data as Record<string, string>;
    frontProxyAuthority = data['requestheader-client-ca-file']!;
    assert.deepEqual(JSON.parse(data['requestheader-allowed-names']!), ['front-proxy-client']);
    assert.notEqual(
      new X509Certificate(frontProxyAuthority).fingerprint256,
      new X509Certificate(server.ca).fingerprint256,
    );
    pair = authority.issue({ commonName: 'things', organizations: [], hosts: ['things.default.svc'] });
    remote = new ThingServer(pair, frontProxyAuthority);
    port = await remote.listen();
  });
  after(async () => {
    await server.stop();
    await remote.close();
    rmSync(folder, { recursive: true });
  });

  test('until its Service and endpoints are there, it is unavailable and says why', { timeout: 30_000 }, async () => {
    const made = (await client.request('POST', apiServices, {
      metadata: { name: 'v1.example.com' },
      spec,
    })) as KubeObject;
    assert.equal((made.spec as { service: { port: number } }).service.port, 443);
    await reason('ServiceNotFound');
    await assert.rejects(read(things), (error) => error instanceof ApiError && error.code === 503);
    await client.request('POST', '/api/v1/namespaces/default/services', {
      metadata: { name: 'things' },
      spec: { selector: { app: 'things' }, ports: [{ name: 'api', port: 443 }] },
    });
    await reason('EndpointsNotFound');
    await client.request('POST', slices, slice([]));
    await reason('MissingEndpoints');
    await client.request('PUT', `${slices}/things`, slice([port]));
    await reason('Passed');
  });

  test('requests are passed on in the name of the user, by the front proxy', { timeout: 30_000 }, async () => {
    const body = { kind: 'Thing', metadata: { name: 'a' } };
    const headers = { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters', 'x-remote-user': 'root' };
    await client.request('POST', `${things}?fieldManager=me`, body, headers);
    const sent = remote.seen.findLast(({ method }) => method === 'POST')!;
    assert.equal(sent.url, `${things}?fieldManager=me`);
    assert.deepEqual(JSON.parse(sent.body), body);
    assert.equal(sent.client, 'front-proxy-client');
    assert.equal(sent.headers['x-remote-user'], 'jane');
    assert.deepEqual(String(sent.headers['x-remote-group']).split(', '), ['system:masters', 'system:authenticated']);
    assert.equal(sent.headers['impersonate-user'], undefined);
    assert.equal(sent.headers.authorization, undefined);
    assert.equal(sent.headers.host, 'things.default.svc');
  });

  test('who may not is refused here', { timeout: 30_000 }, async () => {
    const count = remote.seen.length;
    await assert.rejects(
      client.request('GET', things, undefined, { 'impersonate-user': 'eve', 'impersonate-group': 'nobodies' }),
      (error) =>
        error instanceof ApiError && error.code === 403 && error.message.includes('things.example.com is forbidden'),
    );
    assert.equal(remote.seen.length, count);
  });

  test('its mistakes are its answers', { timeout: 30_000 }, async () => {
    await assert.rejects(read('/apis/example.com/v1/nothings'), /no such thing/);
  });

  test('a watch passes whole events on, as they come', { timeout: 30_000 }, async () => {
    const ref = { group: 'example.com', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true } as const;
    const watch = client.watch(ref, { namespace: 'default' })[Symbol.asyncIterator]();
    const first = watch.next();
    await eventually(async () => (remote.seen.some(({ url }) => url.includes('watch=true')) ? {} : undefined));
    const told = setInterval(() => remote.tell('{"type":"ADDED","object":{"metadata":{"name":"a"}}}'), 5);
    try {
      const { value } = await first;
      assert.equal(value?.type, 'ADDED');
    } finally {
      clearInterval(told);
      await watch.return?.();
    }
  });

  test('discovery has its resources, in its place', { timeout: 30_000 }, async () => {
    const { groups } = (await client.request('GET', '/apis')) as { groups: { name: string }[] };
    // Its priority is below that of the first and above that of the second built-in group.
    assert.deepEqual(
      groups.slice(0, 3).map(({ name }) => name),
      ['apiregistration.k8s.io', 'example.com', 'apps'],
    );
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const { items } = (await client.request('GET', '/apis', undefined, { accept })) as {
      items: { metadata: { name: string }; versions: { freshness: string; resources: object[] }[] }[];
    };
    const { versions } = items.find(({ metadata }) => metadata.name === 'example.com')!;
    assert.partialDeepStrictEqual(versions, [
      {
        version: 'v1',
        freshness: 'Current',
        resources: [
          {
            resource: 'things',
            scope: 'Namespaced',
            responseKind: { group: 'example.com', version: 'v1', kind: 'Thing' },
            shortNames: ['tg'],
            subresources: [{ subresource: 'part', responseKind: { kind: 'Part' }, verbs: ['get'] }],
          },
        ],
      },
    ]);
    assert.partialDeepStrictEqual(await client.request('GET', '/apis/example.com'), {
      kind: 'APIGroup',
      preferredVersion: { groupVersion: 'example.com/v1' },
    });
    assert.partialDeepStrictEqual(await client.request('GET', '/apis/example.com/v1'), {
      groupVersion: 'example.com/v1',
    });
  });

  test('OpenAPI has its document', { timeout: 30_000 }, async () => {
    const { paths } = (await client.request('GET', '/openapi/v3')) as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    const { serverRelativeURL } = paths['apis/example.com/v1']!;
    assert.equal(serverRelativeURL, '/openapi/v3/apis/example.com/v1?hash=AB');
    assert.partialDeepStrictEqual(await client.request('GET', serverRelativeURL), { info: { title: 'things' } });
    const { paths: all, definitions } = (await client.request('GET', '/openapi/v2')) as {
      paths: Record<string, object>;
      definitions: Record<string, object>;
    };
    assert.ok(things in all && '/api/v1/namespaces' in all, 'the document for old clients has it, too');
    assert.deepEqual(definitions['com.example.v1.Thing'], {
      type: 'object',
      properties: { size: { type: 'integer' } },
    });
  });

  test('one that goes away is told stale, and comes back', { timeout: 60_000 }, async () => {
    await remote.close();
    await assert.rejects(read(things), (error) => error instanceof ApiError && error.code === 503);
    // A change of its endpoints makes it be looked at, long before the next round.
    await client.request('PUT', `${slices}/things`, {
      ...slice([port]),
      metadata: { ...metadataOf(slice([port])), annotations: { a: '1' } },
    });
    await reason('FailedDiscoveryCheck');
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const { items } = (await client.request('GET', '/apis', undefined, { accept })) as {
      items: { metadata: { name: string }; versions: { freshness: string; resources: object[] }[] }[];
    };
    const [version] = items.find(({ metadata }) => metadata.name === 'example.com')!.versions;
    assert.equal(version?.freshness, 'Stale');
    assert.equal(version.resources.length, 1);
    remote = new ThingServer(pair, frontProxyAuthority);
    const again = await remote.listen();
    await client.request('PUT', `${slices}/things`, slice([again]));
    await reason('Passed');
    assert.partialDeepStrictEqual(await read(things), { kind: 'ThingList' });
  });

  test('a certificate of somebody else is not taken', { timeout: 30_000 }, async () => {
    const current = await read(`${apiServices}/v1.example.com`);
    const other = {
      ...spec,
      service: { ...spec.service, port: 443 },
      caBundle: Buffer.from(server.ca).toString('base64'),
    };
    await client.request('PUT', `${apiServices}/v1.example.com`, { ...current, spec: other });
    await reason('FailedDiscoveryCheck');
    const latest = await read(`${apiServices}/v1.example.com`);
    const { caBundle: _, ...unchecked } = other;
    await client.request('PUT', `${apiServices}/v1.example.com`, {
      ...latest,
      spec: { ...unchecked, insecureSkipTLSVerify: true },
    });
    await reason('Passed');
  });

  test('when its APIService goes, its group is gone', { timeout: 30_000 }, async () => {
    await client.request('DELETE', `${apiServices}/v1.example.com`);
    await eventually(async () => {
      const { groups } = (await client.request('GET', '/apis')) as { groups: { name: string }[] };
      return groups.some(({ name }) => name === 'example.com') ? undefined : {};
    });
    await assert.rejects(read(things), (error) => error instanceof ApiError && error.code === 404);
  });
});

describe('the group versions of this server', () => {
  let server: TestServer;
  let client: InProcessClient;
  before(async () => {
    server = await startTestServer();
    client = server.client();
  });
  after(() => server.stop());

  const names = async (): Promise<string[]> => {
    const { items } = (await client.request('GET', apiServices)) as { items: KubeObject[] };
    return items.map(({ metadata }) => metadata.name ?? '');
  };
  const until = async (isSo: (all: readonly string[]) => boolean): Promise<void> => {
    while (!isSo(await names())) await new Promise((resolve) => setImmediate(resolve));
  };

  test('each has an APIService, always available', { timeout: 30_000 }, async () => {
    await until((all) => all.includes('v1.') && all.includes('v2.autoscaling'));
    const object = (await client.request('GET', `${apiServices}/v2.autoscaling`)) as KubeObject;
    assert.deepEqual(object.spec, {
      group: 'autoscaling',
      version: 'v2',
      groupPriorityMinimum: 17_500,
      versionPriority: 30,
    });
    assert.equal(object.metadata.labels?.['kube-aggregator.kubernetes.io/automanaged'], 'onstart');
    assert.partialDeepStrictEqual(object.status, {
      conditions: [
        { type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' },
      ],
    });
  });

  test('one that is deleted comes back; those of a definition go with it', { timeout: 30_000 }, async () => {
    await client.request('DELETE', `${apiServices}/v1.apps`);
    await until((all) => all.includes('v1.apps'));
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } };
    await client.request('POST', definitions, {
      metadata: { name: 'dogs.pets.test' },
      spec: { group: 'pets.test', scope: 'Cluster', names: { plural: 'dogs', kind: 'Dog' }, versions: [version] },
    });
    await until((all) => all.includes('v1.pets.test'));
    await client.request('DELETE', `${definitions}/dogs.pets.test`);
    await until((all) => !all.includes('v1.pets.test'));
  });
});

function metadataOf(object: object): object {
  return (object as { metadata: object }).metadata;
}
