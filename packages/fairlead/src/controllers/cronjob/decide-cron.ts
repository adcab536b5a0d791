import type { CronJob, Job, Stored } from '@fairlead/api';
import { isJobFinished, jobCondition } from '../job/decide-job.ts';
import { nextTime, parseSchedule } from './schedule.ts';

/** What a CronJob needs done now. */
export interface CronDecision {
  /** Start a Job for this time, Unix milliseconds. */
  readonly startFor: number | undefined;
  /** Jobs to delete before a new one starts (`Replace`). */
  readonly replace: readonly Stored<Job>[];
  /** Finished Jobs beyond the history limits, oldest first. */
  readonly forget: readonly Stored<Job>[];
  readonly active: readonly Stored<Job>[];
  /** Starts that were passed over, for events. */
  readonly skipped: 'deadline' | 'forbidden' | undefined;
  /** Why the schedule cannot be used. */
  readonly problem: string | undefined;
  readonly againAfterMs: number | undefined;
}

/** How late a start may be noticed: the next look is this much after the time. */
const lateMs = 100;
const minuteMs = 60_000;
const windowsMs = [3_600_000, 86_400_000, 40 * 86_400_000, 370 * 86_400_000, 8 * 366 * 86_400_000];

/**
 * Decides for one CronJob. However many starts were missed, the latest one alone is made up for, unless
 * `startingDeadlineSeconds` have passed since.
 * @param owned Jobs it controls
 */
export function decideCron(cron: Stored<CronJob>, owned: readonly Stored<Job>[], nowMs: number): CronDecision {
  const { spec, status, metadata } = cron;
  const active = owned.filter((job) => !isJobFinished(job) && job.metadata.deletionTimestamp === undefined);
  const forget = historyToForget(cron, owned);
  const idle = { startFor: undefined, replace: [], skipped: undefined, forget, active };
  if (spec === undefined || metadata.deletionTimestamp !== undefined) {
    return { ...idle, forget: [], problem: undefined, againAfterMs: undefined };
  }
  const parsed = parseSchedule(spec.schedule);
  if (!parsed.ok) {
    const problem = `unparseable schedule: "${spec.schedule}" : ${parsed.message}`;
    return { ...idle, problem, againAfterMs: undefined };
  }
  const timeZone = spec.timeZone ?? 'UTC';
  let next: number | undefined;
  let due: number | undefined;
  try {
    next = nextTime(parsed.schedule, nowMs, timeZone);
    const since = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
    due = latestBetween(since, nowMs, (after) => nextTime(parsed.schedule, after, timeZone));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...idle, problem: `invalid timeZone: "${timeZone}"`, againAfterMs: undefined };
  }
  const againAfterMs = next === undefined ? undefined : next - nowMs + lateMs;
  const settled: CronDecision = { ...idle, problem: undefined, againAfterMs };
  if (spec.suspend === true || due === undefined) return settled;
  const deadline = spec.startingDeadlineSeconds;
  if (deadline !== undefined && due + deadline * 1000 < nowMs) return { ...settled, skipped: 'deadline' };
  if (owned.some((job) => job.metadata.name === cronJobName(metadata.name, due))) return settled;
  if (active.length > 0 && spec.concurrencyPolicy === 'Forbid') return { ...settled, skipped: 'forbidden' };
  return { ...settled, startFor: due, replace: spec.concurrencyPolicy === 'Replace' ? active : [] };
}

/** The name of the Job for a time: the same however often it is tried. */
export function cronJobName(cron: string, timeMs: number): string {
  return `${cron}-${Math.floor(timeMs / minuteMs)}`;
}

/** The last time after `since` and not after `until`; searched in windows that grow backwards from `until`. */
function latestBetween(since: number, until: number, next: (after: number) => number | undefined): number | undefined {
  for (const window of windowsMs) {
    const from = Math.max(since, until - window);
    let latest: number | undefined;
    for (let at = next(from); at !== undefined && at <= until; at = next(at)) latest = at;
    if (latest !== undefined || from === since) return latest;
  }
  return undefined;
}

function historyToForget(cron: Stored<CronJob>, owned: readonly Stored<Job>[]): Stored<Job>[] {
  const { successfulJobsHistoryLimit: successes = 3, failedJobsHistoryLimit: failures = 1 } = cron.spec ?? {};
  const finished = (type: string): Stored<Job>[] =>
    owned
      .filter((job) => jobCondition(job, type) !== undefined && job.metadata.deletionTimestamp === undefined)
      .sort((a, b) => startOf(a) - startOf(b));
  const beyond = (jobs: Stored<Job>[], limit: number): Stored<Job>[] => jobs.slice(0, Math.max(0, jobs.length - limit));
  return [...beyond(finished('Complete'), successes), ...beyond(finished('Failed'), failures)];
}

function startOf(job: Stored<Job>): number {
  return Date.parse(job.status?.startTime ?? job.metadata.creationTimestamp);
}
