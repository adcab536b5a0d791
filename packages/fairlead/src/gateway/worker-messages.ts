import type { BoundSocket } from '../reactor/reactor.ts';
import type { RouteListener } from '../routing/route-table.ts';
import type { LogLevel } from '../sys/role.ts';
import type { TlsIdentity } from '../sys/tls-context.ts';
import type { TlsSettings } from '../sys/tls-settings.ts';
import type { Inflated } from '../sys/whole-content.ts';
import type { Span } from '../telemetry/span.ts';
import type { AccessLogRules } from './access-log/access-log-rules.ts';
import type { ConnectionLimits } from './connection-gate.ts';
import type { InflateQuestion } from './filters/filter-services.ts';
import type { SignatureQuestion } from './filters/jwt/signature.ts';
import type { WorkerDiff } from './host-changes.ts';
import type { ProxyTimes } from './proxy-core.ts';
import type { SharedState } from './shared-memory.ts';
import type { TraceRules } from './tracing/tracing.ts';
import type { SeriesSlots } from './traffic/traffic-series.ts';
import type { TrustOptions } from './trust.ts';
import type { UnderscoreRule } from './underscore-fields.ts';

/** One listening socket for one worker: the main thread's own, or where the worker opens it. */
export interface WorkerListener {
  readonly name: string;
  readonly protocol: RouteListener['protocol'];
  /** Port that clients reach. */
  readonly port: number;
  readonly socket: BoundSocket;
  /** Where it serves HTTP/3, if it does. */
  readonly quicSocket: number | undefined;
}

/** What a worker starts with. */
export interface WorkerStart {
  readonly metrics: SharedArrayBuffer;
  /** Counts by route and backend. */
  readonly traffic: SharedArrayBuffer;
  readonly times: ProxyTimes;
  readonly underscoreFields: UnderscoreRule;
  /** Undefined: nothing is traced. */
  readonly tracing: TraceRules | undefined;
  /** One 32-bit count of spans on their way, shared by all workers. */
  readonly spanQueue: SharedArrayBuffer;
  /** Undefined: no log. */
  readonly accessLog: AccessLogRules | undefined;
  /** One 32-bit count of bytes of lines on their way, shared by all workers. */
  readonly accessLogQueue: SharedArrayBuffer;
  /** The same of lines for who listens right now. */
  readonly tapQueue: SharedArrayBuffer;
  /** Health and counts of endpoints and backends, one truth for all workers. */
  readonly shared: SharedState;
  /** What this worker adds to it, for the time after it. */
  readonly sharedLedger: SharedState;
  /** Buckets of rate limits, shared by all workers. */
  readonly rates: SharedArrayBuffer;
  /** Zone of this gateway; empty: unknown. */
  readonly zone: string;
  /** Tells this gateway from others that serve the same routes. */
  readonly gatewayName: string;
  /** Shown to clients that ask for no host with a certificate of its own. */
  readonly defaultCertificate: TlsIdentity;
  /** What certificates offer unless they have settings of their own. */
  readonly tlsSettings: TlsSettings;
  /** Where the secrets of TLS sessions are written; undefined: nowhere. */
  readonly keyLogFile: string | undefined;
  /** Session ticket keys, the present one first; the same in every worker. */
  readonly ticketKeys: readonly Uint8Array[];
  /** HTTP/3 may be asked for. */
  readonly http3: boolean;
  /** Whose forwarding fields are believed. */
  readonly trust: TrustOptions;
  /** CIDRs of proxies whose connections begin with a PROXY protocol header. */
  readonly proxyProtocolFrom: readonly string[];
  readonly limits: ConnectionLimits;
  /** How many workers share the limits. */
  readonly workers: number;
  /** Its code is to be compiled before it says that it has started: another one serves meanwhile. */
  readonly warmsUp: boolean;
}

/** Main thread to worker; the wake descriptor is signalled after each. */
export type ToWorker =
  | {
      readonly type: 'apply';
      readonly id: number;
      readonly diff: WorkerDiff;
      readonly listen: readonly WorkerListener[];
      readonly unlisten: readonly string[];
    }
  /** Where requests of routes to come are counted. */
  | { readonly type: 'series'; readonly slots: SeriesSlots }
  | { readonly type: 'zone'; readonly zone: string }
  | { readonly type: 'default-certificate'; readonly identity: TlsIdentity }
  | { readonly type: 'tickets'; readonly keys: readonly Uint8Array[] }
  /** Answer to a `question`; undefined: nobody can tell. */
  | { readonly type: 'answer'; readonly id: number; readonly answer: DearAnswer }
  /** Keys of tokens as they were fetched; undefined: there are none. */
  | { readonly type: 'keys'; readonly url: string; readonly jwks: string | undefined }
  /** OCSP response that a certificate staples from now on. */
  | { readonly type: 'staple'; readonly certificate: string; readonly response: Uint8Array | undefined }
  /** Requests are told while it is on. */
  | { readonly type: 'tap'; readonly isOn: boolean }
  | { readonly type: 'drain'; readonly drainMs: number };

/** Worker to main thread. */
export type FromWorker =
  | { readonly type: 'started' }
  | { readonly type: 'applied'; readonly id: number }
  | { readonly type: 'rejected'; readonly id: number; readonly message: string }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'access'; readonly lines: string }
  /** Lines for who listens right now, and how many more there was no room for. */
  | { readonly type: 'tapped'; readonly lines: string; readonly dropped: number }
  | { readonly type: 'spans'; readonly spans: readonly Span[] }
  /** Asks what takes too long to find out in a worker; `answer` follows. */
  | { readonly type: 'question'; readonly id: number; readonly question: DearQuestion }
  /** A token names a key that is not known; `keys` follows. */
  | { readonly type: 'keys-wanted'; readonly url: string };

/** Whether a password has a hash, or a key made a signature; and what compressed content is. */
export type DearQuestion =
  | ({ readonly type: 'inflate' } & InflateQuestion)
  | { readonly type: 'password'; readonly hash: string; readonly password: string }
  | ({ readonly type: 'signature' } & SignatureQuestion);

/** Undefined: nobody can tell. */
export type DearAnswer = boolean | Inflated | undefined;
