import { type EnvVar, type Job, type JobStatus, type Pod, pods, type Stored } from '@fairlead/api';
import { deepEqual, isNotFound } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { ownerReference, PodControl } from '../workload/pod-control.ts';
import { jobs } from '../workload/resource-refs.ts';
import { decideJob, indexLabel, isJobFinished, jobCondition, trackingFinalizer } from './decide-job.ts';
import { indexFailuresAnnotation } from './index-failures.ts';

const about = { kind: 'Job', apiVersion: 'batch/v1' };
const maxPerSync = 500;

/** Runs Pods until enough of them have succeeded. */
export const jobController: Controller = {
  name: 'job',
  needs: [jobs],
  start(context) {
    const controller = new JobController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class JobController {
  readonly #context: ControllerContext;
  readonly #events;
  readonly #jobs;
  readonly #pods;
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#events = context.recorder('job-controller');
    this.queue = startWorkQueue({ ...context, name: 'job', sync: (key) => this.#sync(key) });
    this.#jobs = context.informers.informer(jobs);
    this.#pods = new PodControl(
      context,
      about,
      this.#events,
      (key) => this.queue.add(key),
      () => this.#jobs.values(),
    );
    context.informers.collection(jobs).subscribe((changes) => {
      for (const { key, old, new: job } of changes) {
        this.queue.add(key);
        // Nobody counts the Pods of a Job that is gone: they must not wait for it.
        if (job === undefined && old !== undefined) this.queue.add(`${key} ${old.metadata.uid}`);
      }
    });
  }

  async #sync(key: string): Promise<SyncResult> {
    const [name = '', goneUid] = key.split(' ');
    if (goneUid !== undefined) return this.#letGo(goneUid);
    const job = this.#jobs.get(name);
    if (
      job?.spec === undefined ||
      (job.spec.managedBy ?? 'kubernetes.io/job-controller') !== 'kubernetes.io/job-controller'
    )
      return undefined;
    const { clock } = this.#context;
    const owned = await this.#pods.claim(job, job.spec.selector);
    const decision = decideJob(job, owned, this.#pods.isLeaving.bind(this.#pods), clock.now());
    // The count is stored before the finalizers go: a Pod that vanishes was counted.
    if (!deepEqual(job.status ?? {}, decision.status)) await this.#writeStatus(job, decision.status);
    for (const pod of decision.untrack) await this.#untrack(pod);
    for (const pod of decision.remove) await this.#pods.remove(job, pod, `Deleted pod: ${pod.metadata.name}`);
    const wanted = decision.create.slice(0, maxPerSync).map((index) => jobPod(job, index, decision.failures?.counts));
    const failure = await this.#pods.create(job, wanted, (pod) => `Created pod: ${pod}`);
    if (failure !== undefined) throw failure;
    const waits = [decision.againAfterMs, await this.#expire(job)].filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : { againAfterMs: Math.max(1, Math.min(...waits)) };
  }

  async #writeStatus(job: Stored<Job>, status: JobStatus): Promise<void> {
    const { metadata } = await this.#context.client.update(jobs, { ...job, status }, { subresource: 'status' });
    await this.#jobs.caughtUp(metadata.resourceVersion);
    const after: Job = { ...job, status };
    for (const [type, reason, kind, text] of [
      ['Complete', 'Completed', 'Normal', 'Job completed'],
      ['Suspended', 'Suspended', 'Normal', 'Job suspended'],
    ] as const) {
      if (jobCondition(after, type) !== undefined && jobCondition(job, type) === undefined)
        this.#events.record(job, kind, reason, text, about);
    }
    const failed = jobCondition(after, 'Failed');
    if (failed !== undefined && jobCondition(job, 'Failed') === undefined)
      this.#events.record(job, 'Warning', failed.reason ?? 'Failed', failed.message ?? '', about);
  }

  /** Deletes a finished Job after its `ttlSecondsAfterFinished`; returns the time that is left. */
  async #expire(job: Stored<Job>): Promise<number | undefined> {
    const ttl = job.spec?.ttlSecondsAfterFinished;
    if (ttl === undefined || !isJobFinished(job) || job.metadata.deletionTimestamp !== undefined) return undefined;
    const finished = jobCondition(job, 'Complete') ?? jobCondition(job, 'Failed');
    const leftMs = Date.parse(finished?.lastTransitionTime ?? '') + ttl * 1000 - this.#context.clock.now();
    if (leftMs > 0) return leftMs;
    const { name, namespace = '', uid } = job.metadata;
    const options = { propagationPolicy: 'Foreground', preconditions: { uid } } as const;
    await this.#context.client.delete(jobs, { name, namespace }, options).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    return undefined;
  }

  async #letGo(uid: string): Promise<undefined> {
    for (const pod of [...this.#pods.informer.values()]) {
      if (pod.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true) await this.#untrack(pod);
    }
    return undefined;
  }

  async #untrack(pod: Stored<Pod>): Promise<void> {
    const { name, namespace = '', uid, finalizers = [] } = pod.metadata;
    const rest = finalizers.filter((finalizer) => finalizer !== trackingFinalizer);
    if (rest.length === finalizers.length) return;
    const body = { metadata: { uid, finalizers: rest.length === 0 ? null : rest } };
    try {
      const patched = await this.#context.client.patch(pods, { name, namespace }, 'merge', body);
      await this.#pods.informer.caughtUp(patched.metadata.resourceVersion);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** A Pod of a Job; one with an index carries it in its name, label, annotation and environment. */
function jobPod(job: Stored<Job>, index: number | undefined, failures?: ReadonlyMap<number, number>): Pod {
  const { name, namespace } = job.metadata;
  const template = job.spec!.template;
  const { labels, annotations, finalizers = [] } = template.metadata ?? {};
  const text = String(index);
  const mark = index === undefined ? undefined : { [indexLabel]: text };
  const limited = index !== undefined && job.spec?.backoffLimitPerIndex !== undefined;
  const tries = limited ? { [indexFailuresAnnotation]: String(failures?.get(index) ?? 0) } : undefined;
  const env: EnvVar = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexLabel}']` } },
  };
  const withIndex = <C extends { env?: EnvVar[] | undefined }>(container: C): C =>
    index === undefined ? container : { ...container, env: [...(container.env ?? []), env] };
  const spec = template.spec!;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: index === undefined ? `${name}-` : `${name}-${text}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, ...mark },
      ...(annotations === undefined && mark === undefined
        ? {}
        : { annotations: { ...annotations, ...mark, ...tries } }),
      finalizers: [...finalizers, trackingFinalizer],
      ownerReferences: [ownerReference(job, about)],
    },
    spec: {
      ...spec,
      ...(index === undefined ? {} : { hostname: `${name}-${text}` }),
      containers: spec.containers.map(withIndex),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withIndex) }),
    },
  };
}
