import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSwagger, openApiV2, openApiV3 } from '../openapi.ts';
import { resourceFacts, schemaForKind } from '../schema/index.ts';
import { ProtobufReader } from '../schema/protobuf-reader.ts';

interface Swagger {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly definitions: Readonly<Record<string, Readonly<Record<string, unknown>> & { properties?: object }>>;
}

const groupVersions = [
  ...new Set(resourceFacts.map(({ group, version }) => (group === '' ? version : `${group}/${version}`))),
];
const widget = {
  kind: 'Widget',
  listKind: 'WidgetList',
  schema: {
    type: 'object',
    properties: {
      size: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'string' } } },
      maybe: { type: 'array', nullable: true, items: { type: 'string' } },
      count: { type: 'integer', minimum: -2, maximum: 1.5, oneOf: [{ minimum: 1 }], default: 3 },
    },
  },
} as const;
const facts = {
  ...resourceFacts.find(({ kind }) => kind === 'Lease')!,
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  listKind: 'WidgetList',
};
const document = openApiV2([
  ...groupVersions.map((one) => openApiV3(one, resourceFacts)),
  openApiV3('example.com/v1', [facts], [widget]),
]) as Swagger;

/** Fields of a message by tag, in their order. */
function fieldsOf(bytes: Uint8Array): Map<number, (bigint | Uint8Array)[]> {
  const fields = new Map<number, (bigint | Uint8Array)[]>();
  const reader = new ProtobufReader(bytes);
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    const known = fields.get(field.tag);
    if (known === undefined) fields.set(field.tag, [field.value]);
    else known.push(field.value);
  }
  return fields;
}

function text(value: bigint | Uint8Array | undefined): string {
  return new TextDecoder().decode(value as Uint8Array);
}

/** The entries of a list of names with values. */
function named(
  values: readonly (bigint | Uint8Array)[] | undefined,
): Map<string, Map<number, (bigint | Uint8Array)[]>> {
  return new Map(
    (values ?? []).map((entry) => {
      const fields = fieldsOf(entry as Uint8Array);
      return [text(fields.get(1)?.[0]), fieldsOf(fields.get(2)?.[0] as Uint8Array)];
    }),
  );
}

test('all group versions are one closed document in the words of v2', () => {
  const all = JSON.stringify(document);
  for (const [, name = ''] of all.matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g))
    assert.ok(name in document.definitions, name);
  assert.ok(!all.includes('#/components/'));
  // The schema of schemas has fields of these names.
  const others = Object.entries(document.definitions).filter(([name]) => !name.endsWith('.JSONSchemaProps'));
  assert.ok(!/"(?:oneOf|anyOf|allOf|nullable|requestBody)":/.test(JSON.stringify(others)));
  const service = document.definitions['io.k8s.api.core.v1.Service'];
  assert.deepEqual(service?.properties !== undefined && Object.keys(service.properties), [
    'kind',
    'apiVersion',
    'metadata',
    'spec',
    'status',
  ]);
  const deletable = resourceFacts
    .map(({ group, version, kind, verbs }) => ({
      groupVersion: group === '' ? version : `${group}/${version}`,
      kind,
      verbs,
    }))
    .filter(
      ({ groupVersion, kind, verbs }) => verbs.includes('delete') && schemaForKind(groupVersion, kind) !== undefined,
    )
    .map(({ groupVersion }) => groupVersion);
  const options = document.definitions['io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'];
  const kinds = options?.['x-kubernetes-group-version-kind'] as { group: string; version: string }[];
  assert.deepEqual(
    kinds.map(({ group, version }) => (group === '' ? version : `${group}/${version}`)).sort(),
    [...new Set(deletable), 'example.com/v1'].sort(),
  );
  const patch = document.paths['/api/v1/namespaces/{namespace}/services/{name}']?.patch as Record<string, unknown>;
  assert.deepEqual((patch.parameters as object[])[0], {
    name: 'body',
    in: 'body',
    required: true,
    schema: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch' },
  });
  assert.ok((patch.consumes as string[]).includes('application/strategic-merge-patch+json'));
});

test('a custom kind loses what v2 cannot say', () => {
  assert.deepEqual(document.definitions['com.example.v1.Widget']?.properties, {
    ...document.definitions['com.example.v1.Widget']?.properties,
    size: { 'x-kubernetes-int-or-string': true },
    free: { 'x-kubernetes-preserve-unknown-fields': true },
    maybe: {},
    count: { type: 'integer', minimum: -2, maximum: 1.5 },
  });
});

test('protobuf says the same', () => {
  const root = fieldsOf(encodeSwagger(document));
  assert.equal(text(root.get(1)?.[0]), '2.0');
  const definitions = named(fieldsOf(root.get(9)?.[0] as Uint8Array).get(1));
  assert.deepEqual([...definitions.keys()], Object.keys(document.definitions));
  const paths = named(fieldsOf(root.get(8)?.[0] as Uint8Array).get(2));
  assert.deepEqual([...paths.keys()], Object.keys(document.paths));
  const port = definitions.get('io.k8s.api.core.v1.ServicePort');
  assert.deepEqual(port?.get(19)?.map(text), ['port'], 'required');
  const properties = named(fieldsOf(port?.get(25)?.[0] as Uint8Array).get(1));
  const nodePort = properties.get('nodePort');
  assert.equal(text(fieldsOf(nodePort?.get(22)?.[0] as Uint8Array).get(1)?.[0]), 'integer');
  assert.equal(text(nodePort?.get(2)?.[0]), 'int32');
  const spec = definitions.get('io.k8s.api.core.v1.ServiceSpec');
  const ports = named(fieldsOf(spec?.get(25)?.[0] as Uint8Array).get(1)).get('ports');
  const extensions = named(ports?.get(31));
  assert.equal(text(extensions.get('x-kubernetes-patch-merge-key')?.get(2)?.[0]), '"port"\n');
  const widgetProperties = definitions.get('com.example.v1.Widget')?.get(25)?.[0] as Uint8Array;
  const count = named(fieldsOf(widgetProperties).get(1)).get('count');
  // Doubles arrive as their bits.
  assert.equal(count?.get(7)?.[0], 0x3ff8000000000000n);
  assert.equal(count?.get(9)?.[0], 0xc000000000000000n);
});
