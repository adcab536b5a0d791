import { join, resolve } from 'node:path';
import { parseCidr } from '@fairlead/api';
import { apiAccessSettings, readApiAccess } from './api-access-settings.ts';
import {
  clusterSettings,
  defaultDataDir,
  hostNodeName,
  instanceOf,
  logTokenSetting,
  type Machine,
  readClusterOptions,
  readIps,
  readMode,
} from './cluster-options.ts';
import { type CorefileImporter, dnsSettings, readDnsSettings } from './dns-settings.ts';
import type { AgentRoleOptions } from './roles/agent.ts';
import { readServiceSettings, serviceSettings } from './service-settings.ts';
import { type ListenAddress, type Setting, SettingReader, type SettingValues } from './settings.ts';

/** Settings of `fairlead agent`. */
export const agentSettings: readonly Setting[] = [
  ...apiAccessSettings,
  { name: 'node-name', value: 'NAME', description: 'default: the host name' },
  { name: 'mode', value: 'MODE', description: 'kernel, userspace or auto (default): kernel as root on Linux' },
  { name: 'data-dir', value: 'DIR', description: 'state of the Pods of this node' },
  {
    name: 'node-ip',
    value: 'IP[,IP]',
    description: 'addresses of this node, one per family (default: the first ones of the machine)',
  },
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
  { name: 'tap-socket', value: 'FILE', description: 'where `fairlead tap --socket FILE` listens to what passes' },
  { name: 'edge', description: 'services, DNS and routes for a machine that is no node', internal: true },
  { name: 'instance', value: 'HEX', description: 'names namespaces and links', internal: true },
  logTokenSetting,
];

/** Which parts of the agent run. */
export interface AgentParts {
  readonly node: boolean;
  readonly services: boolean;
  readonly dns: boolean;
}

/**
 * @param importCorefile reads a Corefile; wanted only where one is given
 * @throws ConfigurationError with all problems together.
 */
export function validateAgentOptions(
  values: SettingValues,
  machine: Machine,
  importCorefile?: CorefileImporter,
): AgentRoleOptions {
  const reader = new SettingReader(values);
  const mode = readMode(reader, machine);
  const dataDir = resolve(reader.text('data-dir') ?? join(defaultDataDir(machine), 'agent'));
  const servicesOnly = reader.switched('services-only');
  const dnsOnly = reader.switched('dns-only');
  if (servicesOnly && dnsOnly) reader.problems.push('--services-only and --dns-only exclude each other');
  const edge = reader.switched('edge');
  const nodeIps = readIps(reader, 'node-ip');
  const parts: AgentParts = { node: !servicesOnly && !dnsOnly && !edge, services: !dnsOnly, dns: !servicesOnly };
  const logTokenFile = reader.text('log-token-file');
  const tapSocket = reader.text('tap-socket');
  const listenOrOff = (name: string, alone: string): ListenAddress | undefined => {
    const fallback = servicesOnly ? alone : 'off';
    return (reader.text(name) ?? fallback) === 'off' ? undefined : reader.address(name, fallback);
  };
  // As kube-proxy: load balancers and monitoring ask there.
  const healthzListen = listenOrOff('healthz-listen', ':10256');
  const metricsListen = listenOrOff('metrics-listen', '127.0.0.1:10249');
  const options: AgentRoleOptions = {
    ...readClusterOptions(reader, mode, parts.node ? machine : undefined),
    ...readApiAccess(reader),
    nodeName: reader.text('node-name') ?? hostNodeName(),
    mode,
    instance: reader.text('instance') ?? instanceOf(dataDir),
    dataDir,
    overlay: reader.switched('overlay'),
    edge,
    parts,
    dns: readDnsSettings(reader, importCorefile),
    images: reader.texts('image'),
    services: readServiceSettings(reader, (text) => parseCidr(text) !== undefined),
    ...(reader.text('dns-listen') === undefined ? {} : { dnsListen: reader.address('dns-listen', ':53') }),
    ...(healthzListen === undefined ? {} : { healthzListen }),
    ...(metricsListen === undefined ? {} : { metricsListen }),
    ...(nodeIps === undefined ? {} : { nodeIps }),
    ...(logTokenFile === undefined ? {} : { logTokenFile }),
    ...(tapSocket === undefined ? {} : { tapSocket }),
  };
  reader.finish();
  return options;
}
