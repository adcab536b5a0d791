import { type LabelSelector, selectorMatches } from '@fairlead/api';
import type { ApiAnswer, ApiRequest } from '../server/api-request.ts';
import { negotiate } from '../server/media-type.ts';
import { badRequest, StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type StoredObject, storedValue } from '../watch/stored-object.ts';
import { decodeBody, fieldValidation } from './decode-body.ts';
import { deleteObject } from './delete.ts';
import { textAnswer } from './represent.ts';
import { type RestContext, type RestRequest, timestamp } from './rest-context.ts';
import { existing } from './write-object.ts';
import { isDryRun } from './write-options.ts';

const evictionType = {
  apiVersion: 'policy/v1',
  kind: 'Eviction',
  typeId: 'policy.v1.Eviction',
  olderVersion: 'policy/v1beta1',
};
const attempts = 16;
/** Evictions that the controller has not accounted for yet; more are a sign that it is gone. */
const pendingMax = 2000;

/** POST pods/NAME/eviction: deletes a Pod when its PodDisruptionBudget allows it, and books that. */
export async function evictPod(context: RestContext, target: RestRequest, name: string): Promise<ApiAnswer> {
  const { request, warnings } = target;
  const representation = negotiate(request.headers.accept, true);
  const eviction = decodeBody(request, evictionType, fieldValidation(request.query, 'CreateOptions'), warnings);
  if ((eviction.metadata.name ?? '') !== name) throw badRequest('name in URL does not match name in Eviction object');
  const options = recordOf(eviction.deleteOptions) ?? {};
  const dryRun = isDryRun(request.query, 'CreateOptions') || Array.isArray(options.dryRun);
  const pod = existing(context, target, name).object;
  if (needsBudget(pod)) await spendBudget(context, target.namespace, pod, dryRun);
  const deletion: ApiRequest = {
    ...request,
    method: 'DELETE',
    headers: { ...request.headers, 'content-type': 'application/json' },
    body: Buffer.from(
      JSON.stringify({ ...options, ...(dryRun ? { dryRun: ['All'] } : {}), kind: 'DeleteOptions', apiVersion: 'v1' }),
    ),
  };
  await deleteObject(context, { ...target, request: deletion }, name);
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return textAnswer(201, representation, JSON.stringify(status));
}

/** A Pod that is over, not yet running or already leaving serves nobody: it may always go. */
function needsBudget(pod: KubeObject): boolean {
  const phase = recordOf(pod.status)?.phase;
  return pod.metadata.deletionTimestamp === undefined && phase === 'Running';
}

function isReady(pod: KubeObject): boolean {
  const conditions = recordOf(pod.status)?.conditions;
  return (
    Array.isArray(conditions) &&
    (conditions as unknown[]).map(recordOf).some((one) => one?.type === 'Ready' && one.status === 'True')
  );
}

async function spendBudget(context: RestContext, namespace: string, pod: KubeObject, dryRun: boolean): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const stored = budgetOf(context, namespace, pod);
    if (stored === undefined) return;
    const budget = stored.object;
    const name = budget.metadata.name ?? '';
    const status = recordOf(budget.status) ?? {};
    const count = (field: string): number => Number(status[field] ?? 0);
    if (!isReady(pod)) {
      const always = recordOf(budget.spec)?.unhealthyPodEvictionPolicy === 'AlwaysAllow';
      const healthy = count('desiredHealthy') > 0 && count('currentHealthy') >= count('desiredHealthy');
      if (always || healthy) return;
    }
    if (count('observedGeneration') < (budget.metadata.generation ?? 0)) {
      throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
    }
    const disrupted = recordOf(status.disruptedPods) ?? {};
    if (count('disruptionsAllowed') < 0 || Object.keys(disrupted).length > pendingMax) {
      throw new StatusError(
        403,
        'Forbidden',
        `poddisruptionbudgets.policy "${name}" is forbidden: it has too many evictions not confirmed by its controller`,
        {
          name,
          group: 'policy',
          kind: 'poddisruptionbudgets',
        },
      );
    }
    if (count('disruptionsAllowed') === 0) {
      throw tooMany(
        `The disruption budget ${name} needs ${count('desiredHealthy')} healthy pods and has ${count('currentHealthy')} currently`,
      );
    }
    if (dryRun) return;
    const next: KubeObject = {
      ...budget,
      metadata: { ...budget.metadata },
      status: {
        ...status,
        disruptionsAllowed: count('disruptionsAllowed') - 1,
        disruptedPods: { ...disrupted, [pod.metadata.name ?? '']: timestamp(context.clock) },
      },
    };
    const { key, modRevision: expect } = stored;
    const result = await context.storage.commit({ key, expect, value: storedValue(next), decoded: next });
    if (result.ok) return;
    if (attempt >= attempts) throw tooMany(`The disruption budget ${name} is changed by too many at once.`, 1);
  }
}

/** The budget that takes a Pod. @throws StatusError when there are several */
function budgetOf(context: RestContext, namespace: string, pod: KubeObject): StoredObject | undefined {
  const resource = context.served.find('policy', 'v1', 'poddisruptionbudgets');
  if (resource === undefined) return undefined;
  const found = context.cache
    .resource(resource.prefix)
    .list(namespace)
    .filter(({ object }) => {
      const selector = recordOf(object.spec)?.selector as LabelSelector | undefined;
      return selector !== undefined && selectorMatches(selector, pod.metadata.labels);
    });
  if (found.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new StatusError(500, 'InternalError', message, {});
  }
  return found[0];
}

function tooMany(message: string, retryAfterSeconds?: number): StatusError {
  const text = "Cannot evict pod as it would violate the pod's disruption budget.";
  const causes = [{ reason: 'DisruptionBudget', message }];
  const details = retryAfterSeconds === undefined ? { causes } : { causes, retryAfterSeconds };
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return new StatusError(429, 'TooManyRequests', text, details, { headers });
}
