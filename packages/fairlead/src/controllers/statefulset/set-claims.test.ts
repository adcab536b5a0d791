import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet, Stored } from '@fairlead/api';
import { claimOwners, claimsOf, withClaimVolumes } from './set-claims.ts';

type Policy = NonNullable<StatefulSet['spec']>['persistentVolumeClaimRetentionPolicy'];

const meta = { namespace: 'default', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const set = (policy?: Policy): Stored<StatefulSet> => ({
  metadata: { ...meta, name: 'db', uid: 'set' },
  spec: {
    serviceName: 'db',
    selector: { matchLabels: { app: 'db' } },
    template: { spec: { containers: [] } },
    persistentVolumeClaimRetentionPolicy: policy,
    volumeClaimTemplates: [
      { metadata: { name: 'data', labels: { tier: 'x' } }, spec: { accessModes: ['ReadWriteOnce'] } },
      { metadata: { name: 'log' }, spec: { accessModes: ['ReadWriteOnce'] } },
    ],
  },
});
const pod: Stored<Pod> = { metadata: { ...meta, name: 'db-1', uid: 'pod' } };
const claim = (...ownerReferences: OwnerReference[]): Stored<PersistentVolumeClaim> => ({
  metadata: { ...meta, name: 'data-db-1', uid: 'claim', ...(ownerReferences.length > 0 && { ownerReferences }) },
});
const bySet: OwnerReference = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  name: 'db',
  uid: 'set',
  controller: true,
  blockOwnerDeletion: true,
};
const byPod: OwnerReference = { ...bySet, apiVersion: 'v1', kind: 'Pod', name: 'db-1', uid: 'pod' };
const byOther: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x' };

test('a claim is named after template, set and ordinal, and labelled as the set selects', () => {
  assert.deepEqual(
    claimsOf(set(), 3).map(({ metadata }) => [metadata?.name, metadata?.labels]),
    [
      ['data-db-3', { tier: 'x', app: 'db' }],
      ['log-db-3', { app: 'db' }],
    ],
  );
});

test('claims take the place of volumes of the same name', () => {
  const spec = {
    containers: [],
    volumes: [
      { name: 'tmp', emptyDir: {} },
      { name: 'log', emptyDir: {} },
    ],
  };
  assert.deepEqual(withClaimVolumes(spec, set(), 0).volumes, [
    { name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } },
    { name: 'log', persistentVolumeClaim: { claimName: 'log-db-0' } },
    { name: 'tmp', emptyDir: {} },
  ]);
});

type Row = readonly [
  name: string,
  policy: Policy,
  present: OwnerReference[],
  isWanted: boolean,
  references: OwnerReference[] | undefined,
];
const both = { whenDeleted: 'Delete', whenScaled: 'Delete' } as const;
const deleted = { whenDeleted: 'Delete', whenScaled: 'Retain' } as const;
const scaled = { whenDeleted: 'Retain', whenScaled: 'Delete' } as const;
const rows: readonly Row[] = [
  ['retained', undefined, [], true, undefined],
  ['retained, after a change of policy', undefined, [bySet, byOther], true, [byOther]],
  ['goes with the set', deleted, [], true, [bySet]],
  ['goes with the set already', deleted, [bySet], true, undefined],
  ['goes with the set, also when its Pod is not wanted', deleted, [], false, [bySet]],
  ['goes with what is scaled down, and is wanted', scaled, [], true, undefined],
  ['goes with what is scaled down', scaled, [], false, [byPod]],
  ['wanted again', scaled, [byPod], true, []],
  ['goes with both, wanted', both, [], true, [bySet]],
  ['goes with both, scaled down', both, [bySet], false, [byPod]],
  ['of another controller', both, [{ ...byOther, controller: true }], true, undefined],
];
describe('owners of a claim', () => {
  for (const [name, policy, present, isWanted, references] of rows) {
    test(name, () => {
      const found = claimOwners(claim(...present), set(policy), pod, isWanted);
      assert.deepEqual(found.references, references);
      assert.equal(found.foreign, name === 'of another controller');
    });
  }
});
