import {
  type MetricSpec,
  type MetricStatus,
  type MetricTarget,
  type Pod,
  parseQuantity,
  type Stored,
} from '@fairlead/api';
import { podResources } from '@fairlead/api/quota/pod-resources';
import { isPodFinished, isPodReady } from '../workload/pod-state.ts';
import type { MetricReading, MetricsSource, PodReadings } from './metrics-source.ts';

/** What one metric asks for. */
export type MetricProposal =
  | {
      readonly ok: true;
      readonly replicas: number;
      /** The metric, as events and conditions name it. */
      readonly name: string;
      readonly status: MetricStatus;
    }
  | { readonly ok: false; readonly reason: string; readonly message: string };

/** What a proposal rests on. */
export interface ScaleView {
  readonly namespace: string;
  /** Replicas wanted and present now. */
  readonly wanted: number;
  readonly present: number;
  /** The Pods of the target. */
  readonly pods: readonly Stored<Pod>[];
  /** A ratio this near to 1 changes nothing; by direction. */
  readonly tolerance: { readonly up: number; readonly down: number };
}

/** Reads one metric and says how many replicas it wants. */
export async function proposeReplicas(
  spec: MetricSpec,
  view: ScaleView,
  source: MetricsSource,
): Promise<MetricProposal> {
  const failed = (kind: string, what: string, reason: string): MetricProposal => ({
    ok: false,
    reason: `FailedGet${kind}Metric`,
    message: `the HPA was unable to compute the replica count: failed to get ${what}: ${reason}`,
  });
  const { namespace } = view;
  switch (spec.type) {
    case 'Resource':
    case 'ContainerResource': {
      const own = spec.type === 'Resource' ? spec.resource : spec.containerResource;
      if (own === undefined) break;
      const container = spec.containerResource?.container;
      const readings = await source.resource(namespace, own.name, container);
      const kind = own.target.averageUtilization === undefined ? 'usage' : 'utilization';
      if (!readings.ok) return failed(spec.type, `${own.name} ${kind}`, readings.reason);
      return ofResource(spec, own.name, container, own.target, readings, view);
    }
    case 'Pods': {
      if (spec.pods === undefined) break;
      const { metric, target } = spec.pods;
      const readings = await source.pods(namespace, metric);
      if (!readings.ok) return failed('Pods', 'pods metric value', readings.reason);
      const wanted = amount(target.averageValue);
      const { replicas, average } = byPodAverage(readings.values, wanted, view);
      const current = { averageValue: quantity(average) };
      return {
        ok: true,
        replicas,
        name: `pods metric ${metric.name}`,
        status: { type: 'Pods', pods: { metric, current } },
      };
    }
    case 'Object': {
      if (spec.object === undefined) break;
      const { describedObject, metric, target } = spec.object;
      const reading = await source.object(namespace, describedObject, metric);
      if (!reading.ok) return failed('Object', 'object metric value', reading.reason);
      const { replicas, current } = byWhole(reading, target, view);
      const name = `${describedObject.kind} metric ${metric.name}`;
      return { ok: true, replicas, name, status: { type: 'Object', object: { describedObject, metric, current } } };
    }
    case 'External': {
      if (spec.external === undefined) break;
      const { metric, target } = spec.external;
      const reading = await source.external(namespace, metric);
      if (!reading.ok) return failed('External', `external metric ${metric.name}`, reading.reason);
      const { replicas, current } = byWhole(reading, target, view);
      const name = `external metric ${metric.name}(${JSON.stringify(metric.selector ?? null)})`;
      return { ok: true, replicas, name, status: { type: 'External', external: { metric, current } } };
    }
  }
  const message = `the HPA controller was unable to compute the replica count: unknown metric source type "${spec.type}"`;
  return { ok: false, reason: 'InvalidMetricSourceType', message };
}

/** A metric of an object as a whole: against one value, or shared out among the replicas. */
function byWhole(
  { value }: Extract<MetricReading, { ok: true }>,
  target: MetricTarget,
  view: ScaleView,
): { readonly replicas: number; readonly current: { value?: string; averageValue?: string } } {
  if (target.value !== undefined) {
    const ratio = value / amount(target.value);
    const ready = view.pods.filter((pod) => isPodReady(pod) && !isPodFinished(pod)).length;
    const replicas = view.wanted === 0 ? ceil(ratio) : isNear(ratio, view) ? view.wanted : ceil(ratio * ready);
    return { replicas, current: { value: quantity(value) } };
  }
  const each = amount(target.averageValue);
  const ratio = value / (each * view.present);
  const replicas = isNear(ratio, view) ? view.present : ceil(value / each);
  return { replicas, current: { averageValue: quantity(view.present === 0 ? value : value / view.present) } };
}

function ofResource(
  spec: MetricSpec,
  resource: string,
  container: string | undefined,
  target: MetricTarget,
  readings: Extract<PodReadings, { ok: true }>,
  view: ScaleView,
): MetricProposal {
  const kind = spec.type;
  const statusOf = (current: { averageUtilization?: number; averageValue: string }): MetricStatus =>
    container === undefined
      ? { type: 'Resource', resource: { name: resource, current } }
      : { type: 'ContainerResource', containerResource: { name: resource, container, current } };
  const name = container === undefined ? `${resource} resource` : `${resource} container resource ${container}`;
  if (target.averageUtilization === undefined) {
    const { replicas, average } = byPodAverage(readings.values, amount(target.averageValue), view);
    return { ok: true, replicas, name, status: statusOf({ averageValue: quantity(average) }) };
  }
  // A share of what the Pods ask for: all of them must ask for something.
  let asked = 0;
  let used = 0;
  for (const pod of view.pods) {
    const value = readings.values.get(pod.metadata.name);
    const request =
      Number(podResources(pod as unknown as Record<string, unknown>, 'requests').get(resource) ?? 0n) / 1e9;
    if (request === 0) {
      const message = `the HPA was unable to compute the replica count: failed to get ${resource} utilization: missing request for ${resource} in container ${pod.spec?.containers[0]?.name ?? ''} of Pod ${pod.metadata.name}`;
      return { ok: false, reason: `FailedGet${kind}Metric`, message };
    }
    if (value === undefined) continue;
    asked += request;
    used += value;
  }
  const average = readings.values.size === 0 ? 0 : used / readings.values.size;
  const utilization = asked === 0 ? 0 : Math.trunc((used / asked) * 100);
  const wantedEach = ((target.averageUtilization / 100) * asked) / Math.max(1, readings.values.size);
  const { replicas } = byPodAverage(readings.values, wantedEach, view);
  return {
    ok: true,
    replicas,
    name: `${name} utilization (percentage of request)`,
    status: statusOf({ averageUtilization: utilization, averageValue: quantity(average) }),
  };
}

/**
 * Replicas by the average over Pods. Pods that are not measured count as idle when that would mean growing, and as
 * exactly on target when it would mean shrinking; a change that they turn around is not made.
 */
function byPodAverage(
  values: ReadonlyMap<string, number>,
  target: number,
  view: ScaleView,
): { readonly replicas: number; readonly average: number } {
  const alive = view.pods.filter((pod) => !isPodFinished(pod) && pod.metadata.deletionTimestamp === undefined);
  const measured = alive.filter((pod) => isPodReady(pod) && values.has(pod.metadata.name));
  const missing = alive.length - measured.length;
  if (measured.length === 0) return { replicas: view.wanted, average: 0 };
  const sum = measured.reduce((total, pod) => total + values.get(pod.metadata.name)!, 0);
  const average = sum / measured.length;
  const ratio = average / target;
  if (missing === 0) {
    return { replicas: isNear(ratio, view) ? view.wanted : ceil(ratio * measured.length), average };
  }
  const padded = sum + (ratio < 1 ? missing * target : 0);
  const count = measured.length + missing;
  const next = padded / count / target;
  const turned = (ratio < 1 && next > 1) || (ratio > 1 && next < 1);
  if (isNear(next, view) || turned) return { replicas: view.wanted, average };
  const replicas = ceil(next * count);
  const backwards = (next < 1 && replicas > view.wanted) || (next > 1 && replicas < view.wanted);
  return { replicas: backwards ? view.wanted : replicas, average };
}

function isNear(ratio: number, { tolerance }: ScaleView): boolean {
  return ratio >= 1 - tolerance.down && ratio <= 1 + tolerance.up;
}

/** Rounded up, but not for what floating point adds to a whole number. */
function ceil(value: number): number {
  return Math.max(0, Math.ceil(value - 1e-9));
}

function amount(text: string | number | undefined): number {
  return Number(parseQuantity(String(text ?? '0'))?.nano ?? 0n) / 1e9;
}

/** A quantity in thousandths, as autoscalers show it. */
function quantity(value: number): string {
  const milli = Math.round(value * 1000);
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}
