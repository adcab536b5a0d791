import type { ApiClient } from '@fairlead/client';
import type { Collection } from '../collections/index.ts';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import type { CompileWarning } from './compile.ts';
import type { DataPlaneNotice } from './data-plane.ts';
import type { NodeSettings } from './node-context.ts';
import type { ServiceProgram } from './program.ts';
import type { ServiceProxyMetrics } from './service-proxy-metrics.ts';
import type { WatchedService } from './service-watch.ts';
import type { TraceContext } from './trace.ts';

/** A problem on a Service, or a Pod's host ports, that the user should hear of, by Event. */
export type ServiceNotice =
  | DataPlaneNotice
  | ({ readonly service: string; readonly reason: 'InvalidField' | 'KernelFeatureMissing' } & CompileWarning);

/** Options of `startServiceProxy`. */
export interface ServiceProxyOptions extends NodeSettings {
  readonly client: ApiClient;
  readonly mode: 'kernel' | 'userspace';
  /** Only documents the range; node ports are served wherever the API server put them. */
  readonly nodePortRange?: string;
  readonly clock?: Clock;
  /** Spreads writes of conditions over time. */
  readonly random?: Random;
  readonly log: Log;
  readonly metrics?: ServiceProxyMetrics;
  /** Userspace mode: where node ports listen. Default `0.0.0.0` and `::`. */
  readonly nodePortAddresses?: readonly string[];
  /** Words to run nft. Default `nft`. */
  readonly nftCommand?: readonly string[];
  /** A family with so many endpoints is loaded without nft's text (docs/decisions/0012). Default 10,000. */
  readonly nativeFrom?: number;
  readonly onNotice?: (notice: ServiceNotice) => void;
  /** Links over which clients of direct server return come. Default: those with the node's addresses. */
  readonly directLinks?: readonly string[];
  /** Network namespace of a Pod that this machine's agent made, by its address. */
  readonly podNamespaceOf?: (podIp: string) => string | undefined;
  /** Connection tracking takes TCP segments outside the window for valid, as kube-proxy's `--conntrack-tcp-be-liberal`. */
  readonly liberalTracking?: boolean;
  /** Host ports of the node's Pods are opened too: for nodes whose Pods this agent makes. Default: false. */
  readonly hostPorts?: boolean;
  /** Where `/healthz` and `/livez` are served. Default: nowhere. */
  readonly healthListen?: { readonly host: string; readonly port: number };
}

/** The running service proxy. */
export interface RunningServiceProxy extends Running {
  /** Resolves after the first complete program is installed. */
  readonly ready: Promise<void>;
  /** Installed programs by Service key, for explain. */
  program(): ReadonlyMap<string, ServiceProgram>;
  /** What it watches, for others who need the same objects. */
  readonly services: Collection<WatchedService>;
  /** What `tracePacket` needs to know of this node. */
  traceContext(): TraceContext;
}
