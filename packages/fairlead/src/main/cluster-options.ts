import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Setting, SettingReader } from './settings.ts';

/** How Pods, Services and DNS are realised on this machine. */
export type Mode = 'kernel' | 'userspace';

/** Address ranges and names that all roles of one system share. */
export interface ClusterOptions {
  readonly serviceCidr: string;
  readonly podCidr: string;
  readonly nodePortRange: { readonly from: number; readonly to: number };
  readonly clusterDomain: string;
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

/** Which file tells the API server how to ask nodes for logs. */
export const logTokenSetting: Setting = {
  name: 'log-token-file',
  value: 'FILE',
  description: 'token of the nodes’ log servers',
  internal: true,
};

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

/** A node's name: the host's, as a DNS label. */
export function hostNodeName(): string {
  const name = hostname().toLowerCase().split('.')[0] ?? '';
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) ? name : 'node';
}

/** An IP literal, or a problem. */
export function readIp(reader: SettingReader, name: string): string | undefined {
  const value = reader.text(name);
  if (value !== undefined && isIP(value) === 0) reader.problems.push(`--${name} ${value}: must be an IP address`);
  return value;
}
