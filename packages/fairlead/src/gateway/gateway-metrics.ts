// Hot path: counters are plain additions to shared memory; the main thread reads them.

/** Upper bounds of the latency buckets, milliseconds; the last bucket is everything above. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000,
];

/** Counters by index in a worker's shared Float64Array. */
export const METRIC = {
  /** Responses by status class: index + class, 1xx to 5xx. */
  responses: 0,
  noRoute: 6,
  noEndpoint: 7,
  upstreamFailures: 8,
  retries: 9,
  timeouts: 10,
  badRequests: 11,
  badResponses: 12,
  connectionsAccepted: 13,
  connectionsOpen: 14,
  upstreamConnects: 15,
  tunnels: 16,
  handlerErrors: 17,
  requestsInFlight: 18,
  latencyCount: 19,
  latencySumMs: 20,
  /** Full TLS handshakes. */
  tlsHandshakes: 21,
  /** Handshakes abbreviated by a ticket. */
  tlsResumed: 22,
  tlsFailures: 23,
  misdirected: 24,
  ejections: 25,
  retriesRefused: 26,
  hedges: 27,
  overflows: 28,
  /** Connections of trusted proxies without a good PROXY protocol header. */
  proxyHeaderFailures: 29,
  /** By limits or for want of memory. */
  connectionsRefused: 30,
  compressed: 31,
  compressionInBytes: 32,
  compressionOutBytes: 33,
  /** Answers that no compressor could be had for. */
  compressionSkipped: 34,
  accessLogDropped: 35,
  spansDropped: 36,
  /** Copies of requests sent to mirrors, left out, and failed. */
  mirrors: 37,
  mirrorsDropped: 38,
  mirrorsFailed: 39,
  latencyBuckets: 40,
} as const;

const SIZE = METRIC.latencyBuckets + LATENCY_BOUNDS_MS.length + 1;

/** Shared memory for one worker's counters. */
export function createMetricsMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(SIZE * 8);
}

/** Counts one upstream response. */
export function recordLatency(metrics: Float64Array, elapsedMs: number): void {
  let bucket = 0;
  while (bucket < LATENCY_BOUNDS_MS.length && elapsedMs > LATENCY_BOUNDS_MS[bucket]!) bucket++;
  metrics[METRIC.latencyBuckets + bucket]! += 1;
  metrics[METRIC.latencyCount]! += 1;
  metrics[METRIC.latencySumMs]! += elapsedMs;
}

/** Counters of the whole gateway, summed over its workers. */
export interface GatewayStats {
  readonly workers: number;
  /** Final responses sent, by class `1xx` … `5xx` (1xx: interim ones). */
  readonly responses: Readonly<Record<'1xx' | '2xx' | '3xx' | '4xx' | '5xx', number>>;
  readonly noRoute: number;
  readonly noEndpoint: number;
  readonly upstreamFailures: number;
  readonly retries: number;
  readonly timeouts: number;
  readonly badRequests: number;
  readonly badResponses: number;
  readonly connectionsAccepted: number;
  readonly connectionsOpen: number;
  /** By limits or for want of memory. */
  readonly connectionsRefused: number;
  /** Of trusted proxies without a good PROXY protocol header. */
  readonly proxyHeaderFailures: number;
  readonly upstreamConnects: number;
  readonly tunnels: number;
  readonly handlerErrors: number;
  readonly requestsInFlight: number;
  /** Full TLS handshakes with clients. */
  readonly tlsHandshakes: number;
  /** Handshakes that a session ticket abbreviated. */
  readonly tlsResumed: number;
  readonly tlsFailures: number;
  /** Requests for a host that the connection's certificate does not stand for (421). */
  readonly misdirected: number;
  /** Endpoints taken out for failing. */
  readonly ejections: number;
  /** Retries that the budget of their backend did not allow. */
  readonly retriesRefused: number;
  /** Second tries beside one that took too long. */
  readonly hedges: number;
  /** Requests refused by a limit of their backend (503). */
  readonly overflows: number;
  /** Answers compressed, their content before and after, and those that there was no memory for. */
  readonly compressed: number;
  readonly compressionInBytes: number;
  readonly compressionOutBytes: number;
  readonly compressionSkipped: number;
  /** Lines that the access log had no room for. */
  readonly accessLogDropped: number;
  /** Spans that there was no room for. */
  readonly spansDropped: number;
  /** Copies of requests sent to mirrors. */
  readonly mirrors: number;
  /** Copies left out: too long, or too many at a time. */
  readonly mirrorsDropped: number;
  /** Copies without an answer. */
  readonly mirrorsFailed: number;
  /** Time from a request's head to the upstream's final response head. Bucket i counts up to its bound, not cumulative. */
  readonly upstreamLatency: {
    readonly boundsMs: readonly number[];
    readonly buckets: readonly number[];
    readonly count: number;
    readonly sumMs: number;
  };
}

/** Sums the counters of all workers, `gone` ones included. */
export function sumMetrics(memories: readonly SharedArrayBuffer[], workers: number): GatewayStats {
  const sums = new Float64Array(SIZE);
  for (const memory of memories)
    new Float64Array(memory).forEach((value, index) => {
      sums[index]! += value;
    });
  const at = (index: number): number => sums[index]!;
  return {
    workers,
    responses: { '1xx': at(1), '2xx': at(2), '3xx': at(3), '4xx': at(4), '5xx': at(5) },
    noRoute: at(METRIC.noRoute),
    noEndpoint: at(METRIC.noEndpoint),
    upstreamFailures: at(METRIC.upstreamFailures),
    retries: at(METRIC.retries),
    timeouts: at(METRIC.timeouts),
    badRequests: at(METRIC.badRequests),
    badResponses: at(METRIC.badResponses),
    connectionsAccepted: at(METRIC.connectionsAccepted),
    connectionsOpen: at(METRIC.connectionsOpen),
    connectionsRefused: at(METRIC.connectionsRefused),
    proxyHeaderFailures: at(METRIC.proxyHeaderFailures),
    upstreamConnects: at(METRIC.upstreamConnects),
    tunnels: at(METRIC.tunnels),
    handlerErrors: at(METRIC.handlerErrors),
    requestsInFlight: at(METRIC.requestsInFlight),
    tlsHandshakes: at(METRIC.tlsHandshakes),
    tlsResumed: at(METRIC.tlsResumed),
    tlsFailures: at(METRIC.tlsFailures),
    misdirected: at(METRIC.misdirected),
    ejections: at(METRIC.ejections),
    retriesRefused: at(METRIC.retriesRefused),
    hedges: at(METRIC.hedges),
    overflows: at(METRIC.overflows),
    compressed: at(METRIC.compressed),
    compressionInBytes: at(METRIC.compressionInBytes),
    compressionOutBytes: at(METRIC.compressionOutBytes),
    compressionSkipped: at(METRIC.compressionSkipped),
    accessLogDropped: at(METRIC.accessLogDropped),
    spansDropped: at(METRIC.spansDropped),
    mirrors: at(METRIC.mirrors),
    mirrorsDropped: at(METRIC.mirrorsDropped),
    mirrorsFailed: at(METRIC.mirrorsFailed),
    upstreamLatency: {
      boundsMs: LATENCY_BOUNDS_MS,
      buckets: [...sums.subarray(METRIC.latencyBuckets)],
      count: at(METRIC.latencyCount),
      sumMs: at(METRIC.latencySumMs),
    },
  };
}
