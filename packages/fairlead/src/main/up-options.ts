import { join, resolve } from 'node:path';
import type { Datastore } from '../apiserver/storage/open-storage.ts';
import { apiSettings } from './apiserver-options.ts';
import { type AuditSettings, readAuditSettings } from './audit-settings.ts';
import {
  type ClusterOptions,
  clusterSettings,
  defaultDataDir,
  everyHost,
  hostNodeName,
  instanceOf,
  type Machine,
  type Mode,
  readClusterOptions,
  readMode,
} from './cluster-options.ts';
import { corefileSetting, readCorefilePath } from './corefile-setting.ts';
import { readDatastore } from './datastore-settings.ts';
import { gatewayLogArgs, gatewayLogSettings } from './gateway-log-settings.ts';
import { gatewayMetricsListenSetting } from './gateway-options.ts';
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

/** Settings of `fairlead up`. */
export const upSettings: readonly Setting[] = [
  ...apiSettings,
  { name: 'nodes', value: 'N', description: 'nodes, each a network namespace of this machine (default 1 = the host)' },
  { name: 'mode', value: 'MODE', description: 'kernel, userspace or auto (default): kernel as root on Linux' },
  ...clusterSettings,
  corefileSetting,
  {
    name: 'gateway-http',
    value: 'ADDR',
    description: 'where the gateway serves HTTP (default :80 in kernel mode, else 127.0.0.1:8080)',
  },
  {
    name: 'gateway-https',
    value: 'ADDR',
    description: 'where the gateway serves HTTPS (default :443 in kernel mode, else 127.0.0.1:8443)',
  },
  ...gatewayL4Settings,
  ...gatewayLogSettings,
  ...gatewayTlsSettings,
  ...gatewayTraceSettings,
  gatewayMetricsListenSetting,
  { name: 'console-listen', value: 'ADDR', description: 'status page and metrics (default 127.0.0.1:7070)' },
  { name: 'image', value: "'PATTERN=COMMAND'", description: 'runs images by a local command', repeatable: true },
  { name: 'demo', description: 'also apply the demo application' },
];

/** `--log-level`. */
function readLogLevel(reader: SettingReader): UpOptions['logLevel'] {
  return reader.oneOf('log-level', ['debug', 'info', 'warn', 'error'], 'warn');
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
    ...readClusterOptions(reader, mode, machine),
    ...(corefile === undefined ? {} : { corefile }),
    // Not all addresses in userspace mode: that would take the port from Pods, whose addresses are 127.x too.
    gatewayHttp: reader.address('gateway-http', kernel ? ':80' : '127.0.0.1:8080', everyHost(machine)),
    gatewayArgs: [
      ...gatewayL4Args(reader),
      ...gatewayLogArgs(reader),
      ...gatewayTlsArgs(reader),
      ...gatewayTraceArgs(reader),
      ...(metricsListen === undefined || metricsListen === 'off'
        ? []
        : ['--gateway-metrics-listen', formatListenAddress(reader.address('gateway-metrics-listen', 'off'))]),
    ],
    gatewayHttps: reader.address('gateway-https', kernel ? ':443' : '127.0.0.1:8443', everyHost(machine)),
    consoleListen: reader.address('console-listen', '127.0.0.1:7070'),
    demo: reader.switched('demo'),
    images: reader.texts('image'),
    logLevel: readLogLevel(reader),
  };
  reader.finish();
  return options;
}
