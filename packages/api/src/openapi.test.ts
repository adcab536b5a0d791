import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiV3 } from './openapi.ts';
import { resourceFacts } from './schema/index.ts';

interface Operation {
  readonly operationId: string;
  readonly 'x-kubernetes-action': string;
  readonly 'x-kubernetes-group-version-kind': unknown;
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { properties?: Record<string, unknown> } & Record<string, unknown>>>;
  };
}

const groupVersions = [
  ...new Set(resourceFacts.map(({ group, version }) => (group === '' ? version : `${group}/${version}`))),
];
const v1 = openApiV3('v1', resourceFacts) as Document;

test('every document is closed and built the same way twice', () => {
  for (const groupVersion of groupVersions) {
    const text = JSON.stringify(openApiV3(groupVersion, resourceFacts));
    assert.equal(JSON.stringify(openApiV3(groupVersion, resourceFacts)), text);
    const { components } = JSON.parse(text) as Document;
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(components.schemas[name] !== undefined, `${groupVersion}: ${name}`);
    }
  }
});

test('a PATCH of a Service validates fields, which is what kubectl looks for', () => {
  const patch = v1.paths['/api/v1/namespaces/{namespace}/services/{name}']?.patch;
  assert.equal(patch?.operationId, 'patchCoreV1NamespacedService');
  assert.equal(patch?.['x-kubernetes-action'], 'patch');
  assert.deepEqual(patch?.['x-kubernetes-group-version-kind'], { group: '', version: 'v1', kind: 'Service' });
  assert.deepEqual(
    patch?.parameters?.map(({ name }) => name),
    ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
  );
  assert.ok('application/strategic-merge-patch+json' in (patch?.requestBody?.content ?? {}));
});

test('schemas carry what merges need', () => {
  const spec = v1.components.schemas['io.k8s.api.core.v1.ServiceSpec'];
  assert.deepEqual(
    Object.fromEntries(Object.entries(spec?.properties?.ports as object).filter(([key]) => key.startsWith('x-'))),
    {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      'x-kubernetes-patch-merge-key': 'port',
      'x-kubernetes-patch-strategy': 'merge',
    },
  );
  const service = v1.components.schemas['io.k8s.api.core.v1.Service'];
  assert.deepEqual(service?.['x-kubernetes-group-version-kind'], [{ group: '', kind: 'Service', version: 'v1' }]);
  assert.equal(typeof service?.description, 'string');
  assert.ok('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' in v1.components.schemas);
  assert.deepEqual(v1.components.schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString']?.oneOf, [
    { type: 'integer' },
    { type: 'string' },
  ]);
});

test('subresources and collections have their operations', () => {
  const apps = openApiV3('apps/v1', resourceFacts) as Document;
  const scale = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale'];
  assert.deepEqual(scale?.put?.['x-kubernetes-group-version-kind'], {
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
  });
  assert.equal(apps.paths['/apis/apps/v1/deployments']?.get?.operationId, 'listAppsV1DeploymentForAllNamespaces');
  assert.equal(v1.paths['/api/v1/namespaces/{name}/finalize']?.put?.['x-kubernetes-action'], 'put');
});

test('every kind and every field is described', () => {
  const silent: string[] = [];
  for (const groupVersion of groupVersions) {
    const { components } = openApiV3(groupVersion, resourceFacts) as Document;
    for (const [name, schema] of Object.entries(components.schemas)) {
      if (schema['x-kubernetes-group-version-kind'] !== undefined && !schema.description) silent.push(name);
      for (const [field, value] of Object.entries(schema.properties ?? {})) {
        if (!(value as { description?: string }).description) silent.push(`${name}.${field}`);
      }
    }
  }
  assert.deepEqual(silent, []);
});
