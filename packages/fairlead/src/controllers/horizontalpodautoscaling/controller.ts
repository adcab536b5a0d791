import {
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerCondition,
  type HorizontalPodAutoscalerStatus,
  type MetricStatus,
  matchesLabels,
  type Pod,
  parseLabelSelector,
  pods,
  type ResourceRef,
  type Scale,
  type Stored,
} from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import { groupBy } from '../../collections/index.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { discoverResources } from '../discovery.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { timestamp } from '../workload/pod-state.ts';
import { horizontalPodAutoscalers } from '../workload/resource-refs.ts';
import { limitChange, recordChange, type ScaleHistory } from './limit-change.ts';
import { noMetrics } from './metrics-source.ts';
import { type MetricProposal, proposeReplicas } from './replica-count.ts';

/** Time between looks at the metrics, and before the first one: `--horizontal-pod-autoscaler-sync-period`. */
const lookEveryMs = 15_000;
/** Ratios this near to 1 change nothing. */
const tolerance = 0.1;
const about = { kind: 'HorizontalPodAutoscaler', apiVersion: 'autoscaling/v2' };

/** Scales Deployments and the like by metrics. */
export const horizontalPodAutoscalerController: Controller = {
  name: 'horizontalpodautoscaling',
  needs: [horizontalPodAutoscalers],
  start(context) {
    const controller = new AutoscalerController(context);
    return { stop: () => controller.queue.stop() };
  },
};

type Condition = Omit<HorizontalPodAutoscalerCondition, 'lastTransitionTime'>;

/** What one look has found out. */
interface Look {
  readonly conditions: Condition[];
  readonly current: number;
  readonly desired: number;
  readonly metrics: readonly MetricStatus[] | undefined;
  readonly rescaled: boolean;
}

class AutoscalerController {
  readonly #context: ControllerContext;
  readonly #autoscalers;
  readonly #pods;
  readonly #podsBy;
  readonly #events;
  readonly #histories = new Map<string, ScaleHistory>();
  #kinds: Promise<readonly ResourceRef<unknown>[]> | undefined;
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#events = context.recorder('horizontal-pod-autoscaler');
    this.queue = startWorkQueue({ ...context, name: 'horizontalpodautoscaling', sync: (key) => this.#sync(key) });
    this.#autoscalers = context.informers.informer(horizontalPodAutoscalers);
    this.#pods = context.informers.informer(pods);
    const all = context.informers.collection(pods);
    this.#podsBy = groupBy<Stored<Pod>>('pods by namespace', all, (pod) => pod.metadata.namespace);
    context.informers.collection(horizontalPodAutoscalers).subscribe((changes) => {
      for (const { key, old, new: now } of changes) {
        if (now === undefined) this.#histories.delete(key);
        else if (!deepEqual(old?.spec, now.spec)) this.queue.addAfter(key, lookEveryMs);
      }
    });
  }

  async #sync(key: string): Promise<SyncResult> {
    await Promise.all([this.#autoscalers.synced, this.#pods.synced]);
    const autoscaler = this.#autoscalers.get(key);
    if (autoscaler === undefined) return undefined;
    const look = await this.#look(autoscaler);
    const status = this.#statusOf(autoscaler, look);
    if (!deepEqual(status, autoscaler.status)) {
      const next = { ...autoscaler, status };
      const { metadata } = await this.#context.client.update(horizontalPodAutoscalers, next, { subresource: 'status' });
      await this.#autoscalers.caughtUp(metadata.resourceVersion);
    }
    return { againAfterMs: lookEveryMs };
  }

  async #look(autoscaler: Stored<HorizontalPodAutoscaler>): Promise<Look> {
    const { clock } = this.#context;
    const warn = (reason: string, text: string): void =>
      this.#events.record(autoscaler, 'Warning', reason, text, about);
    let path: string;
    let scale: Stored<Scale>;
    try {
      path = await this.#scalePath(autoscaler);
      scale = (await this.#context.client.request('GET', path)) as Stored<Scale>;
    } catch (error) {
      const why = (error as Error).message;
      warn('FailedGetScale', why);
      const message = `the HPA controller was unable to get the target's current scale: ${why}`;
      const { currentReplicas = 0, desiredReplicas = 0 } = autoscaler.status ?? {};
      const conditions = [condition('AbleToScale', 'False', 'FailedGetScale', message)];
      return { conditions, current: currentReplicas, desired: desiredReplicas, metrics: undefined, rescaled: false };
    }
    const got = "the HPA controller was able to get the target's current scale";
    const conditions = [condition('AbleToScale', 'True', 'SucceededGetScale', got)];
    const wanted = scale.spec?.replicas ?? 0;
    const present = scale.status?.replicas ?? 0;
    const { maxReplicas = 1, behavior } = autoscaler.spec ?? {};
    const min = autoscaler.spec?.minReplicas ?? 1;
    const none = { conditions, current: present, metrics: undefined, rescaled: false };
    if (wanted === 0 && min !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      conditions.push(condition('ScalingActive', 'False', 'ScalingDisabled', message));
      return { ...none, desired: 0 };
    }
    let desired = wanted;
    let reason = '';
    let metrics: readonly MetricStatus[] | undefined;
    const history = this.#historyOf(autoscaler, wanted);
    if (wanted > maxReplicas) {
      desired = maxReplicas;
      reason = 'Current number of replicas above Spec.MaxReplicas';
    } else if (wanted < min) {
      desired = min;
      reason = 'Current number of replicas below Spec.MinReplicas';
    } else {
      const proposals = await this.#proposals(autoscaler, scale, wanted, present);
      const found = choose(proposals, wanted);
      metrics = proposals.flatMap((proposal) => (proposal.ok ? [proposal.status] : []));
      conditions.push(found.condition);
      if (found.name === undefined) {
        warn(
          found.condition.reason ?? '',
          (found.condition.message ?? '').replace(/^the HPA was unable to compute the replica count: /, ''),
        );
        warn('FailedComputeMetricsReplicas', found.failure);
        return { ...none, desired: autoscaler.status?.desiredReplicas ?? wanted, metrics };
      }
      const limited = limitChange(
        found.replicas,
        { current: wanted, min, max: maxReplicas, behavior },
        history,
        clock.now(),
      );
      desired = limited.replicas;
      conditions.push(
        ...limited.verdicts.map(({ type, status, reason: why, message }) => condition(type, status, why, message)),
      );
      reason = desired > wanted ? `${found.name} above target` : 'All metrics below target';
    }
    if (desired === wanted) return { conditions, current: present, desired, metrics, rescaled: false };
    try {
      await this.#context.client.request('PUT', path, { ...scale, spec: { ...scale.spec, replicas: desired } });
    } catch (error) {
      const why = (error as Error).message;
      warn('FailedRescale', `New size: ${desired}; reason: ${reason}; error: ${why}`);
      const message = `the HPA controller was unable to update the target scale: ${why}`;
      conditions.push(condition('AbleToScale', 'False', 'FailedUpdateScale', message));
      return { conditions, current: present, desired: wanted, metrics, rescaled: false };
    }
    recordChange(wanted, desired, history, clock.now());
    this.#events.record(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${reason}`, about);
    const message = `the HPA controller was able to update the target scale to ${desired}`;
    conditions.push(condition('AbleToScale', 'True', 'SucceededRescale', message));
    return { conditions, current: present, desired, metrics, rescaled: true };
  }

  /** What each metric wants; none when the target does not say which Pods are its own. */
  async #proposals(
    autoscaler: Stored<HorizontalPodAutoscaler>,
    scale: Stored<Scale>,
    wanted: number,
    present: number,
  ): Promise<MetricProposal[]> {
    const { namespace = '' } = autoscaler.metadata;
    const selector = parseLabelSelector(scale.status?.selector ?? '');
    if ((scale.status?.selector ?? '') === '' || !selector.ok) {
      const message = "the HPA target's scale is missing a selector";
      return [{ ok: false, reason: 'InvalidSelector', message }];
    }
    const own = (this.#podsBy.get(namespace) ?? []).filter((pod) =>
      matchesLabels(selector.requirements, pod.metadata.labels),
    );
    const rules = autoscaler.spec?.behavior;
    const near = (text: string | number | undefined): number => (text === undefined ? tolerance : Number(text));
    const view = {
      namespace,
      wanted,
      present,
      pods: own,
      tolerance: { up: near(rules?.scaleUp?.tolerance), down: near(rules?.scaleDown?.tolerance) },
    };
    const specs = autoscaler.spec?.metrics ?? [];
    return Promise.all(specs.map((spec) => proposeReplicas(spec, view, this.#context.metrics ?? noMetrics)));
  }

  async #scalePath({ metadata, spec }: Stored<HorizontalPodAutoscaler>): Promise<string> {
    const { kind = '', name = '', apiVersion = 'v1' } = spec?.scaleTargetRef ?? {};
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    this.#kinds ??= discoverResources(this.#context.client);
    const find = async (): Promise<ResourceRef<unknown> | undefined> =>
      (await this.#kinds)?.find((ref) => ref.kind === kind && ref.group === group);
    let ref = await find();
    if (ref === undefined) {
      // Perhaps a definition that is new.
      this.#kinds = discoverResources(this.#context.client);
      ref = await find();
    }
    if (ref === undefined) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    return `${root}/namespaces/${metadata.namespace}/${ref.plural}/${encodeURIComponent(name)}/scale`;
  }

  /** The first look stands for all before it: a restart does not shrink what was big. */
  #historyOf({ metadata }: Stored<HorizontalPodAutoscaler>, wanted: number): ScaleHistory {
    const key = `${metadata.namespace}/${metadata.name}`;
    let history = this.#histories.get(key);
    if (history === undefined) {
      history = { recommendations: [{ replicas: wanted, atMs: this.#context.clock.now() }], ups: [], downs: [] };
      this.#histories.set(key, history);
    }
    return history;
  }

  #statusOf(autoscaler: Stored<HorizontalPodAutoscaler>, look: Look): HorizontalPodAutoscalerStatus {
    const now = timestamp(this.#context.clock.now());
    const before = autoscaler.status;
    const conditions = new Map((before?.conditions ?? []).map((one) => [one.type, one]));
    for (const next of look.conditions) {
      const old = conditions.get(next.type);
      const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : now;
      conditions.set(next.type, { ...next, ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }) });
    }
    const { generation } = autoscaler.metadata;
    const lastScaleTime = look.rescaled ? now : before?.lastScaleTime;
    const metrics = look.metrics ?? before?.currentMetrics ?? [];
    return {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
      ...(look.current === 0 ? {} : { currentReplicas: look.current }),
      desiredReplicas: look.desired,
      currentMetrics: metrics.length === 0 ? (null as unknown as undefined) : [...metrics],
      conditions: [...conditions.values()],
    };
  }
}

/** The highest wish; none where nothing could be measured, or where what could would shrink the target. */
function choose(
  proposals: readonly MetricProposal[],
  wanted: number,
): {
  readonly condition: Condition;
  readonly replicas: number;
  readonly name: string | undefined;
  readonly failure: string;
} {
  const wrong = proposals.flatMap((proposal) => (proposal.ok ? [] : [proposal]));
  const right = proposals.flatMap((proposal) => (proposal.ok ? [proposal] : []));
  const best = right.reduce<(typeof right)[number] | undefined>(
    (top, one) => (top === undefined || one.replicas > top.replicas ? one : top),
    undefined,
  );
  const [first] = wrong;
  if (best === undefined || (first !== undefined && best.replicas < wanted)) {
    const { reason = 'NoMetrics', message = 'no metrics' } = first ?? {};
    const failure = `invalid metrics (${wrong.length} invalid out of ${proposals.length}), first error is: ${message.replace(/^the HPA was unable to compute the replica count: /, '')}`;
    return { condition: condition('ScalingActive', 'False', reason, message), replicas: -1, name: undefined, failure };
  }
  const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
  const active = condition('ScalingActive', 'True', 'ValidMetricFound', message);
  return { condition: active, replicas: best.replicas, name: best.name, failure: '' };
}

function condition(type: string, status: 'True' | 'False', reason: string, message: string): Condition {
  return { type, status, reason, message };
}
