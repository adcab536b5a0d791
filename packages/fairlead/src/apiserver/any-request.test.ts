import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ApiClient, ApiError } from '@fairlead/client';
import fc from 'fast-check';
import { systemClock } from '../sys/clock.ts';
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

type Json = fc.JsonValue;

const namespaced: readonly (readonly [group: string, version: string, plural: string])[] = [
  ['', 'v1', 'services'],
  ['', 'v1', 'pods'],
  ['', 'v1', 'configmaps'],
  ['', 'v1', 'secrets'],
  ['', 'v1', 'endpoints'],
  ['', 'v1', 'events'],
  ['', 'v1', 'serviceaccounts'],
  ['apps', 'v1', 'deployments'],
  ['apps', 'v1', 'statefulsets'],
  ['batch', 'v1', 'cronjobs'],
  ['networking.k8s.io', 'v1', 'ingresses'],
  ['networking.k8s.io', 'v1', 'networkpolicies'],
  ['discovery.k8s.io', 'v1', 'endpointslices'],
  ['coordination.k8s.io', 'v1', 'leases'],
  ['autoscaling', 'v2', 'horizontalpodautoscalers'],
  ['policy', 'v1', 'poddisruptionbudgets'],
  ['rbac.authorization.k8s.io', 'v1', 'rolebindings'],
  ['events.k8s.io', 'v1', 'events'],
  ['fuzz.example', 'v1', 'fuzzes'],
];
const clusterWide: readonly (readonly [group: string, version: string, plural: string])[] = [
  ['', 'v1', 'namespaces'],
  ['', 'v1', 'nodes'],
  ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions'],
  ['admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations'],
  ['admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies'],
  ['rbac.authorization.k8s.io', 'v1', 'clusterroles'],
  ['networking.k8s.io', 'v1', 'servicecidrs'],
  ['networking.k8s.io', 'v1', 'ipaddresses'],
  ['authorization.k8s.io', 'v1', 'subjectaccessreviews'],
  ['authentication.k8s.io', 'v1', 'tokenreviews'],
];

const root = ([group, version]: readonly [string, string, string]): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
const collection = fc.oneof(
  fc.constantFrom(...namespaced).map((one) => `${root(one)}/namespaces/default/${one[2]}`),
  fc.constantFrom(...namespaced).map((one) => `${root(one)}/${one[2]}`),
  fc.constantFrom(...clusterWide).map((one) => `${root(one)}/${one[2]}`),
);
const namedPath = fc
  .tuple(
    collection,
    fc.constantFrom('/seed', '/kubernetes', '/default', '/a%00b', '/%F0%9F%98%80', '/..', ''),
    fc.constantFrom('', '/status', '/scale', '/finalize', '/binding', '/eviction', '/token', '/log', '/exec', '/x'),
  )
  .map((parts) => parts.join(''));
const anyPath = fc.oneof(
  namedPath,
  fc
    .array(
      fc.oneof(
        fc.constantFrom('api', 'apis', 'v1', 'apps', 'namespaces', 'watch', 'openapi', 'v2', 'v3', ''),
        fc.webSegment(),
      ),
    )
    .map((segments) => `/${segments.join('/')}`),
);

/** Names that schemas know, and those that JavaScript objects have. */
const fieldNames =
  'apiVersion kind metadata name namespace labels annotations finalizers ownerReferences managedFields resourceVersion uid generateName spec status data stringData selector ports port targetPort nodePort clusterIP clusterIPs type rules host http paths backend template containers image env value valueFrom matchLabels matchExpressions key operator values replicas group names plural versions schema openAPIV3Schema properties items x-kubernetes-validations rule message webhooks validations expression matchConstraints endpoints addresses subsets __proto__ constructor toString length'.split(
    ' ',
  );
const scalars = fc.oneof(
  fc.constantFrom(
    null,
    true,
    '',
    'seed',
    'v1',
    'default',
    0,
    -1,
    80,
    1e308,
    0.5,
    2 ** 53,
    '10.96.0.1',
    '::1',
    '10.0.0.0/8',
    '100m',
    '-1Ki',
  ),
  fc.constantFrom(
    '2026-01-01T00:00:00Z',
    'a'.repeat(300),
    '\u0000',
    '\ud800',
    'ClusterIP',
    'self.all(x, x)',
    'object.spec',
  ),
  fc.string(),
  fc.double({ noNaN: true }),
);
const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...fieldNames), tie('tree')), { maxLength: 6 })
      .map((entries) => Object.fromEntries(entries) as Json),
  ),
}));

const seeds: Readonly<Record<string, Json>> = {
  services: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'seed', labels: { a: 'b' }, annotations: { c: 'd' } },
    spec: { selector: { a: 'b' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }], type: 'NodePort' },
  },
  deployments: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'seed' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      template: {
        metadata: { labels: { a: 'b' } },
        spec: {
          containers: [{ name: 'c', image: 'i', env: [{ name: 'E', value: 'v' }], ports: [{ containerPort: 80 }] }],
        },
      },
    },
  },
  ingresses: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'seed' },
    spec: {
      rules: [
        {
          host: 'a.example',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  fuzzes: {
    apiVersion: 'fuzz.example/v1',
    kind: 'Fuzz',
    metadata: { name: 'seed' },
    spec: { text: 'a', list: [{ key: 'k' }] },
  },
};

/** A seed with some of its parts replaced, removed or added. */
const mutated = fc
  .tuple(
    fc.constantFrom(...Object.keys(seeds)),
    fc.array(fc.tuple(fc.nat(), tree, fc.constantFrom(...fieldNames)), { maxLength: 3 }),
  )
  .map(([plural, changes]) => {
    const body = structuredClone(seeds[plural]) as Json;
    for (const [at, value, name] of changes) {
      const places: { holder: Record<string, Json>; key: string }[] = [];
      collectPlaces(body, places);
      const place = places[at % places.length]!;
      if (at % 3 === 0 && !Array.isArray(place.holder)) place.holder[name] = value;
      else place.holder[place.key] = value;
    }
    return { plural, body };
  });

function collectPlaces(value: Json, places: { holder: Record<string, Json>; key: string }[]): void {
  if (typeof value !== 'object' || value === null) return;
  const holder = value as Record<string, Json>;
  for (const key of Object.keys(holder)) {
    places.push({ holder, key });
    collectPlaces(holder[key] ?? null, places);
  }
}

const parameterNames =
  'limit continue resourceVersion resourceVersionMatch labelSelector fieldSelector watch timeoutSeconds allowWatchBookmarks sendInitialEvents dryRun fieldManager fieldValidation force gracePeriodSeconds propagationPolicy orphanDependents includeObject pretty container tailLines'.split(
    ' ',
  );
const selectorTexts = fc.oneof(
  fc.constantFrom(
    'a=b',
    'a in (b,c)',
    '!a',
    'a notin ()',
    ',',
    '(',
    'a=b,,',
    'metadata.name=seed',
    'spec.type!=x',
    'x.y=z',
    '=',
    'a==b=c',
  ),
  fc
    .array(fc.constantFrom('a', '=', '!', '(', ')', ',', 'in', ' ', 'notin', '/', '.', '>', '1'))
    .map((parts) => parts.join('')),
);
const queries = fc
  .array(
    fc.tuple(
      fc.constantFrom(...parameterNames),
      fc.oneof(
        selectorTexts,
        fc.string(),
        fc.constantFrom(
          '0',
          '1',
          '-1',
          'true',
          'All',
          'Strict',
          'Exact',
          'NotOlderThan',
          '99999999999999999999',
          'e30',
        ),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => new URLSearchParams(pairs).toString());

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
const accepts = [
  'application/json',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  '*/*',
  'text/html',
  ';;',
  'application/vnd.kubernetes.protobuf',
];
const operation = fc.record({
  op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
  path: fc
    .array(fc.constantFrom('metadata', 'labels', 'spec', 'ports', '0', '-', 'a', '~1', '~', '__proto__', '99999999999'))
    .map((parts) => `/${parts.join('/')}`),
  from: fc.constantFrom('/spec', '/metadata/labels', '', '/spec/ports/0'),
  value: tree,
});
const strategic = fc.constantFrom(
  { spec: { ports: [{ $patch: 'delete', port: 80 }] } },
  { spec: { $setElementOrder: 1, '$setElementOrder/ports': [{ port: 80 }], ports: [] } },
  { metadata: { finalizers: null, '$deleteFromPrimitiveList/finalizers': ['a'] } },
  { $patch: 'replace' },
  { spec: { $retainKeys: ['a'], ports: 'x' } },
) as fc.Arbitrary<Json>;

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
