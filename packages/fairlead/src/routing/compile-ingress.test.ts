import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ingress, Stored } from '@fairlead/api';
import { compileIngress } from './compile-ingress.ts';
import { isOurIngress, ownIngressClass, selectClasses } from './ingress-class.ts';
import { mergeHost } from './merge-host.ts';
import { ingress, ingressClass, ingressPath, serviceBackend } from './routing-fixtures.ts';

describe('problems name the field and leave other rules alone', () => {
  const good = ingressPath('Prefix /ok ok');
  const rows: [name: string, object: Stored<Ingress>, problems: string[]][] = [
    ['none', ingress('i', { 'a.example': ['Prefix / a'] }), []],
    [
      'resource backend',
      ingress(
        'i',
        {},
        {
          rules: [
            {
              http: {
                paths: [{ pathType: 'Prefix', path: '/', backend: { resource: { kind: 'Bucket', name: 'b' } } }, good],
              },
            },
          ],
        },
      ),
      ['BackendUnsupported spec.rules[0].http.paths[0].backend'],
    ],
    ['no backend at all', ingress('i', {}, { defaultBackend: {} }), ['BackendUnsupported spec.defaultBackend']],
    [
      'a service without port',
      ingress('i', {}, { defaultBackend: { service: { name: 's' } } }),
      ['InvalidRule spec.defaultBackend.service.port'],
    ],
    [
      'a relative path',
      ingress('i', {}, { rules: [{ http: { paths: [good, { ...good, path: 'x' }] } }] }),
      ['InvalidRule spec.rules[0].http.paths[1].path'],
    ],
    [
      'a host with a port',
      ingress('i', { 'a.example:80': [], 'b.example': ['Prefix / b'] }),
      ['InvalidRule spec.rules[0].host'],
    ],
    ['a wildcard in the middle', ingress('i', { 'a.*.example': ['Prefix / a'] }), ['InvalidRule spec.rules[0].host']],
    ['nothing', ingress('i', {}), ['InvalidRule spec']],
    [
      'a rule without paths or default',
      ingress('i', {}, { rules: [{ host: 'a.example' }] }),
      ['InvalidRule spec.rules[0]'],
    ],
    [
      'TLS',
      ingress('i', { 'a.example': ['Prefix / a'] }, { tls: [{ hosts: ['a.example', 'a_b', '*.*.c'] }] }),
      ['InvalidRule spec.tls[0].hosts[1]', 'InvalidRule spec.tls[0].hosts[2]'],
    ],
  ];
  for (const [name, object, problems] of rows) {
    test(name, () => {
      const compiled = compileIngress(object);
      assert.deepEqual(
        compiled.problems.map((problem) => `${problem.reason} ${problem.field}`),
        problems,
      );
      const paths = object.spec?.rules?.some((rule) => rule.http?.paths.some((path) => path.path === '/ok')) ?? false;
      assert.equal(
        [...compiled.hosts.values()].flat().some(({ route }) => route.match.path.value === '/ok'),
        paths,
      );
    });
  }
});

test('a compiled route in full', () => {
  const { hosts, backends } = compileIngress(ingress('web', { 'Shop.Example': ['Prefix /cart/ cart:http'] }));
  assert.deepEqual(backends, [
    {
      key: 'shop/cart:http',
      namespace: 'shop',
      service: 'cart',
      port: 'http',
      field: 'spec.rules[0].http.paths[0].backend.service',
    },
  ]);
  assert.deepEqual(
    hosts.get('shop.example')?.map(({ route }) => route),
    [
      {
        source: { kind: 'Ingress', namespace: 'shop', name: 'web', field: 'spec.rules[0].http.paths[0]' },
        match: { path: { type: 'prefix', value: '/cart' }, headers: [], query: [] },
        action: { type: 'forward', backends: [{ backend: 'shop/cart:http', weight: 1 }] },
        timeouts: { requestMs: 'off', connectMs: 5000, idleMs: 60000 },
      },
    ],
  );
});

test('compiling is a function of its argument: the same object gives equal rules, and stays as it was', () => {
  const object = ingress('web', { 'a.example': ['Exact /a a', 'Prefix / b'] }, { defaultBackend: serviceBackend('d') });
  const before = structuredClone(object);
  assert.deepEqual(compileIngress(object), compileIngress(structuredClone(object)));
  assert.deepEqual(object, before);
});

test('conflicts are told to the Ingress that lost', () => {
  const older = compileIngress(ingress('z', { h: ['Prefix /a x', 'Exact /b x'] }, { created: '2025-01-01T00:00:00Z' }));
  const newer = compileIngress(ingress('a', { h: ['Prefix /c x', 'Prefix /a/ x', 'Exact /b x', 'Prefix /c y'] }));
  const merged = mergeHost([...newer.hosts.get('h')!, ...older.hosts.get('h')!]);
  assert.equal(merged.routes.length, 3);
  const field = (index: number): string => `spec.rules[0].http.paths[${index}]`;
  assert.deepEqual(merged.conflicts, [
    { ingress: 'shop/a', field: field(2), winner: 'shop/z' },
    { ingress: 'shop/a', field: field(1), winner: 'shop/z' },
    { ingress: 'shop/a', field: field(3), winner: 'shop/a' },
  ]);
});

describe('class selection', () => {
  const ours = ingressClass('fairlead');
  const ourDefault = ingressClass('main', { isDefault: true, created: '2026-02-01T00:00:00Z' });
  const foreign = ingressClass('nginx', { controller: 'k8s.io/ingress-nginx' });
  const foreignDefault = ingressClass('traefik', {
    controller: 'traefik.io/x',
    isDefault: true,
    created: '2026-03-01T00:00:00Z',
  });
  const { ingressClassName: _, ...bare } = ingress('i', {}).spec!;
  const named = (name: string): Ingress => ({ spec: { ...bare, ingressClassName: name } });
  const annotated = (name: string, spec: Ingress['spec'] = bare): Ingress => ({
    metadata: { annotations: { 'kubernetes.io/ingress.class': name } },
    spec,
  });
  const unnamed: Ingress = { spec: bare };
  const rows: [name: string, classes: (typeof ours)[], object: Ingress, expected: boolean][] = [
    ['our class by name', [ours, foreign], named('fairlead'), true],
    ['a class of any name with our controller', [ours, ourDefault], named('main'), true],
    ['a foreign class', [ours, foreign], named('nginx'), false],
    ['a class that does not exist', [ours], named('other'), false],
    ['our class name without a class object is nobody', [], named('fairlead'), false],
    ['annotation with our class', [ours], annotated('fairlead'), true],
    ['annotation with our class name and no object', [], annotated('fairlead'), true],
    [
      'annotation with our class name, taken by another controller',
      [ingressClass('fairlead', { controller: 'x.example/y' })],
      annotated('fairlead'),
      false,
    ],
    ['annotation with a foreign class', [ours, foreign, ourDefault], annotated('nginx'), false],
    ['the field wins over the annotation', [ours, foreign], annotated('fairlead', named('nginx').spec), false],
    ['no class, no default', [ours], unnamed, false],
    ['no class, our default', [ours, ourDefault], unnamed, true],
    ['no class, foreign default', [ours, foreignDefault], unnamed, false],
    ['two defaults: the newest counts', [ourDefault, foreignDefault], unnamed, false],
    ['two defaults, in the other order', [foreignDefault, ourDefault], unnamed, false],
  ];
  for (const [name, classes, object, expected] of rows) {
    test(name, () => assert.equal(isOurIngress(object, selectClasses(classes, 'fairlead')), expected));
  }
  test('the class that we create selects Ingresses without a class', () => {
    const created = ownIngressClass('fairlead');
    const stored = { ...created, metadata: { ...ours.metadata, annotations: created.metadata?.annotations } };
    assert.equal(isOurIngress(unnamed, selectClasses([stored], 'fairlead')), true);
  });
});

const pageRows: readonly (readonly [name: string, annotations: Readonly<Record<string, string>>, has: boolean])[] = [
  ['none', {}, false],
  ['pages', { 'error-pages': 'configmap/pages' }, true],
  ['pages for other statuses', { 'error-pages': 'configmap/pages', 'error-pages-for': '5xx' }, false],
  ['pages of endpoints', { 'error-pages': 'configmap/pages', 'error-pages-of': 'endpoint' }, false],
];
describe('what requests get that no route takes', () => {
  for (const [name, annotations, has] of pageRows) {
    test(name, () => {
      const web = ingress('web', { 'a.example': ['Prefix /shop web'] });
      web.metadata.annotations = Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`fairlead.dev/${key}`, value]),
      );
      const merged = mergeHost(compileIngress(web).hosts.get('a.example')!);
      assert.deepEqual(merged.conflicts, []);
      assert.equal(merged.routes.length, 1);
      assert.equal(merged.unmatched !== undefined, has);
      if (has)
        assert.deepEqual(
          merged.unmatched?.filters?.map(({ type }) => type),
          ['error-pages'],
        );
    });
  }

  test('of two Ingresses the older one decides, and nobody is in conflict', () => {
    const [older, newer] = ['2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z'].map((created, index) => {
      const each = ingress(`web-${index}`, { 'a.example': [`Prefix /shop${index} web`] });
      each.metadata.creationTimestamp = created;
      each.metadata.annotations = { 'fairlead.dev/error-pages': `configmap/pages-${index}` };
      return compileIngress(each).hosts.get('a.example')!;
    });
    const merged = mergeHost([...newer!, ...older!]);
    assert.deepEqual(merged.conflicts, []);
    assert.equal(merged.unmatched?.source.name, 'web-0');
  });
});
