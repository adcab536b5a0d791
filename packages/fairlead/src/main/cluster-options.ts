import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { type AddressRanges, type PodsOn, rangeSettings, readRanges } from './address-ranges.ts';
import type { Setting, SettingReader } from './settings.ts';

/** How Pods, Services and DNS are realised on this machine. */
export type Mode = 'kernel' | 'userspace';

/** Address ranges and names that all roles of one system share. */
export interface ClusterOptions extends AddressRanges {
  readonly nodePortRange: { readonly from: number; readonly to: number };
  readonly clusterDomain: string;
}

/** Settings of the address ranges, for every role that needs them. */
export const clusterSettings: readonly Setting[] = [
  ...rangeSettings,
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
  /** Why IPv6 is not possible here; absent when it is. */
  readonly ipv6Obstacle?: string;
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
 * Reads what all roles of one system share; reports problems to the reader.
 * @param pods the machine that Pods of these ranges shall run on; absent: the role makes none
 */
export function readClusterOptions(reader: SettingReader, mode: Mode, pods?: PodsOn): ClusterOptions {
  return {
    ...readRanges(reader, mode, pods),
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

/** The host of a gateway that listens on every address: of both families where the machine has both. */
export function everyHost({ ipv6Obstacle }: Machine): '0.0.0.0' | '::' {
  return ipv6Obstacle === undefined ? '::' : '0.0.0.0';
}

/** One IP literal, or one of each family joined by a comma, or a problem. */
export function readIps(reader: SettingReader, name: string): readonly string[] | undefined {
  const value = reader.text(name);
  if (value === undefined) return undefined;
  const ips = value.split(',').map((part) => part.trim());
  const families = ips.map((ip) => isIP(ip));
  if (families.includes(0) || new Set(families).size !== families.length) {
    reader.problems.push(`--${name} ${value}: must be an IP address, or one of each family joined by a comma`);
  }
  return ips;
}

/** An IP literal, or a problem. */
export function readIp(reader: SettingReader, name: string): string | undefined {
  const value = reader.text(name);
  if (value !== undefined && isIP(value) === 0) reader.problems.push(`--${name} ${value}: must be an IP address`);
  return value;
}
