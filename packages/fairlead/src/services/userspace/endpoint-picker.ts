// Hot path: one pick per connection or datagram flow.
import { hashText } from '@fairlead/balance';
import type { Clock, Random } from '../../sys/clock.ts';
import { EncodedAddress, socketAddress } from '../../sys/socket-address.ts';
import { type EndpointTarget, formatTarget, type SlotTable } from '../program.ts';

/** How many client addresses one Service port remembers; the oldest go first. */
const CLIENTS_MAX = 65_536;
/** An endpoint that could not be reached gets no new connections for so long, while there are others. */
const SUSPECT_MS = 10_000;

/** An endpoint, ready to be connected to. */
export interface PickedEndpoint {
  /** `ip:port`; tells endpoints apart. */
  readonly label: string;
  readonly address: EncodedAddress;
  readonly ip: string;
  readonly port: number;
  /** Monotonic ms until which others are preferred. */
  suspectUntilMs: number;
}

/** The endpoints that one traffic class is balanced over. Replaced as a whole. */
export interface EndpointSet {
  readonly endpoints: readonly PickedEndpoint[];
  readonly slots: SlotTable | undefined;
}

interface Remembered {
  readonly label: string;
  readonly expiresAtMs: number;
}

/** Compiles targets; an endpoint that `before` had keeps its record, and with it what is known of its health. */
export function endpointSet(
  targets: readonly EndpointTarget[],
  slots: SlotTable | undefined,
  before: EndpointSet | undefined,
): EndpointSet {
  const known = new Map(before?.endpoints.map((endpoint) => [endpoint.label, endpoint]));
  const endpoints: PickedEndpoint[] = [];
  let usable = true;
  for (const target of targets) {
    const label = formatTarget(target);
    const address = socketAddress(target.ip, target.port);
    if (address === undefined) usable = false;
    else {
      endpoints.push(
        known.get(label) ?? {
          label,
          address: new EncodedAddress(address),
          ip: target.ip,
          port: target.port,
          suspectUntilMs: 0,
        },
      );
    }
  }
  // Slots name endpoints by index: they fit only if all could be used.
  return { endpoints, slots: usable ? slots : undefined };
}

/**
 * Chooses endpoints for the connections of one Service port: in turn from a random start, by slot,
 * or the client's own with session affinity. An endpoint that was not reached comes last for a while.
 */
export class EndpointPicker {
  readonly #clock: Clock;
  readonly #random: Random;
  /** In order of use. */
  readonly #clients = new Map<string, Remembered>();
  #next: number;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#next = Math.floor(random() * 65_536);
  }

  /**
   * Index of the endpoint to try first, -1 without any. Try the following ones, round the end, when it
   * is not reached, and report the one that was with {@link reached}.
   */
  first(set: EndpointSet, client: string, clientPort: number, affinitySeconds: number | undefined): number {
    const { endpoints, slots } = set;
    const count = endpoints.length;
    if (count === 0) return -1;
    if (affinitySeconds !== undefined) {
      const own = this.#own(endpoints, client);
      if (own >= 0) return own;
    }
    const start =
      slots === undefined
        ? this.#next++ % count
        : slots.places[this.#slot(slots, client, clientPort) % slots.places.length]!;
    // Round robin and chance pass a suspect over; a hash does too, as a Maglev table without it would.
    const now = this.#clock.monotonicMs();
    for (let step = 0; step < count; step++) {
      const index = (start + step) % count;
      if (endpoints[index]!.suspectUntilMs <= now) return index;
    }
    return start;
  }

  #slot(slots: SlotTable, client: string, clientPort: number): number {
    switch (slots.by) {
      case 'random':
        return Math.floor(this.#random() * slots.places.length);
      case 'source':
        return hashText(client, 0) >>> 0;
      case 'connection':
        return hashText(client, clientPort) >>> 0;
    }
  }

  #own(endpoints: readonly PickedEndpoint[], client: string): number {
    const known = this.#clients.get(client);
    if (known === undefined || known.expiresAtMs <= this.#clock.monotonicMs()) return -1;
    return endpoints.findIndex(({ label }) => label === known.label);
  }

  /** The endpoint took a connection of the client: with affinity it is the client's own from now on. */
  reached(endpoint: PickedEndpoint, client: string, affinitySeconds: number | undefined): void {
    endpoint.suspectUntilMs = 0;
    if (affinitySeconds === undefined) return;
    // Re-insertion keeps the map in order of use.
    this.#clients.delete(client);
    const expiresAtMs = this.#clock.monotonicMs() + affinitySeconds * 1000;
    this.#clients.set(client, { label: endpoint.label, expiresAtMs });
    if (this.#clients.size <= CLIENTS_MAX) return;
    const oldest = this.#clients.keys().next().value;
    if (oldest !== undefined) this.#clients.delete(oldest);
  }

  /** The endpoint could not be reached. */
  unreachable(endpoint: PickedEndpoint): void {
    endpoint.suspectUntilMs = this.#clock.monotonicMs() + SUSPECT_MS;
  }
}
