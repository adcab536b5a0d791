import type { Balancer, BalancerOptions } from './balancer.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { LeastRequest } from './least-request.ts';
import { PeakEwma } from './peak-ewma.ts';
import { SharedPrequal } from './prequal.ts';
import { WeightedRandom } from './random.ts';
import { RoundRobin } from './round-robin.ts';

export { GradientLimit, type GradientOptions, type GradientState } from './adaptive-concurrency.ts';
export { AdmissionControl, type AdmissionOptions, type AdmissionState } from './admission-control.ts';
export {
  BACKEND_LAYOUT,
  BackendMemory,
  type BreakerCount,
  createBackendMemory,
  type TrafficPriority,
} from './backend-memory.ts';
export type { Balancer, BalancerOptions, Random } from './balancer.ts';
export { ConsistentHash, type ConsistentTable, hashBytes } from './consistent-hash.ts';
export { type ActiveHealth, createEndpointMemory, ENDPOINT_LAYOUT, EndpointMemory } from './endpoint-memory.ts';
export {
  afterCheck,
  type CheckedHealth,
  type CheckResult,
  type HealthSchedule,
  nextCheckMs,
  UNCHECKED,
} from './health-check.ts';
export { LEAST_REQUEST_DEFAULTS, LeastRequest, type LeastRequestOptions } from './least-request.ts';
export { createLimitMemory, LIMIT_LAYOUT, LimitMemory } from './limit-memory.ts';
export { hashText, MAGLEV_TABLE_SIZE, Maglev } from './maglev.ts';
export {
  type EjectionCounts,
  OUTLIER_DEFAULTS,
  type Outcome,
  OutlierDetector,
  type OutlierOptions,
} from './outlier.ts';
export { PEAK_EWMA_DECAY_MS, PeakEwma, type PeakEwmaOptions } from './peak-ewma.ts';
export { Prequal, type PrequalOptions, SharedPrequal } from './prequal.ts';
export { type LevelHealth, type LevelLoad, OVER_PROVISIONING, spreadOverLevels, zoneShares } from './priorities.ts';
export { WeightedRandom } from './random.ts';
export { backoffMs, type RetryBudgetOptions, retryBudget } from './retry-budget.ts';
export { HashRing, RING_DEFAULTS, type RingOptions } from './ring-hash.ts';
export { RoundRobin } from './round-robin.ts';
export { type SlotLayout, SlotTable, settleLedger } from './slot-table.ts';
export { type SlowStartOptions, slowStartShare } from './slow-start.ts';
export { rendezvousSubset, roundSubset } from './subsetting.ts';
export { TokenBucket, type TokenBucketOptions } from './token-bucket.ts';

/** Names of the algorithms, as route tables carry them. */
export type BalancerKind =
  | 'round-robin'
  | 'least-request'
  | 'random'
  | 'peak-ewma'
  | 'prequal'
  | 'ring-hash'
  | 'maglev';

/** Builds the balancer that a route table names. */
export function createBalancer(kind: BalancerKind, options: BalancerOptions): Balancer {
  switch (kind) {
    case 'round-robin':
      return new RoundRobin(options);
    case 'least-request':
      return new LeastRequest(options);
    case 'random':
      return new WeightedRandom(options);
    case 'peak-ewma':
      return new PeakEwma(options);
    case 'prequal':
      return new SharedPrequal(options);
    case 'ring-hash':
    case 'maglev':
      return new ConsistentHash(kind, options);
  }
}
export { seededRandom } from './seeded-random.ts';
