// Hot path: choose() runs once per connection.
import type { Clock, Random } from '../../sys/clock.ts';
import type { EncodedAddress } from '../../sys/socket-address.ts';
import { inAnyCidr } from '../cidr.ts';
import {
  type EndpointTarget,
  externalVerdict,
  internalVerdict,
  type ServicePortProgram,
  shortCircuitVerdict,
  type Verdict,
} from '../program.ts';
import { sourceRefusal } from '../source-lists.ts';
import { EndpointPicker, type EndpointSet, endpointSet } from './endpoint-picker.ts';
import type { FrontendPlace } from './messages.ts';
import { SourceLimiter } from './source-limiter.ts';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** What happens to connections of a client at a frontend. `client` absent: somebody whom no list refuses. */
function verdictFor(port: ServicePortProgram, place: FrontendPlace, client: string | undefined): Verdict {
  if (place.kind === 'cluster') return shortCircuitVerdict(port);
  if (place.kind === 'local') return { kind: 'balance', set: 'local', endpoints: port.localEndpoints };
  const vip = place.kind === 'nodePort' ? undefined : port.vips.find(({ ip }) => ip === place.address);
  if (client !== undefined && sourceRefusal(port, vip, client) !== undefined) return { kind: 'drop' };
  if (place.kind === 'clusterIP') return internalVerdict(port);
  return client === undefined || inAnyCidr(client, LOOPBACK) ? shortCircuitVerdict(port) : externalVerdict(port);
}

/** Endpoints that a frontend may use at all; empty: it need not listen. */
export function possibleEndpoints(port: ServicePortProgram, place: FrontendPlace): readonly EndpointTarget[] {
  const verdict = verdictFor(port, place, undefined);
  return verdict.kind === 'balance' ? verdict.endpoints : [];
}

/** One Service port in the proxy thread: its endpoints and what is remembered of its clients. */
export class PortRuntime {
  readonly picker: EndpointPicker;
  readonly limiter: SourceLimiter;
  program: ServicePortProgram;
  #cluster: EndpointSet;
  #local: EndpointSet;

  constructor(program: ServicePortProgram, clock: Clock, random: Random) {
    this.program = program;
    this.picker = new EndpointPicker(clock, random);
    this.limiter = new SourceLimiter(clock, program.limits);
    this.#cluster = endpointSet(program.clusterEndpoints, program.clusterSlots, undefined);
    this.#local = endpointSet(program.localEndpoints, program.localSlots, this.#cluster);
  }

  /** Installs a newer program. */
  update(program: ServicePortProgram): void {
    this.program = program;
    this.limiter.update(program.limits);
    this.#cluster = endpointSet(program.clusterEndpoints, program.clusterSlots, this.#cluster);
    this.#local = endpointSet(program.localEndpoints, program.localSlots, this.#local);
  }

  /** The set for a client at a frontend; undefined when it gets none. */
  choose(place: FrontendPlace, client: string): EndpointSet | undefined {
    const verdict = verdictFor(this.program, place, client);
    if (verdict.kind !== 'balance') return undefined;
    return verdict.set === 'local' ? this.#local : this.#cluster;
  }

  /** Whether an endpoint is still one of the port's. */
  uses(address: EncodedAddress): boolean {
    return [this.#cluster, this.#local].some(({ endpoints }) => endpoints.some((each) => each.address === address));
  }

  /** An endpoint refused: others are preferred for a while. */
  suspect(address: EncodedAddress): void {
    for (const { endpoints } of [this.#cluster, this.#local]) {
      for (const endpoint of endpoints) if (endpoint.address === address) this.picker.unreachable(endpoint);
    }
  }
}
