import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { type ConnectConfig, loadKubeconfig } from '@fairlead/client';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const json = 'application/json';
const yaml = 'application/yaml';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const jsonPatch = 'application/json-patch+json';

interface Answer {
  readonly code: number;
  readonly message: string;
  readonly warnings: readonly string[];
}

describe('bodies that a server refuses, in its words', () => {
  let server: TestServer;
  let config: ConnectConfig;

  before(async () => {
    server = await startTestServer();
    config = loadKubeconfig(server.kubeconfigFile);
    const selector = { matchLabels: { a: 'd' } };
    const template = { metadata: { labels: { a: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await send('POST', configMaps, json, '{"metadata":{"name":"m"},"data":{"a":"1"}}');
    const deployment = { metadata: { name: 'd' }, spec: { replicas: 0, selector, template } };
    await send('POST', deployments, json, JSON.stringify(deployment));
  });
  after(async () => {
    await server.stop();
  });

  function send(method: string, path: string, type: string, body: string): Promise<Answer> {
    const { ca, clientCertificate: cert, clientKey: key } = config;
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, server.url),
        { method, ca, cert, key, agent: false, headers: { 'content-type': type } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const { message = '' } = JSON.parse(Buffer.concat(chunks).toString()) as { message?: string };
            const warning = response.headers.warning ?? '';
            const warnings = [...String(warning).matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(
              ([, text]) => JSON.parse(`"${text}"`) as string,
            );
            resolve({ code: response.statusCode ?? 0, message, warnings });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  const unread = 'the object provided is unrecognized (must be of type ConfigMap): ';
  const unparsed = `${unread}couldn't get version/kind; json parse error: `;
  const creates: readonly [what: string, type: string, body: string, message: string][] = [
    ['cut off', json, '{"metadata":', `${unparsed}unexpected end of JSON input ({"metadata":)`],
    [
      'more after it',
      json,
      '{"metadata":{"name":"a-long-name"}} x',
      `${unparsed}invalid character 'x' after top-level value ({"metadata":{"name":"a-long-na ...)`,
    ],
    [
      'long and no object',
      json,
      '["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]',
      `${unparsed}json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b22${'61'.repeat(28)} ...)`,
    ],
    [
      'a kind that is no text',
      json,
      '{"kind":5}',
      `${unparsed}json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})`,
    ],
    [
      'a version of three parts',
      json,
      '{"apiVersion":"a/b/c"}',
      `${unread}unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c"})`,
    ],
    ['bad YAML', yaml, 'a: b: c', `${unread}yaml: mapping values are not allowed in this context (613a20623a2063)`],
  ];
  for (const [what, type, body, message] of creates) {
    test(`a new object: ${what}`, async () => {
      assert.deepEqual(await send('POST', configMaps, type, body), { code: 400, message, warnings: [] });
    });
  }

  // Each in the words of apimachinery 0.36 for the same input.
  const invalid = (patch: string, why: string): string =>
    ` "" is invalid: patch: Invalid value: ${JSON.stringify(patch)}: ${why}`;
  const conversions: readonly [patch: string, printed: string, why: string][] = [
    ['{"spec":{"replicas":"abc"}}', 'map[spec:map[replicas:abc]]', 'unrecognized type: int32'],
    ['{"spec":{"replicas":1.5}}', 'map[spec:map[replicas:1.5]]', 'cannot convert float64 to int32'],
    ['{"spec":{"paused":5}}', 'map[spec:map[paused:5]]', 'unrecognized type: bool'],
    ['{"spec":"x"}', 'map[spec:x]', 'cannot restore struct from: string'],
    ['{"metadata":{"labels":{"a":1}}}', 'map[metadata:map[labels:map[a:1]]]', 'cannot convert int64 to string'],
    ['{"metadata":{"labels":{"a":true}}}', 'map[metadata:map[labels:map[a:true]]]', 'unrecognized type: string'],
    ['{"metadata":{"labels":["x","y"]}}', 'map[metadata:map[labels:[x y]]]', 'cannot restore map from slice'],
    [
      '{"spec":{"strategy":{"type":5}}}',
      'map[spec:map[strategy:map[type:5]]]',
      'cannot convert int64 to v1.DeploymentStrategyType',
    ],
    [
      '{"spec":{"strategy":{"rollingUpdate":{"maxSurge":true}}}}',
      'map[spec:map[strategy:map[rollingUpdate:map[maxSurge:true]]]]',
      'json: cannot unmarshal bool into Go value of type int32',
    ],
  ];
  for (const [patch, printed, why] of conversions) {
    test(`a strategic merge patch: ${patch}`, async () => {
      const answer = await send('PATCH', `${deployments}/d`, strategic, patch);
      assert.deepEqual(answer, { code: 422, message: invalid(printed, why), warnings: [] });
    });
  }

  const syntax: readonly [type: string, body: string, message: string][] = [
    [merge, '{"data":{"a":}}', "error decoding patch: invalid character '}' looking for beginning of value"],
    [merge, '{"data":{}} x', "error decoding patch: invalid character 'x' after top-level value"],
    [strategic, '{"data":{"a":}}', "invalid character '}' looking for beginning of value"],
    [jsonPatch, '[{"op":"add"},]', "error decoding patch: invalid character ']' looking for beginning of value"],
    [
      jsonPatch,
      '[{"op":5}]',
      'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string',
    ],
    [
      jsonPatch,
      '[5]',
      'error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp',
    ],
  ];
  for (const [type, body, message] of syntax) {
    test(`a patch that is no ${type.split('/')[1]}: ${body}`, async () => {
      assert.deepEqual(await send('PATCH', `${configMaps}/m`, type, body), { code: 400, message, warnings: [] });
    });
  }

  const doubtful: readonly [type: string, body: string, faults: readonly string[]][] = [
    [merge, '{"data":{"a":"2","a":"3"}}', ['duplicate field "data.a"']],
    [
      strategic,
      '{"data":{"a":"2","a":"3"},"zz":1,"aa":2}',
      ['duplicate field "data.a"', 'unknown field "aa"', 'unknown field "zz"'],
    ],
    [
      jsonPatch,
      '[{"op":"test","path":"/kind","value":"ConfigMap","pth":1,"op":"test"}]',
      ['json patch duplicate field "[0].op"', 'json patch unknown field "[0].pth"'],
    ],
  ];
  for (const [type, body, faults] of doubtful) {
    test(`told or refused, as asked: ${body}`, async () => {
      const path = `${configMaps}/m`;
      const warned = await send('PATCH', path, type, body);
      assert.deepEqual([warned.code, warned.warnings], [200, faults]);
      const ignored = await send('PATCH', `${path}?fieldValidation=Ignore`, type, body);
      assert.deepEqual([ignored.code, ignored.warnings], [200, []]);
      const refused = await send('PATCH', `${path}?fieldValidation=Strict`, type, body);
      assert.equal(refused.code, 422);
      assert.ok(refused.message.endsWith(`: strict decoding error: ${faults.join(', ')}`), refused.message);
    });
  }

  test('a JSON patch of too many operations is too large', async () => {
    const operations = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' }));
    const { code, message } = await send('PATCH', `${configMaps}/m`, jsonPatch, JSON.stringify(operations));
    assert.equal(code, 413);
    assert.match(
      message,
      /^Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001/,
    );
  });
});
