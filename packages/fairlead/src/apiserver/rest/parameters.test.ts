import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { type ConnectConfig, loadKubeconfig } from '@fairlead/client';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const map = JSON.stringify({ metadata: { name: 'a' } });
const partial = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const jsonPatch = 'application/json-patch+json';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const apply = 'application/apply-patch+yaml';

interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

describe('paths, parameters and media types that a server refuses, or takes all the same', () => {
  let server: TestServer;
  let config: ConnectConfig;

  before(async () => {
    server = await startTestServer();
    config = loadKubeconfig(server.kubeconfigFile);
    assert.equal((await send('POST', maps, map)).code, 201);
  });
  after(() => server.stop());

  function send(method: string, path: string, body?: string, given: Record<string, string> = {}): Promise<Answer> {
    const { ca, clientCertificate: cert, clientKey: key } = config;
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { method, ca, cert, key, agent: false, headers: { ...type, ...given } };
    return new Promise((resolve, reject) => {
      // Not a URL object: that would resolve dots.
      const { hostname, port } = new URL(server.url);
      const sent = request({ ...options, hostname, port, path }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ code: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  const rows: readonly (readonly [
    method: string,
    path: string,
    body: string | undefined,
    type: string,
    code: number,
    text: string,
  ])[] = [
    ['GET', `${maps}/..`, undefined, '', 400, 'Name parameter invalid: \\"..\\": may not be \'..\''],
    ['DELETE', `${maps}/a%25b`, undefined, '', 400, 'Name parameter invalid: \\"a%b\\": may not contain \'%\''],
    ['GET', `${maps}/a%2Fb`, undefined, '', 404, 'the server could not find the requested resource'],
    [
      'GET',
      `${maps}/a?export=true`,
      undefined,
      '',
      400,
      'the export parameter, deprecated since v1.14, is no longer supported',
    ],
    ['GET', `${maps}/a?export=0`, undefined, '', 200, '"name":"a"'],
    ['POST', `${maps}?dryRun=`, map, 'application/json', 422, 'dryRun: Unsupported value: [\\"\\"]'],
    ['PATCH', `${maps}/a?dryRun=&dryRun=All`, '{}', merge, 422, 'dryRun: Unsupported value: [\\"\\",\\"All\\"]'],
    ['PATCH', `${maps}/a?force=true`, '{}', 'text/plain', 415, '415: Unsupported Media Type'],
    ['PATCH', `${maps}/a`, 'null', jsonPatch, 200, '"name":"a"'],
    ['PATCH', `${maps}/a`, 'null', strategic, 200, '"name":"a"'],
    ['PATCH', `${maps}/a`, 'null', merge, 400, '"message":"Invalid JSON Patch"'],
    [
      'PATCH',
      `${maps}/new?fieldManager=m&dryRun=`,
      '{"apiVersion":"v1","kind":"ConfigMap"}',
      apply,
      422,
      'dryRun: Unsupported value',
    ],
    ['DELETE', `${maps}/a?dryRun=All&uid=x`, undefined, '', 409, 'the UID in the precondition (x) does not match'],
    [
      'DELETE',
      `${maps}/a?dryRun=All&resourceVersion=1`,
      undefined,
      '',
      409,
      'the ResourceVersion in the precondition (1) does not',
    ],
    ['DELETE', `${maps}?timeoutSeconds=x`, undefined, '', 400, 'strconv.ParseInt: parsing \\"x\\": invalid syntax'],
    ['DELETE', `${maps}?sendInitialEvents=true`, undefined, '', 422, 'sendInitialEvents is forbidden for list'],
    [
      'GET',
      `${maps}?limit=x&sendInitialEvents=true`,
      undefined,
      '',
      400,
      'strconv.ParseInt: parsing \\"x\\": invalid syntax',
    ],
  ];
  for (const [method, path, body, type, code, text] of rows) {
    test(`${method} ${path} ${body ?? ''} ${type}`, async () => {
      const answer = await send(method, path, body, type === '' ? {} : { 'content-type': type });
      assert.equal(answer.code, code, answer.text);
      assert.ok(answer.text.includes(text), answer.text);
    });
  }

  test('a fault is told before a form that does not fit', async () => {
    const list = { accept: partial };
    assert.equal((await send('GET', `${maps}?labelSelector=a%20b`, undefined, list)).code, 400);
    assert.equal((await send('GET', maps, undefined, list)).code, 406);
    const one = { accept: partial.replace('Metadata;', 'MetadataList;') };
    assert.equal((await send('GET', `${maps}/nothing`, undefined, one)).code, 404);
    assert.equal((await send('GET', `${maps}/a`, undefined, one)).code, 406);
  });

  test('refusals come in YAML to who asks for it first', async () => {
    const yaml = await send('GET', `${maps}/nothing`, undefined, { accept: 'application/yaml' });
    assert.equal(yaml.headers['content-type'], 'application/yaml');
    assert.match(
      yaml.text,
      /^apiVersion: v1\ncode: 404\ndetails:\n {2}kind: configmaps\n {2}name: nothing\nkind: Status\n/,
    );
    const watch = `${maps}?watch=1&labelSelector=a%20b`;
    for (const accept of ['application/json, application/yaml', 'application/yaml;q=0.5, */*', 'text/yaml']) {
      const json = await send('GET', `${maps}/nothing`, undefined, { accept });
      assert.match(json.headers['content-type'] ?? '', /json/, accept);
    }
    assert.match((await send('GET', watch, undefined, { accept: 'application/yaml' })).text, /^apiVersion: v1\n/);
  });

  test('answers are private, and level and flow are told of requests that a level answers', async () => {
    const list = await send('GET', maps);
    assert.equal(list.headers['cache-control'], 'no-cache, private');
    assert.ok(list.headers['x-kubernetes-pf-flowschema-uid'] !== undefined);
    const log = await send('GET', '/api/v1/namespaces/default/pods/p/log');
    assert.equal(log.headers['x-kubernetes-pf-flowschema-uid'], undefined);
    const keys = await send('GET', '/openid/v1/jwks');
    assert.equal(keys.headers['cache-control'], 'public, max-age=3600');
  });
});
