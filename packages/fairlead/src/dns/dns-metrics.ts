import type { EndpointSlice } from '@fairlead/api';
import type { Clock } from '../sys/clock.ts';
import type { Counter, Histogram, MetricRegistry } from '../telemetry/metrics.ts';
import { rcode, rrType } from '../wire/dns/constants.ts';
import { formatUpstream } from './forward/upstream-address.ts';
import type { Upstream } from './forward/upstream-exchange.ts';
import { countedTypes, type DnsCounters, sizeBounds } from './server/counters.ts';
import type { DnsServerStats } from './server/dns-server.ts';
import { triggerTimeAnnotation } from './slice-strip.ts';

/** What the server tells while it runs; the rest is read when somebody looks. */
export interface DnsMetrics {
  /** A query that was not answered from a table: by the upstreams, or along an alias. */
  resolved(protocol: 'udp' | 'tcp', code: number, durationMs: number): void;
  /** An exchange with an upstream; without a code it did not answer. */
  exchanged(upstream: Upstream, code: number | undefined, durationMs: number): void;
  /** A change of a headless Service's endpoints that every worker answers from now on. */
  installed(slice: EndpointSlice): void;
}

/** CoreDNS's: 0.25 ms to 8 s, doubling. */
const durationBuckets = Array.from({ length: 16 }, (_, n) => 0.00025 * 2 ** n);
const rcodeNames = new Map(Object.entries(rcode).map(([name, code]) => [code as number, name]));
const typeNames = new Map(Object.entries(rrType).map(([name, type]) => [type as number, name]));

/**
 * Registers CoreDNS's metrics under CoreDNS's names, so that its dashboards and alerts keep working.
 * `stats` is read once per scrape: workers count in their own memory. Durations are those of queries that
 * were forwarded or followed an alias; table answers take microseconds and are not timed one by one.
 */
export function registerDnsMetrics(
  registry: MetricRegistry,
  server: string,
  zone: string,
  stats: () => DnsServerStats | undefined,
  clock: Pick<Clock, 'now'>,
): DnsMetrics {
  const counter = (name: string, help: string, labels: readonly string[] = []): Counter =>
    registry.counter({ name: `coredns_${name}`, help, labels });
  const labels = ['server', 'zone', 'proto'];
  const requests = counter('dns_requests_total', 'Queries by type', [...labels, 'type']);
  const responses = counter('dns_responses_total', 'Answers by response code', [...labels, 'rcode']);
  const duration = registry.histogram({
    name: 'coredns_dns_request_duration_seconds',
    help: 'Time of queries that were forwarded or followed an alias',
    labels,
    buckets: durationBuckets,
  });
  const sizes = { labels, buckets: sizeBounds };
  const requestSizes = registry.histogram({
    ...sizes,
    name: 'coredns_dns_request_size_bytes',
    help: 'Sizes of queries, without the frame of TCP',
  });
  const responseSizes = registry.histogram({
    ...sizes,
    name: 'coredns_dns_response_size_bytes',
    help: 'Sizes of answers from the tables',
  });
  const dnssecOk = counter('dns_do_requests_total', 'Queries with the DNSSEC OK bit', labels.slice(0, 2));
  const panics = counter('panics_total', 'UDP threads that failed and were started again');
  const programming = registry.histogram({
    name: 'coredns_kubernetes_dns_programming_duration_seconds',
    help: 'Time from the change of an endpoint, as the endpoints controller noted it, until it is answered',
    labels: ['service_kind'],
    buckets: Array.from({ length: 20 }, (_, n) => 0.001 * 2 ** n),
  });
  const exchanges = registry.histogram({
    name: 'coredns_proxy_request_duration_seconds',
    help: 'Time of exchanges with upstreams that answered',
    labels: ['proxy_name', 'to', 'rcode'],
    buckets: durationBuckets,
  });
  const failures = counter('proxy_healthcheck_failures_total', 'Attempts at an upstream that it did not answer', [
    'proxy_name',
    'to',
  ]);
  const reused = counter('proxy_conn_cache_hits_total', 'Queries to upstreams that found a connection open', [
    'proxy_name',
  ]);
  const broken = counter('forward_healthcheck_broken_total', 'Queries for which all upstreams were down');
  const evictions = counter('cache_evictions_total', 'Answers that newer ones pushed out of the cache', ['server']);
  const drops = counter('cache_drops_total', 'Answers of upstreams that did not belong to the question', ['server']);
  const reloads = counter('reload_failed_total', 'Renewed certificates that could not be used');
  const cacheRequests = counter('cache_requests_total', 'Queries that the cache of forwarded answers was asked for', [
    'server',
  ]);
  const cacheHits = counter('cache_hits_total', 'Answers from the cache', ['server']);
  const cacheMisses = counter('cache_misses_total', 'Queries that were not in the cache', ['server']);
  const prefetches = counter('cache_prefetch_total', 'Answers fetched anew before they expired', ['server']);
  const stale = counter('cache_served_stale_total', 'Expired answers given because no upstream answered', ['server']);
  const entries = registry.gauge({
    name: 'coredns_cache_entries',
    help: 'Forwarded answers kept',
    labels: ['server', 'type'],
  });
  const rejects = counter('forward_max_concurrent_rejects_total', 'Queries over the limit of forwarded ones');
  const down = registry.gauge({ name: 'fairlead_dns_upstreams_down', help: 'Upstreams that are asked last' });
  const dropped = counter('shed_dropped_total', 'Datagrams that were no query, or were not taken by the kernel');
  const limited = counter('rrl_responses_exceeded_total', 'Answers dropped or truncated by rate limiting');
  const names = registry.gauge({ name: 'fairlead_dns_names', help: 'Names in the table' });
  const bytes = registry.gauge({ name: 'fairlead_dns_table_bytes', help: 'Memory of the table in use' });
  const grow = makeGrowth();
  const growSizes = makeSizeGrowth();

  registry.onCollect(() => {
    const now = stats();
    if (now === undefined) return;
    for (const [protocol, counters] of Object.entries(now.byProtocol) as [string, DnsCounters][]) {
      growSizes(requestSizes, counters.querySizes, counters.queryBytes, server, zone, protocol);
      growSizes(responseSizes, counters.answerSizes, counters.answerBytes, server, zone, protocol);
      for (const [index, type] of countedTypes.entries()) {
        grow(requests, counters.types[index] ?? 0, server, zone, protocol, typeNames.get(type) ?? 'other');
      }
      grow(requests, counters.types[countedTypes.length] ?? 0, server, zone, protocol, 'other');
      for (const [code, count] of counters.rcodes.entries()) {
        if (count > 0) grow(responses, count, server, zone, protocol, rcodeNames.get(code) ?? String(code));
      }
    }
    const { forwarder, queries, table } = now;
    grow(dnssecOk, queries.dnssecOk, server, zone);
    const hits = forwarder.cacheHits + queries.cacheHits;
    grow(cacheHits, hits, server);
    grow(cacheMisses, forwarder.cacheMisses, server);
    grow(cacheRequests, hits + forwarder.cacheMisses, server);
    grow(prefetches, forwarder.refreshes, server);
    grow(stale, forwarder.servedStale, server);
    entries.set(forwarder.cacheEntries - forwarder.deniedEntries, server, 'success');
    entries.set(forwarder.deniedEntries, server, 'denial');
    grow(evictions, forwarder.evictions, server);
    grow(drops, forwarder.mismatches, server);
    grow(rejects, forwarder.rejected);
    grow(broken, forwarder.allDown);
    grow(reused, forwarder.reusedConnections, 'forward');
    grow(panics, now.failedThreads);
    grow(reloads, now.failedReloads);
    down.set(forwarder.upstreamsDown);
    grow(dropped, queries.dropped + queries.sendFailures);
    grow(limited, queries.rateLimited);
    names.set(table.names);
    bytes.set(table.usedBytes);
  });
  return {
    resolved(protocol, code, durationMs) {
      duration.observe(durationMs / 1000, server, zone, protocol);
      responses.add(1, server, zone, protocol, rcodeNames.get(code) ?? String(code));
    },
    exchanged(upstream, code, durationMs) {
      const to = formatUpstream(upstream);
      if (code === undefined) failures.add(1, 'forward', to);
      else exchanges.observe(durationMs / 1000, 'forward', to, rcodeNames.get(code) ?? String(code));
    },
    installed(slice) {
      const changedMs = Date.parse(slice.metadata?.annotations?.[triggerTimeAnnotation] ?? '');
      if (Number.isNaN(changedMs)) return;
      programming.observe(Math.max(0, clock.now() - changedMs) / 1000, 'headless_with_selector');
    },
  };
}

/** The same for histograms that are counted elsewhere. */
function makeSizeGrowth(): (histogram: Histogram, counts: readonly number[], sum: number, ...labels: string[]) => void {
  const seen = new Map<Histogram, Map<string, { readonly counts: readonly number[]; readonly sum: number }>>();
  return (histogram, counts, sum, ...labels) => {
    const totals = seen.get(histogram) ?? new Map();
    seen.set(histogram, totals);
    const key = labels.join(' ');
    const before = totals.get(key) ?? { counts: [], sum: 0 };
    histogram.add(
      counts.map((count, index) => count - (before.counts[index] ?? 0)),
      sum - before.sum,
      ...labels,
    );
    totals.set(key, { counts, sum });
  };
}

/** Brings a counter to a total that is counted elsewhere. */
function makeGrowth(): (counter: Counter, total: number, ...labels: string[]) => void {
  const seen = new Map<Counter, Map<string, number>>();
  return (counter, total, ...labels) => {
    const totals = seen.get(counter) ?? new Map<string, number>();
    seen.set(counter, totals);
    const key = labels.join(' ');
    const before = totals.get(key) ?? 0;
    if (total > before) counter.add(total - before, ...labels);
    totals.set(key, total);
  };
}
