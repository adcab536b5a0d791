import type { MetricRegistry } from '../telemetry/metrics.ts';
import { externalVerdict, internalVerdict, type ServiceProgram } from './program.ts';

/** Measurements of the service proxy; implement what is wanted. */
export interface ServiceProxyMetrics {
  /** Services or slices changed, and wait for the next synchronization. */
  queued?(changes: { readonly services: number; readonly endpoints: number }): void;
  /** One synchronization: how long it took from first change seen to kernel, and for how many Services. */
  synced?(sync: { readonly durationMs: number; readonly services: number; readonly full: boolean }): void;
  /** From the change that triggered a slice write (its annotation) to the kernel. */
  programmed?(latencyMs: number): void;
  syncFailed?(): void;
  /** UDP flows forgotten because their endpoint is gone. */
  conntrackReconciled?(result: { readonly deleted: number; readonly durationMs: number }): void;
  /** Services whose traffic of this kind is dropped because no endpoint is on this node. */
  noLocalEndpoints?(policy: 'internal' | 'external', services: number): void;
}

/** 1 ms to 16 s, doubling: kube-proxy's. */
const syncBuckets = Array.from({ length: 15 }, (_, n) => 0.001 * 2 ** n);
/** kube-proxy's: quarters of a second, seconds, steps of five, of ten, minutes. */
const programmingBuckets = [
  0.25,
  0.5,
  ...Array.from({ length: 59 }, (_, n) => n + 1),
  ...[60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120, 150, 180, 210, 240, 270, 300],
];

/** Registers kube-proxy's metrics under kube-proxy's names, so that its dashboards and alerts keep working. */
export function registerServiceProxyMetrics(
  registry: MetricRegistry,
  clock: { now(): number },
): Required<ServiceProxyMetrics> {
  const duration = (kind: string, help: string) =>
    registry.histogram({ name: `kubeproxy_${kind}_duration_seconds`, help, buckets: syncBuckets });
  const all = duration('sync_proxy_rules', 'Time of a synchronization of rules');
  const full = duration('sync_full_proxy_rules', 'Time of a synchronization of all rules');
  const partial = duration('sync_partial_proxy_rules', 'Time of a synchronization of changed rules');
  const programming = registry.histogram({
    name: 'kubeproxy_network_programming_duration_seconds',
    help: 'From the change of a Pod or Service to the rules of this node',
    buckets: programmingBuckets,
  });
  const gauge = (name: string, help: string) => registry.gauge({ name: `kubeproxy_sync_proxy_rules_${name}`, help });
  const counter = (name: string, help: string) =>
    registry.counter({ name: `kubeproxy_sync_proxy_rules_${name}`, help });
  const lastSynced = gauge('last_timestamp_seconds', 'Unix time of the last successful synchronization');
  const lastQueued = gauge('last_queued_timestamp_seconds', 'Unix time at which a synchronization was last queued');
  const failures = counter('nftables_sync_failures_total', 'Synchronizations that failed');
  const serviceChanges = counter('service_changes_total', 'Changes of Services');
  const endpointChanges = counter('endpoint_changes_total', 'Changes of EndpointSlices');
  const servicesPending = gauge('service_changes_pending', 'Changes of Services not yet installed');
  const endpointsPending = gauge('endpoint_changes_pending', 'Changes of EndpointSlices not yet installed');
  const noLocal = registry.gauge({
    name: 'kubeproxy_sync_proxy_rules_no_local_endpoints',
    help: 'Services with a Local traffic policy and no endpoint on this node',
    labels: ['traffic_policy'],
  });
  const flows = registry.counter({
    name: 'kubeproxy_conntrack_reconciler_deleted_entries_total',
    help: 'Stale UDP flows deleted',
  });
  const flowTime = duration('conntrack_reconciler_sync', 'Time of a look for stale UDP flows');
  return {
    queued: ({ services, endpoints }) => {
      lastQueued.set(clock.now() / 1000);
      serviceChanges.add(services);
      endpointChanges.add(endpoints);
      servicesPending.add(services);
      endpointsPending.add(endpoints);
    },
    synced: (sync) => {
      const seconds = sync.durationMs / 1000;
      all.observe(seconds);
      (sync.full ? full : partial).observe(seconds);
      lastSynced.set(clock.now() / 1000);
      servicesPending.set(0);
      endpointsPending.set(0);
    },
    programmed: (latencyMs) => programming.observe(latencyMs / 1000),
    syncFailed: () => failures.add(),
    conntrackReconciled: ({ deleted, durationMs }) => {
      flows.add(deleted);
      flowTime.observe(durationMs / 1000);
    },
    noLocalEndpoints: (policy, services) => noLocal.set(services, policy),
  };
}

/** Counts Services that drop traffic for want of an endpoint on this node. For each scrape: walks all. */
export function countNoLocalEndpoints(programs: Iterable<ServiceProgram>, metrics: ServiceProxyMetrics): void {
  if (metrics.noLocalEndpoints === undefined) return;
  let internal = 0;
  let external = 0;
  for (const { ports } of programs) {
    if (ports.some((port) => port.internalTrafficPolicy === 'Local' && internalVerdict(port).kind === 'drop'))
      internal++;
    if (ports.some((port) => port.externalTrafficPolicy === 'Local' && externalVerdict(port).kind === 'drop'))
      external++;
  }
  metrics.noLocalEndpoints('internal', internal);
  metrics.noLocalEndpoints('external', external);
}
