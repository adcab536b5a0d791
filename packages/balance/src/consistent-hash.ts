// Hot path: one lookup per pick, a short walk when an endpoint is full.
import { type BalancerOptions, CountingBalancer, nextUsable, type Random } from './balancer.ts';
import { Maglev } from './maglev.ts';
import { HashRing } from './ring-hash.ts';

/** A circle of entries, each owned by an endpoint; where a hash falls, its search begins. */
export interface ConsistentTable {
  /** Entries; 0 when there is no endpoint. */
  readonly length: number;
  locate(hash: number): number;
  /** Index of the endpoint that owns an entry. */
  ownerAt(position: number): number;
}

/**
 * The endpoint that owns a request's hash; without a hash a random one. With a bound c no endpoint
 * takes more than ceil(c * (requests in flight + 1) * its share): who is full passes the request on
 * to the owner of the next entry (Mirrokni, Thorup, Zadimoghaddam 2018). The order in which
 * endpoints are asked depends on the hash alone, so spilled keys stay together too.
 */
export class ConsistentHash extends CountingBalancer {
  readonly #table: ConsistentTable;
  readonly #random: Random;
  readonly #bound: number;
  readonly #shares: Float64Array;

  constructor(kind: 'ring-hash' | 'maglev', options: BalancerOptions) {
    super(options);
    const { names, boundedLoad = Infinity } = options;
    if (names === undefined || names.length < this.size) throw new RangeError(`names: ${kind} needs one per endpoint`);
    if (!(boundedLoad > 1)) throw new RangeError(`boundedLoad: ${boundedLoad} is not above 1`);
    this.#table = kind === 'ring-hash' ? new HashRing(names, this.weights) : new Maglev(names, this.weights);
    this.#random = options.random;
    this.#bound = boundedLoad;
    const sum = this.weights.reduce((total, weight) => total + weight, 0);
    this.#shares = this.weights.map((weight) => (sum === 0 ? 0 : weight / sum));
  }

  pick(avoid = -1, hash: number = Math.floor(this.#random() * 2 ** 32)): number {
    const table = this.#table;
    if (table.length === 0) return -1;
    let position = table.locate(hash);
    let owner = table.ownerAt(position);
    if (owner !== avoid && this.#bound === Infinity) return owner;
    const limit = this.#bound === Infinity ? Infinity : this.#bound * (this.#total() + 1);
    for (let step = 0; step < table.length; step++) {
      if (owner !== avoid && this.inFlight(owner) < Math.ceil(limit * this.#shares[owner]!)) return owner;
      position = position + 1 === table.length ? 0 : position + 1;
      owner = table.ownerAt(position);
    }
    return avoid >= 0 ? nextUsable(this.weights, avoid) : owner;
  }

  #total(): number {
    let total = 0;
    for (let index = 0; index < this.size; index++) total += Math.max(0, this.inFlight(index));
    return total;
  }
}

/** An unsigned 32-bit hash of bytes (FNV-1a, finished as MurmurHash3), for keys of requests. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
