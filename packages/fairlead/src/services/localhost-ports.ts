import type { Clock } from '../sys/clock.ts';
import { createUserspaceApplier } from './apply-userspace.ts';
import { inAnyCidr } from './cidr.ts';
import { anyHostAddress } from './host-ports.ts';
import type { ProgramChanges } from './nft-planner.ts';
import type { ServicePortProgram, ServiceProgram, VipFrontend } from './program.ts';

/** Node ports and host ports on the loopback addresses, beside the kernel's. */
export interface LocalhostPorts {
  apply(changes: ProgramChanges): Promise<void>;
  stop(): Promise<void>;
}

const loopbackAddresses = ['127.0.0.1', '::1'];
const loopbackRanges = ['127.0.0.0/8', '::1/128'];

function isOnLoopback({ kind, ip }: VipFrontend): boolean {
  return kind === 'hostPort' && (Object.values(anyHostAddress).includes(ip) || inAnyCidr(ip, loopbackRanges));
}

function onLoopback(port: ServicePortProgram): ServicePortProgram | undefined {
  const vips = port.protocol === 'SCTP' ? [] : port.vips.filter(isOnLoopback);
  const { nodePort, ...others } = port;
  const servesNodePort = nodePort !== undefined && port.protocol === 'TCP';
  if (!servesNodePort && vips.length === 0) return undefined;
  return { ...others, vips, ...(servesNodePort ? { nodePort } : {}) };
}

/**
 * Serves TCP node ports (KEP-6032) and host ports of Pods on 127.0.0.1 and ::1, or on the loopback address that a host
 * port names, by listeners of this process: the kernel cannot translate loopback destinations without opening loopback
 * to the network (route_localnet). An address and port that another program holds is left to it.
 */
export function createLocalhostPorts(options: { readonly clock: Clock }): LocalhostPorts {
  const listeners = createUserspaceApplier({
    ...options,
    log: () => undefined,
    nodePortAddresses: loopbackAddresses,
    hostAddresses: () => loopbackAddresses,
  });
  const served = new Set<string>();
  return {
    apply: async (changes) => {
      const own = new Map<string, ServiceProgram | undefined>();
      for (const [key, program] of changes) {
        const ports = program?.ports.flatMap((port) => onLoopback(port) ?? []) ?? [];
        const wanted = program !== undefined && ports.length > 0;
        if (!wanted && !served.has(key)) continue;
        own.set(key, wanted ? { ...program, ports } : undefined);
        if (wanted) served.add(key);
        else served.delete(key);
      }
      if (own.size > 0) await listeners.apply(own);
    },
    stop: () => listeners.remove(),
  };
}
