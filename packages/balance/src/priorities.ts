/** Endpoints of one priority level. */
export interface LevelHealth {
  readonly total: number;
  readonly healthy: number;
}

/** What one level gets. */
export interface LevelLoad {
  /** Share of the requests, 0 to 1. */
  readonly share: number;
  /** So few are healthy that all are used. */
  readonly isPanic: boolean;
}

/** A level counts as whole with 1 / 1.4 = 71 % of its endpoints. */
export const OVER_PROVISIONING = 1.4;
/** Shares below this are dust of rounding. */
const DUST = 1e-12;

/**
 * Spreads requests over priority levels: each level takes what its healthy endpoints can carry,
 * with over-provisioning, and the next takes the rest. When all together carry less than
 * everything, shares are scaled up, and levels below `panicShare` healthy use all their endpoints;
 * with nothing healthy anywhere the shares follow the number of endpoints (unless panic is off).
 */
export function spreadOverLevels(
  levels: readonly LevelHealth[],
  panicShare: number = 0.5,
  overProvisioning: number = OVER_PROVISIONING,
): LevelLoad[] {
  const capacity = levels.map(({ total, healthy }) =>
    total === 0 ? 0 : Math.min(1, (overProvisioning * healthy) / total),
  );
  const sum = capacity.reduce((all, each) => all + each, 0);
  const isShort = sum < 1;
  const panics = levels.map(({ total, healthy }) => isShort && total > 0 && healthy / total < panicShare);
  if (sum === 0) {
    const all = panics.some(Boolean) ? levels.reduce((count, { total }) => count + total, 0) : 0;
    return levels.map(({ total }, index) => ({ share: all === 0 ? 0 : total / all, isPanic: panics[index]! }));
  }
  let left = 1;
  return levels.map((_, index) => {
    const carried = isShort ? capacity[index]! / sum : capacity[index]!;
    const share = Math.min(left, carried);
    left -= share;
    if (left < DUST) left = 0;
    return { share: share < DUST ? 0 : share, isPanic: panics[index]! };
  });
}

/**
 * Zone-aware routing: how much of a caller's requests go to each zone, so that every zone's
 * endpoints get the same, though callers are spread unevenly, and as much as possible stays local.
 *
 * @param callers how many callers like this one each zone has
 * @param endpoints how many healthy endpoints each zone has
 * @param own index of the caller's zone
 * @param minEndpoints fewer endpoints are not worth it
 * @returns shares that add up to 1; undefined when zones should be ignored
 */
export function zoneShares(
  callers: ArrayLike<number>,
  endpoints: ArrayLike<number>,
  own: number,
  minEndpoints: number = 6,
): Float64Array | undefined {
  const allCallers = sumOf(callers);
  const allEndpoints = sumOf(endpoints);
  if (allEndpoints < minEndpoints || allCallers === 0 || (endpoints[own] ?? 0) === 0) return undefined;
  const shares = new Float64Array(endpoints.length);
  const demand = (callers[own] ?? 0) / allCallers;
  const supply = endpoints[own]! / allEndpoints;
  if (demand <= supply) {
    shares[own] = 1;
    return shares;
  }
  shares[own] = supply / demand;
  // What is left goes where endpoints are more than their zone's callers need.
  const spare = Float64Array.from(shares, (_, zone) =>
    zone === own ? 0 : Math.max(0, (endpoints[zone] ?? 0) / allEndpoints - (callers[zone] ?? 0) / allCallers),
  );
  const allSpare = sumOf(spare);
  if (allSpare === 0) return undefined;
  for (let zone = 0; zone < shares.length; zone++) {
    if (zone !== own) shares[zone] = (1 - shares[own]!) * (spare[zone]! / allSpare);
  }
  return shares;
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
