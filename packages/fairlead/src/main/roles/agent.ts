import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient } from '@fairlead/client';
import { DnsError } from '../../dns/dns-error.ts';
import { parseImageAlias } from '../../node/images.ts';
import { familyOf, ownRanges } from '../../node/machine-network.ts';
import { startEdgeRoutes } from '../../node/overlay/edge-routes.ts';
import type { NodeAgent } from '../../node/start.ts';
import { ServiceProxyError } from '../../services/nft-command.ts';
import {
  countNoLocalEndpoints,
  registerServiceProxyMetrics,
  type ServiceProxyMetrics,
} from '../../services/service-proxy-metrics.ts';
import type { RunningServiceProxy } from '../../services/start.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { stopAll } from '../../sys/stop-all.ts';
import { startAdminServer } from '../../telemetry/admin-server.ts';
import { LineFeed, type LineSource } from '../../telemetry/line-feed.ts';
import { MetricRegistry } from '../../telemetry/metrics.ts';
import type { AgentParts } from '../agent-options.ts';
import type { ApiAccess } from '../api-access-settings.ts';
import type { ClusterOptions, Mode } from '../cluster-options.ts';
import type { DnsRoleSettings } from '../dns-settings.ts';
import { FatalError, type RunningRole, StoppedWhileStarting } from '../role-process.ts';
import type { ServiceRoleSettings } from '../service-settings.ts';
import type { ListenAddress } from '../settings.ts';
import { version } from '../version.ts';
import { publishedDns, startDnsServer } from './agent-dns.ts';
import { noticeWriter } from './agent-notices.ts';
import { readAccess, roleClient } from './role-client.ts';

/** Checked options of the agent role. */
export interface AgentRoleOptions extends ClusterOptions, ApiAccess {
  readonly nodeName: string;
  readonly mode: Mode;
  readonly instance: string;
  readonly dataDir: string;
  /** At most one per family, the preferred one first. */
  readonly nodeIps?: readonly string[];
  readonly overlay: boolean;
  /** Services, DNS and routes for a machine that is no node. */
  readonly edge: boolean;
  readonly parts: AgentParts;
  /** Where DNS listens; absent: on the Pod bridge (kernel) or on a loopback address (userspace). */
  readonly dnsListen?: ListenAddress;
  /** Where the proxy's `/healthz` and `/livez` are served; absent: nowhere. */
  readonly healthzListen?: ListenAddress;
  /** Where `/metrics` is served; absent: nowhere. */
  readonly metricsListen?: ListenAddress;
  readonly dns: DnsRoleSettings;
  readonly images: readonly string[];
  readonly services: ServiceRoleSettings;
  readonly logTokenFile?: string;
  /** Where `fairlead tap` listens; absent: nowhere. */
  readonly tapSocket?: string;
}

/** Pause between attempts at the address of metrics. */
const adminRetryMs = 1000;
const surroundings = { clock: systemClock, random: systemRandom };

function imageAliases(options: AgentRoleOptions) {
  return options.images.map((text) => {
    const alias = parseImageAlias(text);
    if ('error' in alias) throw new FatalError(`--image: ${alias.error}`);
    return alias;
  });
}

/**
 * Pods and the service proxy need FFI, DNS alone does not: they are loaded when they are wanted. This loads what
 * will be, while the API server still starts; what cannot be loaded is told by who needs it.
 */
export async function loadAgentParts({ parts, mode, edge }: AgentRoleOptions): Promise<void> {
  const wanted = [
    ...(parts.node ? [import('../../node/start.ts')] : []),
    ...(parts.services ? [import('../../services/start.ts')] : []),
    ...(parts.services && mode === 'kernel' && !edge
      ? [import('../../addresses/address-metrics.ts'), import('../../addresses/start.ts')]
      : []),
  ];
  await Promise.allSettled(wanted);
}

async function startProxy(
  client: ApiClient,
  options: AgentRoleOptions,
  metrics: ServiceProxyMetrics,
  log: Log,
  podNamespaceOf: (podIp: string) => string | undefined,
): Promise<RunningServiceProxy> {
  const settings = options.services;
  const { startServiceProxy } = await import('../../services/start.ts');
  return startServiceProxy({
    client,
    nodeName: options.nodeName,
    mode: options.mode,
    podCidr: settings.clusterCidrs.length > 0 ? settings.clusterCidrs : options.podCidr.split(','),
    serviceCidr: options.serviceCidr.split(','),
    localDetection: settings.localDetection,
    masqueradeAll: settings.masqueradeAll,
    liberalTracking: settings.liberalTracking,
    ...(settings.nodePortCidrs === undefined ? {} : { nodePortCidrs: settings.nodePortCidrs }),
    ...(settings.proxyName === undefined ? {} : { proxyName: settings.proxyName }),
    nodePortRange: `${options.nodePortRange.from}-${options.nodePortRange.to}`,
    ...surroundings,
    log,
    ...(options.nodeIps === undefined ? {} : { nodeIps: options.nodeIps }),
    edge: options.edge,
    ...(options.parts.node || options.edge ? { insideCidrs: ownRanges(options.podCidr.split(',')) } : {}),
    onNotice: noticeWriter(client, options.nodeName, 'service-proxy'),
    podNamespaceOf,
    // Elsewhere they are the business of who makes the Pods.
    hostPorts: options.parts.node && !options.edge,
    ...(settings.directLinks.length === 0 ? {} : { directLinks: settings.directLinks }),
    metrics,
    ...(options.healthzListen === undefined ? {} : { healthListen: options.healthzListen }),
  });
}

/** Announces load balancer addresses; stopped before the service proxy, so that no traffic comes that nobody takes. */
async function startAnnouncements(
  client: ApiClient,
  options: AgentRoleOptions,
  proxy: RunningServiceProxy,
  registry: MetricRegistry,
  log: Log,
): Promise<Running> {
  const { registerAddressMetrics } = await import('../../addresses/address-metrics.ts');
  const { startAddresses } = await import('../../addresses/start.ts');
  const addresses = startAddresses({
    client,
    nodeName: options.nodeName,
    services: proxy.services,
    nodeIps: options.nodeIps ?? [],
    ...surroundings,
    log,
    metrics: registerAddressMetrics(registry),
  });
  registry.onCollect(() => addresses.observe());
  return addresses;
}

/**
 * `/metrics` and `/debug/program`. What only observes must not keep Services from being served: a taken port is
 * logged and tried again, because the process before may still have it.
 */
async function startAdmin(
  listen: ListenAddress,
  metrics: MetricRegistry,
  proxy: RunningServiceProxy | undefined,
  log: Log,
): Promise<Running> {
  const stopping = new AbortController();
  let admin: Running | undefined;
  const start = async (): Promise<void> => {
    admin = await startAdminServer({
      address: listen.host,
      port: listen.port,
      metrics,
      programs: proxy === undefined ? {} : { services: () => proxy.program() },
      log,
    });
  };
  const retry = async (): Promise<void> => {
    while (admin === undefined) {
      await systemClock.sleep(adminRetryMs, stopping.signal);
      await start().catch(() => undefined);
    }
  };
  try {
    await start();
  } catch (error) {
    log('warn', 'No metrics yet: the address cannot be had', { ...listen, error: (error as Error).message });
    // Ends with the role, by its signal.
    retry().catch(() => undefined);
  }
  return {
    async stop() {
      stopping.abort();
      await admin?.stop();
    },
  };
}

/** Every address of the node; of both families where Pods have both. */
function anyAddress({ podCidr }: AgentRoleOptions): string {
  return podCidr.split(',').some((cidr) => familyOf(cidr) === 6) ? '::' : '0.0.0.0';
}

async function startNode(client: ApiClient, options: AgentRoleOptions, log: Log): Promise<NodeAgent> {
  const userspace = options.mode === 'userspace';
  const { startNodeAgent } = await import('../../node/start.ts');
  return startNodeAgent({
    client,
    nodeName: options.nodeName,
    mode: options.mode,
    instance: options.instance,
    dataDir: options.dataDir,
    ...surroundings,
    log,
    clusterDomain: options.dns.corefile?.clusterDomain ?? options.clusterDomain,
    clusterDns: undefined,
    families: options.podCidr.split(',').map(familyOf),
    nodeIps: options.nodeIps,
    images: imageAliases(options),
    overlay: options.overlay,
    logListen: { host: userspace ? '127.0.0.1' : (options.nodeIps?.[0] ?? anyAddress(options)), port: 0 },
    logToken: options.logTokenFile === undefined ? '' : readFileSync(options.logTokenFile, 'utf8').trim(),
    version: `v${version}`,
  });
}

/** Resolves when all have settled: to their values, or to the first failure, with nothing left half started. */
async function allSettled<T extends readonly unknown[]>(
  starts: { readonly [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  const results = await Promise.allSettled(starts);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as unknown as T;
}

/**
 * Waits for what needs the API, which may never come.
 * @throws StoppedWhileStarting when the signal aborts before.
 */
async function unlessStopped<T>(ready: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new StoppedWhileStarting());
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([ready, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** `fairlead agent`: Pods, Services and DNS of one node, or some of them. */
export async function startAgentRole(options: AgentRoleOptions, log: Log, signal: AbortSignal): Promise<RunningRole> {
  const client = roleClient(readAccess(options), log, 'kubelet');
  const running: { node?: NodeAgent; others: Running[] } = { others: [] };
  const stop = async (): Promise<void> => {
    const { node, others } = running;
    // Pods first: they end with names and addresses still working.
    await stopAll([() => node?.stop(), ...others.reverse().map((part) => () => part.stop()), () => client.close()]);
  };
  /** Notes a part for stopping as soon as it runs. */
  const other = async <T extends Running>(part: Promise<T>): Promise<T> => {
    const started = await part;
    running.others.push(started);
    return started;
  };
  try {
    const { parts } = options;
    const registry = new MetricRegistry();
    const metrics = registerServiceProxyMetrics(registry, systemClock);
    const taps: LineSource[] = [];
    const startPods = async (): Promise<NodeAgent | undefined> => {
      if (!parts.node) return undefined;
      const node = await startNode(client, options, log);
      running.node = node;
      return node;
    };
    const startDnsOf = async (node: NodeAgent | undefined): Promise<string | undefined> => {
      if (!parts.dns || options.edge) return undefined;
      const dns = await other(startDnsServer(client, options, node?.info, registry, log));
      taps.push((take) => dns.tap(take));
      await unlessStopped(dns.ready, signal);
      return publishedDns(options, node?.info);
    };
    const startServices = async (): Promise<void> => {
      if (parts.services && options.services.cleanupKubeProxy) await removeKubeProxy(log);
      const proxy = parts.services
        ? await other(startProxy(client, options, metrics, log, (ip) => running.node?.podNamespaceOf(ip)))
        : undefined;
      if (proxy !== undefined) registry.onCollect(() => countNoLocalEndpoints(proxy.program().values(), metrics));
      if (options.metricsListen !== undefined) {
        const admin = await startAdmin(options.metricsListen, registry, proxy, log);
        running.others.push(admin);
      }
      if (proxy !== undefined && options.mode === 'kernel') taps.push(await connectionSource(log));
      if (proxy !== undefined && options.mode === 'kernel' && !options.edge) {
        await other(startAnnouncements(client, options, proxy, registry, log));
      }
      if (proxy !== undefined) await unlessStopped(proxy.ready, signal);
    };
    const startRoutes = async (): Promise<void> => {
      if (!options.edge) return;
      const stateFile = join(options.dataDir, 'nodes', options.nodeName, 'sysctls.json');
      const podCidrs = options.podCidr.split(',');
      await other(startEdgeRoutes({ client, ...surroundings, log, podCidrs, stateFile }));
    };
    const [dnsAt] = await allSettled<[string | undefined, unknown, unknown]>([
      startPods().then(startDnsOf),
      startServices(),
      startRoutes(),
    ]);
    if (options.tapSocket !== undefined) running.others.push(await startTap(options.tapSocket, registry, taps, log));
    return { facts: dnsAt === undefined ? {} : { dns: dnsAt }, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw userMessage(error);
  }
}

/** New connections as the kernel translates them. */
async function connectionSource(log: Log): Promise<LineSource> {
  const { tapConnections } = await import('../../services/connection-tap.ts');
  return (take) => tapConnections(systemClock, log, take);
}

/** A socket that cannot be had is told, and the agent goes on without. */
async function startTap(
  socket: string,
  metrics: MetricRegistry,
  sources: readonly LineSource[],
  log: Log,
): Promise<Running> {
  try {
    return await startAdminServer({ socket, port: 0, metrics, tap: new LineFeed(sources), log });
  } catch (error) {
    log('warn', 'nobody can listen to what passes: the socket cannot be had', {
      socket,
      error: (error as Error).message,
    });
    return { stop: async () => {} };
  }
}

/** What stands in the way of our rules, or doubles them. */
async function removeKubeProxy(log: Log): Promise<void> {
  const { cleanUpKubeProxy } = await import('../../services/kube-proxy-cleanup.ts');
  const { removed, left } = await cleanUpKubeProxy();
  for (const what of removed) log('info', 'Removed what kube-proxy left', { what });
  for (const what of left) log('warn', 'Could not remove what kube-proxy left', { what });
}

/** Turns what only the user can mend into one clear line; anything else is tried again. */
function userMessage(error: unknown): unknown {
  if (error instanceof ServiceProxyError && error.code !== 'refused') {
    return new FatalError(`service proxy: ${error.message}; --mode userspace works without it`, { cause: error });
  }
  if (error instanceof DnsError) return new FatalError(`DNS: ${error.message}`, { cause: error });
  return error;
}
