import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Datastore } from '../apiserver/storage/open-storage.ts';
import { type AuditSettings, auditSettings, readAuditSettings } from './audit-settings.ts';
import { corefileSetting, readCorefilePath } from './corefile-setting.ts';
import { datastoreSettings, readDatastore } from './datastore-settings.ts';
import { gatewayLogArgs, gatewayLogSettings } from './gateway-log-settings.ts';
import { gatewayL4Args, gatewayL4Settings } from './gateway-settings.ts';
import { gatewayTlsArgs, gatewayTlsSettings } from './gateway-tls-settings.ts';
import { gatewayTraceArgs, gatewayTraceSettings } from './gateway-trace-settings.ts';
import {
  formatListenAddress,
  type ListenAddress,
  type Setting,
  SettingReader,
  type SettingValues,
} from './settings.ts';

/** How Pods, Services and DNS are realised on this machine. */
export type Mode = 'kernel' | 'userspace';

/** Address ranges and names that all roles of one system share. */
export interface ClusterOptions {
  readonly serviceCidr: string;
  readonly podCidr: string;
  readonly nodePortRange: { readonly from: number; readonly to: number };
  readonly clusterDomain: string;
}

/** Complete, checked configuration of `fairlead up`. */
export interface UpOptions extends ClusterOptions {
  readonly mode: Mode;
  readonly dataDir: string;
  /** Four hex digits that name this system's namespaces and links. */
  readonly instance: string;
  readonly apiListen: ListenAddress;
  readonly kubeconfig: string;
  readonly datastore: Datastore;
  readonly compactEveryMs: number;
  /** Absent: no audit log. */
  readonly audit?: AuditSettings;
  readonly nodes: number;
  readonly nodeName: string;
  readonly gatewayHttp: ListenAddress;
  readonly gatewayHttps: ListenAddress;
  /** CoreDNS's configuration, for the agents' DNS servers. */
  readonly corefile?: string;
  /** Checked flags that go to the gateway as they are. */
  readonly gatewayArgs: readonly string[];
  readonly consoleListen: ListenAddress;
  readonly demo: boolean;
  readonly images: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** Settings of the address ranges, for every role that needs them. */
export const clusterSettings: readonly Setting[] = [
  {
    name: 'service-cidr',
    value: 'CIDR',
    description: 'cluster IPs (default 10.96.0.0/16; userspace 127.96.0.0/16); API: also V4,V6',
  },
  { name: 'pod-cidr', value: 'CIDR', description: 'Pod IPs (default 10.244.0.0/16; userspace 127.244.0.0/16)' },
  { name: 'node-port-range', value: 'RANGE', description: 'node ports (default 30000-32767)' },
  { name: 'cluster-domain', value: 'NAME', description: 'DNS domain (default cluster.local)' },
  { name: 'log-level', value: 'LEVEL', description: 'debug, info, warn (default) or error' },
];

/** Settings of the API server. */
export const apiSettings: readonly Setting[] = [
  { name: 'data-dir', value: 'DIR', description: 'default /var/lib/fairlead as root, else ~/.local/share/fairlead' },
  { name: 'api-listen', value: 'ADDR', description: 'HTTPS address of the API (default 127.0.0.1:6443)' },
  { name: 'kubeconfig', value: 'FILE', description: 'where the admin kubeconfig is written (default DIR/kubeconfig)' },
  ...datastoreSettings,
  { name: 'compact-every', value: 'DURATION', description: 'how long old versions are kept (default 5m)' },
  ...auditSettings,
];

/** Where a gateway's metrics are served for Prometheus. */
export const gatewayMetricsListenSetting: Setting = {
  name: 'gateway-metrics-listen',
  value: 'ADDR',
  description: "/metrics of the gateway (default 'off')",
};

/** Settings of `fairlead up`. */
export const upSettings: readonly Setting[] = [
  ...apiSettings,
  { name: 'nodes', value: 'N', description: 'nodes, each a network namespace of this machine (default 1 = the host)' },
  { name: 'mode', value: 'MODE', description: 'kernel or userspace (default kernel as root on Linux)' },
  ...clusterSettings,
  corefileSetting,
  { name: 'gateway-http', value: 'ADDR', description: 'default :80 in kernel mode, else 127.0.0.1:8080' },
  { name: 'gateway-https', value: 'ADDR', description: 'default :443 in kernel mode, else 127.0.0.1:8443' },
  ...gatewayL4Settings,
  ...gatewayLogSettings,
  ...gatewayTlsSettings,
  ...gatewayTraceSettings,
  gatewayMetricsListenSetting,
  { name: 'console-listen', value: 'ADDR', description: 'status page and metrics (default 127.0.0.1:7070)' },
  { name: 'image', value: "'PATTERN=COMMAND'", description: 'runs images by a local command', repeatable: true },
  { name: 'demo', description: 'also apply the demo application' },
];

/** What of the machine decides defaults. */
export interface Machine {
  readonly isRoot: boolean;
  readonly home: string;
  /** Why kernel mode is not possible here; absent when it is. */
  readonly kernelModeObstacle?: string;
}

/** The four hex digits that name a system: a hash of its data directory. */
export function instanceOf(dataDir: string): string {
  return createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 4);
}

/** Default data directory of this user. */
export function defaultDataDir(machine: Machine): string {
  return machine.isRoot ? '/var/lib/fairlead' : join(machine.home, '.local', 'share', 'fairlead');
}

/**
 * Reads the address ranges; reports problems to the reader.
 * @param families the API and the controllers know both families, this machine's data planes are given IPv4 only
 */
export function readClusterOptions(
  reader: SettingReader,
  mode: Mode,
  families: 'IPv4' | 'IPv4 and IPv6' = 'IPv4',
): ClusterOptions {
  const kernel = mode === 'kernel';
  const pods = kernel ? '10.244.0.0/16' : '127.244.0.0/16';
  const services = kernel ? '10.96.0.0/16' : '127.96.0.0/16';
  return {
    serviceCidr:
      families === 'IPv4'
        ? reader.cidr('service-cidr', services, 12, 28)
        : reader.cidrOfEachFamily('service-cidr', services, [12, 28], [64, 124]),
    podCidr:
      families === 'IPv4'
        ? reader.cidr('pod-cidr', pods, 8, 22)
        : reader.cidrOfEachFamily('pod-cidr', pods, [8, 22], [32, 62]),
    nodePortRange: reader.portRange('node-port-range', '30000-32767'),
    clusterDomain: reader.domain('cluster-domain', 'cluster.local'),
  };
}

/** Kernel mode where the machine allows it, unless asked otherwise. */
export function readMode(reader: SettingReader, machine: Machine): Mode {
  const wanted = reader.oneOf('mode', ['auto', 'kernel', 'userspace'], 'auto');
  const obstacle = machine.kernelModeObstacle;
  if (wanted === 'kernel' && obstacle !== undefined) reader.problems.push(`--mode kernel: ${obstacle}`);
  if (wanted !== 'auto') return wanted;
  return obstacle === undefined ? 'kernel' : 'userspace';
}

export function readLogLevel(reader: SettingReader): UpOptions['logLevel'] {
  return reader.oneOf('log-level', ['debug', 'info', 'warn', 'error'], 'warn');
}

/** A node's name: the host's, as a DNS label. */
export function hostNodeName(): string {
  const name = hostname().toLowerCase().split('.')[0] ?? '';
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) ? name : 'node';
}

/**
 * Checks the configuration of `fairlead up` and fills in every default.
 * @throws ConfigurationError with all problems together.
 */
export function validateUpOptions(values: SettingValues, machine: Machine): UpOptions {
  const reader = new SettingReader(values);
  const mode = readMode(reader, machine);
  const kernel = mode === 'kernel';
  const dataDir = resolve(reader.text('data-dir') ?? defaultDataDir(machine));
  const nodes = reader.integer('nodes', 1, 1, 64);
  if (nodes > 1 && !kernel) reader.problems.push(`--nodes ${nodes}: more than one node needs kernel mode`);
  const datastore = readDatastore(reader, dataDir);
  const metricsListen = reader.text('gateway-metrics-listen');
  for (const image of reader.texts('image')) {
    if (!/^[^=]+=.+$/.test(image)) reader.problems.push(`--image ${image}: must be PATTERN=COMMAND`);
  }
  const audit = readAuditSettings(reader);
  const corefile = readCorefilePath(reader);
  const options: UpOptions = {
    mode,
    dataDir,
    instance: instanceOf(dataDir),
    apiListen: reader.address('api-listen', '127.0.0.1:6443'),
    kubeconfig: resolve(reader.text('kubeconfig') ?? join(dataDir, 'kubeconfig')),
    datastore,
    ...(audit === undefined ? {} : { audit }),
    compactEveryMs: reader.duration('compact-every', 300_000),
    nodes,
    nodeName: hostNodeName(),
    ...readClusterOptions(reader, mode),
    ...(corefile === undefined ? {} : { corefile }),
    // Not all addresses in userspace mode: that would take the port from Pods, whose addresses are 127.x too.
    gatewayHttp: reader.address('gateway-http', kernel ? ':80' : '127.0.0.1:8080'),
    gatewayArgs: [
      ...gatewayL4Args(reader),
      ...gatewayLogArgs(reader),
      ...gatewayTlsArgs(reader),
      ...gatewayTraceArgs(reader),
      ...(metricsListen === undefined || metricsListen === 'off'
        ? []
        : ['--gateway-metrics-listen', formatListenAddress(reader.address('gateway-metrics-listen', 'off'))]),
    ],
    gatewayHttps: reader.address('gateway-https', kernel ? ':443' : '127.0.0.1:8443'),
    consoleListen: reader.address('console-listen', '127.0.0.1:7070'),
    demo: reader.switched('demo'),
    images: reader.texts('image'),
    logLevel: readLogLevel(reader),
  };
  reader.finish();
  return options;
}
