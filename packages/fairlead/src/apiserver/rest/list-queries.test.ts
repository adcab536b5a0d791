import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import type { InProcessClient } from '../client/in-process-client.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const path = '/api/v1/namespaces/default/configmaps';
const tokenOf = (token: object): string => Buffer.from(JSON.stringify(token)).toString('base64url');

describe('queries of lists and watches', () => {
  let server: TestServer;
  let client: InProcessClient;

  before(async () => {
    server = await startTestServer();
    client = server.client();
  });
  after(async () => {
    await server.stop();
  });

  async function outcome(method: string, url: string, body?: unknown, headers = {}): Promise<string> {
    try {
      await client.request(method, url, body, headers);
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      return `${error.code} ${error.message}`;
    }
  }

  /** Names and values of the query, and what a Kubernetes 1.34 server says. */
  const rows: readonly (readonly [query: Readonly<Record<string, string>>, told: string])[] = [
    [{ labelSelector: 'a=b,' }, "400 found '', expected: identifier after ','"],
    [{ labelSelector: '=' }, "400 found '=', expected: !, identifier, or 'end of string'"],
    [{ labelSelector: 'a in b' }, "400 unable to parse requirement: found 'b' expected: '('"],
    [{ labelSelector: 'a=b c' }, "400 found 'c', expected: ',' or 'end of string'"],
    [{ labelSelector: '!' }, "400 unable to parse requirement: found '', expected: identifier"],
    [{ labelSelector: 'a notin (x' }, "400 unable to parse requirement: found '', expected: ',' or ')'"],
    [
      { labelSelector: 'a>x' },
      `400 unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    [{ labelSelector: 'a in ()' }, 'ok'],
    [{ fieldSelector: 'metadata.name=a=b' }, '400 invalid field selector: unescaped character in value: 61'],
    [{ fieldSelector: 'metadata.name=a\\=b' }, 'ok'],
    [{ limit: '-1' }, 'ok'],
    [{ limit: 'x' }, '400 strconv.ParseInt: parsing "x": invalid syntax'],
    [{ limit: '99999999999999999999' }, '400 strconv.ParseInt: parsing "99999999999999999999": value out of range'],
    [{ timeoutSeconds: 'x' }, '400 strconv.ParseInt: parsing "x": invalid syntax'],
    [{ watch: '1', timeoutSeconds: 'x' }, '400 strconv.ParseInt: parsing "x": invalid syntax'],
    [
      { resourceVersion: 'abc' },
      '400 invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    [
      { continue: 'abc' },
      "400 invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value",
    ],
    [
      { continue: tokenOf({ v: 'meta.k8s.io/v1', rv: 1, start: '' }) },
      '400 invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)',
    ],
    [
      { continue: tokenOf({ v: 'v9', rv: 1, start: 'a' }) },
      '400 invalid continue token: continue key is not valid: server does not recognize this encoded version "v9"',
    ],
  ];
  for (const [query, told] of rows) {
    test(new URLSearchParams(query).toString(), async () => {
      assert.equal(await outcome('GET', `${path}?${new URLSearchParams(query)}`), told);
    });
  }

  test('metadata of a list is not that of an object, and the other way round', async () => {
    const as = (form: string): object => ({ accept: `application/json;as=${form};v=v1;g=meta.k8s.io` });
    await client.request('POST', path, { metadata: { name: 'one' } });
    assert.equal(
      await outcome('GET', path, undefined, as('PartialObjectMetadata')),
      '406 you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)',
    );
    assert.equal(
      await outcome('GET', `${path}/one`, undefined, as('PartialObjectMetadataList')),
      '406 you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)',
    );
    assert.match(
      await outcome('GET', `${path}?watch=1`, undefined, { accept: 'application/yaml' }),
      /^406 .*only the/s,
    );
  });

  test('a Service gives up what its type no longer has, whatever its ports become', async () => {
    const services = '/api/v1/namespaces/default/services';
    const merge = { 'content-type': 'application/merge-patch+json' };
    type Service = { spec: { ports: { nodePort?: number }[] }; status: { loadBalancer: object } };
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ];
    const made = (await client.request('POST', services, {
      metadata: { name: 's' },
      spec: { type: 'LoadBalancer', ports },
    })) as Service;
    const ingress = { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } };
    await client.request('PATCH', `${services}/s/status`, ingress, merge);
    const fewer = { spec: { type: 'ClusterIP', ports: made.spec.ports.slice(0, 1) } };
    const after = (await client.request('PATCH', `${services}/s`, fewer, merge)) as Service;
    assert.deepEqual(after.spec.ports, [{ name: 'a', port: 80, protocol: 'TCP', targetPort: 80 }]);
    assert.deepEqual(after.status.loadBalancer, {});
    assert.match(
      await outcome('PATCH', `${services}/s`, { spec: { ports: [{ port: 80, nodePort: 30123 }] } }, merge),
      /may not be used when `type` is 'ClusterIP'/,
    );
  });

  test('node ports of one Service are taken once per protocol', async () => {
    const body = (second: object): object => ({
      metadata: { name: 'twice' },
      spec: {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 80, nodePort: 30201 },
          { name: 'b', nodePort: 30201, ...second },
        ],
      },
    });
    const services = '/api/v1/namespaces/default/services';
    assert.match(
      await outcome('POST', services, body({ port: 81 })),
      /spec\.ports\[1\]\.nodePort: Invalid value: 30201: provided port is already allocated$/,
    );
    assert.equal(await outcome('POST', services, body({ port: 80, protocol: 'UDP' })), 'ok');
  });
});
