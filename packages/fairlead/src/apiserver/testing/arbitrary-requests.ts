import fc from 'fast-check';

/** What a body may hold. */
export type Json = fc.JsonValue;

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
/** The path of an object, or of what is below it. */
export const namedPath: fc.Arbitrary<string> = fc
  .tuple(
    collection,
    fc.constantFrom('/seed', '/kubernetes', '/default', '/a%00b', '/%F0%9F%98%80', '/..', ''),
    fc.constantFrom('', '/status', '/scale', '/finalize', '/binding', '/eviction', '/token', '/log', '/exec', '/x'),
  )
  .map((parts) => parts.join(''));
/** A path that is served, or almost one. */
export const anyPath: fc.Arbitrary<string> = fc.oneof(
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
const trees = fc.letrec<{ tree: Json }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...fieldNames), tie('tree')), { maxLength: 6 })
      .map((entries) => Object.fromEntries(entries) as Json),
  ),
}));
/** Any JSON, with names that schemas know and values that they may not. */
export const tree: fc.Arbitrary<Json> = trees.tree;

/** One whole object of some kinds, by plural. */
export const seeds: Readonly<Record<string, Json>> = {
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
export const mutated: fc.Arbitrary<{ readonly plural: string; readonly body: Json }> = fc
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
/** A query string without its `?`. */
export const queries: fc.Arbitrary<string> = fc
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

/** Media types of patches, and of other things. */
export const patchTypes: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
/** Values of Accept. */
export const accepts: readonly string[] = [
  'application/json',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  '*/*',
  'text/html',
  ';;',
  'application/vnd.kubernetes.protobuf',
];
/** One operation of a JSON patch. */
export const operation: fc.Arbitrary<unknown> = fc.record({
  op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
  path: fc
    .array(fc.constantFrom('metadata', 'labels', 'spec', 'ports', '0', '-', 'a', '~1', '~', '__proto__', '99999999999'))
    .map((parts) => `/${parts.join('/')}`),
  from: fc.constantFrom('/spec', '/metadata/labels', '', '/spec/ports/0'),
  value: tree,
});
/** A strategic merge patch. */
export const strategic: fc.Arbitrary<Json> = fc.constantFrom(
  { spec: { ports: [{ $patch: 'delete', port: 80 }] } },
  { spec: { $setElementOrder: 1, '$setElementOrder/ports': [{ port: 80 }], ports: [] } },
  { metadata: { finalizers: null, '$deleteFromPrimitiveList/finalizers': ['a'] } },
  { $patch: 'replace' },
  { spec: { $retainKeys: ['a'], ports: 'x' } },
) as fc.Arbitrary<Json>;
