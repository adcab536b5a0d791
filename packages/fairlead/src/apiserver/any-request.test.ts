import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ApiClient, ApiError } from '@fairlead/client';
import fc from 'fast-check';
import { systemClock } from '../sys/clock.ts';
import {
  accepts,
  anyPath,
  type Json,
  mutated,
  namedPath,
  operation,
  patchTypes,
  queries,
  seeds,
  strategic,
  tree,
} from './testing/arbitrary-requests.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';

/** Each property stops after this time, however many runs it got to. */
const budgetMs = 1500;
/** An answer later than this is a hang. */
const answerWithinMs = 60_000;

/** What a Kubernetes server itself answers with 500; clients know these texts. */
const badRequestsThatAre500 = [
  /^resourceVersion should not be set on objects to be created$/,
  /^resourceVersion: Invalid value: /,
  /^failed to create typed patch object \(/,
  /^failed to convert new object \(/,
];

describe('any request gets an answer, and never a 500', { timeout: 240_000 }, () => {
  const complaints: string[] = [];
  let server: TestServer;
  let client: ApiClient;

  before(async () => {
    server = await startTestServer({
      log: (level, message, fields) => {
        if (level === 'error') complaints.push(`${message} ${JSON.stringify(fields)}`);
      },
    });
    client = server.client();
    await client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'fuzzes.fuzz.example' },
      spec: {
        group: 'fuzz.example',
        names: { kind: 'Fuzz', plural: 'fuzzes' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    'x-kubernetes-validations': [{ rule: "!has(self.text) || self.text.matches('^a*b?')" }],
                    properties: {
                      text: { type: 'string', pattern: '^(a|b)*$', default: 'a' },
                      n: { type: 'integer' },
                      either: { 'x-kubernetes-int-or-string': true },
                      list: {
                        type: 'array',
                        'x-kubernetes-list-type': 'map',
                        'x-kubernetes-list-map-keys': ['key'],
                        items: { type: 'object', required: ['key'], properties: { key: { type: 'string' } } },
                      },
                      any: { 'x-kubernetes-preserve-unknown-fields': true },
                    },
                  },
                },
              },
            },
          },
        ],
      },
    });
    for (const [plural, body] of Object.entries(seeds)) await answered('POST', pathOf(plural), JSON.stringify(body));
  });
  after(async () => {
    await server.stop();
  });

  function pathOf(plural: string): string {
    const { apiVersion } = seeds[plural] as { apiVersion: string };
    return `${apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`}/namespaces/default/${plural}`;
  }

  /** Sends one request; fails for a late answer and for a 500 that no Kubernetes server would give. */
  async function answered(
    method: string,
    path: string,
    body?: string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const said = `${method} ${path} ${JSON.stringify(headers)} ${body === undefined ? '' : Buffer.from(body).toString('base64')}`;
    const late = new AbortController();
    const timer = systemClock.sleep(answerWithinMs, late.signal).then(
      () => assert.fail(`no answer: ${said}`),
      () => {},
    );
    try {
      await Promise.race([timer, isStream(path) ? firstOf(path) : client.request(method, path, body, headers)]);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const known = badRequestsThatAre500.some((pattern) => pattern.test(error.message));
      assert.ok(error.code !== 500 || known, `${said.slice(0, 4000)}\n${error.message}\n${complaints.join('\n')}`);
    } finally {
      late.abort();
    }
  }

  function isStream(path: string): boolean {
    return /[?&]watch(=|&|$)|\/watch\//.test(path) || /\/(log|exec|attach|portforward)(\?|$)/.test(path);
  }

  async function firstOf(path: string): Promise<void> {
    for await (const _ of client.stream(path, { signal: AbortSignal.timeout(20) })) return;
  }

  const run = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => Promise<void>): Promise<void> =>
    fc.assert(fc.asyncProperty(arbitrary, check), {
      numRuns: 100_000,
      interruptAfterTimeLimit: budgetMs,
      markInterruptAsFailure: false,
      endOnFailure: true,
    });

  test('paths, methods and queries', () =>
    run(
      fc.tuple(
        fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'X'),
        anyPath,
        queries,
        fc.constantFrom(...accepts),
      ),
      async ([method, path, query, accept]) => {
        // Nothing here may take the seeds away.
        const kept = method === 'DELETE' && !path.includes('/seed/') ? 'GET' : method;
        await answered(kept, query === '' ? path : `${path}?${query}`, undefined, { accept });
      },
    ));

  test('bodies of any shape', () =>
    run(fc.tuple(fc.constantFrom('POST', 'PUT'), namedPath, tree, queries), async ([method, path, body, query]) =>
      answered(method, `${path}?${query}`, JSON.stringify(body)),
    ));

  test('bodies that are almost right', () =>
    run(fc.tuple(fc.constantFrom('POST', 'PUT', 'APPLY'), mutated), async ([method, { plural, body }]) => {
      const text = JSON.stringify(body);
      const path = pathOf(plural);
      if (method === 'POST') await answered('POST', `${path}?dryRun=All&fieldValidation=Strict`, text);
      else if (method === 'PUT') await answered('PUT', `${path}/seed`, text);
      else {
        const headers = { 'content-type': 'application/apply-patch+yaml' };
        await answered('PATCH', `${path}/seed?fieldManager=fuzzer&force=true`, text, headers);
      }
    }));

  test('patches', () =>
    run(
      fc.tuple(
        fc.constantFrom(...Object.keys(seeds)),
        fc.constantFrom(...patchTypes),
        fc.oneof(tree, strategic, fc.array(operation, { maxLength: 3 }) as fc.Arbitrary<Json>),
        fc.constantFrom('', '/status', '/scale'),
      ),
      async ([plural, type, patch, subresource]) => {
        const path = `${pathOf(plural)}/seed${subresource}?fieldManager=fuzzer&dryRun=All`;
        await answered('PATCH', path, JSON.stringify(patch), { 'content-type': type });
      },
    ));

  test('bytes as JSON, YAML and protobuf', () => {
    const envelope = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([Buffer.from('k8s\0'), bytes]));
    const yaml = fc
      .array(
        fc.constantFrom(
          'a: ',
          '- ',
          '\n',
          '  ',
          '&x',
          '*x',
          '<<: ',
          '{',
          '}',
          '[',
          '"',
          '|',
          '!!binary ',
          'kind: Service',
          '? ',
          '# ',
        ),
      )
      .map((parts) => Buffer.from(parts.join('')));
    const types = [
      'application/json',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
      'text/plain',
      '',
      ...patchTypes,
    ];
    return run(
      fc.tuple(
        fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE'),
        namedPath,
        fc.oneof(envelope, yaml, fc.uint8Array()),
        fc.constantFrom(...types),
      ),
      async ([method, path, bytes, type]) => {
        const kept = method === 'DELETE' ? 'POST' : method;
        await answered(kept, path, bytes, { 'content-type': type });
      },
    );
  });

  test('expressions in definitions and policies', () => {
    const pieces =
      'self oldSelf object . ? [ ] ( ) { } , : + - * / % == != < && || ! in has( all( exists( map( filter( size( "a" \'b\' 1 1u 0.5 true null x xs spec metadata name matches( "^(a+)+$" split( duration( "1h" quantity( ip( cel.bind( variables params optional.of( orValue( sortBy( url( format.named( [1,2,3] 9223372036854775807'.split(
        ' ',
      );
    const expression = fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 14 })
      .map((parts) => parts.join(''));
    return run(fc.tuple(expression, fc.boolean()), async ([text, inDefinition]) => {
      if (inDefinition) {
        const schema = {
          type: 'object',
          properties: {
            spec: {
              type: 'object',
              'x-kubernetes-validations': [{ rule: text }],
              properties: { xs: { type: 'array', maxItems: 5, items: { type: 'string', maxLength: 5 } } },
            },
          },
        };
        const names = { kind: 'Trial', plural: 'trials' };
        const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }];
        const body = {
          metadata: { name: 'trials.fuzz.example' },
          spec: { group: 'fuzz.example', names, scope: 'Namespaced', versions },
        };
        await answered(
          'POST',
          '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All',
          JSON.stringify(body),
        );
      } else {
        const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['services'] }];
        const spec = {
          matchConstraints: { resourceRules: rules },
          validations: [{ expression: text, messageExpression: text }],
          variables: [{ name: 'x', expression: text }],
        };
        await answered(
          'POST',
          '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies?dryRun=All',
          JSON.stringify({ metadata: { name: 'trial' }, spec }),
        );
      }
    });
  });

  /** What was found before: these once ended in a 500. */
  const found: readonly (readonly [string, string, string, string])[] = [
    ['a kind that is an object', 'PATCH', 'application/apply-patch+yaml', '{"apiVersion":"v1","kind":{"toString":1}}'],
    [
      'a name that is an object',
      'PATCH',
      'application/apply-patch+yaml',
      '{"apiVersion":"v1","kind":"Service","x":1,"metadata":{"name":{"toString":1}}}',
    ],
    ['an operation that is an object', 'PATCH', 'application/json-patch+json', '[{"op":{"toString":1},"path":"/a"}]'],
    ['a directive that is an object', 'PATCH', 'application/strategic-merge-patch+json', '{"$patch":{"toString":1}}'],
    ['a deep document of YAML', 'POST', 'application/yaml', '['.repeat(20_000)],
  ];
  for (const [name, method, type, body] of found) {
    test(name, () =>
      answered(method, `${pathOf('services')}${method === 'POST' ? '' : '/seed?fieldManager=f'}`, body, {
        'content-type': type,
      }),
    );
  }

  test('limits: depth, annotations, selectors', async () => {
    const deep = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const services = pathOf('services');
    for (const depth of [100, 9000, 300_000]) {
      await answered('POST', services, deep(depth));
      await answered('POST', pathOf('fuzzes'), `{"metadata":{"name":"deep"},"spec":{"any":${deep(depth)}}}`);
      for (const type of patchTypes)
        await answered('PATCH', `${services}/seed?fieldManager=f`, deep(depth), { 'content-type': type });
    }
    const big = { metadata: { name: 'big', annotations: { a: 'x'.repeat(262_145) } } };
    await assert.rejects(client.request('POST', '/api/v1/namespaces/default/configmaps', big), (error) => {
      assert.ok(error instanceof ApiError && error.code === 422);
      return error.message.includes('Too long: may not be more than 262144 bytes');
    });
    const long = Array.from({ length: 20_000 }, (_, index) => `k${index} in (a,b,c)`).join(',');
    await answered('GET', `${services}?labelSelector=${encodeURIComponent(long)}`);
    await answered('GET', `${services}?labelSelector=${encodeURIComponent('('.repeat(100_000))}`);
    const manager = 'm'.repeat(200);
    await answered('PATCH', `${services}/seed?fieldManager=${manager}`, '{}', {
      'content-type': 'application/merge-patch+json',
    });
  });

  test('the server complained about nothing', () => assert.deepEqual(complaints, []));
});
