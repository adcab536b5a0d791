import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldStructure, type SchemaField, structureFields } from './schema/index.ts';

test('places are found through objects, lists and maps', () => {
  const ports = fieldStructure('core.v1.Service', 'spec', 'ports') as SchemaField;
  assert.equal(ports.patchMergeKey, 'port');
  assert.deepEqual(ports.listMapKeys, ['port', 'protocol']);
  assert.equal(fieldStructure('core.v1.Service', 'spec', 'ports', '[]')?.ref, 'core.v1.ServicePort');
  assert.equal(fieldStructure('core.v1.Service', 'metadata', 'labels', 'any.key')?.type, 'string');
  assert.equal(fieldStructure('core.v1.Service', 'spec', 'nope'), undefined);
  assert.equal(fieldStructure('core.v1.Service', 'constructor'), undefined);
  assert.ok('clusterIP' in (structureFields(fieldStructure('core.v1.Service', 'spec')) ?? {}));
});
