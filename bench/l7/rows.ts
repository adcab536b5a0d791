/** Which benchmark shows a row. */
export type L7Bench = 'l7' | 'l7-https' | 'http2';

/** Most of a peer's figure that ours may be: CPU per request by peer. Large bodies: least of nginx's throughput. */
export interface L7Target {
  readonly nginx?: number;
  readonly haproxy?: number;
  readonly envoy?: number;
  readonly throughputMin?: number;
}

/** One comparison of all proxies: what the clients do. */
export interface L7Row {
  /** As `--row` names it. */
  readonly name: string;
  readonly bench: L7Bench;
  readonly title: string;
  /** Spoken by the clients: HTTP/1.1 by wrk, HTTP/2 by h2load. */
  readonly client: 'http1' | 'http2';
  /** Spoken to the upstream. */
  readonly upstream: 'http1' | 'h2c';
  /** Key of the certificate; absent: plain text. */
  readonly tls?: 'ecdsa' | 'rsa';
  readonly connections: number;
  /** HTTP/2 streams at a time on each connection. Default 1. */
  readonly streams?: number;
  /** Each request on a new connection; with TLS most handshakes resume the session before, as wrk's do. */
  readonly reconnect?: boolean;
  /** Full TLS handshakes and nothing else, by `openssl s_time`, which resumes no session. */
  readonly handshakes?: boolean;
  /** Size of the answer. */
  readonly bodyBytes: number;
  /** The request is a gRPC unary call, and the answer has its trailers. */
  readonly grpc?: boolean;
  /** The clients ask for gzip, and get it; the answer is text. Beside nginx only, with the same zlib level. */
  readonly gzip?: boolean;
  /** A line per request to a file, as nginx's `combined`. Beside nginx only. */
  readonly accessLog?: boolean;
  /** What is to be reached, where there is a budget. */
  readonly target?: L7Target;
  /** Run when no row is named: what docs and budgets speak of. */
  readonly main?: boolean;
}

/** Bytes of the small answer. */
export const SMALL_BODY_BYTES = 100;
const KIB = 2 ** 10;
const MIB = 2 ** 20;

const http1 = {
  bench: 'l7',
  client: 'http1',
  upstream: 'http1',
  connections: 64,
  bodyBytes: 100,
  target: { nginx: 1, haproxy: 0.9, envoy: 0.35 },
} as const;
const https = { ...http1, bench: 'l7-https', tls: 'ecdsa', target: { nginx: 1.1 } } as const;
const http2 = { ...http1, bench: 'http2', client: 'http2', target: { nginx: 1.2, envoy: 0.5 } } as const;
const large = { target: { throughputMin: 0.9 } } as const;

/** Every row, in the order of printing. */
export const L7_ROWS: readonly L7Row[] = [
  { ...http1, name: 'small', title: 'HTTP/1.1, keep-alive', main: true },
  { ...http1, name: 'small-2000', title: 'HTTP/1.1, keep-alive', connections: 2000 },
  { ...http1, name: 'close', title: 'HTTP/1.1, a connection per request', reconnect: true },
  { ...http1, name: 'body-64k', title: 'HTTP/1.1, keep-alive', bodyBytes: 64 * KIB, ...large },
  { ...http1, name: 'body-1m', title: 'HTTP/1.1, keep-alive', bodyBytes: MIB, ...large, main: true },
  { ...http1, name: 'body-16m', title: 'HTTP/1.1, keep-alive', bodyBytes: 16 * MIB, connections: 16, ...large },
  { ...http1, name: 'log', title: 'HTTP/1.1, keep-alive, access log', accessLog: true, target: { nginx: 1 } },
  {
    ...http1,
    name: 'gzip',
    title: 'HTTP/1.1, keep-alive, gzip',
    gzip: true,
    bodyBytes: 10_000,
    target: { nginx: 1.1 },
  },
  { ...https, name: 'tls', title: 'HTTPS, keep-alive', main: true },
  { ...https, name: 'tls-2000', title: 'HTTPS, keep-alive', connections: 2000 },
  { ...https, name: 'tls-ecdsa', title: 'full TLS handshakes, P-256', handshakes: true, connections: 8, main: true },
  {
    ...https,
    name: 'tls-rsa',
    title: 'full TLS handshakes, RSA 2048',
    tls: 'rsa',
    handshakes: true,
    connections: 8,
  },
  { ...https, name: 'tls-close', title: 'HTTPS, a connection per request, resumed', reconnect: true },
  { ...https, name: 'tls-64k', title: 'HTTPS, keep-alive', bodyBytes: 64 * KIB, ...large },
  { ...https, name: 'tls-1m', title: 'HTTPS, keep-alive', bodyBytes: MIB, ...large },
  { ...https, name: 'tls-16m', title: 'HTTPS, keep-alive', bodyBytes: 16 * MIB, connections: 16, ...large },
  { ...http2, name: 'h2c', title: 'HTTP/2 to HTTP/1.1', connections: 16, streams: 10, main: true },
  { ...http2, name: 'h2c-64', title: 'HTTP/2 to HTTP/1.1' },
  { ...http2, name: 'h2c-2000', title: 'HTTP/2 to HTTP/1.1', connections: 2000 },
  { ...http2, name: 'h2c-64k', title: 'HTTP/2 to HTTP/1.1', connections: 16, bodyBytes: 64 * KIB, ...large },
  { ...http2, name: 'h2c-1m', title: 'HTTP/2 to HTTP/1.1', connections: 16, bodyBytes: MIB, ...large },
  { ...http2, name: 'h2', title: 'HTTP/2 over TLS to HTTP/1.1', connections: 16, streams: 10, tls: 'ecdsa' },
  {
    ...http2,
    name: 'grpc',
    title: 'gRPC unary, HTTP/2 on both sides',
    connections: 16,
    streams: 10,
    upstream: 'h2c',
    grpc: true,
    main: true,
  },
];
