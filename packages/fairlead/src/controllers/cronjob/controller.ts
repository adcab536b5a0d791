import type { CronJob, CronJobStatus, Job, ObjectReference, Stored } from '@fairlead/api';
import { ApiError, deepEqual, isNotFound } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { jobCondition } from '../job/decide-job.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { ownerReference } from '../workload/pod-control.ts';
import { controllerOf, timestamp } from '../workload/pod-state.ts';
import { cronJobs, jobs } from '../workload/resource-refs.ts';
import { type CronDecision, cronJobName, decideCron } from './decide-cron.ts';

const about = { kind: 'CronJob', apiVersion: 'batch/v1' };
/** Timers take no longer. */
const longestWaitMs = 86_400_000;

/** Starts Jobs on a schedule. */
export const cronJobController: Controller = {
  name: 'cronjob',
  needs: [cronJobs, jobs],
  start(context) {
    const controller = new CronJobController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class CronJobController {
  readonly #context: ControllerContext;
  readonly #events;
  readonly #cronJobs;
  readonly #jobs;
  readonly #jobsBy;
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#events = context.recorder('cronjob-controller');
    this.queue = startWorkQueue({ ...context, name: 'cronjob', sync: (key) => this.#sync(key) });
    this.#cronJobs = context.informers.informer(cronJobs);
    this.#jobs = context.informers.informer(jobs);
    const all = context.informers.collection(jobs);
    this.#jobsBy = groupBy<Stored<Job>>('jobs by owner', all, (job) => controllerOf(job)?.uid);
    context.informers.collection(cronJobs).subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
    all.subscribe((changes) => {
      for (const { old, new: now } of changes) {
        const owner = controllerOf(now ?? old ?? {});
        if (owner?.kind === 'CronJob') this.queue.add(`${(now ?? old)?.metadata.namespace}/${owner.name}`);
      }
    });
  }

  async #sync(key: string): Promise<SyncResult> {
    await this.#jobs.synced;
    const cron = this.#cronJobs.get(key);
    if (cron === undefined) return undefined;
    const owned = this.#jobsBy.get(cron.metadata.uid) ?? [];
    const decision = decideCron(cron, owned, this.#context.clock.now());
    if (decision.problem !== undefined) {
      this.#events.record(cron, 'Warning', 'UnparseableSchedule', decision.problem, about);
    }
    if (decision.skipped === 'forbidden') {
      const text = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      this.#events.record(cron, 'Normal', 'JobAlreadyActive', text, about);
    }
    for (const job of [...decision.forget, ...decision.replace]) await this.#delete(cron, job);
    const started = decision.startFor === undefined ? undefined : await this.#startJob(cron, decision.startFor);
    await this.#writeStatus(cron, owned, decision, started);
    const wait = decision.againAfterMs;
    return wait === undefined ? undefined : { againAfterMs: Math.min(wait, longestWaitMs) };
  }

  async #startJob(cron: Stored<CronJob>, timeMs: number): Promise<Stored<Job> | undefined> {
    const { client } = this.#context;
    const template = cron.spec!.jobTemplate;
    const name = cronJobName(cron.metadata.name, timeMs);
    const { namespace = '' } = cron.metadata;
    const job: Job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name,
        namespace,
        ...(template.metadata?.labels === undefined ? {} : { labels: template.metadata.labels }),
        annotations: {
          ...template.metadata?.annotations,
          'batch.kubernetes.io/cronjob-scheduled-timestamp': timestamp(timeMs),
        },
        ownerReferences: [ownerReference(cron, about)],
      },
      ...(template.spec === undefined ? {} : { spec: template.spec }),
    };
    try {
      const created = await client.create(jobs, job);
      await this.#jobs.caughtUp(created.metadata.resourceVersion);
      this.#events.record(cron, 'Normal', 'SuccessfulCreate', `Created job ${name}`, about);
      return created;
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'AlreadyExists') return undefined;
      const message = `Error creating job: ${(error as Error).message}`;
      this.#events.record(cron, 'Warning', 'FailedCreate', message, about);
      throw error;
    }
  }

  async #delete(cron: Stored<CronJob>, job: Stored<Job>): Promise<void> {
    const { name, namespace = '', uid } = job.metadata;
    const options = { propagationPolicy: 'Background', preconditions: { uid } } as const;
    try {
      await this.#context.client.delete(jobs, { name, namespace }, options);
      this.#events.record(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`, about);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #writeStatus(
    cron: Stored<CronJob>,
    owned: readonly Stored<Job>[],
    decision: CronDecision,
    started: Stored<Job> | undefined,
  ): Promise<void> {
    const running = decision.active.filter((job) => !decision.replace.includes(job));
    const active = (started === undefined ? running : [...running, started]).map(referenceTo);
    const ends = owned.map((job) => (jobCondition(job, 'Complete') ? job.status?.completionTime : undefined));
    const lastSuccess = [cron.status?.lastSuccessfulTime, ...ends]
      .filter((time) => time !== undefined)
      .sort()
      .at(-1);
    const lastSchedule = decision.startFor === undefined ? cron.status?.lastScheduleTime : timestamp(decision.startFor);
    const status: CronJobStatus = {
      ...(active.length === 0 ? {} : { active }),
      ...(lastSchedule === undefined ? {} : { lastScheduleTime: lastSchedule }),
      ...(lastSuccess === undefined ? {} : { lastSuccessfulTime: lastSuccess }),
    };
    for (const reference of cron.status?.active ?? []) {
      const job = owned.find((candidate) => candidate.metadata.uid === reference.uid);
      const how = job === undefined ? undefined : (jobCondition(job, 'Complete') ?? jobCondition(job, 'Failed'));
      if (job === undefined || how === undefined) continue;
      const text = `Saw completed job: ${job.metadata.name}, condition: ${how.type}`;
      this.#events.record(cron, 'Normal', 'SawCompletedJob', text, about);
    }
    if (deepEqual(cron.status ?? {}, status)) return;
    const { metadata } = await this.#context.client.update(cronJobs, { ...cron, status }, { subresource: 'status' });
    await this.#cronJobs.caughtUp(metadata.resourceVersion);
  }
}

function referenceTo(job: Stored<Job>): ObjectReference {
  const { name, namespace, uid, resourceVersion } = job.metadata;
  return {
    kind: 'Job',
    ...(namespace === undefined ? {} : { namespace }),
    name,
    uid,
    apiVersion: 'batch/v1',
    resourceVersion,
  };
}
