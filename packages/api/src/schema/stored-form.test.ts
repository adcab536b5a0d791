import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settleStoredForm } from './stored-form.ts';

const rows: readonly (readonly [what: string, typeId: string, given: Record<string, unknown>, settled: object])[] = [
  [
    'required lists',
    'discovery.v1.EndpointSlice',
    { addressType: 'IPv4', endpoints: [], ports: [] },
    { addressType: 'IPv4', endpoints: null, ports: null },
  ],
  [
    'lists inside lists',
    'discovery.v1.EndpointSlice',
    { endpoints: [{ addresses: [] }, { addresses: ['10.0.0.1'] }] },
    { endpoints: [{ addresses: null }, { addresses: ['10.0.0.1'] }] },
  ],
  ['a list that is there', 'rbac.v1.Role', { rules: [{ verbs: [] }] }, { rules: [{ verbs: null }] }],
  [
    'deep inside a Pod',
    'core.v1.Pod',
    { spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', projected: { sources: [] } }] } },
    { spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', projected: { sources: null } }] } },
  ],
  ['optional lists stay', 'core.v1.Endpoints', { subsets: [] }, { subsets: [] }],
];

for (const [what, typeId, given, settled] of rows) {
  test(`the stored form: ${what}`, () => {
    settleStoredForm(typeId, given);
    assert.deepEqual(given, settled);
  });
}

test('the stored form: fields that a server adds to a Service are in order', () => {
  const service = { spec: { ports: [], type: 'ClusterIP', clusterIPs: ['10.0.0.1'], clusterIP: '10.0.0.1' } };
  settleStoredForm('core.v1.Service', service);
  assert.deepEqual(Object.keys(service.spec), ['ports', 'clusterIP', 'clusterIPs', 'type']);
});
