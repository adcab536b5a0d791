import type { MetricRegistry } from '../../telemetry/metrics.ts';
import { OVERFLOW } from '../../telemetry/metrics.ts';
import { LATENCY_BOUNDS_MS } from '../gateway-metrics.ts';
import { TRAFFIC_SLOTS } from './traffic-memory.ts';
import type { RouteTraffic, SeriesLabels } from './traffic-series.ts';

const CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'];
const LABELS = ['kind', 'namespace', 'name', 'service', 'port'] as const;
/** All that had no room for a series of its own. */
const OTHER: SeriesLabels = { kind: OVERFLOW, namespace: OVERFLOW, name: OVERFLOW, service: OVERFLOW, port: OVERFLOW };

/**
 * Registers requests and their durations by route and Service port. Labels come from the table, never from clients;
 * series of a route go with it.
 */
export function registerRouteMetrics(
  registry: MetricRegistry,
  gateway: { routeTraffic(): readonly RouteTraffic[] },
): void {
  const requests = registry.counter({
    name: 'fairlead_gateway_route_requests_total',
    help: 'Requests by route, Service port and class of the status; none: the client got no answer',
    labels: [...LABELS, 'class'],
    maxSeries: TRAFFIC_SLOTS * CLASSES.length,
  });
  const durations = registry.histogram({
    name: 'fairlead_gateway_route_duration_seconds',
    help: 'Time from the head of a request to the end of its answer, by route and Service port',
    labels: LABELS,
    buckets: LATENCY_BOUNDS_MS.map((ms) => ms / 1000),
    maxSeries: TRAFFIC_SLOTS,
  });
  let known = new Map<string, RouteTraffic>();
  registry.onCollect(() => {
    const now = new Map(gateway.routeTraffic().map((traffic) => [traffic.key, traffic] as const));
    for (const [key, before] of known) {
      if (now.has(key)) continue;
      const values = valuesOf(before);
      for (const name of CLASSES) requests.remove(...values, name);
      durations.remove(...values);
    }
    for (const [key, traffic] of now) {
      const before = known.get(key);
      const values = valuesOf(traffic);
      for (const [at, count] of traffic.classes.entries()) {
        const added = count - (before?.classes[at] ?? 0);
        if (added > 0) requests.add(added, ...values, CLASSES[at]!);
      }
      const buckets = traffic.buckets.map((count, at) => Math.max(0, count - (before?.buckets[at] ?? 0)));
      durations.add(buckets, Math.max(0, traffic.sumMs - (before?.sumMs ?? 0)) / 1000, ...values);
      if (traffic.exemplars !== undefined) durations.exemplify(traffic.exemplars, ...values);
    }
    known = now;
  });
}

function valuesOf({ labels = OTHER }: RouteTraffic): string[] {
  return LABELS.map((label) => labels[label]);
}
