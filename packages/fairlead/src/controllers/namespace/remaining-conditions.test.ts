import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Remaining, remainingConditions } from './remaining-conditions.ts';

const pods: Remaining = { resource: 'pods.', count: 2, finalizers: ['a/b', 'a/b'] };
const deployments: Remaining = { resource: 'deployments.apps', count: 1, finalizers: ['c/d', 'a/b'] };

/** Texts as a Kubernetes 1.34.4 controller wrote them. */
const rows: readonly (readonly [string, readonly Remaining[], readonly string[], readonly string[]])[] = [
  [
    'nothing left',
    [],
    [],
    [
      'False ResourcesDiscovered: All resources successfully discovered',
      'False ParsedGroupVersions: All legacy kube types successfully parsed',
      'False ContentDeleted: All content successfully deleted, may be waiting on finalization',
      'False ContentRemoved: All content successfully removed',
      'False ContentHasNoFinalizers: All content-preserving finalizers finished',
    ],
  ],
  [
    'objects with finalizers, and some that could not be deleted',
    [pods, deployments],
    ['no'],
    [
      'False ResourcesDiscovered: All resources successfully discovered',
      'False ParsedGroupVersions: All legacy kube types successfully parsed',
      'True ContentDeletionFailed: Failed to delete all resource types, 1 remaining: no',
      'True SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances',
      'True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: a/b in 3 resource instances, c/d in 1 resource instances',
    ],
  ],
];

describe('why a namespace stays', () => {
  for (const [name, remaining, failures, expected] of rows) {
    test(name, () => {
      const conditions = remainingConditions([], remaining, failures, 0);
      assert.deepEqual(
        conditions.map(({ status, reason, message }) => `${status} ${reason}: ${message}`),
        expected,
      );
      assert.deepEqual(remainingConditions(conditions, remaining, failures, 5000), conditions, 'times stay');
    });
  }
});
