import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import { systemClock } from '../../sys/clock.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import { CertificateAuthority } from '../pki/certificate-authority.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

interface Thing {
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: { readonly host?: string; readonly hosts?: readonly string[] };
}

const root = '/apis/convert.example.com';
/** What a body of a custom resource must say. */
const typed = (version: string) => ({ apiVersion: `convert.example.com/${version}`, kind: 'Thing' });
const merge = { 'content-type': 'application/merge-patch+json' };

/** v1 has one host, v2 a list. */
function convert(thing: Thing, apiVersion: string): object {
  const { host, hosts } = thing.spec;
  const spec = apiVersion.endsWith('/v2') ? { hosts: host === undefined ? [] : [host] } : { host: hosts?.[0] };
  return { ...thing, apiVersion, spec };
}

describe('conversion webhook', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-convert-'));
  let server: TestServer;
  let client: InProcessClient;
  let hook: Server;
  let broken = false;

  before(async () => {
    server = await startTestServer({
      dataDir: directory,
    });
    client = server.client();
    const authority = CertificateAuthority.open(join(directory, 'hook'), systemClock);
    const { certificate, key } = authority.pair('hook', {
      commonName: 'hook',
      organizations: [],
      hosts: ['127.0.0.1'],
    });
    hook = createServer({ cert: certificate, key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { request: review } = JSON.parse(Buffer.concat(chunks).toString()) as {
          request: { uid: string; desiredAPIVersion: string; objects: Thing[] };
        };
        const result = broken ? { status: 'Failure', message: 'out of order' } : { status: 'Success' };
        const convertedObjects = review.objects.map((thing) => convert(thing, review.desiredAPIVersion));
        const answer = {
          kind: 'ConversionReview',
          apiVersion: 'apiextensions.k8s.io/v1',
          response: { uid: review.uid, result, convertedObjects },
        };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const version = (name: string, storage: boolean, properties: object): object => ({
      name,
      served: true,
      storage,
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
    });
    await client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'things.convert.example.com' },
      spec: {
        group: 'convert.example.com',
        scope: 'Cluster',
        names: { plural: 'things', kind: 'Thing' },
        versions: [
          version('v1', true, { host: { type: 'string' } }),
          version('v2', false, { hosts: { type: 'array', items: { type: 'string' } } }),
        ],
        conversion: {
          strategy: 'Webhook',
          webhook: {
            conversionReviewVersions: ['v1'],
            clientConfig: {
              url: `https://127.0.0.1:${(hook.address() as AddressInfo).port}/convert`,
              caBundle: Buffer.from(authority.certificate).toString('base64'),
            },
          },
        },
      },
    });
    const deadline = AbortSignal.timeout(60_000);
    for (;;) {
      const served = await client.request('GET', `${root}/v2/things`).then(
        () => true,
        () => false,
      );
      if (served) break;
      assert.ok(!deadline.aborted, 'not served in time');
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  after(async () => {
    hook.closeAllConnections();
    await new Promise((resolve) => hook.close(resolve));
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  test('reads, writes, lists and deletes in either version', async () => {
    await client.request('POST', `${root}/v1/things`, {
      ...typed('v1'),
      metadata: { name: 'a' },
      spec: { host: 'one' },
    });
    const second = (await client.request('GET', `${root}/v2/things/a`)) as Thing;
    assert.deepEqual([second.apiVersion, second.spec], ['convert.example.com/v2', { hosts: ['one'] }]);
    const patched = (await client.request(
      'PATCH',
      `${root}/v2/things/a`,
      { spec: { hosts: ['two'] } },
      merge,
    )) as Thing;
    assert.deepEqual(patched.spec, { hosts: ['two'] });
    assert.deepEqual(((await client.request('GET', `${root}/v1/things/a`)) as Thing).spec, { host: 'two' });
    await client.request('POST', `${root}/v2/things`, {
      ...typed('v2'),
      metadata: { name: 'b' },
      spec: { hosts: ['three'] },
    });
    const list = (await client.request('GET', `${root}/v2/things`)) as { items: Thing[] };
    assert.deepEqual(
      list.items.map(({ spec }) => spec),
      [{ hosts: ['two'] }, { hosts: ['three'] }],
    );
    await client.request('DELETE', `${root}/v2/things/b`);
  });

  test('a watch shows its version, in order, though conversions take their time', async () => {
    const things = { group: 'convert.example.com', version: 'v2', kind: 'Thing', plural: 'things', namespaced: false };
    const seen: unknown[] = [];
    const events = client.watch<{ spec?: object; metadata?: object }>(things as never, { sendInitialEvents: false });
    const reading = (async () => {
      for await (const event of events) {
        if (event.type === 'BOOKMARK' || event.type === 'ERROR') continue;
        seen.push((event.object as unknown as Thing).spec.hosts?.[0]);
        if (seen.at(-1) === 'w5') break;
      }
    })();
    await client.request('POST', `${root}/v1/things`, {
      ...typed('v1'),
      metadata: { name: 'w' },
      spec: { host: 'w0' },
    });
    for (let round = 1; round <= 5; round++) {
      await client.request('PATCH', `${root}/v1/things/w`, { spec: { host: `w${round}` } }, merge);
    }
    await reading;
    assert.deepEqual(seen.slice(-5), ['w1', 'w2', 'w3', 'w4', 'w5']);
  });

  test('a webhook that fails is told, and its own version still works', async () => {
    await client.request('POST', `${root}/v1/things`, { ...typed('v1'), metadata: { name: 'c' }, spec: { host: 'x' } });
    broken = true;
    await assert.rejects(
      client.request('GET', `${root}/v2/things/c`),
      (error: unknown) =>
        error instanceof ApiError && error.code === 500 && error.message.endsWith('Kind=Thing failed: out of order'),
    );
    assert.deepEqual(((await client.request('GET', `${root}/v1/things/c`)) as Thing).spec, { host: 'x' });
    broken = false;
    assert.deepEqual(((await client.request('GET', `${root}/v2/things/c`)) as Thing).spec, { hosts: ['x'] });
  });
});
