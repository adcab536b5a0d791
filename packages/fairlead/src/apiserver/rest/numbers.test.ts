import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { type ConnectConfig, loadKubeconfig } from '@fairlead/client';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const counters = '/apis/numbers.example/v1/namespaces/default/counters';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const types = {
  json: 'application/json',
  yaml: 'application/yaml',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  jsonPatch: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'counters.numbers.example' },
  spec: {
    group: 'numbers.example',
    scope: 'Namespaced',
    names: { plural: 'counters', singular: 'counter', kind: 'Counter', listKind: 'CounterList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        additionalPrinterColumns: [{ name: 'Count', type: 'integer', jsonPath: '.spec.count' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                'x-kubernetes-validations': [
                  { rule: '!has(self.count) || self.count != 9007199254740995', message: 'not that one' },
                ],
                properties: {
                  count: { type: 'integer', format: 'int64' },
                  low: { type: 'integer', maximum: 10, multipleOf: 2 },
                  free: { 'x-kubernetes-preserve-unknown-fields': true },
                  set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'integer' } },
                },
              },
            },
          },
        },
      },
    ],
  },
};

function counter(name: string, spec: string): string {
  return `{"apiVersion":"numbers.example/v1","kind":"Counter","metadata":{"name":"${name}"},"spec":${spec}}`;
}

function deployment(name: string, replicas: string, grace = '30', port = '80', cpu = '1'): string {
  const container = `{"name":"c","image":"i","resources":{"limits":{"cpu":${cpu}}},"readinessProbe":{"tcpSocket":{"port":${port}}}}`;
  const template = `{"metadata":{"labels":{"a":"b"}},"spec":{"terminationGracePeriodSeconds":${grace},"containers":[${container}]}}`;
  return `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"${name}"},"spec":{"replicas":${replicas},"selector":{"matchLabels":{"a":"b"}},"template":${template}}}`;
}

describe('numbers in bodies', () => {
  let server: TestServer;
  let config: ConnectConfig;

  before(async () => {
    server = await startTestServer();
    config = loadKubeconfig(server.kubeconfigFile);
    await send('POST', definitions, 'json', JSON.stringify(definition));
    const deadline = AbortSignal.timeout(60_000);
    while ((await send('GET', counters, 'json')).code !== 200) assert.ok(!deadline.aborted, 'the kind is not served');
    await send('POST', deployments, 'json', deployment('d', '0'));
  });
  after(async () => {
    await server.stop();
  });

  function send(
    method: string,
    path: string,
    type: keyof typeof types,
    body?: string,
    accept: string = types.json,
  ): Promise<{ code: number; text: string }> {
    const { ca, clientCertificate: cert, clientKey: key } = config;
    const headers = { accept, ...(body === undefined ? {} : { 'content-type': types[type] }) };
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, server.url), { method, ca, cert, key, agent: false, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  for (const [name, digits] of [
    ['2^53 + 1', '9007199254740993'],
    ['the largest', '9223372036854775807'],
    ['the smallest', '-9223372036854775808'],
  ] as const) {
    test(`an integer keeps its value: ${name}`, async () => {
      const spec = `{"count":${digits},"free":{"deep":[${digits}]},"set":[${digits}]}`;
      const id = digits.replace('-', 'n');
      const created = await send('POST', counters, 'json', counter(`j${id}`, spec));
      assert.equal(created.code, 201, created.text);
      for (const [how, answer] of [
        ['create', created],
        ['get', await send('GET', `${counters}/j${id}`, 'json')],
        ['list', await send('GET', counters, 'json')],
        ['watch', await send('GET', `${counters}?watch=1&resourceVersion=0&timeoutSeconds=1`, 'json')],
        ['table', await send('GET', counters, 'json', undefined, 'application/json;as=Table;v=v1;g=meta.k8s.io')],
      ] as const) {
        assert.ok(answer.text.includes(digits), `${how}: ${answer.text}`);
      }
      const shown = await send('GET', `${counters}/j${id}`, 'json', undefined, types.yaml);
      assert.match(shown.text, new RegExp(`count: ${digits}\\n`));
      const yaml = `apiVersion: numbers.example/v1\nkind: Counter\nmetadata: {name: y${id}}\nspec: ${spec}\n`;
      for (const [method, path, type, body] of [
        ['POST', counters, 'yaml', yaml],
        ['PATCH', `${counters}/j${id}`, 'merge', `{"spec":{"free":[${digits}]}}`],
        ['PATCH', `${counters}/j${id}`, 'jsonPatch', `[{"op":"test","path":"/spec/count","value":${digits}}]`],
        ['PATCH', `${counters}/j${id}`, 'jsonPatch', `[{"op":"add","path":"/spec/free","value":{"a":${digits}}}]`],
        ['PATCH', `${counters}/a${id}?fieldManager=m`, 'apply', counter(`a${id}`, spec)],
        ['PATCH', `${counters}/a${id}?fieldManager=m`, 'apply', counter(`a${id}`, `{"count":${digits}}`)],
      ] as const) {
        const { code, text } = await send(method, path, type, body);
        assert.ok(code < 300 && text.includes(`"count":${digits}`), `${type} ${body}: ${text}`);
      }
    });
  }

  test('an integer beyond 2^53 is the same to expressions, bounds and managed fields', async () => {
    const refused = await send('POST', counters, 'json', counter('x', '{"count":9007199254740995}'));
    assert.match(refused.text, /not that one/);
    const near = await send('POST', `${counters}?dryRun=All`, 'json', counter('x', '{"count":9007199254740996}'));
    assert.equal(near.code, 201, near.text);
    const wide = await send('POST', counters, 'json', counter('x', '{"low":9007199254740993}'));
    assert.match(wide.text, /Invalid value: 9007199254740993: spec.low in body should be less than or equal to 10/);
    assert.match(wide.text, /should be a multiple of 2/);
    const { text } = await send(
      'PATCH',
      `${counters}/s?fieldManager=m`,
      'apply',
      counter('s', '{"set":[9007199254740993]}'),
    );
    assert.ok(text.includes('"v:9007199254740993"'), text);
    const twice = counter('t', '{"set":[9007199254740993,9007199254740992]}');
    assert.equal((await send('POST', counters, 'json', twice)).code, 201);
  });

  const large = 'json: cannot unmarshal number';
  const rows: readonly (readonly [what: string, type: keyof typeof types, body: string, code: number, text: string])[] =
    [
      [
        'a point',
        'json',
        deployment('n', '1.0'),
        400,
        `${large} 1.0 into Go struct field DeploymentSpec.spec.replicas of type int32`,
      ],
      [
        'an exponent',
        'json',
        deployment('n', '1e3'),
        400,
        `${large} 1e3 into Go struct field DeploymentSpec.spec.replicas of type int32`,
      ],
      ['a negative zero', 'json', deployment('n', '-0'), 201, '"replicas":0'],
      ['beyond 32 bits', 'json', deployment('n', '2147483648'), 400, `${large} 2147483648 into Go struct field`],
      [
        'beyond 64 bits',
        'json',
        deployment('n', '0', '9223372036854775808'),
        400,
        `${large} 9223372036854775808 into Go struct field`,
      ],
      [
        '64 bits',
        'json',
        deployment('n', '0', '9223372036854775807'),
        201,
        '"terminationGracePeriodSeconds":9223372036854775807',
      ],
      ['an amount', 'json', deployment('n', '0', '30', '80', '1e3'), 201, '"cpu":"1e3"'],
      ['no amount', 'json', deployment('n', '0', '30', '80', '"1kk"'), 400, "unable to parse quantity's suffix"],
      ['a point, in YAML', 'yaml', deployment('n', '2.0'), 201, '"replicas":2'],
      ['beyond floats, in YAML', 'yaml', deployment('n', '1e400'), 400, 'cannot unmarshal string into Go struct field'],
      ['beyond floats', 'json', counter('n', '{"free":1e400}'), 400, `${large} 1e400 into Go value of type float64`],
      [
        'beyond exact floats',
        'json',
        counter('n', '{"count":9223372036854775808}'),
        422,
        'must be of type integer: \\"number\\"',
      ],
      ['merged, a point', 'merge', '{"spec":{"replicas":1.0}}', 422, `${large} 1.0 into Go struct field`],
      [
        'patched, a point',
        'jsonPatch',
        '[{"op":"replace","path":"/spec/replicas","value":1.0}]',
        422,
        `${large} 1.0 into`,
      ],
      [
        'merged, beyond floats',
        'merge',
        '{"spec":{"replicas":1e400}}',
        400,
        `error decoding patch: ${large} 1e400 into Go value of type float64`,
      ],
      ['merged strategically, a point', 'strategic', '{"spec":{"replicas":1.0}}', 200, '"replicas":1'],
      ['merged strategically, beyond 32 bits', 'strategic', '{"spec":{"replicas":4294967297}}', 200, '"replicas":1,'],
      [
        'merged strategically, cut off below 0',
        'strategic',
        '{"spec":{"replicas":2147483648}}',
        422,
        'Invalid value: -2147483648: must be greater',
      ],
      [
        'merged strategically, a fraction',
        'strategic',
        '{"spec":{"replicas":1.5}}',
        422,
        'cannot convert float64 to int32',
      ],
      ['applied, beyond 32 bits', 'apply', deployment('d', '4294967297'), 200, '"replicas":1,'],
      [
        'applied, a fraction',
        'apply',
        deployment('d', '1.5'),
        500,
        'unable to convert unstructured object to apps/v1, Kind=Deployment: cannot convert float64 to int32',
      ],
      [
        'applied, a port too large',
        'apply',
        deployment('d', '0', '30', '2147483648'),
        500,
        `${large} 2147483648 into Go value of type int32`,
      ],
    ];
  for (const [what, type, body, code, text] of rows) {
    test(`an integer as a server takes it: ${what}`, async () => {
      const creates = type === 'json' || type === 'yaml';
      const collection = body.includes('Counter') ? counters : deployments;
      const path = `${collection}${creates ? '' : '/d'}?dryRun=All${type === 'apply' ? '&fieldManager=m&force=true' : ''}`;
      const answer = await send(creates ? 'POST' : 'PATCH', path, type, body);
      assert.equal(answer.code, code, answer.text);
      assert.ok(answer.text.includes(text.replaceAll('\\"', '\\"')), answer.text);
    });
  }
});
