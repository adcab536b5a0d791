import { nodes, type Service, type Stored, serviceCidrs } from '@fairlead/api';
import { startInformer } from '@fairlead/client';
import { onBatch } from '../collections/index.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { collectGarbageEarly, keepYoungGenerationSmall } from '../sys/heap.ts';
import { collectGarbage } from '../sys/memory.ts';
import { stopAll } from '../sys/stop-all.ts';
import { type CompileWarning, compileService } from './compile.ts';
import { ConditionWriter } from './condition-writer.ts';
import { createDataPlane } from './data-plane.ts';
import { createPeerNodes } from './direct-return/peer-nodes.ts';
import { FlowUpkeep } from './flow-upkeep.ts';
import { HealSchedule } from './heal-schedule.ts';
import { watchHostPorts } from './host-port-watch.ts';
import { hostPortKeyOf, podOfProgram } from './host-ports.ts';
import { findLackingFeatures } from './kernel-features.ts';
import { needsKernelFeature } from './l4-annotations.ts';
import { isEligible, layoutFor, nodeContext, sameContext, sameLayout } from './node-context.ts';
import type { ServiceProgram } from './program.ts';
import { ProxyHealth, serveProxyHealth } from './proxy-health.ts';
import type { RunningServiceProxy, ServiceProxyOptions } from './service-proxy-options.ts';
import { triggerAnnotation, unpackSlices } from './service-strip.ts';
import { clusterIpsOf, watchServices } from './service-watch.ts';

export type { RunningServiceProxy, ServiceNotice, ServiceProxyOptions } from './service-proxy-options.ts';

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
  keepYoungGenerationSmall();
  collectGarbageEarly();
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
    peers: createPeerNodes(options.client),
    ...(options.directLinks === undefined ? {} : { directLinks: options.directLinks }),
    ...(options.podNamespaceOf === undefined ? {} : { podNamespaceOf: options.podNamespaceOf }),
    ...(options.nftCommand === undefined ? {} : { nftCommand: options.nftCommand }),
    ...(options.nativeFrom === undefined ? {} : { nativeFrom: options.nativeFrom }),
    liberalTracking: options.liberalTracking === true,
  });
  const conditions = new ConditionWriter({
    client: options.client,
    nodeName: options.nodeName,
    clock,
    random: options.random ?? systemRandom,
    log: options.log,
  });
  const programs = new Map<string, ServiceProgram>();
  // Netlink sockets belong to this process's namespace; rules made by another command may not.
  const tracks = options.mode === 'kernel' && options.nftCommand === undefined;
  const flows = tracks
    ? new FlowUpkeep({
        clock,
        log: options.log,
        nodeIps: () => context.nodeIps,
        serviceCidrs: () => layout.serviceCidrs,
        clusterIps: () => clusterIpsOf(watch.services.values()),
        ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      })
    : undefined;
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

  /** Asks what the kernel can do once a Service wants something special of it. */
  const checkKernel = async (): Promise<void> => {
    if (context.lacking !== undefined || options.mode !== 'kernel') return;
    const wanted = [...dirty].some((key) => needsKernelFeature(watch.services.get(key)?.service.metadata.annotations));
    if (wanted) context = { ...context, lacking: await findLackingFeatures(options.nftCommand) };
  };

  const compileDirty = (): Map<string, ServiceProgram | undefined> => {
    const changes = new Map<string, ServiceProgram | undefined>();
    const setProgram = (key: string, program: ServiceProgram | undefined): void => {
      if (program === undefined && !programs.has(key)) return;
      changes.set(key, program);
      flows?.note(key, programs.get(key), program);
      if (program === undefined) programs.delete(key);
      else programs.set(key, program);
    };
    for (const key of dirty) {
      const pod = podOfProgram(key);
      if (pod !== undefined) {
        setProgram(key, hostPorts?.programs.get(pod));
        continue;
      }
      const watched = watch.services.get(key);
      const service = edge && watched !== undefined ? withoutBalancerAddresses(watched.service) : watched?.service;
      const compiled =
        service === undefined ? undefined : compileService(service, unpackSlices(watched?.slices ?? []), context);
      warn(key, compiled?.warnings ?? []);
      if (watched === undefined) conditions.forget(key);
      else conditions.update(key, watched.service, compiled?.warnings ?? []);
      setProgram(key, compiled?.program);
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
    // Before the installation: what asks for another one meanwhile must not be forgotten with this one's success.
    failed = false;
    try {
      await plane.apply(changes);
    } catch (error) {
      fail(error);
      return;
    }
    retryMs = firstRetryMs;
    if (dirty.size === 0) health.updated();
    options.metrics?.synced?.({ durationMs: clock.monotonicMs() - startedAtMs, services: changes.size, full });
    // Slices that existed before the start were programmed late through no fault of ours.
    if (!first) for (const at of triggered) options.metrics?.programmed?.(clock.now() - at);
    const afterLoad = full && programs.size > manyServices;
    first = false;
    markReady();
    await flows?.reconcile();
    if (afterLoad && dirty.size === 0) collectGarbage();
  };

  // One quiet millisecond ends a burst of changes; ten are the most one waits.
  const batcher = onBatch({ minMs: 1, maxMs: 10, clock }, sync);
  const watch = watchServices(options.client);
  const hostPorts = options.hostPorts === true ? watchHostPorts(options.client, options.nodeName) : undefined;
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
  hostPorts?.programs.subscribe((changes) => change(changes.map(({ key }) => hostPortKeyOf(key))));
  const nodeInformer = edge
    ? undefined
    : startInformer(options.client, nodes, { fieldSelector: `metadata.name=${options.nodeName}` });
  // Not waited for: an older server has no such kind, and a cluster may not let us see it.
  const rangeInformer = options.mode === 'kernel' ? startInformer(options.client, serviceCidrs) : undefined;
  const followLayout = (): void => {
    const ranges = [...(rangeInformer?.values() ?? [])].flatMap(({ spec }) => spec?.cidrs ?? []);
    const next = layoutFor(options, nodeInformer?.get(options.nodeName), ranges);
    if (sameLayout(layout, next)) return;
    layout = next;
    plane.forget();
    failed = true;
    batcher.trigger();
  };
  rangeInformer?.subscribe(followLayout);
  nodeInformer?.subscribe(() => {
    const own = nodeInformer.get(options.nodeName);
    health.nodeEligible = isEligible(own);
    followLayout();
    const next = nodeContext(options, own);
    if (sameContext(context, next)) return;
    context = context.lacking === undefined ? next : { ...next, lacking: context.lacking };
    change([...watch.services.entries()].map(([key]) => key));
  });
  void Promise.all([watch.services.synced, nodeInformer?.synced, hostPorts?.programs.synced]).then(() => {
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
      hostPorts?.stop();
      nodeInformer?.stop();
      rangeInformer?.stop();
      cancelRetry?.();
      healing.stop();
      await stopAll([
        () => batcher.stop(),
        () => conditions.stop(),
        () => flows?.stop(),
        () => plane.remove(),
        () => healthServer?.stop(),
      ]);
    },
  };
}
