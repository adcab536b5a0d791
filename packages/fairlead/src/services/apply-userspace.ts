import { networkInterfaces } from 'node:os';
import type { Clock } from '../sys/clock.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, errnoName } from '../sys/errno.ts';
import type { Log } from '../sys/role.ts';
import { FrontendClaims, type FrontendKey } from './frontend-claims.ts';
import { anyHostAddress } from './host-ports.ts';
import { nodePortFrontendKey, vipFrontendKey } from './nft-elements.ts';
import type { ProgramChanges } from './nft-planner.ts';
import type { ServicePortProgram, ServiceProgram } from './program.ts';
import { openFrontendSocket } from './userspace/listening-socket.ts';
import type { FrontendPlace } from './userspace/messages.ts';
import { possibleEndpoints } from './userspace/port-runtime.ts';
import { UserspaceProxy, type UserspaceProxyStats } from './userspace/proxy.ts';

/** A frontend that is not served as the Service asks. */
export interface UserspaceNotice {
  /** `namespace/name`. */
  readonly service: string;
  readonly frontend: FrontendKey;
  readonly reason: 'PortFallback' | 'AddressNotAvailable' | 'PortInUse' | 'ProtocolNotSupported' | 'ListenFailed';
  /** For an event on the Service. */
  readonly message: string;
}

/** What the applier needs from outside. */
export interface UserspaceApplierOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Addresses node ports listen on; empty: node ports are not served. */
  readonly nodePortAddresses: readonly string[];
  /**
   * Addresses that a host port of a Pod listens on when it names none; each by itself, as the Pod may have the same port
   * on an address of its own. Default: those of the machine's links.
   */
  readonly hostAddresses?: () => readonly string[];
  readonly onNotice?: (notice: UserspaceNotice) => void;
}

/** Added to a port that must not be bound without privileges. */
const portFallbackOffset = 8000;

/** Programs served by listeners of this process. One call at a time. */
export interface UserspaceApplier {
  apply(changes: ProgramChanges): Promise<void>;
  /** Closes listeners and ends connections. */
  remove(): Promise<void>;
  stats(): UserspaceProxyStats;
}

interface WantedFrontend {
  readonly key: FrontendKey;
  readonly place: FrontendPlace;
  readonly listenPort: number;
  readonly port: ServicePortProgram;
}

interface ActiveFrontend {
  /** The proxy's number of it. */
  readonly id: number;
  readonly portKey: string;
}

/** Link-local ones are left out: they mean nothing without a link. */
function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address)
    .filter((address) => !address.startsWith('fe80:'));
}

function wantedFrontends(
  program: ServiceProgram,
  { nodePortAddresses, hostAddresses = machineAddresses }: UserspaceApplierOptions,
): WantedFrontend[] {
  const wanted: WantedFrontend[] = [];
  for (const port of program.ports) {
    for (const { kind, ip } of port.vips) {
      const everywhere = kind === 'hostPort' && ip === anyHostAddress[port.family];
      const own = everywhere ? hostAddresses().filter((at) => at.includes(':') === (port.family === 'IPv6')) : [ip];
      for (const address of own) {
        const key = vipFrontendKey(port, { kind, ip: address });
        wanted.push({ key, place: { kind, address }, listenPort: port.port, port });
      }
    }
    if (port.nodePort === undefined) continue;
    for (const address of nodePortAddresses) {
      if (address.includes(':') !== (port.family === 'IPv6')) continue;
      const key = `${nodePortFrontendKey(port, port.nodePort)}/${address}`;
      wanted.push({ key, place: { kind: 'nodePort', address }, listenPort: port.nodePort, port });
    }
  }
  // No endpoints, no listener: the kernel then refuses connections, as it should.
  return wanted.filter(({ port, place }) => possibleEndpoints(port, place).length > 0);
}

function listenNotice(
  service: string,
  { key, place, port }: WantedFrontend,
  at: number,
  errno: number,
): UserspaceNotice {
  const where = `${place.address} port ${at}/${port.protocol}`;
  const base = { service, frontend: key };
  if (errno === -EADDRNOTAVAIL) {
    return { ...base, reason: 'AddressNotAvailable', message: `${where}: not an address of this machine` };
  }
  if (errno === -EADDRINUSE) return { ...base, reason: 'PortInUse', message: `${where}: used by another program` };
  return { ...base, reason: 'ListenFailed', message: `${where}: ${errnoName(errno)}` };
}

/** Listeners of this process as the data plane, for machines without the right to program the kernel. */
export function createUserspaceApplier(options: UserspaceApplierOptions): UserspaceApplier {
  const programs = new Map<string, ServiceProgram>();
  const claims = new FrontendClaims();
  const proxy = new UserspaceProxy(options);
  const active = new Map<string, Map<FrontendKey, ActiveFrontend>>();
  const noticed = new Map<FrontendKey, string>();
  let last: Promise<unknown> = Promise.resolve();

  const notice = (found: UserspaceNotice): void => {
    if (noticed.get(found.frontend) === found.message) return;
    noticed.set(found.frontend, found.message);
    options.log('warn', found.message, { service: found.service });
    options.onNotice?.(found);
  };

  const open = (service: string, wanted: WantedFrontend): ActiveFrontend | undefined => {
    const { key, place, port, listenPort } = wanted;
    const { protocol } = port;
    if (protocol === 'SCTP') {
      const message = `port ${port.port}/SCTP: SCTP needs the kernel data plane`;
      notice({ service, frontend: key, reason: 'ProtocolNotSupported', message });
      return undefined;
    }
    let at = listenPort;
    let socket = openFrontendSocket(place.address, at, protocol);
    if (socket === -EACCES && listenPort < 1024) {
      at = listenPort + portFallbackOffset;
      socket = openFrontendSocket(place.address, at, protocol);
    }
    if (typeof socket === 'number') {
      notice(listenNotice(service, wanted, at, socket));
      return undefined;
    }
    if (at !== listenPort) {
      const message = `${place.address} port ${listenPort}/${protocol} is served on port ${at}: ports below 1024 need privileges`;
      notice({ service, frontend: key, reason: 'PortFallback', message });
    }
    return { id: proxy.open(port.key, place, socket), portKey: port.key };
  };

  /** Closes what the Service no longer wants; returns Services that may now have the frontend. */
  const shrink = async (service: string, wanted: ReadonlyMap<FrontendKey, string>): Promise<readonly string[]> => {
    const askAgain: string[] = [];
    const frontends = active.get(service);
    for (const [key, frontend] of frontends ?? []) {
      if (wanted.get(key) === frontend.portKey) continue;
      frontends?.delete(key);
      noticed.delete(key);
      await proxy.close(frontend.id, false);
      askAgain.push(...claims.release(key, service));
    }
    return askAgain;
  };

  const grow = (service: string, program: ServiceProgram): void => {
    const frontends = active.get(service) ?? new Map<FrontendKey, ActiveFrontend>();
    active.set(service, frontends);
    for (const wanted of wantedFrontends(program, options)) {
      if (frontends.has(wanted.key) || !claims.claim(wanted.key, service)) continue;
      const frontend = open(service, wanted);
      if (frontend !== undefined) frontends.set(wanted.key, frontend);
      // Others that want it would meet the same obstacle: they ask again when they change.
      else claims.release(wanted.key, service);
    }
  };

  /** Tells the proxy of ports that came, changed or went. Frontends of the latter are closed by then. */
  const setPorts = (before: ServiceProgram | undefined, after: ServiceProgram | undefined): void => {
    for (const port of after?.ports ?? []) proxy.setPort(port.key, port);
    for (const { key } of before?.ports ?? []) {
      if (after?.ports.some((port) => port.key === key) !== true) proxy.setPort(key, undefined);
    }
  };

  const applyAll = async (changes: ProgramChanges): Promise<void> => {
    const pending = new Set(changes.keys());
    for (const [service, program] of changes) {
      const before = programs.get(service);
      if (program === undefined) programs.delete(service);
      else programs.set(service, program);
      const wanted = program === undefined ? [] : wantedFrontends(program, options);
      const keys = new Map(wanted.map(({ key, port }) => [key, port.key]));
      for (const other of await shrink(service, keys)) pending.add(other);
      setPorts(before, program);
      if (program === undefined) active.delete(service);
    }
    for (const service of pending) {
      const program = programs.get(service);
      if (program !== undefined) grow(service, program);
    }
  };

  return {
    apply: (changes) => {
      const result = last.then(() => applyAll(changes));
      last = result.catch(() => undefined);
      return result;
    },
    stats: () => proxy.stats(),
    remove: async () => {
      await last;
      await proxy.stop();
      active.clear();
    },
  };
}
