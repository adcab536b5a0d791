import {
  ConsistentHash,
  createBalancer,
  hashText,
  Maglev,
  rendezvousSubset,
  roundSubset,
  seededRandom,
} from '../../packages/balance/src/index.ts';

const namesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `10.1.${index >> 8}.${index & 255}:80`);

/** Clients per backend when each client takes its part: smallest and largest, relative to the mean. */
export interface SubsetSpread {
  readonly least: number;
  readonly most: number;
}

/** 300 clients and backends of the Site Reliability Engineering book. */
export function subsetSpread(kind: 'random' | 'rounds' | 'rendezvous', size: number, seed: number): SubsetSpread {
  const [clients, backends] = [300, 300];
  const names = namesOf(backends);
  const random = seededRandom(seed);
  const counts = new Float64Array(backends);
  for (let client = 0; client < clients; client++) {
    const subset =
      kind === 'rounds'
        ? roundSubset(backends, client, size)
        : kind === 'rendezvous'
          ? rendezvousSubset(names, `client ${client} ${seed}`, size)
          : drawDistinct(backends, size, random);
    for (const index of subset) counts[index]! += 1;
  }
  const mean = (clients * size) / backends;
  return { least: Math.min(...counts) / mean, most: Math.max(...counts) / mean };
}

function drawDistinct(count: number, size: number, random: () => number): Set<number> {
  const drawn = new Set<number>();
  while (drawn.size < size) drawn.add(Math.floor(random() * count));
  return drawn;
}

/** Entries of a client's subset that change on average when one of 300 backends goes. */
export function subsetChurn(
  kind: 'rounds' | 'rendezvous',
  size: number,
): { readonly mean: number; readonly most: number } {
  const names = namesOf(300);
  const left = names.slice(0, 299);
  const changes = Array.from({ length: 300 }, (_, client) => {
    const pick = (from: readonly string[]): string[] =>
      (kind === 'rounds'
        ? roundSubset(from.length, client, size)
        : rendezvousSubset(from, `client ${client}`, size)
      ).map((index) => from[index]!);
    const after = new Set(pick(left));
    return pick(names).filter((name) => !after.has(name)).length;
  });
  return { mean: changes.reduce((sum, each) => sum + each, 0) / changes.length, most: Math.max(...changes) };
}

/** Fullest of n bins after n balls. */
export function fullestBin(kind: 'random' | 'least-request', bins: number, seed: number): number {
  const inFlight = new Int32Array(bins);
  const balancer = createBalancer(kind, {
    weights: new Float64Array(bins).fill(1),
    random: seededRandom(seed),
    inFlight,
  });
  for (let ball = 0; ball < bins; ball++) balancer.start(balancer.pick());
  return Math.max(...inFlight);
}

/** Slots of the fullest endpoint relative to the mean, and keys moved beyond those of the one that went. */
export function maglevFigures(endpoints: number): { readonly imbalance: number; readonly disruption: number } {
  const names = namesOf(endpoints);
  const ones = new Float64Array(endpoints).fill(1);
  const table = new Maglev(names, ones);
  const counts = new Float64Array(endpoints);
  for (let slot = 0; slot < table.length; slot++) counts[table.ownerAt(slot)]! += 1;
  const after = new Maglev(names.slice(0, -1), ones.subarray(1));
  let moved = 0;
  for (let slot = 0; slot < table.length; slot++) {
    const owner = table.ownerAt(slot);
    if (owner !== endpoints - 1 && after.ownerAt(slot) !== owner) moved++;
  }
  return { imbalance: Math.max(...counts) / (table.length / endpoints) - 1, disruption: moved / table.length };
}

/** Fullest endpoint relative to the mean, with keys of Zipf popularity that stay in flight. */
export function fullestUnderZipf(boundedLoad: number | undefined, seed: number): number {
  const endpoints = 50;
  const requests = 5_000;
  const random = seededRandom(seed);
  const inFlight = new Int32Array(endpoints);
  const balancer = new ConsistentHash('ring-hash', {
    weights: new Float64Array(endpoints).fill(1),
    names: namesOf(endpoints),
    random,
    inFlight,
    ...(boundedLoad === undefined ? {} : { boundedLoad }),
  });
  const keys = 10_000;
  const sums = new Float64Array(keys);
  for (let key = 0, sum = 0; key < keys; key++) {
    sum += 1 / (key + 1);
    sums[key] = sum;
  }
  for (let i = 0; i < requests; i++) {
    const at = random() * sums[keys - 1]!;
    const key = sums.findIndex((sum) => sum >= at);
    balancer.start(balancer.pick(-1, hashText(`key ${key}`, 3)));
  }
  return Math.max(...inFlight) / (requests / endpoints);
}
