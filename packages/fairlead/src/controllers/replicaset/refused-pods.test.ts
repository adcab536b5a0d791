import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployments, type ReplicaSet, type Stored } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import { deploymentOf, startFakeCluster } from '../fake-cluster.ts';

test('Pods that a quota refuses are told once in the status, however often they are tried', {
  timeout: 120_000,
}, async () => {
  const cluster = await startFakeCluster(['node']);
  const { api } = cluster;
  try {
    let refused = 0;
    const end = api.failWhen(({ verb, resource }) => {
      if (verb !== 'create' || resource !== '/pods') return undefined;
      refused++;
      // As in Kubernetes: the text names the Pod that was tried, so that no two are alike.
      return new ApiError(403, 'Forbidden', `pods "web-${refused}" is forbidden: exceeded quota: none`);
    });
    const setNow = (): Stored<ReplicaSet> | undefined =>
      api.store.list('apps/replicasets')[0] as unknown as Stored<ReplicaSet> | undefined;
    const failureOf = () => setNow()?.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    const statusesOf = (resource: string): number =>
      api.calls.filter((call) => call.resource === resource && call.subresource === 'status').length;
    await api.create(deployments, deploymentOf('web', 2));
    await cluster.until('the condition', () => failureOf() !== undefined);
    const written = statusesOf('apps/replicasets');
    const tried = refused;
    await cluster.until('six more tries', () => refused >= tried + 6);
    assert.equal(statusesOf('apps/replicasets'), written);
    assert.equal(failureOf()?.reason, 'FailedCreate');
    assert.match(failureOf()?.message ?? '', /exceeded quota/);
    // The Deployment repeats the condition: with what the first sync wrote, three at most.
    assert.ok(statusesOf('apps/deployments') <= 3, `${statusesOf('apps/deployments')} of the Deployment`);
    end();
    await cluster.until('both Pods', () => setNow()?.status?.readyReplicas === 2 && failureOf() === undefined);
  } finally {
    // The refusals are in its log.
    await cluster.stop().catch((error: Error) => assert.match(error.message, /exceeded quota/));
  }
});
