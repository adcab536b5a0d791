import { networkInterfaces } from 'node:os';
import { errnoName } from '../sys/errno.ts';
import type { UserspaceNotice } from './apply-userspace.ts';
import type { IpFamily } from './cidr.ts';
import type { DataPlane } from './data-plane.ts';
import type { ProgramChanges } from './nft-planner.ts';
import type { EndpointTarget, ServicePortProgram, ServiceProgram } from './program.ts';
import { openFrontendSocket } from './userspace/listening-socket.ts';
import type { UserspaceProxy } from './userspace/proxy.ts';

/** One listening socket of the proxy to which the kernel leads. */
interface Redirect {
  readonly id: number;
  readonly target: EndpointTarget;
}

/** Options of {@link withUserspaceServices}. */
export interface UserspaceServicesOptions {
  readonly proxy: UserspaceProxy;
  /** Addresses of the node. */
  readonly nodeIps: () => readonly string[];
  readonly onNotice: (notice: UserspaceNotice) => void;
}

/** An address of this machine that Pods and others can be led to: the node's, else any but loopback. */
function ownAddress(family: IpFamily, nodeIps: readonly string[]): string | undefined {
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((each) => !each.internal && each.family === family && !each.address.startsWith('fe80:'))
    .map(({ address }) => address);
  return nodeIps.find((ip) => own.includes(ip)) ?? own[0];
}

/**
 * Services with `proxyMode: 'userspace'` in kernel mode: the kernel still knows their addresses, lists and
 * limits, but leads their connections to ports of this node, where the proxy's thread takes them on.
 */
export function withUserspaceServices(plane: DataPlane, options: UserspaceServicesOptions): DataPlane {
  const { proxy, onNotice } = options;
  /** By `port key/set`. */
  const redirects = new Map<string, Redirect>();
  /** Keys of redirects and ports by Service. */
  const used = new Map<string, { readonly redirects: ReadonlySet<string>; readonly ports: ReadonlySet<string> }>();

  const redirect = (service: string, port: ServicePortProgram, set: 'cluster' | 'local'): Redirect | undefined => {
    const key = `${port.key}/${set}`;
    const present = redirects.get(key);
    if (present !== undefined) return present;
    const base = { service, frontend: key };
    if (port.protocol === 'SCTP') {
      const message = `port ${port.port}/SCTP: the userspace proxy knows no SCTP; the kernel serves it`;
      onNotice({ ...base, reason: 'ProtocolNotSupported', message });
      return undefined;
    }
    const address = ownAddress(port.family, options.nodeIps());
    const socket = address === undefined ? undefined : openFrontendSocket(address, 0, port.protocol);
    if (address === undefined || socket === undefined || typeof socket === 'number') {
      const why = typeof socket === 'number' ? errnoName(socket) : `this node has no ${port.family} address`;
      onNotice({ ...base, reason: 'ListenFailed', message: `port ${port.port}: not served in userspace: ${why}` });
      return undefined;
    }
    const id = proxy.open(port.key, { kind: set, address, port: socket.port }, socket);
    const made = { id, target: { ip: address, port: socket.port, onThisNode: 'yes' as const } };
    redirects.set(key, made);
    return made;
  };

  /** The kernel's part of a port: everything but the choice of the endpoint. */
  const lead = (service: string, port: ServicePortProgram, keys: Set<string>): ServicePortProgram => {
    const { clusterSlots: _, localSlots: __, affinityTimeoutSeconds: ___, directReturn: ______, ...kept } = port;
    const { deniedSources: ____, limits: _____, ...relayed } = port;
    proxy.setPort(port.key, relayed);
    const led = (set: 'cluster' | 'local', endpoints: readonly EndpointTarget[]): readonly EndpointTarget[] => {
      if (endpoints.length === 0) return endpoints;
      const made = redirect(service, port, set);
      if (made === undefined) return endpoints;
      keys.add(`${port.key}/${set}`);
      return [made.target];
    };
    return {
      ...kept,
      clusterEndpoints: led('cluster', port.clusterEndpoints),
      localEndpoints: led('local', port.localEndpoints),
    };
  };

  return {
    async apply(changes: ProgramChanges) {
      const led = new Map<string, ServiceProgram | undefined>();
      const obsolete: string[] = [];
      const gone: string[] = [];
      for (const [service, program] of changes) {
        const keys = new Set<string>();
        const inUserspace = program?.proxyMode === 'userspace';
        led.set(
          service,
          program !== undefined && inUserspace
            ? { ...program, ports: program.ports.map((port) => lead(service, port, keys)) }
            : program,
        );
        const before = used.get(service);
        const ports = new Set(inUserspace ? program.ports.map(({ key }) => key) : []);
        obsolete.push(...[...(before?.redirects ?? [])].filter((key) => !keys.has(key)));
        gone.push(...[...(before?.ports ?? [])].filter((key) => !ports.has(key)));
        if (inUserspace) used.set(service, { redirects: keys, ports });
        else used.delete(service);
      }
      await plane.apply(led);
      // Only now does the kernel lead nobody there any more. Connections go on.
      for (const key of obsolete) {
        const { id } = redirects.get(key)!;
        redirects.delete(key);
        await proxy.close(id, false);
      }
      for (const key of gone) proxy.setPort(key, undefined);
    },
    forget: plane.forget,
    async remove() {
      await plane.remove();
      await proxy.stop();
    },
  };
}
