/**
 * What a route does to its requests besides sending them on. Data only; a gateway runs them in the order of
 * {@link Route.filters}, before an endpoint is chosen. Any may answer instead.
 */
export type RouteFilter =
  | ClosedFilter
  | AccessFilter
  | CorsFilter
  | RateLimitFilter
  | BodyLimitFilter
  | FaultFilter
  | BasicAuthFilter
  | CompressFilter;

/** Stands for a protection whose configuration cannot be used: nobody gets in. */
export interface ClosedFilter {
  readonly type: 'closed';
  /** What could not be read, for the access log. */
  readonly what: string;
}

/** Who may come, by client address (behind trusted proxies the one that they name). A denied address stays denied. */
export interface AccessFilter {
  readonly type: 'access';
  /** CIDRs; empty: everybody that is not denied. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Cross-origin requests (Fetch standard). Preflights are answered by the gateway. */
export interface CorsFilter {
  readonly type: 'cors';
  /** `*` for any, `https://a.example`, or `https://*.a.example:8443` (any number of labels). Lower-case. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** Lower-case; `*`: those that the preflight asks for. */
  readonly headers: readonly string[] | '*';
  readonly exposed: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeS: number;
}

/** A token bucket, shared by all workers of a gateway. Beyond: 429. */
export interface RateLimitFilter {
  readonly type: 'rate-limit';
  /** Limiters of one name share their buckets. */
  readonly name: string;
  /** Who has a bucket of its own: everybody together, each client address, each value of a header. */
  readonly per: 'route' | 'client' | { readonly header: string };
  readonly requests: number;
  readonly windowMs: number;
  /** Requests that may come at once, at least 1. */
  readonly burst: number;
}

/** Longest request body in bytes. Beyond: 413. */
export interface BodyLimitFilter {
  readonly type: 'body-limit';
  readonly maxBytes: number;
}

/** Failures on purpose, for a share of the requests (0 to 1), or of those that carry a header. */
export interface FaultFilter {
  readonly type: 'fault';
  readonly delay?: { readonly share: number; readonly ms: number };
  readonly abort?: { readonly share: number; readonly status: number };
  /** Lower-case. Only requests with this header, and value if there is one. */
  readonly header?: { readonly name: string; readonly value?: string };
  /** Requests held up at one time, in one worker; more pass without a delay. */
  readonly maxActive: number;
}

/** User name and password (RFC 7617). */
export interface BasicAuthFilter {
  readonly type: 'basic-auth';
  readonly realm: string;
  /** Key in {@link RouteTable.credentials}; while it is missing nobody gets in. */
  readonly credentials: string;
}

/** Compressed answers (RFC 9110 8.4), for clients that ask for them. */
export interface CompressFilter {
  readonly type: 'compress';
  /** By preference among those that a client likes equally. */
  readonly codings: readonly ('gzip' | 'br' | 'zstd')[];
  /** Lower-case media types, `text/*`, or `*+json`. */
  readonly types: readonly string[];
  /** Shorter answers are left alone, where the length is known. */
  readonly minBytes: number;
  readonly level: 'fast' | 'balanced' | 'small';
}

/** Users of a Secret: name → hash as in an htpasswd file (bcrypt, apr1, SHA-1). */
export interface RouteCredentials {
  readonly key: string;
  readonly users: readonly (readonly [user: string, hash: string])[];
}
