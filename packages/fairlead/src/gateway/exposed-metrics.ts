import type { MetricRegistry } from '../telemetry/metrics.ts';
import type { OtlpExporterStats } from '../telemetry/otlp-exporter.ts';
import type { BackendLoad } from './backend-loads.ts';
import type { GatewayStats } from './gateway-metrics.ts';

/** Counts of the whole gateway that only grow: name, meaning, where they are. */
const counters: readonly (readonly [name: string, help: string, of: (stats: GatewayStats) => number])[] = [
  ['no_route', 'Requests that no route matches', (stats) => stats.noRoute],
  ['no_endpoint', 'Requests whose backend has no endpoint', (stats) => stats.noEndpoint],
  ['upstream_failures', 'Tries that failed at an endpoint', (stats) => stats.upstreamFailures],
  ['retries', 'Tries made again', (stats) => stats.retries],
  ['retries_refused', 'Retries that the budget of their backend did not allow', (stats) => stats.retriesRefused],
  ['hedges', 'Second tries beside one that took too long', (stats) => stats.hedges],
  ['overflows', 'Requests refused by a limit of their backend', (stats) => stats.overflows],
  ['mirrors', 'Copies of requests sent to mirrors', (stats) => stats.mirrors],
  ['mirrors_dropped', 'Copies left out, being too long or too many', (stats) => stats.mirrorsDropped],
  ['mirrors_failed', 'Copies that got no answer', (stats) => stats.mirrorsFailed],
  ['ejections', 'Endpoints taken out for failing', (stats) => stats.ejections],
  ['timeouts', 'Requests that took too long', (stats) => stats.timeouts],
  ['bad_requests', 'Requests that break the protocol', (stats) => stats.badRequests],
  ['bad_responses', 'Answers of endpoints that break the protocol', (stats) => stats.badResponses],
  ['connections', 'Connections of clients', (stats) => stats.connectionsAccepted],
  ['connections_refused', 'Connections refused by limits', (stats) => stats.connectionsRefused],
  ['upstream_connections', 'Connections to endpoints', (stats) => stats.upstreamConnects],
  ['tls_handshakes', 'Full TLS handshakes with clients', (stats) => stats.tlsHandshakes],
  ['tls_resumptions', 'TLS handshakes that a ticket abbreviated', (stats) => stats.tlsResumed],
  ['tls_failures', 'TLS handshakes that failed', (stats) => stats.tlsFailures],
  ['compressed_responses', 'Answers compressed by the gateway', (stats) => stats.compressed],
  ['compression_input_bytes', 'Content of such answers before', (stats) => stats.compressionInBytes],
  ['compression_output_bytes', 'Content of such answers after', (stats) => stats.compressionOutBytes],
  [
    'compression_skipped',
    'Answers that went uncompressed for want of memory for compressors',
    (stats) => stats.compressionSkipped,
  ],
  ['access_log_dropped', 'Lines that the access log had no room for', (stats) => stats.accessLogDropped],
  ['spans_dropped', 'Spans of traces that workers had no room for', (stats) => stats.spansDropped],
  ['handler_errors', 'Errors of the program itself', (stats) => stats.handlerErrors],
];

/**
 * Registers what a gateway measures. Labels are bounded by the route table: per Service port the requests, begun and
 * under way, which autoscalers read; everything else is of the whole gateway.
 */
export function registerGatewayMetrics(
  registry: MetricRegistry,
  gateway: { stats(): GatewayStats; backendLoads(): readonly BackendLoad[] },
): void {
  const growing = counters.map(([name, help, of]) => ({
    metric: registry.counter({ name: `fairlead_gateway_${name}_total`, help }),
    of,
    last: 0,
  }));
  const responses = registry.counter({
    name: 'fairlead_gateway_responses_total',
    help: 'Responses sent, by class of their status',
    labels: ['class'],
  });
  const lastResponses = new Map<string, number>();
  const workers = registry.gauge({ name: 'fairlead_gateway_workers', help: 'Worker threads' });
  const open = registry.gauge({ name: 'fairlead_gateway_open_connections', help: 'Open connections of clients' });
  const inFlight = registry.gauge({ name: 'fairlead_gateway_requests_in_flight', help: 'Requests under way' });
  // As many as the shared memory has room for.
  const perBackend = { labels: ['namespace', 'service', 'port'], maxSeries: 8193 } as const;
  const begun = registry.counter({
    name: 'fairlead_gateway_backend_requests_total',
    help: 'Requests begun, by Service port',
    ...perBackend,
  });
  const underWay = registry.gauge({
    name: 'fairlead_gateway_backend_requests_in_flight',
    help: 'Requests under way, by Service port',
    ...perBackend,
  });
  let known = new Map<string, number>();
  registry.onCollect(() => {
    const stats = gateway.stats();
    for (const counter of growing) {
      const now = counter.of(stats);
      counter.metric.add(Math.max(0, now - counter.last));
      counter.last = now;
    }
    for (const [name, count] of Object.entries(stats.responses)) {
      responses.add(Math.max(0, count - (lastResponses.get(name) ?? 0)), name);
      lastResponses.set(name, count);
    }
    workers.set(stats.workers);
    open.set(stats.connectionsOpen);
    inFlight.set(stats.requestsInFlight);
    const seen = new Map<string, number>();
    for (const load of gateway.backendLoads()) {
      const labels = labelsOf(load.identity);
      begun.add(Math.max(0, load.requests - (known.get(load.identity) ?? 0)), ...labels);
      underWay.set(load.inFlight, ...labels);
      seen.set(load.identity, load.requests);
    }
    for (const identity of known.keys()) {
      if (seen.has(identity)) continue;
      begun.remove(...labelsOf(identity));
      underWay.remove(...labelsOf(identity));
    }
    known = seen;
  });
}

/** Registers what becomes of the spans that workers hand over. */
export function registerTraceMetrics(registry: MetricRegistry, exporter: { stats(): OtlpExporterStats }): void {
  const sent = registry.counter({ name: 'fairlead_gateway_spans_sent_total', help: 'Spans that the collector took' });
  const lost = registry.counter({
    name: 'fairlead_gateway_spans_lost_total',
    help: 'Spans that the collector refused, or did not take in time',
  });
  let last: OtlpExporterStats = { sent: 0, dropped: 0 };
  registry.onCollect(() => {
    const stats = exporter.stats();
    sent.add(stats.sent - last.sent);
    lost.add(stats.dropped - last.dropped);
    last = stats;
  });
}

/** `namespace/service:port` as labels. */
function labelsOf(identity: string): [namespace: string, service: string, port: string] {
  const [, namespace = '', service = identity, port = ''] = /^([^/]*)\/(.*):([^:]*)$/.exec(identity) ?? [];
  return [namespace, service, port];
}
