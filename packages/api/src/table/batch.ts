import { humanDuration } from '../duration.ts';
import type { CronJob, Job } from '../types.ts';
import { ageOf, containerCells, NONE, nameOf, selectorText, sinceText } from './cells.ts';

/** NAME STATUS COMPLETIONS DURATION AGE CONTAINERS IMAGES SELECTOR */
export function jobCells(object: object, nowMs: number): unknown[] {
  const job = object as Partial<Job>;
  const { spec } = job;
  return [
    nameOf(job),
    jobStatus(job),
    completions(job),
    runTime(job, nowMs),
    ageOf(job, nowMs),
    ...containerCells(spec?.template?.spec?.containers),
    selectorText(spec?.selector),
  ];
}

function jobStatus(job: Partial<Job>): string {
  const holds = (type: string): boolean =>
    (job.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
  if (holds('Complete')) return 'Complete';
  if (holds('Failed')) return 'Failed';
  if (job.metadata?.deletionTimestamp !== undefined) return 'Terminating';
  if (holds('Suspended')) return 'Suspended';
  if (holds('FailureTarget')) return 'FailureTarget';
  if (holds('SuccessCriteriaMet')) return 'SuccessCriteriaMet';
  return 'Running';
}

function completions({ spec, status }: Partial<Job>): string {
  const done = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function runTime({ status }: Partial<Job>, nowMs: number): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : nowMs;
  return humanDuration(end - Date.parse(status.startTime));
}

/** NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST-SCHEDULE AGE CONTAINERS IMAGES SELECTOR */
export function cronJobCells(object: object, nowMs: number): unknown[] {
  const cronJob = object as Partial<CronJob>;
  const { spec, status } = cronJob;
  const jobSpec = spec?.jobTemplate?.spec;
  return [
    nameOf(cronJob),
    spec?.schedule ?? '',
    spec?.timeZone ?? NONE,
    spec?.suspend === true ? 'True' : 'False',
    status?.active?.length ?? 0,
    status?.lastScheduleTime ? sinceText(status.lastScheduleTime, nowMs) : NONE,
    ageOf(cronJob, nowMs),
    ...containerCells(jobSpec?.template?.spec?.containers),
    selectorText(jobSpec?.selector),
  ];
}
