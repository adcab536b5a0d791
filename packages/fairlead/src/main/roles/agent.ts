import { readFileSync } from 'node:fs';
import { cidrAddress, formatIp, parseCidr, services } from '@fairlead/api';
import { type ApiClient, createEventRecorder } from '@fairlead/client';
import { DnsError } from '../../dns/dns-error.ts';
import type { DnsNotice } from '../../dns/dns-loop.ts';
import { type RunningDns, startDns } from '../../dns/start.ts';
import { parseImageAlias } from '../../node/images.ts';
import { startEdgeRoutes } from '../../node/overlay/edge-routes.ts';
import type { NodeAgent } from '../../node/start.ts';
import { ServiceProxyError } from '../../services/nft-command.ts';
import {
  countNoLocalEndpoints,
  registerServiceProxyMetrics,
  type ServiceProxyMetrics,
} from '../../services/service-proxy-metrics.ts';
import type { RunningServiceProxy, ServiceNotice } from '../../services/start.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { stopAll } from '../../sys/stop-all.ts';
import { startAdminServer } from '../../telemetry/admin-server.ts';
import { MetricRegistry } from '../../telemetry/metrics.ts';
import type { AgentParts } from '../agent-options.ts';
import type { ApiAccess } from '../api-access-settings.ts';
import type { ClusterOptions, Mode } from '../cluster-options.ts';
import type { DnsRoleSettings } from '../dns-settings.ts';
import { FatalError, type RunningRole, StoppedWhileStarting } from '../role-process.ts';
import type { ServiceRoleSettings } from '../service-settings.ts';
import { formatListenAddress, type ListenAddress } from '../settings.ts';
import { version } from '../version.ts';
import { dnsOptionsFrom, printCorefileNotes, zoneOfNode } from './agent-dns.ts';
import { readAccess, roleClient } from './role-client.ts';

/** Checked options of the agent role. */
export interface AgentRoleOptions extends ClusterOptions, ApiAccess {
  readonly nodeName: string;
  readonly mode: Mode;
  readonly instance: string;
  readonly dataDir: string;
  readonly nodeIp?: string;
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
}

/** Position of the cluster DNS in the service range, by convention. */
const dnsOffset = 10;
/** Pause between attempts at the address of metrics. */
const adminRetryMs = 1000;
const surroundings = { clock: systemClock, random: systemRandom };

function addressIn(cidr: string, offset: number): string {
  const range = parseCidr(cidr);
  const address = range === undefined ? undefined : cidrAddress(range, offset);
  if (address === undefined) throw new FatalError(`${cidr} has no address number ${offset}`);
  return formatIp(address);
}

function imageAliases(options: AgentRoleOptions) {
  return options.images.map((text) => {
    const alias = parseImageAlias(text);
    if ('error' in alias) throw new FatalError(`--image: ${alias.error}`);
    return alias;
  });
}

/** Warning Events for what a part could not do as the user asked. */
function noticeWriter(
  client: ApiClient,
  options: AgentRoleOptions,
  component: string,
): (notice: ServiceNotice | DnsNotice) => void {
  const recorder = createEventRecorder(client, {
    ...surroundings,
    component,
    host: options.nodeName,
  });
  return (notice) => {
    const [namespace = '', name = ''] = notice.service.split('/');
    client.get(services, { namespace, name }).then(
      (service) =>
        recorder.record(service, 'Warning', notice.reason, notice.message, { kind: 'Service', apiVersion: 'v1' }),
      // The Service is gone meanwhile: nobody is left to be told.
      () => {},
    );
  };
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
    podCidr: settings.clusterCidrs.length > 0 ? settings.clusterCidrs : [options.podCidr],
    serviceCidr: options.serviceCidr.split(','),
    localDetection: settings.localDetection,
    masqueradeAll: settings.masqueradeAll,
    ...(settings.nodePortCidrs === undefined ? {} : { nodePortCidrs: settings.nodePortCidrs }),
    ...(settings.proxyName === undefined ? {} : { proxyName: settings.proxyName }),
    nodePortRange: `${options.nodePortRange.from}-${options.nodePortRange.to}`,
    ...surroundings,
    log,
    ...(options.nodeIp === undefined ? {} : { nodeIps: [options.nodeIp] }),
    edge: options.edge,
    onNotice: noticeWriter(client, options, 'service-proxy'),
    podNamespaceOf,
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
    nodeIps: options.nodeIp === undefined ? [] : [options.nodeIp],
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
    nodeIp: options.nodeIp,
    images: imageAliases(options),
    overlay: options.overlay,
    logListen: { host: userspace ? '127.0.0.1' : (options.nodeIp ?? '0.0.0.0'), port: 0 },
    logToken: options.logTokenFile === undefined ? '' : readFileSync(options.logTokenFile, 'utf8').trim(),
    version: `v${version}`,
  });
}

/** Where DNS listens: given, on the Pod bridge, or on a loopback address of the Pod range. */
function dnsAddress(options: AgentRoleOptions, node: NodeAgent | undefined): ListenAddress {
  if (options.dnsListen !== undefined) return options.dnsListen;
  if (node?.info.gatewayIp !== undefined) return { host: node.info.gatewayIp, port: 53 };
  if (options.mode === 'kernel') return { host: '127.0.0.1', port: 53 };
  // Below 1024 only root may listen; the service proxy offsets such ports in the same way.
  const port = process.getuid?.() === 0 ? 53 : 8053;
  return { host: addressIn(node?.info.podCidr ?? options.podCidr, 1), port };
}

/** Where users of this machine find DNS: the cluster's own address where the node serves one. */
function publishedDns(options: AgentRoleOptions, node: NodeAgent | undefined): string {
  const listen = dnsAddress(options, node);
  if (node === undefined) return formatListenAddress(listen);
  const clusterIp = addressIn(options.serviceCidr, dnsOffset);
  return listen.port === 53 ? clusterIp : `${clusterIp}:${listen.port}`;
}

async function startDnsServer(
  client: ApiClient,
  options: AgentRoleOptions,
  node: NodeAgent | undefined,
  metrics: MetricRegistry,
  log: Log,
): Promise<RunningDns> {
  const listen = dnsAddress(options, node);
  printCorefileNotes(options.dns);
  return startDns({
    client,
    listen: [{ address: listen.host, port: listen.port }],
    clusterDomain: options.dns.corefile?.clusterDomain ?? options.clusterDomain,
    ...dnsOptionsFrom(options.dns, listen),
    findNodeZone: () => zoneOfNode(client, options.nodeName),
    onNotice: noticeWriter(client, options, 'dns'),
    metrics,
    workers: 1,
    ...surroundings,
    log,
    ...(node === undefined
      ? {}
      : {
          kubeDns: {
            nodeName: options.nodeName,
            clusterIp: addressIn(options.serviceCidr, dnsOffset),
            address: listen.host,
            port: listen.port,
          },
        }),
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
    const startPods = async (): Promise<NodeAgent | undefined> => {
      if (!parts.node) return undefined;
      const node = await startNode(client, options, log);
      running.node = node;
      return node;
    };
    const startDnsOf = async (node: NodeAgent | undefined): Promise<string | undefined> => {
      if (!parts.dns || options.edge) return undefined;
      const dns = await other(startDnsServer(client, options, node, registry, log));
      await unlessStopped(dns.ready, signal);
      return publishedDns(options, node);
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
      if (proxy !== undefined && options.mode === 'kernel' && !options.edge) {
        await other(startAnnouncements(client, options, proxy, registry, log));
      }
      if (proxy !== undefined) await unlessStopped(proxy.ready, signal);
    };
    const startRoutes = async (): Promise<void> => {
      if (options.edge) await other(startEdgeRoutes({ client, ...surroundings, log }));
    };
    const [dnsAt] = await allSettled<[string | undefined, unknown, unknown]>([
      startPods().then(startDnsOf),
      startServices(),
      startRoutes(),
    ]);
    return { facts: dnsAt === undefined ? {} : { dns: dnsAt }, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw userMessage(error);
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
