import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type BalancerKind, createBalancer, seededRandom as seeded } from './index.ts';

const KINDS: readonly BalancerKind[] = [
  'round-robin',
  'least-request',
  'random',
  'peak-ewma',
  'prequal',
  'ring-hash',
  'maglev',
];
/** Kinds whose shares are exact up to chance; a ring's points are what they are. */
const FAIR: readonly BalancerKind[] = ['round-robin', 'least-request', 'random', 'peak-ewma', 'maglev'];

const extras = (weights: ArrayLike<number>): { now: () => number; names: string[] } => ({
  now: () => 0,
  names: Array.from(weights, (_, index) => `10.0.0.${index}:80`),
});

function countPicks(kind: BalancerKind, weights: readonly number[], picks: number, seed = 1): number[] {
  const balancer = createBalancer(kind, { weights, random: seeded(seed), ...extras(weights) });
  const counts = weights.map(() => 0);
  for (let i = 0; i < picks; i += 1) {
    const index = balancer.pick();
    if (index >= 0) counts[index] = counts[index]! + 1;
  }
  return counts;
}

const weightLists = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 40 });

describe('every balancer', () => {
  const rows: { name: string; weights: number[]; picks: number }[] = [
    { name: 'equal weights', weights: [1, 1, 1], picks: 30_000 },
    { name: 'one endpoint', weights: [7], picks: 100 },
    { name: 'two to one', weights: [2, 1], picks: 30_000 },
    { name: 'a weight of zero gets nothing', weights: [0, 1, 3], picks: 40_000 },
    { name: 'canary of one percent', weights: [99, 1], picks: 100_000 },
    { name: 'fractions', weights: [0.5, 0.25, 0.25], picks: 40_000 },
    { name: 'huge weights', weights: [Number.MAX_VALUE, Number.MAX_VALUE / 2], picks: 30_000 },
    { name: 'tiny weights', weights: [1e-300, 3e-300], picks: 40_000 },
  ];
  let cases = 0;
  for (const kind of KINDS) {
    for (const row of FAIR.includes(kind) ? rows : []) {
      cases += 1;
      test(`${kind}: ${row.name}`, () => {
        const counts = countPicks(kind, row.weights, row.picks);
        const largest = Math.max(...row.weights);
        const total = row.weights.reduce((sum, weight) => sum + weight / largest, 0);
        row.weights.forEach((weight, index) => {
          const share = weight / largest / total;
          const expected = share * row.picks;
          // Six standard deviations of a binomial; round robin is held to one turn below.
          // A Maglev table's shares are true to about a slot in a hundred.
          const table = kind === 'maglev' ? 0.02 * expected + 2 : 0;
          const slack = kind === 'round-robin' ? 1.001 : 6 * Math.sqrt(expected * (1 - share)) + table + 1e-9;
          assert.ok(
            Math.abs(counts[index]! - expected) <= slack,
            `${index}: ${counts[index]} picks, expected ${expected}`,
          );
        });
      });
    }
    for (const [name, weights] of [
      ['no endpoint', []],
      ['only weights of zero', [0, 0]],
    ] as const) {
      cases += 1;
      test(`${kind}: ${name}: -1`, () => {
        const balancer = createBalancer(kind, { weights, random: seeded(1), ...extras(weights) });
        assert.deepEqual([balancer.pick(), balancer.pick(0), balancer.size], [-1, -1, weights.length]);
      });
    }
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      cases += 1;
      test(`${kind}: refuses the weight ${bad} by its index`, () => {
        assert.throws(
          () => createBalancer(kind, { weights: [1, bad], random: seeded(1), ...extras([1, 1]) }),
          /weights\[1\]/,
        );
      });
    }
  }
  test('the grid is complete', () => assert.equal(cases, FAIR.length * rows.length + KINDS.length * (2 + 3)));

  for (const kind of KINDS) {
    test(`${kind}: never picks a weight of zero, nor the avoided endpoint while another is left`, () => {
      fc.assert(
        fc.property(weightLists, fc.integer(), fc.nat(), (weights, seed, nth) => {
          const balancer = createBalancer(kind, { weights, random: seeded(seed), ...extras(weights) });
          const avoid = nth % weights.length;
          const others = weights.some((weight, index) => weight > 0 && index !== avoid);
          for (let i = 0; i < 50; i += 1) {
            const index = balancer.pick(i % 2 === 0 ? avoid : -1);
            if (index < 0) assert.ok(weights.every((weight) => weight === 0));
            else {
              assert.ok(weights[index]! > 0);
              if (i % 2 === 0 && others) assert.notEqual(index, avoid);
            }
          }
        }),
        { numRuns: 200 },
      );
    });

    test(`${kind}: counts in-flight requests in the array it was given`, () => {
      const inFlight = new Int32Array(new SharedArrayBuffer(8));
      const balancer = createBalancer(kind, { weights: [1, 1], random: seeded(1), inFlight, ...extras([1, 1]) });
      balancer.start(1);
      balancer.start(1);
      balancer.done(1);
      assert.deepEqual([...inFlight], [0, 1]);
      assert.throws(
        () => createBalancer(kind, { weights: [1, 1, 1], random: seeded(1), inFlight, ...extras([1, 1, 1]) }),
        RangeError,
      );
    });
  }
});

describe('round robin', () => {
  test('at every moment each endpoint has its share, within one turn', () => {
    fc.assert(
      fc.property(weightLists, fc.integer(), (weights, seed) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        fc.pre(total > 0);
        const balancer = createBalancer('round-robin', { weights, random: seeded(seed) });
        const counts = weights.map(() => 0);
        const first = weights.map(() => -1);
        for (let turn = 1; turn <= 300; turn += 1) {
          const index = balancer.pick();
          counts[index] = counts[index]! + 1;
          if (first[index] === -1) first[index] = turn;
        }
        // EDF: between two endpoints, counts per weight differ by at most one turn of each.
        weights.forEach((a, i) => {
          weights.forEach((b, j) => {
            if (a === 0 || b === 0) return;
            assert.ok(Math.abs(counts[i]! / a - counts[j]! / b) <= 1 / a + 1 / b + 1e-9);
          });
        });
      }),
      { numRuns: 100 },
    );
  });

  test('equal weights: n picks visit n endpoints, from any start', () => {
    const starts = new Set<number>();
    for (let seed = 0; seed < 64; seed += 1) {
      const balancer = createBalancer('round-robin', { weights: [1, 1, 1, 1], random: seeded(seed) });
      const turns = [0, 1, 2, 3].map(() => balancer.pick());
      starts.add(turns[0]!);
      assert.deepEqual([...turns].sort(), [0, 1, 2, 3]);
      assert.deepEqual(
        [0, 1, 2, 3].map(() => balancer.pick()),
        turns,
      );
    }
    assert.equal(starts.size, 4);
  });

  test('weights are spread, not bunched: 3:1 never gives the light one twice, nor the heavy one four times', () => {
    const balancer = createBalancer('round-robin', { weights: [3, 1], random: seeded(3) });
    const turns = Array.from({ length: 400 }, () => balancer.pick()).join('');
    assert.doesNotMatch(turns, /11|0000/);
  });

  test('keeps its shares past the shift of virtual time', () => {
    const picks = 3 * 2 ** 20;
    const counts = countPicks('round-robin', [0.5, 0.25], picks);
    assert.ok(Math.abs(counts[0]! - (picks * 2) / 3) <= 2);
  });
});

describe('least request', () => {
  test('prefers the endpoint with fewer requests in flight', () => {
    const balancer = createBalancer('least-request', { weights: [1, 1], random: seeded(1) });
    balancer.start(0);
    assert.deepEqual(new Set(Array.from({ length: 100 }, () => balancer.pick())), new Set([1]));
  });

  test('in flight counts per weight: 3 of 4 is busier than 2 of 3', () => {
    const inFlight = Int32Array.from([3, 2]);
    const balancer = createBalancer('least-request', { weights: [4, 3], random: seeded(1), inFlight });
    const counts = [0, 0];
    for (let i = 0; i < 10_000; i += 1) {
      const index = balancer.pick();
      counts[index] = counts[index]! + 1;
    }
    // The busy one wins only when both draws name it: (4/7)^2 = 33 %.
    assert.ok(counts[0]! > 2_900 && counts[0]! < 3_650, String(counts));
  });

  test('two choices: the fullest of 1,000 bins after 1,000 balls holds far less than with one choice', () => {
    const fullest = (kind: BalancerKind): number => {
      const inFlight = new Int32Array(1000);
      const balancer = createBalancer(kind, { weights: new Float64Array(1000).fill(1), random: seeded(11), inFlight });
      for (let ball = 0; ball < 1000; ball += 1) balancer.start(balancer.pick());
      return Math.max(...inFlight);
    };
    assert.ok(fullest('least-request') <= 4);
    assert.ok(fullest('random') >= 5);
  });
});

describe('prequal on shared memory', () => {
  const make = (weights: readonly number[]) => {
    const inFlight = new Int32Array(weights.length);
    const latencies = new Float64Array(2 * weights.length);
    const now = () => 1000;
    const balancer = createBalancer('prequal', { weights, random: seeded(3), inFlight, latencies, now });
    const counts = (picks: number): number[] => {
      const result = weights.map(() => 0);
      for (let i = 0; i < picks; i++) result[balancer.pick()]! += 1;
      return result;
    };
    return { inFlight, latencies, counts, balancer };
  };

  test('of endpoints that are not busy the fast one gets most', () => {
    const { latencies, counts } = make([1, 1, 1, 1]);
    latencies.set([40, 1000, 2, 1000, 40, 1000, 40, 1000]);
    const [, fast = 0, ...others] = counts(4000);
    assert.ok(
      others.every((count) => count < fast / 2),
      `${fast} against ${others}`,
    );
  });

  test('a busy endpoint is left alone, however fast it is', () => {
    const { inFlight, latencies, counts } = make(new Array<number>(16).fill(1));
    latencies.set(Array.from({ length: 16 }, (_, index) => [index === 0 ? 1 : 20, 1000]).flat());
    inFlight[0] = 500;
    const [busy = 0] = counts(4000);
    assert.ok(busy < 40, `${busy}`);
  });

  test('who answered never and has requests waiting is worse than any', () => {
    const { inFlight, latencies, counts } = make([1, 1]);
    latencies.set([0, 0, 500, 1000]);
    inFlight[0] = 1;
    inFlight[1] = 1;
    const [silent = 0, slow = 0] = counts(1000);
    assert.ok(silent < slow / 2, `${silent} against ${slow}`);
  });

  test('weights are shares of the probes', () => {
    const { counts } = make([0, 3, 1]);
    const [none, three = 0, one = 0] = counts(20_000);
    assert.equal(none, 0);
    assert.ok(three > 2 * one && one > 0, `${three} to ${one}`);
  });
});
