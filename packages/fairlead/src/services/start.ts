import { networkInterfaces } from 'node:os';
import { nodes, type Service, type Stored } from '@fairlead/api';
import { type ApiClient, startInformer } from '@fairlead/client';
import { type Collection, onBatch } from '../collections/index.ts';
import { type Clock, type Random, systemClock, systemRandom } from '../sys/clock.ts';
import { collectGarbage } from '../sys/memory.ts';
import type { Log, Running } from '../sys/role.ts';
import { type CompileWarning, compileService } from './compile.ts';
import { ConditionWriter } from './condition-writer.ts';
import { changedUdpFrontends, deleteFlows, type ProgramChange, reconcileConntrack } from './conntrack.ts';
import { createDataPlane, type DataPlaneNotice } from './data-plane.ts';
import { DrainSchedule } from './drain-schedule.ts';
import { HealSchedule } from './heal-schedule.ts';
import { findLackingFeatures } from './kernel-features.ts';
import { needsKernelFeature } from './l4-annotations.ts';
import { isEligible, layoutFor, type NodeSettings, nodeContext, sameContext, sameLayout } from './node-context.ts';
import type { ServiceProgram } from './program.ts';
import { ProxyHealth, serveProxyHealth } from './proxy-health.ts';
import type { ServiceProxyMetrics } from './service-proxy-metrics.ts';
import { triggerAnnotation, unpackSlices } from './service-strip.ts';
import { type WatchedService, watchServices } from './service-watch.ts';
import type { TraceContext } from './trace.ts';

/** A problem on a Service that the user should hear of, by Event. */
export type ServiceNotice =
  | DataPlaneNotice
  | ({ readonly service: string; readonly reason: 'InvalidField' | 'KernelFeatureMissing' } & CompileWarning);

/** Options of {@link startServiceProxy}. */
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
  readonly onNotice?: (notice: ServiceNotice) => void;
  /** Links over which clients of direct server return come. Default: those with the node's addresses. */
  readonly directLinks?: readonly string[];
  /** Network namespace of a Pod that this machine's agent made, by its address. */
  readonly podNamespaceOf?: (podIp: string) => string | undefined;
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

/** Installing all of so many Services leaves garbage that is worth a pause. */
const manyServices = 2000;
const firstRetryMs = 500;
const longestRetryMs = 30_000;

/**
 * A machine that is no node reaches load balancer addresses as its neighbours do, through the node that announces them.
 * If it translated them, then with br_netfilter also the packets that only cross its bridge between others.
 */
function withoutBalancerAddresses(service: Stored<Service>): Stored<Service> {
  return service.status?.loadBalancer?.ingress === undefined ? service : { ...service, status: {} };
}

/**
 * Serves Services on this machine: watches them, compiles what changed, installs the difference.
 *
 * Nothing is installed before Services and slices are complete. A refused
 * installation is retried with back-off, complete, while the last good one serves.
 * Rejects with `ServiceProxyError` when the kernel data plane cannot be used at all.
 */
export async function startServiceProxy(options: ServiceProxyOptions): Promise<RunningServiceProxy> {
  const clock = options.clock ?? systemClock;
  const onNotice = options.onNotice ?? (() => undefined);
  const healing = new HealSchedule(clock, () => {
    plane.forget();
    failed = true;
    batcher.trigger();
  });
  const edge = options.edge === true;
  const health = new ProxyHealth(clock);
  const healthServer =
    options.healthListen === undefined ? undefined : await serveProxyHealth(options.healthListen, health, clock);
  let context = nodeContext(options, undefined);
  let layout = layoutFor(options, undefined);
  const plane = await createDataPlane({
    mode: options.mode,
    layout: () => layout,
    nodePorts: !edge,
    nodePortAddresses: edge ? [] : (options.nodePortAddresses ?? ['0.0.0.0', '::']),
    clock,
    log: options.log,
    onNotice,
    onForeignChange: () => healing.changed(),
    healthy: () => health.healthy,
    nodeIps: () => context.nodeIps,
    ...(options.directLinks === undefined ? {} : { directLinks: options.directLinks }),
    ...(options.podNamespaceOf === undefined ? {} : { podNamespaceOf: options.podNamespaceOf }),
    ...(options.nftCommand === undefined ? {} : { nftCommand: options.nftCommand }),
  });
  const conditions = new ConditionWriter({
    client: options.client,
    nodeName: options.nodeName,
    clock,
    random: options.random ?? systemRandom,
    log: options.log,
  });
  const programs = new Map<string, ServiceProgram>();
  const warned = new Map<string, string>();
  let dirty = new Set<string>();
  let triggers: number[] = [];
  let firstChangeAtMs = clock.monotonicMs();
  let synced = false;
  let failed = false;
  let first = true;
  let retryMs = firstRetryMs;
  let cancelRetry: (() => void) | undefined;
  let stopped = false;
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });

  const warn = (key: string, warnings: readonly CompileWarning[]): void => {
    const text = warnings.map(({ field, message }) => `${field}: ${message}`).join('; ');
    if (text === (warned.get(key) ?? '')) return;
    if (text === '') warned.delete(key);
    else warned.set(key, text);
    for (const { field, message, ofNode } of warnings) {
      const reason = ofNode === true ? 'KernelFeatureMissing' : 'InvalidField';
      onNotice({ service: key, reason, field, message: `${field}: ${message}` });
    }
  };

  /** Changes whose UDP flows have not been looked at yet. */
  let unreconciled = new Map<string, ProgramChange>();

  /** Asks what the kernel can do once a Service wants something special of it. */
  const checkKernel = async (): Promise<void> => {
    if (context.lacking !== undefined || options.mode !== 'kernel') return;
    const wanted = [...dirty].some((key) => needsKernelFeature(watch.services.get(key)?.service.metadata.annotations));
    if (wanted) context = { ...context, lacking: await findLackingFeatures(options.nftCommand) };
  };

  const compileDirty = (): Map<string, ServiceProgram | undefined> => {
    const changes = new Map<string, ServiceProgram | undefined>();
    for (const key of dirty) {
      const watched = watch.services.get(key);
      const service = edge && watched !== undefined ? withoutBalancerAddresses(watched.service) : watched?.service;
      const compiled =
        service === undefined ? undefined : compileService(service, unpackSlices(watched?.slices ?? []), context);
      const program = compiled?.program;
      warn(key, compiled?.warnings ?? []);
      if (watched === undefined) conditions.forget(key);
      else conditions.update(key, watched.service, compiled?.warnings ?? []);
      if (program === undefined && !programs.has(key)) continue;
      changes.set(key, program);
      const before = unreconciled.has(key) ? unreconciled.get(key)?.before : programs.get(key);
      unreconciled.set(key, { before, after: program });
      if (program === undefined) programs.delete(key);
      else programs.set(key, program);
    }
    dirty = new Set();
    return changes;
  };

  const fail = (error: unknown): void => {
    failed = true;
    options.metrics?.syncFailed?.();
    options.log('error', 'Services could not be installed; the previous state serves on', {
      error: error instanceof Error ? error.message : String(error),
      retryMs,
    });
    cancelRetry?.();
    cancelRetry = clock.after(retryMs, () => batcher.trigger());
    retryMs = Math.min(retryMs * 2, longestRetryMs);
  };

  // Netlink sockets belong to this process's namespace; rules made by another command may not.
  const tracks = options.mode === 'kernel' && options.nftCommand === undefined;
  const addressesOfMachine = (): readonly string[] => {
    const own = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
    return [...new Set([...own, ...context.nodeIps])];
  };
  const draining = new DrainSchedule({ clock, log: options.log, nodeIps: addressesOfMachine, deleteFlows });

  const reconcile = async (): Promise<void> => {
    const changes = unreconciled;
    unreconciled = new Map();
    if (!tracks) return;
    draining.update(changes);
    const startedAtMs = clock.monotonicMs();
    const { deleted, errno } = await reconcileConntrack(changedUdpFrontends(changes.values(), addressesOfMachine()));
    options.metrics?.conntrackReconciled?.({ deleted, durationMs: clock.monotonicMs() - startedAtMs });
    if (errno < 0)
      options.log('warn', 'Stale UDP flows cannot be deleted: no access to connection tracking', { errno });
  };

  const sync = async (): Promise<void> => {
    if (!synced || stopped) return;
    const startedAtMs = firstChangeAtMs;
    const triggered = triggers;
    triggers = [];
    await checkKernel();
    const changes = compileDirty();
    if (changes.size === 0 && !first && !failed) {
      health.updated();
      return;
    }
    const full = first || failed;
    try {
      await plane.apply(changes);
    } catch (error) {
      fail(error);
      return;
    }
    failed = false;
    retryMs = firstRetryMs;
    if (dirty.size === 0) health.updated();
    options.metrics?.synced?.({ durationMs: clock.monotonicMs() - startedAtMs, services: changes.size, full });
    // Slices that existed before the start were programmed late through no fault of ours.
    if (!first) for (const at of triggered) options.metrics?.programmed?.(clock.now() - at);
    const afterLoad = full && programs.size > manyServices;
    first = false;
    markReady();
    await reconcile();
    if (afterLoad && dirty.size === 0) collectGarbage();
  };

  // One quiet millisecond ends a burst of changes; ten are the most one waits.
  const batcher = onBatch({ minMs: 1, maxMs: 10, clock }, sync);
  const watch = watchServices(options.client);
  const change = (keys: Iterable<string>): void => {
    if (dirty.size === 0) firstChangeAtMs = clock.monotonicMs();
    health.queued();
    for (const key of keys) dirty.add(key);
    batcher.trigger();
  };
  watch.slices.subscribe((changes) => {
    options.metrics?.queued?.({ services: 0, endpoints: changes.length });
    for (const { new: slice } of changes) {
      const at = Date.parse(slice?.metadata.annotations?.[triggerAnnotation] ?? '');
      if (!Number.isNaN(at)) triggers.push(at);
    }
  });
  watch.services.subscribe((changes) => {
    // A change of slices alone comes with the same Service object.
    const own = changes.filter((entry) => entry.old?.service !== entry.new?.service).length;
    if (own > 0) options.metrics?.queued?.({ services: own, endpoints: 0 });
    change(changes.map(({ key }) => key));
  });
  const nodeInformer = edge
    ? undefined
    : startInformer(options.client, nodes, { fieldSelector: `metadata.name=${options.nodeName}` });
  nodeInformer?.subscribe(() => {
    const own = nodeInformer.get(options.nodeName);
    health.nodeEligible = isEligible(own);
    const nextLayout = layoutFor(options, own);
    if (!sameLayout(layout, nextLayout)) {
      layout = nextLayout;
      plane.forget();
      failed = true;
      batcher.trigger();
    }
    const next = nodeContext(options, own);
    if (sameContext(context, next)) return;
    context = context.lacking === undefined ? next : { ...next, lacking: context.lacking };
    change([...watch.services.entries()].map(([key]) => key));
  });
  void Promise.all([watch.services.synced, nodeInformer?.synced]).then(() => {
    synced = true;
    batcher.trigger();
  });

  return {
    ready,
    program: () => programs,
    services: watch.services,
    traceContext: () => ({
      ...layout,
      nodeIps: context.nodeIps,
    }),
    stop: async () => {
      if (stopped) return;
      stopped = true;
      watch.stop();
      nodeInformer?.stop();
      cancelRetry?.();
      healing.stop();
      await batcher.stop();
      await conditions.stop();
      await draining.stop();
      await plane.remove();
      await healthServer?.stop();
    },
  };
}
