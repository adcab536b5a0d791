import { join, resolve } from 'node:path';
import { auditSettings, readAuditSettings } from './audit-settings.ts';
import {
  clusterSettings,
  defaultDataDir,
  logTokenSetting,
  type Machine,
  readClusterOptions,
  readIp,
} from './cluster-options.ts';
import { datastoreSettings, readDatastore } from './datastore-settings.ts';
import { gatewayMetricsSetting, readGatewayMetrics } from './gateway-metrics-setting.ts';
import type { ApiServerRoleOptions } from './roles/apiserver.ts';
import { type Setting, SettingReader, type SettingValues } from './settings.ts';

/** Settings of the API server. */
export const apiSettings: readonly Setting[] = [
  { name: 'data-dir', value: 'DIR', description: 'default /var/lib/fairlead as root, else ~/.local/share/fairlead' },
  { name: 'api-listen', value: 'ADDR', description: 'HTTPS address of the API (default 127.0.0.1:6443)' },
  { name: 'kubeconfig', value: 'FILE', description: 'where the admin kubeconfig is written (default DIR/kubeconfig)' },
  ...datastoreSettings,
  { name: 'compact-every', value: 'DURATION', description: 'how long old versions are kept (default 5m)' },
  ...auditSettings,
];

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

/** @throws ConfigurationError with all problems together. */
export function validateApiServerOptions(values: SettingValues, machine: Machine): ApiServerRoleOptions {
  const reader = new SettingReader(values);
  const dataDir = resolve(reader.text('data-dir') ?? defaultDataDir(machine));
  const datastore = readDatastore(reader, dataDir);
  const advertiseAddress = readIp(reader, 'advertise-address');
  const audit = readAuditSettings(reader);
  const logTokenFile = reader.text('log-token-file');
  const options: ApiServerRoleOptions = {
    ...readClusterOptions(reader, machine.kernelModeObstacle === undefined ? 'kernel' : 'userspace'),
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
