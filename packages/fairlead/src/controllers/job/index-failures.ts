import type { Job, JobCondition, Pod, Stored } from '@fairlead/api';
import { judgeFailure } from './failure-policy.ts';
import { parseIndexes } from './index-set.ts';

/** How often the Pods of an index had failed before this one; on every Pod of a Job with a limit per index. */
export const indexFailuresAnnotation = 'batch.kubernetes.io/job-index-failure-count';

/** How the indexes of a Job with `backoffLimitPerIndex` stand. */
export interface IndexFailures {
  /** Indexes that are given up. */
  readonly failed: ReadonlySet<number>;
  /** Failures so far by index. */
  readonly counts: ReadonlyMap<number, number>;
  /** When the last Pod of an index failed, Unix milliseconds. */
  readonly lastMs: ReadonlyMap<number, number>;
}

/** Counts the failures of each index; `undefined` for a Job that does not limit them by index. */
export function countIndexFailures(
  job: Job,
  owned: readonly Stored<Pod>[],
  isFailed: (pod: Stored<Pod>) => boolean,
  indexOf: (pod: Pod) => number | undefined,
  endOf: (pod: Stored<Pod>) => number,
): IndexFailures | undefined {
  const limit = job.spec?.backoffLimitPerIndex;
  if (limit === undefined) return undefined;
  const failed = parseIndexes(job.status?.failedIndexes, job.spec?.completions ?? 0);
  const counts = new Map<number, number>();
  const lastMs = new Map<number, number>();
  for (const pod of owned) {
    const index = indexOf(pod);
    if (index === undefined || !isFailed(pod)) continue;
    const { action } = judgeFailure(job, pod);
    const before = Number(pod.metadata.annotations?.[indexFailuresAnnotation] ?? 0);
    const count = action === 'ignore' ? before : before + 1;
    if (action === 'fail-index' || count > limit) failed.add(index);
    counts.set(index, Math.max(counts.get(index) ?? 0, count));
    lastMs.set(index, Math.max(lastMs.get(index) ?? 0, endOf(pod)));
  }
  return { failed, counts, lastMs };
}

/** Why a Job is over, or soon will be. */
export interface IndexVerdict {
  readonly target: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: NonNullable<JobCondition['reason']>;
  readonly message: string;
}

/** A Job that gives up too many indexes, or that has nothing left but given-up ones, has failed. */
export function judgeIndexes(
  job: Job,
  completed: ReadonlySet<number>,
  failures: IndexFailures | undefined,
): IndexVerdict | undefined {
  const { maxFailedIndexes, completions = 0 } = job.spec ?? {};
  if (failures === undefined || failures.failed.size === 0) return undefined;
  const fail = (reason: string, message: string): IndexVerdict => ({ target: 'FailureTarget', reason, message });
  if (maxFailedIndexes !== undefined && failures.failed.size > maxFailedIndexes) {
    return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  if (completed.size + failures.failed.size < completions) return undefined;
  return fail('FailedIndexes', 'Job has failed indexes');
}

/** The first rule of `successPolicy` that the completed indexes fulfil makes the Job a success. */
export function judgeSuccessPolicy(job: Job, completed: ReadonlySet<number>): IndexVerdict | undefined {
  for (const [at, rule] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const { succeededIndexes, succeededCount } = rule;
    const wanted =
      succeededIndexes === undefined ? completed : parseIndexes(succeededIndexes, job.spec?.completions ?? 0);
    const done = [...wanted].filter((index) => completed.has(index)).length;
    if (done === 0 || done < (succeededCount ?? wanted.size)) continue;
    return { target: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${at}` };
  }
  return undefined;
}
