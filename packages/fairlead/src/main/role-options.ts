import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseCidr } from '@fairlead/api';
import { apiAccessSettings, readApiAccess } from './api-access-settings.ts';
import { readAuditSettings } from './audit-settings.ts';
import { readDatastore } from './datastore-settings.ts';
import { dnsSettings, readDnsSettings } from './dns-settings.ts';
import { gatewayLogSettings, readGatewayLog } from './gateway-log-settings.ts';
import { gatewayL4Settings, readGatewayL4 } from './gateway-settings.ts';
import { gatewayTlsSettings, readGatewayTls } from './gateway-tls-settings.ts';
import { gatewayTraceSettings, readGatewayTrace } from './gateway-trace-settings.ts';
import type { AgentRoleOptions } from './roles/agent.ts';
import type { ApiServerRoleOptions } from './roles/apiserver.ts';
import type { ControllersRoleOptions } from './roles/controllers.ts';
import type { GatewayRoleOptions } from './roles/gateway.ts';
import { readServiceSettings, serviceSettings } from './service-settings.ts';
import { type ListenAddress, type Setting, SettingReader, type SettingValues } from './settings.ts';
import {
  apiSettings,
  clusterSettings,
  defaultDataDir,
  gatewayMetricsListenSetting,
  hostNodeName,
  instanceOf,
  type Machine,
  readClusterOptions,
  readMode,
} from './up-options.ts';

const logTokenSetting: Setting = {
  name: 'log-token-file',
  value: 'FILE',
  description: 'token of the nodes’ log servers',
  internal: true,
};

/** Where autoscalers read requests per second and in flight. */
const gatewayMetricsSetting: Setting = {
  name: 'gateway-metrics',
  value: 'URL',
  description: 'metrics of a gateway, for autoscalers: http://HOST:PORT/metrics or unix:FILE',
  repeatable: true,
};

/** Settings of `fairlead apiserver` and of the control child. */
export const apiServerSettings: readonly Setting[] = [
  ...apiSettings,
  ...clusterSettings,
  { name: 'advertise-address', value: 'IP', description: 'address of the API that Pods can reach' },
  logTokenSetting,
  {
    name: 'agent',
    value: 'NODE',
    description: 'writes a kubeconfig for the agent of this node',
    repeatable: true,
    internal: true,
  },
  { name: 'edge-agent', description: 'writes a kubeconfig for an agent of no node', internal: true },
  { ...gatewayMetricsSetting, internal: true },
];

/** Settings of `fairlead controllers`. */
export const controllersSettings: readonly Setting[] = [
  ...apiAccessSettings,
  { name: 'controllers', value: 'LIST', description: "which ones: names, '*', '-name' (default '*')" },
  gatewayMetricsSetting,
  ...clusterSettings,
];

/** Settings of `fairlead agent`. */
export const agentSettings: readonly Setting[] = [
  ...apiAccessSettings,
  { name: 'node-name', value: 'NAME', description: 'default: the host name' },
  { name: 'mode', value: 'MODE', description: 'kernel or userspace (default kernel as root on Linux)' },
  { name: 'data-dir', value: 'DIR', description: 'state of the Pods of this node' },
  { name: 'node-ip', value: 'IP', description: 'address of this node (default: of the default route)' },
  { name: 'image', value: "'PATTERN=COMMAND'", description: 'runs images by a local command', repeatable: true },
  ...clusterSettings,
  { name: 'services-only', description: 'only the service proxy, as kube-proxy' },
  ...serviceSettings,
  { name: 'dns-only', description: 'only DNS' },
  { name: 'dns-listen', value: 'ADDR', description: 'address of DNS (default: of the Pod bridge, port 53)' },
  ...dnsSettings,
  { name: 'overlay', description: 'connect Pods of other nodes by VXLAN' },
  {
    name: 'healthz-listen',
    value: 'ADDR',
    description: "/healthz and /livez of the service proxy (default 'off'; :10256 with --services-only)",
  },
  {
    name: 'metrics-listen',
    value: 'ADDR',
    description: "/metrics and more (default 'off'; 127.0.0.1:10249 with --services-only)",
  },
  { name: 'edge', description: 'services, DNS and routes for a machine that is no node', internal: true },
  { name: 'instance', value: 'HEX', description: 'names namespaces and links', internal: true },
  logTokenSetting,
];

/** Settings of `fairlead gateway`. */
export const gatewaySettings: readonly Setting[] = [
  ...apiAccessSettings,
  { name: 'gateway-http', value: 'ADDR', description: 'default :80 as root, else 127.0.0.1:8080' },
  { name: 'gateway-https', value: 'ADDR', description: 'default :443 as root, else 127.0.0.1:8443' },
  ...gatewayL4Settings,
  ...gatewayLogSettings,
  ...gatewayTlsSettings,
  ...gatewayTraceSettings,
  { name: 'gateway-zone', value: 'ZONE', description: 'zone of this gateway, for Services that prefer theirs' },
  {
    name: 'gateway-secrets',
    value: 'FILE',
    description: 'keeps default certificate and ticket keys over restarts (default: not kept)',
  },
  { name: 'gateway-workers', value: 'N', description: 'worker threads (default: half of the cores)' },
  gatewayMetricsListenSetting,
  { name: 'gateway-metrics-socket', value: 'FILE', description: 'the same for this machine', internal: true },
  { name: 'log-level', value: 'LEVEL', description: 'debug, info, warn (default) or error' },
];

/** Half of the cores, so that Pods and the other roles keep theirs; at least one. */
export function defaultGatewayWorkers(): number {
  return Math.max(1, Math.floor(availableParallelism() / 2));
}

/** An IP literal, or a problem. */
function readIp(reader: SettingReader, name: string): string | undefined {
  const value = reader.text(name);
  if (value !== undefined && isIP(value) === 0) reader.problems.push(`--${name} ${value}: must be an IP address`);
  return value;
}

function readGatewayMetrics(reader: SettingReader): readonly string[] {
  return reader.texts('gateway-metrics').filter((place) => {
    const ok = /^unix:.+$/.test(place) || (/^http:\/\/\S+$/.test(place) && URL.canParse(place));
    if (!ok) reader.problems.push(`--gateway-metrics ${place}: must be http://HOST:PORT/metrics or unix:FILE`);
    return ok;
  });
}

/** @throws ConfigurationError with all problems together. */
export function validateApiServerOptions(values: SettingValues, machine: Machine): ApiServerRoleOptions {
  const reader = new SettingReader(values);
  const dataDir = resolve(reader.text('data-dir') ?? defaultDataDir(machine));
  const datastore = readDatastore(reader, dataDir);
  const advertiseAddress = readIp(reader, 'advertise-address');
  const audit = readAuditSettings(reader);
  const logTokenFile = reader.text('log-token-file');
  const options: ApiServerRoleOptions = {
    ...readClusterOptions(reader, machine.kernelModeObstacle === undefined ? 'kernel' : 'userspace', 'IPv4 and IPv6'),
    dataDir,
    apiListen: reader.address('api-listen', '127.0.0.1:6443'),
    kubeconfig: resolve(reader.text('kubeconfig') ?? join(dataDir, 'kubeconfig')),
    datastore,
    compactEveryMs: reader.duration('compact-every', 300_000),
    agents: reader.texts('agent'),
    edgeAgent: reader.switched('edge-agent'),
    gatewayMetrics: readGatewayMetrics(reader),
    ...(advertiseAddress === undefined ? {} : { advertiseAddress }),
    ...(audit === undefined ? {} : { audit }),
    ...(logTokenFile === undefined ? {} : { logTokenFile }),
  };
  reader.finish();
  return options;
}

/** @throws ConfigurationError with all problems together. */
export function validateControllersOptions(values: SettingValues, machine: Machine): ControllersRoleOptions {
  const reader = new SettingReader(values);
  const options: ControllersRoleOptions = {
    ...readClusterOptions(reader, machine.kernelModeObstacle === undefined ? 'kernel' : 'userspace', 'IPv4 and IPv6'),
    ...readApiAccess(reader),
    controllers: (reader.text('controllers') ?? '*').split(',').filter((pattern) => pattern !== ''),
    gatewayMetrics: readGatewayMetrics(reader),
  };
  reader.finish();
  return options;
}

/** Which parts of the agent run. */
export interface AgentParts {
  readonly node: boolean;
  readonly services: boolean;
  readonly dns: boolean;
}

/** @throws ConfigurationError with all problems together. */
export function validateAgentOptions(values: SettingValues, machine: Machine): AgentRoleOptions {
  const reader = new SettingReader(values);
  const mode = readMode(reader, machine);
  const dataDir = resolve(reader.text('data-dir') ?? join(defaultDataDir(machine), 'agent'));
  const servicesOnly = reader.switched('services-only');
  const dnsOnly = reader.switched('dns-only');
  if (servicesOnly && dnsOnly) reader.problems.push('--services-only and --dns-only exclude each other');
  const edge = reader.switched('edge');
  const nodeIp = readIp(reader, 'node-ip');
  const logTokenFile = reader.text('log-token-file');
  const listenOrOff = (name: string, alone: string): ListenAddress | undefined => {
    const fallback = servicesOnly ? alone : 'off';
    return (reader.text(name) ?? fallback) === 'off' ? undefined : reader.address(name, fallback);
  };
  // As kube-proxy: load balancers and monitoring ask there.
  const healthzListen = listenOrOff('healthz-listen', ':10256');
  const metricsListen = listenOrOff('metrics-listen', '127.0.0.1:10249');
  const options: AgentRoleOptions = {
    ...readClusterOptions(reader, mode, servicesOnly ? 'IPv4 and IPv6' : 'IPv4'),
    ...readApiAccess(reader),
    nodeName: reader.text('node-name') ?? hostNodeName(),
    mode,
    instance: reader.text('instance') ?? instanceOf(dataDir),
    dataDir,
    overlay: reader.switched('overlay'),
    edge,
    parts: { node: !servicesOnly && !dnsOnly && !edge, services: !dnsOnly, dns: !servicesOnly },
    dns: readDnsSettings(reader),
    images: reader.texts('image'),
    services: readServiceSettings(reader, (text) => parseCidr(text) !== undefined),
    ...(reader.text('dns-listen') === undefined ? {} : { dnsListen: reader.address('dns-listen', ':53') }),
    ...(healthzListen === undefined ? {} : { healthzListen }),
    ...(metricsListen === undefined ? {} : { metricsListen }),
    ...(nodeIp === undefined ? {} : { nodeIp }),
    ...(logTokenFile === undefined ? {} : { logTokenFile }),
  };
  reader.finish();
  return options;
}

/** @throws ConfigurationError with all problems together. */
export function validateGatewayOptions(values: SettingValues, machine: Machine): GatewayRoleOptions {
  const reader = new SettingReader(values);
  const metricsListen = reader.text('gateway-metrics-listen');
  const metricsSocket = reader.text('gateway-metrics-socket');
  const secretsFile = reader.text('gateway-secrets');
  const options: GatewayRoleOptions = {
    ...readApiAccess(reader),
    gatewayHttp: reader.address('gateway-http', machine.isRoot ? ':80' : '127.0.0.1:8080'),
    gatewayHttps: reader.address('gateway-https', machine.isRoot ? ':443' : '127.0.0.1:8443'),
    ...readGatewayL4(reader),
    zone: reader.text('gateway-zone') ?? '',
    accessLog: readGatewayLog(reader),
    tls: readGatewayTls(reader),
    traces: readGatewayTrace(reader),
    ...(secretsFile === undefined ? {} : { secretsFile: resolve(secretsFile) }),
    workers: reader.integer('gateway-workers', defaultGatewayWorkers(), 1, 64),
    admin: {
      ...(metricsListen === undefined || metricsListen === 'off'
        ? {}
        : { metricsListen: reader.address('gateway-metrics-listen', metricsListen) }),
      ...(metricsSocket === undefined ? {} : { metricsSocket }),
    },
  };
  reader.finish();
  return options;
}
