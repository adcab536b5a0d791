import type { Clock, Random } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { inAnyCidr } from './cidr.ts';
import { EndpointPicker } from './endpoint-picker.ts';
import { FrontendClaims, type FrontendKey } from './frontend-claims.ts';
import { nodePortFrontendKey, vipFrontendKey } from './nft-elements.ts';
import type { ProgramChanges } from './nft-planner.ts';
import {
  type EndpointTarget,
  externalVerdict,
  internalVerdict,
  type ServicePortProgram,
  type ServiceProgram,
  shortCircuitVerdict,
  type VipFrontend,
} from './program.ts';
import { sourceRefusal } from './source-lists.ts';
import { type ConnectionRouter, type FrontendListener, listenTcp } from './userspace-tcp.ts';
import { listenUdp } from './userspace-udp.ts';

/** A frontend that is not served as the Service asks. */
export interface UserspaceNotice {
  /** `namespace/name`. */
  readonly service: string;
  readonly frontend: FrontendKey;
  readonly reason:
    | 'PortFallback'
    | 'AddressNotAvailable'
    | 'PortInUse'
    | 'ProtocolNotSupported'
    | 'ListenFailed'
    | 'KernelOnly';
  /** For an event on the Service. */
  readonly message: string;
}

/** What the applier needs from outside. */
export interface UserspaceApplierOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Addresses node ports listen on; empty: node ports are not served. */
  readonly nodePortAddresses: readonly string[];
  readonly onNotice?: (notice: UserspaceNotice) => void;
}

/** Added to a port that must not be bound without privileges. */
export const portFallbackOffset = 8000;

/** Programs served by listeners of this process. One call at a time. */
export interface UserspaceApplier {
  apply(changes: ProgramChanges): Promise<void>;
  /** Closes listeners and ends connections. */
  remove(): Promise<void>;
}

interface WantedFrontend {
  readonly key: FrontendKey;
  readonly address: string;
  readonly listenPort: number;
  readonly port: ServicePortProgram;
  readonly kind: VipFrontend['kind'] | 'nodePort';
}

interface ActiveFrontend {
  /** Replaced when the program changes; the router reads it for every connection. */
  wanted: WantedFrontend;
  readonly listener: FrontendListener;
}

function endpointsFor(wanted: WantedFrontend, client: string | undefined): readonly EndpointTarget[] {
  const vip = wanted.kind === 'nodePort' ? undefined : wanted.port.vips.find(({ ip }) => ip === wanted.address);
  if (client !== undefined && sourceRefusal(wanted.port, vip, client) !== undefined) return [];
  const verdict =
    wanted.kind === 'clusterIP'
      ? internalVerdict(wanted.port)
      : client === undefined || inAnyCidr(client, ['127.0.0.0/8', '::1/128'])
        ? shortCircuitVerdict(wanted.port)
        : externalVerdict(wanted.port);
  return verdict.kind === 'balance' ? verdict.endpoints : [];
}

function wantedFrontends(program: ServiceProgram, nodePortAddresses: readonly string[]): WantedFrontend[] {
  const wanted: WantedFrontend[] = [];
  for (const port of program.ports) {
    for (const vip of port.vips) {
      const key = vipFrontendKey(port, vip.ip);
      wanted.push({ key, address: vip.ip, listenPort: port.port, port, kind: vip.kind });
    }
    if (port.nodePort === undefined) continue;
    for (const address of nodePortAddresses) {
      if (address.includes(':') !== (port.family === 'IPv6')) continue;
      const key = `${nodePortFrontendKey(port, port.nodePort)}/${address}`;
      wanted.push({ key, address, listenPort: port.nodePort, port, kind: 'nodePort' });
    }
  }
  // No endpoints, no listener: the kernel then refuses connections, as it should.
  return wanted.filter((frontend) => endpointsFor(frontend, undefined).length > 0);
}

function listenNotice(service: string, wanted: WantedFrontend, error: unknown): UserspaceNotice {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const place = `${wanted.address} port ${wanted.listenPort}/${wanted.port.protocol}`;
  const base = { service, frontend: wanted.key };
  if (code === 'EADDRNOTAVAIL') {
    return { ...base, reason: 'AddressNotAvailable', message: `${place}: not an address of this machine` };
  }
  if (code === 'EADDRINUSE') return { ...base, reason: 'PortInUse', message: `${place}: used by another program` };
  return { ...base, reason: 'ListenFailed', message: `${place}: ${String(error)}` };
}

/** Listeners of this process as the data plane, for machines without the right to program the kernel. */
export function createUserspaceApplier(options: UserspaceApplierOptions): UserspaceApplier {
  const programs = new Map<string, ServiceProgram>();
  const claims = new FrontendClaims();
  const active = new Map<string, Map<FrontendKey, ActiveFrontend>>();
  const pickers = new Map<string, EndpointPicker>();
  /** Listeners closed while connections went on; kept for `remove`. */
  const draining = new Set<FrontendListener>();
  const noticed = new Map<FrontendKey, string>();
  let last: Promise<unknown> = Promise.resolve();

  const notice = (found: UserspaceNotice): void => {
    if (noticed.get(found.frontend) === found.message) return;
    noticed.set(found.frontend, found.message);
    options.log('warn', found.message, { service: found.service });
    options.onNotice?.(found);
  };

  const routerOf = (state: { wanted: WantedFrontend }, picker: EndpointPicker): ConnectionRouter => ({
    route: (client) => {
      const { wanted } = state;
      return picker.order(endpointsFor(wanted, client), client, wanted.port.affinityTimeoutSeconds);
    },
    connected: (client, target) => {
      const timeoutSeconds = state.wanted.port.affinityTimeoutSeconds;
      if (timeoutSeconds !== undefined) picker.remember(client, target, timeoutSeconds);
    },
  });

  const pickerOf = (key: string): EndpointPicker => {
    const known = pickers.get(key);
    if (known !== undefined) return known;
    const picker = new EndpointPicker(options.clock, options.random);
    pickers.set(key, picker);
    return picker;
  };

  const open = async (service: string, wanted: WantedFrontend): Promise<ActiveFrontend | undefined> => {
    if (wanted.port.protocol === 'SCTP') {
      const message = `port ${wanted.port.port}/SCTP: SCTP needs the kernel data plane`;
      notice({ service, frontend: wanted.key, reason: 'ProtocolNotSupported', message });
      return undefined;
    }
    const listen = wanted.port.protocol === 'TCP' ? listenTcp : listenUdp;
    const state: { wanted: WantedFrontend } = { wanted };
    const router = routerOf(state, pickerOf(wanted.port.key));
    const opened = async (port: number): Promise<ActiveFrontend> => {
      const listener = await listen(wanted.address, port, router, options.clock);
      return Object.assign(state, { listener });
    };
    try {
      return await opened(wanted.listenPort);
    } catch (error) {
      const denied = (error as NodeJS.ErrnoException).code === 'EACCES';
      if (!denied || wanted.listenPort >= 1024) {
        notice(listenNotice(service, wanted, error));
        return undefined;
      }
    }
    const fallback = wanted.listenPort + portFallbackOffset;
    try {
      const frontend = await opened(fallback);
      const message = `${wanted.address} port ${wanted.listenPort}/${wanted.port.protocol} is served on port ${fallback}: ports below 1024 need privileges`;
      notice({ service, frontend: wanted.key, reason: 'PortFallback', message });
      return frontend;
    } catch (error) {
      notice(listenNotice(service, { ...wanted, listenPort: fallback }, error));
      return undefined;
    }
  };

  const close = ({ listener }: ActiveFrontend): void => {
    draining.add(listener);
    listener.close(() => draining.delete(listener));
  };

  /** Closes what the Service no longer wants; returns Services that may now have the frontend. */
  const shrink = (service: string, wanted: ReadonlySet<FrontendKey>): readonly string[] => {
    const askAgain: string[] = [];
    const frontends = active.get(service);
    for (const [key, frontend] of frontends ?? []) {
      if (wanted.has(key)) continue;
      frontends?.delete(key);
      noticed.delete(key);
      close(frontend);
      askAgain.push(...claims.release(key, service));
    }
    return askAgain;
  };

  const grow = async (service: string, program: ServiceProgram): Promise<void> => {
    const frontends = active.get(service) ?? new Map<FrontendKey, ActiveFrontend>();
    active.set(service, frontends);
    for (const port of program.ports) {
      if (port.limits === undefined && port.clusterSlots === undefined && port.localSlots === undefined) continue;
      const message = 'fairlead.dev annotations for hashing, weights and limits need the kernel data plane';
      notice({ service, frontend: port.key, reason: 'KernelOnly', message });
    }
    for (const wanted of wantedFrontends(program, options.nodePortAddresses)) {
      const present = frontends.get(wanted.key);
      if (present !== undefined) {
        present.wanted = wanted;
        present.listener.endpointsChanged(endpointsFor(wanted, undefined));
        continue;
      }
      if (!claims.claim(wanted.key, service)) continue;
      const frontend = await open(service, wanted);
      if (frontend !== undefined) frontends.set(wanted.key, frontend);
      // Others that want it would meet the same obstacle: they ask again when they change.
      else claims.release(wanted.key, service);
    }
  };

  const applyAll = async (changes: ProgramChanges): Promise<void> => {
    const pending = new Set(changes.keys());
    for (const [service, program] of changes) {
      if (program === undefined) programs.delete(service);
      else programs.set(service, program);
      const wanted = program === undefined ? [] : wantedFrontends(program, options.nodePortAddresses);
      const keys = new Set(wanted.map((frontend) => frontend.key));
      for (const other of shrink(service, keys)) pending.add(other);
      if (program === undefined) {
        active.delete(service);
        // Pickers go with the Service; those of a removed port are few and go then too.
        for (const key of pickers.keys()) if (key.startsWith(`${service}:`)) pickers.delete(key);
      }
    }
    for (const service of pending) {
      const program = programs.get(service);
      if (program !== undefined) await grow(service, program);
    }
  };

  return {
    apply: (changes) => {
      const result = last.then(() => applyAll(changes));
      last = result.catch(() => undefined);
      return result;
    },
    remove: async () => {
      await last;
      const listeners = [...active.values()].flatMap((frontends) => [...frontends.values()].map((f) => f.listener));
      for (const listener of [...listeners, ...draining]) listener.destroy();
      active.clear();
    },
  };
}
