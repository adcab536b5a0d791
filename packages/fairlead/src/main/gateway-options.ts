import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { apiAccessSettings, readApiAccess } from './api-access-settings.ts';
import { everyHost, type Machine } from './cluster-options.ts';
import { gatewayLogSettings, readGatewayLog } from './gateway-log-settings.ts';
import { gatewayL4Settings, readGatewayL4 } from './gateway-settings.ts';
import { gatewayTlsSettings, readGatewayTls } from './gateway-tls-settings.ts';
import { gatewayTraceSettings, readGatewayTrace } from './gateway-trace-settings.ts';
import type { GatewayRoleOptions } from './roles/gateway.ts';
import { type Setting, SettingReader, type SettingValues } from './settings.ts';

/** Where a gateway's metrics are served for Prometheus. */
export const gatewayMetricsListenSetting: Setting = {
  name: 'gateway-metrics-listen',
  value: 'ADDR',
  description: "/metrics of the gateway (default 'off')",
};

/** Settings of `fairlead gateway`. */
export const gatewaySettings: readonly Setting[] = [
  ...apiAccessSettings,
  { name: 'gateway-http', value: 'ADDR', description: 'default :80 as root, else 127.0.0.1:8080' },
  { name: 'gateway-https', value: 'ADDR', description: 'default :443 as root, else 127.0.0.1:8443' },
  ...gatewayL4Settings,
  ...gatewayLogSettings,
  ...gatewayTlsSettings,
  ...gatewayTraceSettings,
  {
    name: 'gateway-zone',
    value: 'ZONE',
    description: 'zone of this gateway, for Services that prefer theirs (default: that of its Node)',
  },
  { name: 'gateway-node', value: 'NAME', description: 'Node that this gateway runs on (default: none)' },
  {
    name: 'gateway-secrets',
    value: 'FILE',
    description: 'keeps default certificate and ticket keys over restarts (default: not kept)',
  },
  { name: 'gateway-workers', value: 'N', description: 'worker threads (default: half of the cores)' },
  gatewayMetricsListenSetting,
  {
    name: 'gateway-metrics-socket',
    value: 'FILE',
    description: 'the same for this machine, and where `fairlead tap --socket FILE` listens to requests',
  },
  { name: 'log-level', value: 'LEVEL', description: 'debug, info, warn (default) or error' },
];

/** Half of the cores, so that Pods and the other roles keep theirs; at least one. */
function defaultGatewayWorkers(): number {
  return Math.max(1, Math.floor(availableParallelism() / 2));
}

/** @throws ConfigurationError with all problems together. */
export function validateGatewayOptions(values: SettingValues, machine: Machine): GatewayRoleOptions {
  const reader = new SettingReader(values);
  const metricsListen = reader.text('gateway-metrics-listen');
  const metricsSocket = reader.text('gateway-metrics-socket');
  const secretsFile = reader.text('gateway-secrets');
  const node = reader.text('gateway-node');
  const options: GatewayRoleOptions = {
    ...readApiAccess(reader),
    gatewayHttp: reader.address('gateway-http', machine.isRoot ? ':80' : '127.0.0.1:8080', everyHost(machine)),
    gatewayHttps: reader.address('gateway-https', machine.isRoot ? ':443' : '127.0.0.1:8443', everyHost(machine)),
    ...readGatewayL4(reader),
    zone: reader.text('gateway-zone') ?? '',
    ...(node === undefined ? {} : { node }),
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
