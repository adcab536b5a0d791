import type { Job, JobCondition, JobStatus, Pod, Stored } from '@fairlead/api';
import { isPodReady, timestamp } from '../workload/pod-state.ts';
import { judgeFailure } from './failure-policy.ts';
import {
  countIndexFailures,
  type IndexFailures,
  type IndexVerdict,
  judgeIndexes,
  judgeSuccessPolicy,
} from './index-failures.ts';
import { formatIndexes, parseIndexes } from './index-set.ts';

/** Keeps a finished Pod until it is counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
/** On Pods of indexed Jobs, as label and annotation: their completion index. */
export const indexLabel = 'batch.kubernetes.io/job-completion-index';

/** What a Job needs done now, and how it stands. */
export interface JobDecision {
  /** Completion index of each Pod to create; undefined where the Job is not indexed. */
  readonly create: readonly (number | undefined)[];
  /** Failures so far by index, where the Job limits them. */
  readonly failures?: IndexFailures | undefined;
  readonly remove: readonly Stored<Pod>[];
  /** Pods whose finalizer goes, once the status is stored. */
  readonly untrack: readonly Stored<Pod>[];
  readonly status: JobStatus;
  readonly againAfterMs: number | undefined;
}

const backOffFirstMs = 10_000;
const backOffMaxMs = 600_000;

/** The true condition of a type. */
export function jobCondition(job: Job, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/** Whether nothing more will happen. */
export function isJobFinished(job: Job): boolean {
  return jobCondition(job, 'Complete') !== undefined || jobCondition(job, 'Failed') !== undefined;
}

/** The index that a Pod is for. */
function completionIndex(pod: Pod): number | undefined {
  const text = pod.metadata?.annotations?.[indexLabel] ?? pod.metadata?.labels?.[indexLabel];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/**
 * Decides for one Job.
 *
 * A finished Pod is counted exactly once, in three steps that survive a crash between any two: its UID is stored
 * in `uncountedTerminatedPods`; its finalizer is removed; when that is seen, the UID becomes a count.
 * The Job is over when its verdict is known (`SuccessCriteriaMet`, `FailureTarget`), no Pod runs, and all are counted.
 */
export function decideJob(
  job: Stored<Job>,
  owned: readonly Stored<Pod>[],
  leaving: (pod: Stored<Pod>) => boolean,
  nowMs: number,
): JobDecision {
  const { spec, metadata } = job;
  const before: JobStatus = job.status ?? {};
  if (spec === undefined || isJobFinished(job)) {
    const untrack = owned.filter(isTracked);
    return { create: [], remove: [], untrack, status: before, againAfterMs: undefined };
  }
  const now = timestamp(nowMs);
  const indexed = spec.completionMode === 'Indexed';
  const parallelism = spec.parallelism ?? 1;
  const suspended = spec.suspend === true;
  const onlyFailed = (spec.podReplacementPolicy ?? (spec.podFailurePolicy === undefined ? '' : 'Failed')) === 'Failed';

  const active = owned.filter((pod) => !isOver(pod) && !leaving(pod));
  const terminating = owned.filter((pod) => !isOver(pod) && leaving(pod));
  const lost = (pod: Stored<Pod>): boolean => !onlyFailed && !suspended && leaving(pod) && !isOver(pod);
  const isFailed = (pod: Stored<Pod>): boolean => pod.status?.phase === 'Failed' || lost(pod);

  // Count what was stored before and is no longer tracked.
  const byUid = new Map(owned.map((pod) => [pod.metadata.uid, pod]));
  const uncounted = { succeeded: new Set<string>(), failed: new Set<string>() };
  const counts = { succeeded: before.succeeded ?? 0, failed: before.failed ?? 0 };
  for (const kind of ['succeeded', 'failed'] as const) {
    for (const uid of before.uncountedTerminatedPods?.[kind] ?? []) {
      const pod = byUid.get(uid);
      if (pod !== undefined && isTracked(pod)) uncounted[kind].add(uid);
      else if (!indexed || kind === 'failed') counts[kind]++;
    }
  }
  const completed = indexed ? parseIndexes(before.completedIndexes, spec.completions ?? 0) : new Set<number>();
  const untrack: Stored<Pod>[] = [];
  let failJob: string | undefined;
  for (const pod of owned) {
    if (!isTracked(pod)) continue;
    const { uid } = pod.metadata;
    if (pod.status?.phase === 'Succeeded') {
      const index = completionIndex(pod);
      if (!indexed) uncounted.succeeded.add(uid);
      else if (index !== undefined && index < (spec.completions ?? 0)) completed.add(index);
      untrack.push(pod);
    } else if (isFailed(pod)) {
      const verdict = judgeFailure(job, pod);
      if (verdict.action === 'fail-job') failJob ??= verdict.message;
      if (verdict.action !== 'ignore') uncounted.failed.add(uid);
      untrack.push(pod);
    } else if (suspended && leaving(pod)) untrack.push(pod);
  }
  const failures = countIndexFailures(job, owned, isFailed, completionIndex, endOf);
  if (indexed) counts.succeeded = completed.size;
  const succeeded = counts.succeeded + uncounted.succeeded.size;
  const failed = counts.failed + uncounted.failed.size;

  const byIndex = indexed ? (judgeSuccessPolicy(job, completed) ?? judgeIndexes(job, completed, failures)) : undefined;
  const verdict = judgeJob(job, { succeeded, failed, failJob, active, nowMs, byIndex });
  const conditions = [...(before.conditions ?? [])];
  const set = (type: string, status: 'False' | 'True', reason: string, message: string): void => {
    const at = conditions.findIndex((condition) => condition.type === type);
    if (conditions[at]?.status === status || (at < 0 && status === 'False')) return;
    const condition = { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
    if (at < 0) conditions.push(condition);
    else conditions[at] = condition;
  };
  if (verdict === undefined) {
    if (suspended) set('Suspended', 'True', 'JobSuspended', 'Job suspended');
    else set('Suspended', 'False', 'JobResumed', 'Job resumed');
  } else set(verdict.target, 'True', verdict.reason, verdict.message);

  const ending = verdict !== undefined || suspended;
  const remove = ending ? active : active.slice(0, Math.max(0, active.length - parallelism));
  const counted = uncounted.succeeded.size + uncounted.failed.size === 0;
  const over = verdict !== undefined && active.length === 0 && (terminating.length === 0 || !onlyFailed) && counted;
  if (over) set(verdict.target === 'FailureTarget' ? 'Failed' : 'Complete', 'True', verdict.reason, verdict.message);

  const create: (number | undefined)[] = [];
  let againAfterMs = verdict === undefined ? untilDeadline(job, nowMs) : undefined;
  if (!ending && metadata.deletionTimestamp === undefined) {
    const occupied = active.length + (onlyFailed ? terminating.length : 0);
    const left =
      spec.completions === undefined ? undefined : spec.completions - succeeded - (failures?.failed.size ?? 0);
    // Without a number of completions, the first success means that no new Pod starts.
    const most = left === undefined ? (succeeded > 0 ? occupied : parallelism) : Math.min(parallelism, left);
    const missing = Math.max(0, most - occupied);
    // With a limit per index each index waits for itself.
    const waitMs = failures === undefined ? backOff(owned, nowMs) : 0;
    if (missing > 0 && waitMs > 0) againAfterMs = Math.min(againAfterMs ?? waitMs, waitMs);
    else if (indexed) {
      const taken = new Set([...active, ...(onlyFailed ? terminating : [])].map(completionIndex));
      for (let index = 0; index < (spec.completions ?? 0) && create.length < missing; index++) {
        if (completed.has(index) || taken.has(index) || failures?.failed.has(index) === true) continue;
        const ownWaitMs = indexBackOff(index, failures, nowMs);
        if (ownWaitMs === 0) create.push(index);
        else againAfterMs = Math.min(againAfterMs ?? ownWaitMs, ownWaitMs);
      }
    } else for (let made = 0; made < missing; made++) create.push(undefined);
  }
  const status: JobStatus = {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(suspended ? {} : { startTime: before.startTime ?? now }),
    ...(over && verdict.target === 'SuccessCriteriaMet' ? { completionTime: now } : {}),
    ...positive({ active: active.length - remove.length, succeeded: counts.succeeded, failed: counts.failed }),
    terminating: over ? 0 : terminating.length + remove.length,
    ready: over ? 0 : active.filter((pod) => isPodReady(pod) && !remove.includes(pod)).length,
    ...(indexed && completed.size > 0 ? { completedIndexes: formatIndexes(completed) } : {}),
    ...(failures === undefined ? {} : { failedIndexes: formatIndexes(failures.failed) }),
    uncountedTerminatedPods: {
      ...(uncounted.succeeded.size === 0 ? {} : { succeeded: [...uncounted.succeeded] }),
      ...(uncounted.failed.size === 0 ? {} : { failed: [...uncounted.failed] }),
    },
  };
  return { create, failures, remove, untrack, status, againAfterMs };
}

interface JobVerdict {
  readonly target: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

function judgeJob(
  job: Stored<Job>,
  facts: {
    readonly succeeded: number;
    readonly failed: number;
    readonly failJob: string | undefined;
    readonly active: readonly Stored<Pod>[];
    readonly nowMs: number;
    readonly byIndex: IndexVerdict | undefined;
  },
): JobVerdict | undefined {
  const { spec } = job;
  for (const target of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const known = jobCondition(job, target);
    if (known !== undefined) return { target, reason: known.reason ?? '', message: known.message ?? '' };
  }
  const fail = (reason: string, message: string): JobVerdict => ({ target: 'FailureTarget', reason, message });
  if (facts.failJob !== undefined) return fail('PodFailurePolicy', facts.failJob);
  if (facts.byIndex !== undefined) return facts.byIndex;
  const limit = spec?.backoffLimit ?? 6;
  const restarts =
    spec?.template.spec?.restartPolicy === 'OnFailure'
      ? facts.active.reduce((sum, pod) => sum + restartsOf(pod), 0)
      : 0;
  if (facts.failed > limit || (restarts > 0 && restarts >= limit)) {
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if (spec?.suspend !== true && untilDeadline(job, facts.nowMs) === 0) {
    return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  const enough =
    spec?.completions === undefined
      ? facts.succeeded > 0 && facts.active.length === 0
      : facts.succeeded >= spec.completions;
  if (!enough || spec?.suspend === true) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { target: 'SuccessCriteriaMet', reason: 'CompletionsReached', message };
}

function untilDeadline(job: Stored<Job>, nowMs: number): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  const start = job.status?.startTime;
  if (seconds === undefined || job.spec?.suspend === true) return undefined;
  return Math.max(0, (start === undefined ? nowMs : Date.parse(start)) + seconds * 1000 - nowMs);
}

/** How long the next Pod waits after failures in a row: 10 s, doubling. */
function backOff(owned: readonly Stored<Pod>[], nowMs: number): number {
  const lastSuccess = Math.max(0, ...owned.filter((pod) => pod.status?.phase === 'Succeeded').map(endOf));
  const failures = owned.filter((pod) => pod.status?.phase === 'Failed').map(endOf);
  const inARow = failures.filter((at) => at > lastSuccess);
  if (inARow.length === 0) return 0;
  const delay = Math.min(backOffMaxMs, backOffFirstMs * 2 ** (inARow.length - 1));
  return Math.max(0, Math.max(...inARow) + delay - nowMs);
}

/** How long an index waits after its failures: 10 s, doubling. */
function indexBackOff(index: number, failures: IndexFailures | undefined, nowMs: number): number {
  const count = failures?.counts.get(index) ?? 0;
  if (count === 0) return 0;
  const delay = Math.min(backOffMaxMs, backOffFirstMs * 2 ** (count - 1));
  return Math.max(0, (failures?.lastMs.get(index) ?? 0) + delay - nowMs);
}

function endOf(pod: Stored<Pod>): number {
  const ends = (pod.status?.containerStatuses ?? []).map((status) =>
    Date.parse(status.state?.terminated?.finishedAt ?? ''),
  );
  const known = ends.filter((at) => !Number.isNaN(at));
  return known.length === 0 ? Date.parse(pod.metadata.creationTimestamp) : Math.max(...known);
}

function restartsOf(pod: Pod): number {
  return (pod.status?.containerStatuses ?? []).reduce((sum, status) => sum + status.restartCount, 0);
}

function isTracked(pod: Stored<Pod>): boolean {
  return pod.metadata.finalizers?.includes(trackingFinalizer) === true;
}

function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function positive(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
