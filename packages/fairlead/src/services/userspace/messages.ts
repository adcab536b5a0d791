import type { LogLevel } from '../../sys/role.ts';
import type { ServicePortProgram, VipFrontend } from '../program.ts';

/** Where connections arrive for a Service port. */
export interface FrontendPlace {
  /** What decides the endpoint set and the source lists; `cluster` and `local`: the kernel has decided already. */
  readonly kind: VipFrontend['kind'] | 'nodePort' | 'cluster' | 'local';
  /** The address clients use; for source lists. Of `cluster` and `local` the one that only the kernel uses. */
  readonly address: string;
  /** With `cluster` and `local`: the port that only the kernel uses. Who connects there himself is refused. */
  readonly port?: number;
}

/** To the thread; signalled after each. */
export type ToProxy =
  /** Replaces what is known of a port, `undefined` when it is gone: its connections go on. */
  | { readonly type: 'port'; readonly key: string; readonly program: ServicePortProgram | undefined }
  | {
      readonly type: 'open';
      readonly id: number;
      readonly portKey: string;
      readonly place: FrontendPlace;
      readonly fd: number;
    }
  /** Stops listening; the answer is `closed`. With `drop` its connections are reset. */
  | { readonly type: 'close'; readonly id: number; readonly drop: boolean }
  | { readonly type: 'stop' };

/** From the thread. */
export type FromProxy =
  | { readonly type: 'closed'; readonly id: number }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

/** What the thread is started with. */
export interface ProxyStart {
  /** {@link ProxyMetrics}. */
  readonly metrics: SharedArrayBuffer;
}

/** Indexes of the counters that the thread and its owner share. */
export const PROXY_METRIC = {
  connections: 0,
  openConnections: 1,
  /** No endpoint took it. */
  refused: 2,
  /** Source lists and limits. */
  denied: 3,
  unreachable: 4,
  fromClientBytes: 5,
  toClientBytes: 6,
  flows: 7,
} as const;
/** How many there are. */
export const PROXY_METRICS: number = 8;
