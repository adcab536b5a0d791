import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import type { TlsIdentity } from '../sys/tls-context.ts';
import type { TlsSettings } from '../sys/tls-settings.ts';
import type { AccessLogRules } from './access-log/access-log-rules.ts';
import type { ConnectionLimits } from './connection-gate.ts';
import type { KeyTimes } from './key-fetcher.ts';
import type { ProxyTimes } from './proxy-core.ts';
import type { TrustOptions } from './trust.ts';
import type { UnderscoreRule } from './underscore-fields.ts';
import type { TracingOptions } from './worker-handle.ts';

/** Options of `startGateway`. */
export interface GatewayOptions {
  /** Worker threads, at least 1. */
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Receives access log lines, newline-terminated, in batches. While a promise is pending its lines count as queued. Default: no access log. */
  readonly accessLog?: (lines: string) => void | Promise<void>;
  /** Default {@link DEFAULT_ACCESS_LOG_RULES}. */
  readonly accessLogRules?: Partial<AccessLogRules>;
  /** Default: nothing is traced, and trace fields of callers go on as they are. */
  readonly tracing?: TracingOptions;
  /** CIDRs of proxies in front whose X-Forwarded-* fields are believed. Default none: they are overwritten. */
  readonly trustedProxies?: readonly string[];
  /** How many proxies are in front; see `TrustOptions.hops`. Default: those of {@link trustedProxies}. */
  readonly trustedHops?: number;
  /** The field that they tell of clients in. With `forwarded` requests carry it on, too. Default `x-forwarded-for`. */
  readonly clientField?: TrustOptions['field'];
  /** CIDRs of proxies in front whose connections must begin with a PROXY protocol header. Default none. */
  readonly proxyProtocolFrom?: readonly string[];
  /** Default {@link DEFAULT_CONNECTION_LIMITS}. */
  readonly limits?: Partial<ConnectionLimits>;
  readonly times?: Partial<ProxyTimes>;
  /** Of requests. Default `pass`. */
  readonly underscoreFields?: UnderscoreRule;
  /** Listeners may ask for HTTP/3, which needs Linux and FFI; without them they go on without it. Default no. */
  readonly http3?: boolean;
  /** Zone of this machine (`topology.kubernetes.io/zone`), for backends that prefer theirs. Default: unknown. */
  readonly zone?: string;
  /** Tells this gateway from others that serve the same routes, for subsets of endpoints. Default: the host's name. */
  readonly gatewayName?: string;
  /** Shown to clients that ask for no host with a certificate of its own. Default: a self-signed one. */
  readonly defaultCertificate?: TlsIdentity;
  /** What certificates offer unless they have settings of their own. Default: TLS 1.2 and 1.3, forward secret. */
  readonly tlsSettings?: TlsSettings;
  /** Which OCSP responders are asked for responses to staple. Default `off`. */
  readonly ocsp?: 'public' | 'any' | 'off';
  /** Where the secrets of TLS sessions are written, for whoever debugs them. Default: nowhere. */
  readonly keyLogFile?: string;
  /** File that keeps the default certificate and the ticket keys for the next process. Default: both end with this one. */
  readonly secretsFile?: string;
  /** How keys of tokens are fetched. Default: over HTTPS, from others than this machine. */
  readonly downloadKeys?: (url: string) => Promise<string>;
  /** Default {@link DEFAULT_KEY_TIMES}. */
  readonly keyTimes?: Partial<KeyTimes>;
  /** Module of the worker threads. Default `worker.ts` beside this one; a bundle names its own. */
  readonly workerModule?: URL;
}
