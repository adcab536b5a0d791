/** When a try counts as failed and may be repeated. */
export type RetryCondition =
  /** No connection: refused, timed out, TLS failed. Nothing was sent. */
  | 'connect-failure'
  /** An HTTP/2 endpoint refused the stream before working on it (RFC 9113 8.7). */
  | 'refused-stream'
  /** The connection ended before an answer began. */
  | 'reset'
  /** Status 502, 503, 504. */
  | 'gateway-error'
  /** Status 500 to 599. */
  | '5xx'
  /** The deadline of one try passed. */
  | 'try-timeout';

/** How often a request may be tried again, and when. */
export interface RetryPolicy {
  readonly on: readonly RetryCondition[];
  /** Further statuses to retry on. */
  readonly statuses: readonly number[];
  /** gRPC codes to retry on, for any method, where the answer is nothing but that (Trailers-Only). Absent: none. */
  readonly grpcStatuses?: readonly number[];
  /** Tries after the first; 0 for none. Envoy's default is 1. */
  readonly retries: number;
  /** `idempotent`: requests that may have been worked on are repeated only for idempotent methods (RFC 9110 9.2.2). */
  readonly methods: 'idempotent' | 'any';
  /** Backoff before the n-th retry: random in [0, min(base * 2^(n-1), max)), milliseconds. */
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** When one try takes too long, a second one starts beside it; the first good answer wins. */
  readonly hedge: boolean;
  /** Requests longer than this (head and body) are not sent twice. */
  readonly replayMaxBytes: number;
}

/**
 * Without any wish of the user: a request that no endpoint has seen goes to another endpoint, at most twice.
 */
export const DEFAULT_RETRY: RetryPolicy = {
  on: ['connect-failure', 'refused-stream'],
  statuses: [],
  retries: 2,
  methods: 'idempotent',
  backoffBaseMs: 0,
  backoffMaxMs: 0,
  hedge: false,
  replayMaxBytes: 64 * 1024,
};
