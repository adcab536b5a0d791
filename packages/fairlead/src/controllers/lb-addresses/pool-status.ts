import { type Condition, parseIp, type Stored } from '@fairlead/api';
import { firstShared, rangesHold } from '@fairlead/api/fairlead-dev/address-range';
import type { AddressPool } from '@fairlead/api/fairlead-dev/types';
import { type CompiledPool, poolHolds, poolOffers, poolSize } from './compiled-pool.ts';
import { poolOfAddress } from './decide-addresses.ts';

/** What else the status of a pool depends on. */
export interface PoolSurroundings {
  /** All pools, in the order in which they are tried. */
  readonly pools: readonly CompiledPool[];
  /** Addresses in use. */
  readonly inUse: Iterable<string>;
  /** Whether an announcement selects the pool. */
  readonly isAnnounced: boolean;
  /** Timestamp for conditions that change. */
  readonly now: string;
}

type Status = NonNullable<AddressPool['status']>;

function condition(
  before: readonly Condition[],
  now: string,
  generation: number | undefined,
  type: string,
  holds: boolean,
  reason: string,
  message: string,
): Condition {
  const status = holds ? 'True' : 'False';
  const old = before.find((one) => one.type === type);
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now;
  return {
    type,
    status,
    reason,
    message,
    lastTransitionTime,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}

function overlapOf(own: CompiledPool, pools: readonly CompiledPool[]): string | undefined {
  for (const other of pools) {
    const shared = other.name === own.name ? undefined : firstShared(own.ranges, other.ranges);
    if (shared !== undefined) return `${shared} is in pool ${other.name} too`;
  }
  return undefined;
}

/** The status of a pool: counts, retained addresses, conditions Ready, Overlapping and Announced. Pure. */
export function poolStatus(pool: Stored<AddressPool>, compiled: CompiledPool, around: PoolSurroundings): Status {
  const { pools, now } = around;
  const generation = pool.metadata.generation;
  const before = pool.status?.conditions ?? [];
  const retained: string[] = [];
  let assigned = 0;
  let taken = 0;
  for (const address of around.inUse) {
    if (poolOffers(compiled, address)) {
      taken++;
      if (poolOfAddress(pools, address)?.name === compiled.name) assigned++;
    } else if (poolHolds(compiled, address) && poolOfAddress(pools, address)?.name === compiled.name) {
      const ip = parseIp(address);
      if (ip !== undefined && !rangesHold(compiled.ranges, ip)) retained.push(address);
      assigned++;
    }
  }
  const total = poolSize(compiled);
  const overlap = overlapOf(compiled, pools);
  const make = condition.bind(undefined, before, now, generation);
  const ready = compiled.problems.length === 0;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    addresses: pool.spec.addresses,
    retained: retained.sort(),
    total,
    assigned,
    available: total - taken,
    conditions: [
      make('Ready', ready, ready ? 'Valid' : 'InvalidField', compiled.problems.join('; ')),
      make(
        'Overlapping',
        overlap !== undefined,
        overlap === undefined ? 'NoOverlap' : 'SharedAddresses',
        overlap ?? '',
      ),
      make(
        'Announced',
        around.isAnnounced,
        around.isAnnounced ? 'Selected' : 'NoAnnouncement',
        around.isAnnounced
          ? ''
          : 'no L2Announcement or BGPAdvertisement selects this pool: its addresses lead nowhere from outside',
      ),
    ],
  };
}
