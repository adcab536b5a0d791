import type { Counter, MetricRegistry } from '../telemetry/metrics.ts';
import { rcode, rrType } from '../wire/dns/constants.ts';
import { countedTypes, type DnsCounters } from './server/counters.ts';
import type { DnsServerStats } from './server/dns-server.ts';

/** What the server tells while it runs; the rest is read when somebody looks. */
export interface DnsMetrics {
  /** A query that was not answered from a table: by the upstreams, or along an alias. */
  resolved(protocol: 'udp' | 'tcp', code: number, durationMs: number): void;
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
  const cacheRequests = counter('cache_requests_total', 'Queries that the cache of forwarded answers was asked for', [
    'server',
  ]);
  const cacheHits = counter('cache_hits_total', 'Answers from the cache', ['server']);
  const cacheMisses = counter('cache_misses_total', 'Queries that were not in the cache', ['server']);
  const prefetches = counter('cache_prefetch_total', 'Answers fetched anew before they expired', ['server']);
  const stale = counter('cache_served_stale_total', 'Expired answers given because no upstream answered', ['server']);
  const entries = registry.gauge({ name: 'coredns_cache_entries', help: 'Forwarded answers kept', labels: ['server'] });
  const rejects = counter('forward_max_concurrent_rejects_total', 'Queries over the limit of forwarded ones');
  const failures = counter('proxy_healthcheck_failures_total', 'Attempts at an upstream that it did not answer');
  const down = registry.gauge({ name: 'fairlead_dns_upstreams_down', help: 'Upstreams that are asked last' });
  const dropped = counter('shed_dropped_total', 'Datagrams that were no query, or were not taken by the kernel');
  const limited = counter('rrl_responses_exceeded_total', 'Answers dropped or truncated by rate limiting');
  const names = registry.gauge({ name: 'fairlead_dns_names', help: 'Names in the table' });
  const bytes = registry.gauge({ name: 'fairlead_dns_table_bytes', help: 'Memory of the table in use' });
  const grow = makeGrowth();

  registry.onCollect(() => {
    const now = stats();
    if (now === undefined) return;
    for (const [protocol, counters] of Object.entries(now.byProtocol) as [string, DnsCounters][]) {
      for (const [index, type] of countedTypes.entries()) {
        grow(requests, counters.types[index] ?? 0, server, zone, protocol, typeNames.get(type) ?? 'other');
      }
      grow(requests, counters.types[countedTypes.length] ?? 0, server, zone, protocol, 'other');
      for (const [code, count] of counters.rcodes.entries()) {
        if (count > 0) grow(responses, count, server, zone, protocol, rcodeNames.get(code) ?? String(code));
      }
    }
    const { forwarder, queries, table } = now;
    const hits = forwarder.cacheHits + queries.cacheHits;
    grow(cacheHits, hits, server);
    grow(cacheMisses, forwarder.cacheMisses, server);
    grow(cacheRequests, hits + forwarder.cacheMisses, server);
    grow(prefetches, forwarder.refreshes, server);
    grow(stale, forwarder.servedStale, server);
    entries.set(forwarder.cacheEntries, server);
    grow(rejects, forwarder.rejected);
    grow(failures, forwarder.failures);
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
