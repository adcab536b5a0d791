import { totalmem } from 'node:os';
import type { ConnectionLimits } from '../gateway/connection-gate.ts';
import type { ProxyTimes } from '../gateway/proxy-core.ts';
import type { UnderscoreRule } from '../gateway/underscore-fields.ts';
import type { Setting, SettingReader } from './settings.ts';

/** Part of what its container may use that a gateway takes before it sheds load. */
const MEMORY_SHARE = 0.95;

/** What the gateway takes of clients, and how long it waits for them. */
export interface GatewayClientOptions {
  readonly limits: Partial<ConnectionLimits>;
  readonly times: Partial<ProxyTimes>;
  readonly underscoreFields: UnderscoreRule;
}

/** Settings of limits and times of clients. */
export const gatewayClientSettings: readonly Setting[] = [
  { name: 'gateway-max-connections', value: 'N', description: 'client connections at a time (default 50000)' },
  {
    name: 'gateway-max-connections-per-client',
    value: 'N',
    description: 'of one client address, in each worker (default 10000)',
  },
  {
    name: 'gateway-max-memory',
    value: 'MIB',
    description:
      "resident memory from which new connections are refused and idle ones closed (default: 95 % of the container's limit, if it has one)",
  },
  {
    name: 'gateway-header-timeout',
    value: 'TIME',
    description: "from the first byte of a request to the end of its head; 408 beyond (default '60s')",
  },
  {
    name: 'gateway-client-idle-timeout',
    value: 'TIME',
    description: "between two requests on a client's connection (default '75s')",
  },
  {
    name: 'gateway-upstream-idle-timeout',
    value: 'TIME',
    description: "between two requests on a pooled connection to an endpoint (default '60s')",
  },
  {
    name: 'gateway-underscore-headers',
    value: 'RULE',
    description: 'of requests: pass (default), drop, or refuse (400)',
  },
];

/** Reads {@link gatewayClientSettings}; problems go to the reader. */
export function readGatewayClients(reader: SettingReader): GatewayClientOptions {
  const time = (name: string): number | undefined => {
    if (reader.text(name) === undefined) return undefined;
    const ms = reader.duration(name, 1);
    if (ms <= 0) reader.problems.push(`--${name} ${reader.text(name)}: must be above 0`);
    return ms;
  };
  const headMs = time('gateway-header-timeout');
  const clientIdleMs = time('gateway-client-idle-timeout');
  const upstreamIdleMs = time('gateway-upstream-idle-timeout');
  return {
    limits: readLimits(reader),
    times: {
      ...(headMs === undefined ? {} : { headMs }),
      ...(clientIdleMs === undefined ? {} : { clientIdleMs }),
      ...(upstreamIdleMs === undefined ? {} : { upstreamIdleMs }),
    },
    underscoreFields: reader.oneOf('gateway-underscore-headers', ['pass', 'drop', 'refuse'], 'pass'),
  };
}

function readLimits(reader: SettingReader): Partial<ConnectionLimits> {
  const given = (name: string, least: number, most: number): number | undefined =>
    reader.text(name) === undefined ? undefined : reader.integer(name, least, least, most);
  const connectionsMax = given('gateway-max-connections', 1, 1_000_000);
  const perClientMax = given('gateway-max-connections-per-client', 1, 1_000_000);
  const memoryMiB = given('gateway-max-memory', 100, 1_048_576);
  return {
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(perClientMax === undefined ? {} : { perClientMax }),
    ...(memoryMiB === undefined ? {} : { memoryMaxBytes: memoryMiB * 1024 * 1024 }),
  };
}

/**
 * From how much memory a gateway sheds load unless told: 95 % of what its container (cgroup) may use, so that it refuses
 * clients before the kernel ends it; on a machine without such a limit, `Infinity`.
 */
export function containerMemoryBound(
  constrained: number = process.constrainedMemory(),
  machine: number = totalmem(),
): number {
  return constrained > 0 && constrained < machine ? Math.floor(constrained * MEMORY_SHARE) : Infinity;
}
