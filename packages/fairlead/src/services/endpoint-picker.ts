import type { Clock, Random } from '../sys/clock.ts';
import type { EndpointTarget } from './program.ts';

/** How many client addresses one Service port remembers; the oldest go first. */
const mostClients = 65536;

interface Remembered {
  readonly target: EndpointTarget;
  readonly expiresAtMs: number;
}

function sameTarget(a: EndpointTarget, b: EndpointTarget): boolean {
  return a.ip === b.ip && a.port === b.port;
}

/**
 * Chooses endpoints for the connections of one Service port: in turn from a
 * random start, or the client's own with session affinity.
 */
export class EndpointPicker {
  readonly #clock: Clock;
  readonly #clients = new Map<string, Remembered>();
  #next: number;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#next = Math.floor(random() * 65536);
  }

  /**
   * Endpoints in the order to be tried. The first is renewed as the client's own;
   * report another that worked with {@link remember}.
   */
  order(
    endpoints: readonly EndpointTarget[],
    client: string,
    affinityTimeoutSeconds: number | undefined,
  ): readonly EndpointTarget[] {
    const count = endpoints.length;
    if (count === 0) return [];
    const start = this.#next++ % count;
    const turn = count === 1 ? endpoints : [...endpoints.slice(start), ...endpoints.slice(0, start)];
    if (affinityTimeoutSeconds === undefined) return turn;
    const known = this.#clients.get(client);
    const own =
      known !== undefined && known.expiresAtMs > this.#clock.monotonicMs()
        ? turn.find((target) => sameTarget(target, known.target))
        : undefined;
    const order = own === undefined ? turn : [own, ...turn.filter((target) => target !== own)];
    this.remember(client, order[0] as EndpointTarget, affinityTimeoutSeconds);
    return order;
  }

  /** Makes `target` the client's own for the affinity timeout. */
  remember(client: string, target: EndpointTarget, affinityTimeoutSeconds: number): void {
    // Re-insertion keeps the map in order of use.
    this.#clients.delete(client);
    this.#clients.set(client, { target, expiresAtMs: this.#clock.monotonicMs() + affinityTimeoutSeconds * 1000 });
    if (this.#clients.size <= mostClients) return;
    const oldest = this.#clients.keys().next().value;
    if (oldest !== undefined) this.#clients.delete(oldest);
  }
}
