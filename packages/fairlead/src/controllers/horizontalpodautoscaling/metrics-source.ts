import type { CrossVersionObjectReference, LabelSelector } from '@fairlead/api';

/** A metric by name, narrowed by labels. */
export interface MetricName {
  readonly name: string;
  readonly selector?: LabelSelector | undefined;
}

/** A number, or why there is none. */
export type MetricReading =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly reason: string };

/** Numbers of Pods by name, or why there are none. */
export type PodReadings =
  | { readonly ok: true; readonly values: ReadonlyMap<string, number> }
  | { readonly ok: false; readonly reason: string };

/**
 * Where an autoscaler reads its metrics. The reasons are told to users in conditions; a source never rejects.
 * Values are in the unit of the metric: processors, bytes, requests per second, requests in flight.
 */
export interface MetricsSource {
  /** What Pods use of `cpu` or `memory`; of one container where it is named. */
  resource(namespace: string, resource: string, container: string | undefined): Promise<PodReadings>;
  /** A metric of each Pod. */
  pods(namespace: string, metric: MetricName): Promise<PodReadings>;
  /** A metric of one object of the namespace, such as a Service or an Ingress. */
  object(namespace: string, object: CrossVersionObjectReference, metric: MetricName): Promise<MetricReading>;
  /** A metric of nothing in the cluster. */
  external(namespace: string, metric: MetricName): Promise<MetricReading>;
}

/** A cluster without metrics: every question is answered as by one without the metrics APIs. */
export const noMetrics: MetricsSource = {
  resource: async (_namespace, resource) => ({
    ok: false,
    reason: `unable to get metrics for resource ${resource}: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)`,
  }),
  pods: async (_namespace, { name }) => ({
    ok: false,
    reason: `unable to get metric ${name}: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered`,
  }),
  object: async (namespace, { kind, name: object }, { name }) => ({
    ok: false,
    reason: `unable to get metric ${name}: ${kind} on ${namespace} ${object}/unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered`,
  }),
  external: async (namespace, { name }) => ({
    ok: false,
    reason: `unable to get external metric ${namespace}/${name}/nil: unable to fetch metrics from external metrics API: no external metrics API (external.metrics.k8s.io) registered`,
  }),
};
