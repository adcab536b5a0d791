import { anyHostAddress } from './host-ports.ts';
import {
  allPorts,
  externalVerdict,
  internalVerdict,
  lastPortOf,
  type PortRangeProgram,
  type Protocol,
  type ServicePortProgram,
  type ServiceProgram,
  shortCircuitVerdict,
  type Verdict,
} from './program.ts';

/** A tracked connection as far as Services matter to it. */
export interface ServiceFlow {
  readonly protocol: Protocol;
  /** Where the client sends to. */
  readonly destination: { readonly ip: string; readonly port: number };
  /** Where answers come from: the endpoint it was translated to, or the destination itself. */
  readonly replySource: { readonly ip: string; readonly port: number };
}

interface RangeFrontend {
  readonly from: number;
  readonly to: number;
  readonly endpoints: ReadonlySet<string>;
}

/** An address and port as one key. */
export function placeKey(place: { readonly ip: string; readonly port: number }): string {
  return `${place.ip} ${place.port}`;
}

function endpointsOf(verdicts: readonly Verdict[]): Set<string> {
  const places = new Set<string>();
  for (const verdict of verdicts) {
    if (verdict.kind === 'balance') for (const target of verdict.endpoints) places.add(placeKey(target));
  }
  return places;
}

/** Everything that may get connections to a port. */
export function verdictsOf(port: ServicePortProgram): readonly Verdict[] {
  return [internalVerdict(port), externalVerdict(port), shortCircuitVerdict(port)];
}

/** Frontends of some Services, and which endpoints may serve each of them. */
export class ServiceFrontends {
  readonly #protocols: readonly Protocol[];
  readonly #nodeIps: readonly string[];
  readonly #exact = new Map<string, ReadonlySet<string>>();
  readonly #ranges = new Map<string, RangeFrontend[]>();

  /** Of these protocols only; node ports are at these addresses. */
  constructor(protocols: readonly Protocol[], nodeIps: readonly string[]) {
    this.#protocols = protocols;
    this.#nodeIps = nodeIps;
  }

  get isEmpty(): boolean {
    return this.#exact.size === 0 && this.#ranges.size === 0;
  }

  /** Adds a Service's frontends, replacing those that are known. `gone`: nothing serves them any more. */
  add(program: ServiceProgram, gone: boolean): void {
    for (const port of allPorts(program)) if (this.#protocols.includes(port.protocol)) this.#addPort(port, gone);
  }

  #addPort(port: ServicePortProgram | PortRangeProgram, gone: boolean): void {
    const external = [externalVerdict(port), shortCircuitVerdict(port)];
    const serving = (verdicts: readonly Verdict[]): Set<string> => (gone ? new Set() : endpointsOf(verdicts));
    for (const { ip, kind } of port.vips) {
      const endpoints = serving(kind === 'clusterIP' ? [internalVerdict(port)] : external);
      if (kind === 'hostPort' && ip === anyHostAddress[port.family]) {
        this.#addAtNode(port, port.port, endpoints);
        continue;
      }
      if ('lastPort' in port) this.#addRange(ip, port, endpoints);
      else this.#exact.set(`${port.protocol} ${ip} ${port.port}`, endpoints);
    }
    if (port.nodePort === undefined) return;
    this.#addAtNode(port, port.nodePort, serving(external));
  }

  #addAtNode({ family, protocol }: ServicePortProgram, number: number, endpoints: ReadonlySet<string>): void {
    for (const ip of this.#nodeIps) {
      if (ip.includes(':') === (family === 'IPv6')) this.#exact.set(`${protocol} ${ip} ${number}`, endpoints);
    }
  }

  #addRange(ip: string, port: PortRangeProgram, endpoints: ReadonlySet<string>): void {
    const key = `${port.protocol} ${ip}`;
    const range = { from: port.port, to: lastPortOf(port), endpoints };
    const others = (this.#ranges.get(key) ?? []).filter(({ from, to }) => from !== range.from || to !== range.to);
    // The newest first: it is what counts where an old range of the same Service was cut differently.
    this.#ranges.set(key, [range, ...others]);
  }

  /** Whether the flow's endpoint may serve its frontend; `undefined`: it goes to none of these frontends. */
  isServed(flow: ServiceFlow): boolean | undefined {
    const { protocol, destination, replySource } = flow;
    const exact = this.#exact.get(`${protocol} ${placeKey(destination)}`);
    if (exact !== undefined) return exact.has(placeKey(replySource));
    const range = this.#ranges
      .get(`${protocol} ${destination.ip}`)
      ?.find(({ from, to }) => destination.port >= from && destination.port <= to);
    if (range === undefined) return undefined;
    return replySource.port === destination.port && range.endpoints.has(placeKey({ ip: replySource.ip, port: 0 }));
  }
}
