import type { ResourceRef, Stored } from '@fairlead/api';
import type { ApiClient, EventRecorder, Informer } from '@fairlead/client';
import type { Collection } from '../collections/index.ts';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';

import type { MetricsSource } from './horizontalpodautoscaling/metrics-source.ts';

/** One informer per resource, shared by all controllers of a process. */
export interface SharedInformers {
  informer<T>(ref: ResourceRef<T>): Informer<T>;
  /** The same objects as a collection, to derive from. */
  collection<T>(ref: ResourceRef<T>): Collection<Stored<T>>;
}

/** What differs from cluster to cluster; complete and checked. Times in milliseconds. */
export interface ClusterSettings {
  /** Range that nodes get their Pod ranges from, or one of each family joined by a comma. */
  readonly podCidr: string;
  /** Prefix length of a node's Pod range; of the other family it is 24 (IPv4) or 64 (IPv6). */
  readonly nodeCidrMaskSize: number;
  /** A node whose Lease is older than this is unreachable. */
  readonly nodeMonitorGraceMs: number;
  /** Pods of an unreachable node are evicted after this, unless they tolerate it for another time. */
  readonly evictionAfterMs: number;
  /** PEM text for the ConfigMap `kube-root-ca.crt`. */
  readonly rootCa: string;
  /** Where folders of claims are made; absent: nowhere. */
  readonly volumesDir?: string;
}

/** What every controller gets. */
export interface ControllerContext {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly informers: SharedInformers;
  readonly settings: ClusterSettings;
  /** Where autoscalers read their metrics; absent: nowhere, which their conditions tell. */
  readonly metrics?: MetricsSource;
  recorder(component: string): EventRecorder;
}

/** A controller: watches objects, decides, writes objects. */
export interface Controller {
  /** As in `--controllers`. */
  readonly name: string;
  /** Resources without which there is nothing to do; it starts when the server has them. Default: those of every server. */
  readonly needs?: readonly ResourceRef<unknown>[];
  /** Starts once; the informers it asks for sync in the background. */
  start(context: ControllerContext): Running;
}
