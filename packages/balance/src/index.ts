import type { Balancer, BalancerOptions } from './balancer.ts';
import { LeastRequest } from './least-request.ts';
import { WeightedRandom } from './random.ts';
import { RoundRobin } from './round-robin.ts';

export type { Balancer, BalancerOptions, Random } from './balancer.ts';
export { LeastRequest } from './least-request.ts';
export { hashText, MAGLEV_TABLE_SIZE, Maglev } from './maglev.ts';
export { createOutlierMemory, mayEject, OutlierDetector, type OutlierOptions } from './outlier.ts';
export { WeightedRandom } from './random.ts';
export { RoundRobin } from './round-robin.ts';

/** Names of the algorithms, as route tables carry them. */
export type BalancerKind = 'round-robin' | 'least-request' | 'random';

/** Builds the balancer that a route table names. */
export function createBalancer(kind: BalancerKind, options: BalancerOptions): Balancer {
  switch (kind) {
    case 'round-robin':
      return new RoundRobin(options);
    case 'least-request':
      return new LeastRequest(options);
    case 'random':
      return new WeightedRandom(options);
  }
}
