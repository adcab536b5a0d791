import type { BackendMemory } from '@fairlead/balance';
import type { RouteTableDiff } from '../routing/route-table.ts';

/** What the gateway did and does for one Service port, over all workers. */
export interface BackendLoad {
  /** `namespace/service:port`: what its limits and counts belong to, however routes name the port. */
  readonly identity: string;
  /** Requests begun since the backend appeared. Two workers may count one in the same instant only once. */
  readonly requests: number;
  /** Requests under way. */
  readonly inFlight: number;
}

interface Counted {
  readonly slot: number;
  /** Keys of the route table that mean it. */
  readonly keys: Set<string>;
  /** The worker's count when it was read last: 32 bits that wrap around. */
  lastCount: number;
  requests: number;
}

/** Reads the counts that workers keep per backend. Holds their slots, so that counts live as long as the backend. */
export class BackendLoads {
  readonly #memory: BackendMemory;
  readonly #counted = new Map<string, Counted>();
  readonly #identityOf = new Map<string, string>();

  constructor(memory: BackendMemory) {
    this.#memory = memory;
  }

  /** Takes over new definitions. */
  update(backends: RouteTableDiff['backends']): void {
    for (const [key, backend] of backends) {
      const before = this.#identityOf.get(key);
      const after = backend === undefined ? undefined : (backend.identity ?? key);
      if (before === after) continue;
      if (after !== undefined) {
        this.#identityOf.set(key, after);
        this.#hold(after).keys.add(key);
      } else this.#identityOf.delete(key);
      if (before !== undefined) this.#release(before, key);
    }
  }

  #hold(identity: string): Counted {
    let counted = this.#counted.get(identity);
    if (counted === undefined) {
      counted = { slot: this.#memory.acquire(identity), keys: new Set(), lastCount: 0, requests: 0 };
      this.#counted.set(identity, counted);
    }
    return counted;
  }

  #release(identity: string, key: string): void {
    const counted = this.#counted.get(identity);
    if (counted === undefined || !counted.keys.delete(key) || counted.keys.size > 0) return;
    this.#counted.delete(identity);
    this.#memory.release(counted.slot);
  }

  /** All backends that have counts of their own; those beyond the room of the shared memory have none. */
  read(): BackendLoad[] {
    const memory = this.#memory;
    const loads: BackendLoad[] = [];
    for (const [identity, counted] of this.#counted) {
      if (counted.slot === memory.spare) continue;
      const count = memory.traffic(counted.slot);
      counted.requests += (count - counted.lastCount) >>> 0;
      counted.lastCount = count;
      const inFlight = memory.count(counted.slot, 'requests') + memory.count(counted.slot, 'requests', 'high');
      loads.push({ identity, requests: counted.requests, inFlight });
    }
    return loads;
  }
}
