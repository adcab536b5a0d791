import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { rendezvousSubset, roundSubset, slowStartShare, spreadOverLevels, zoneShares } from './index.ts';

describe('priorities', () => {
  // Healthy of total per level; what comes out as percent, `!` for panic.
  const rows: readonly [name: string, levels: string, expected: string][] = [
    ['all healthy', '10/10 10/10', '100 0'],
    ['72 % carry everything', '72/100 10/10', '100 0'],
    ['half: 70 % stay', '5/10 10/10', '70 30'],
    ['nothing in the first', '0/10 10/10', '0 100'],
    ['three levels', '2/10 3/10 10/10', '28 42 30'],
    ['too little everywhere is scaled up, with panic', '2/10 2/10', '50! 50!'],
    ['scaled up, but one is above the panic line', '2/10 0/10', '100! 0!'],
    ['one level half healthy', '5/10', '100'],
    ['one level below half', '4/10', '100!'],
    ['nothing healthy: by endpoints', '0/10 0/30', '25! 75!'],
    ['an empty level', '0/0 3/3', '0 100'],
    ['nothing at all', '0/0', '0'],
  ];
  for (const [name, levels, expected] of rows) {
    test(name, () => {
      const loads = spreadOverLevels(
        levels.split(' ').map((level) => {
          const [healthy, total] = level.split('/').map(Number);
          return { healthy: healthy!, total: total! };
        }),
      );
      const text = loads.map(({ share, isPanic }) => `${Math.round(share * 100)}${isPanic ? '!' : ''}`).join(' ');
      assert.equal(text, expected);
    });
  }

  test('panic off: with nothing healthy nothing is served', () => {
    assert.deepEqual(spreadOverLevels([{ healthy: 0, total: 4 }], 0), [{ share: 0, isPanic: false }]);
  });

  test('shares add up to one as long as there is any endpoint to use', () => {
    const level = fc.nat(20).chain((total) => fc.nat(total).map((healthy) => ({ total, healthy })));
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 6 }), (levels) => {
        const sum = spreadOverLevels(levels).reduce((all, { share }) => all + share, 0);
        const usable = levels.some(({ total }) => total > 0);
        assert.ok(Math.abs(sum - (usable ? 1 : 0)) < 1e-9, String(sum));
      }),
    );
  });
});

describe('zones', () => {
  const rows: readonly [string, number[], number[], number, number[] | undefined][] = [
    ['even: all stays', [1, 1, 1], [2, 2, 2], 0, [1, 0, 0]],
    ['few endpoints: no zones', [1, 1], [2, 3], 0, undefined],
    ['none here: no zones', [1, 1], [0, 6], 0, undefined],
    ['more callers than endpoints here: the rest goes where there is room', [2, 1, 1], [2, 3, 3], 0, [0.5, 0.25, 0.25]],
    ['room in one zone only', [3, 1], [2, 6], 0, [1 / 3, 2 / 3]],
    ['callers are unknown', [0, 0], [3, 3], 0, undefined],
  ];
  for (const [name, callers, endpoints, own, expected] of rows) {
    test(name, () => {
      const shares = zoneShares(callers, endpoints, own);
      assert.deepEqual(
        shares === undefined ? undefined : [...shares].map((share) => Math.round(share * 1e6)),
        expected?.map((share) => Math.round(share * 1e6)),
      );
    });
  }

  test('over all callers every endpoint gets the same', () => {
    const zones = fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })), {
      minLength: 2,
      maxLength: 5,
    });
    fc.assert(
      fc.property(zones, (counts) => {
        const callers = counts.map(([caller]) => caller);
        const endpoints = counts.map(([, endpoint]) => endpoint);
        fc.pre(endpoints.reduce((sum, count) => sum + count, 0) >= 6);
        const all = callers.reduce((sum, count) => sum + count, 0);
        const perEndpoint = endpoints.map(() => 0);
        callers.forEach((count, zone) => {
          const shares = zoneShares(callers, endpoints, zone)!;
          shares.forEach((share, to) => {
            perEndpoint[to]! += (count / all) * share;
          });
        });
        const total = endpoints.reduce((sum, count) => sum + count, 0);
        perEndpoint.forEach((load, zone) => {
          assert.ok(Math.abs(load - endpoints[zone]! / total) < 1e-9, `zone ${zone}: ${load}`);
        });
      }),
    );
  });
});

describe('subsets', () => {
  test('rounds: 300 clients of 10 out of 300 backends: exactly 10 clients each', () => {
    const clients = new Int32Array(300);
    for (let client = 0; client < 300; client++) for (const index of roundSubset(300, client, 10)) clients[index]! += 1;
    assert.deepEqual(new Set(clients), new Set([10]));
  });

  test('rounds: never a backend twice, and all when there are too few', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.nat(1000),
        fc.integer({ min: 1, max: 30 }),
        (backends, client, size) => {
          const subset = roundSubset(backends, client, size);
          assert.equal(new Set(subset).size, Math.min(size, backends));
        },
      ),
    );
  });

  test('rendezvous: a backend that goes changes at most one entry of each client', () => {
    const backends = Array.from({ length: 50 }, (_, index) => `10.0.0.${index}:80`);
    for (let client = 0; client < 200; client++) {
      const before = rendezvousSubset(backends, `client ${client}`, 10).map((index) => backends[index]!);
      const left = backends.filter((name) => name !== '10.0.0.17:80');
      const after = rendezvousSubset(left, `client ${client}`, 10).map((index) => left[index]!);
      const gone = before.filter((name) => !after.includes(name));
      assert.ok(gone.length === 0 || (gone.length === 1 && gone[0] === '10.0.0.17:80'), String(gone));
    }
  });
});

const starts: readonly [age: number, aggression: number, share: number][] = [
  [0, 1, 0.1],
  [50, 1, 0.1],
  [250, 1, 0.25],
  [250, 2, 0.5],
  [999, 1, 0.999],
  [1000, 1, 1],
  [5000, 2, 1],
];
for (const [age, aggression, share] of starts) {
  test(`slow start: after ${age} of 1,000 ms at aggression ${aggression} ${share * 100} %`, () => {
    assert.ok(Math.abs(slowStartShare(age, { windowMs: 1000, aggression }) - share) < 1e-9);
  });
}
