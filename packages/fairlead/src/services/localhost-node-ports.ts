import type { Clock } from '../sys/clock.ts';
import { createUserspaceApplier } from './apply-userspace.ts';
import type { ProgramChanges } from './nft-planner.ts';
import type { ServiceProgram } from './program.ts';

/** Node ports on the loopback addresses, beside the kernel's. */
export interface LocalhostNodePorts {
  apply(changes: ProgramChanges): Promise<void>;
  stop(): Promise<void>;
}

function onlyNodePorts(program: ServiceProgram): ServiceProgram {
  const ports = program.ports
    .filter((port) => port.nodePort !== undefined && port.protocol === 'TCP')
    .map((port) => ({ ...port, vips: [] }));
  return { ...program, ports };
}

/**
 * Serves TCP node ports on 127.0.0.1 and ::1 by listeners of this process (KEP-6032): the kernel
 * cannot translate loopback destinations without opening loopback to the network (route_localnet).
 * An address and port that another program holds is left to it.
 */
export function createLocalhostNodePorts(options: { readonly clock: Clock }): LocalhostNodePorts {
  const listeners = createUserspaceApplier({
    ...options,
    log: () => undefined,
    nodePortAddresses: ['127.0.0.1', '::1'],
  });
  const served = new Set<string>();
  return {
    apply: async (changes) => {
      const own = new Map<string, ServiceProgram | undefined>();
      for (const [key, program] of changes) {
        const reduced = program === undefined ? undefined : onlyNodePorts(program);
        const wanted = reduced !== undefined && reduced.ports.length > 0;
        if (!wanted && !served.has(key)) continue;
        own.set(key, wanted ? reduced : undefined);
        if (wanted) served.add(key);
        else served.delete(key);
      }
      if (own.size > 0) await listeners.apply(own);
    },
    stop: () => listeners.remove(),
  };
}
