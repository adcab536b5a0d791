import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  AdmissionControl,
  afterCheck,
  backoffMs,
  type CheckedHealth,
  type CheckResult,
  GradientLimit,
  nextCheckMs,
  PeakEwma,
  Prequal,
  retryBudget,
  seededRandom,
  TokenBucket,
  UNCHECKED,
} from './index.ts';

describe('retry budget and backoff', () => {
  for (const [active, expected] of [
    [0, 3],
    [10, 3],
    [15, 3],
    [20, 4],
    [1000, 200],
  ] as const) {
    test(`${active} under way: ${expected} retries`, () => assert.equal(retryBudget(active), expected));
  }
  test('the pause is below its bound, which doubles up to the maximum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (nth, chance) => {
        const pause = backoffMs(nth, 25, 250, () => chance);
        assert.ok(pause >= 0 && pause < Math.min(250, 25 * 2 ** (nth - 1)) + 1e-9);
      }),
    );
  });
});

describe('token bucket', () => {
  test('never more than burst + rate * time, however it is asked', () => {
    const gaps = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 500 }), fc.integer({ min: 3, max: 20 }), (asks, rate, burst) => {
        const bucket = new TokenBucket({ rate, burst });
        let now = 1_800_000_000_000;
        const first = now;
        let taken = 0;
        for (const [gap, tokens] of asks) {
          now += gap;
          if (bucket.take(now, tokens)) taken += tokens;
          assert.ok(taken <= burst + (rate * (now - first)) / 1000 + 0.01, `${taken}`);
          assert.ok(bucket.take(now + bucket.waitMs(now) + 0.01, 0));
        }
      }),
    );
  });
  test('two that share a cell share the rate', () => {
    const cell = new BigInt64Array(new SharedArrayBuffer(8));
    const [one, other] = [new TokenBucket({ rate: 1, burst: 2 }, cell), new TokenBucket({ rate: 1, burst: 2 }, cell)];
    assert.deepEqual([one.take(1000), other.take(1000), one.take(1000)], [true, true, false]);
    assert.equal(one.waitMs(1000), 1000);
    assert.deepEqual([one.left(1000), one.left(2000), other.take(2000), one.take(2000)], [0, 1, true, false]);
  });
});

describe('admission control', () => {
  const run = (successRate: number, requests: number): { admitted: number; probability: number } => {
    const random = seededRandom(5);
    const control = new AdmissionControl({ random, threshold: 0.95 });
    let admitted = 0;
    for (let i = 0; i < requests; i++) {
      if (!control.tryAdmit(i)) continue;
      admitted++;
      control.record(random() < successRate, i);
    }
    return { admitted, probability: control.rejectProbability(requests) };
  };
  test('everything passes while requests succeed', () => assert.equal(run(1, 5000).admitted, 5000));
  test('nothing succeeds: at most 80 % are rejected', () => {
    const { admitted } = run(0, 5000);
    assert.ok(admitted > 900 && admitted < 1300, String(admitted));
  });
  test('half succeeds: a part is rejected', () => {
    const { probability } = run(0.5, 5000);
    assert.ok(probability > 0.3 && probability <= 0.8, String(probability));
  });
  test('the past is forgotten after the window', () => {
    const control = new AdmissionControl({ random: () => 0.99, windowMs: 1000 });
    for (let i = 0; i < 100; i++) control.record(false, 0);
    assert.ok(control.rejectProbability(10) > 0.5);
    assert.equal(control.rejectProbability(1100), 0);
  });
});

describe('adaptive concurrency', () => {
  /** A server with `workers` of 10 ms each: latency grows with what waits. */
  function settle(workers: number): number {
    const limit = new GradientLimit({ random: () => 0 });
    let now = 0;
    for (let round = 0; round < 400; round++) {
      let admitted = 0;
      while (limit.tryAcquire(now)) admitted++;
      const latency = 10 * Math.max(1, admitted / workers);
      now += latency;
      for (let i = 0; i < admitted; i++) limit.release(now, latency);
    }
    return limit.limit;
  }
  test('finds about what the server can do at a time', () => {
    for (const workers of [10, 50, 200]) {
      const limit = settle(workers);
      assert.ok(limit > workers && limit < workers * 2.2, `${workers}: ${limit}`);
    }
  });
  test('measures the minimum at low concurrency, and again', () => {
    const limit = new GradientLimit({ random: () => 0, minRttRequests: 2, minRttIntervalMs: 1000 });
    assert.deepEqual(
      [0, 0, 0, 0].map((now) => limit.tryAcquire(now)),
      [true, true, true, false],
    );
    limit.release(10, 5);
    limit.release(10, 5);
    assert.equal(limit.minRttMs, 5);
    limit.release(10);
    assert.equal(limit.tryAcquire(1500), true);
    assert.equal(limit.minRttMs, undefined, 'time to measure anew');
  });
});

describe('health of checks', () => {
  const schedule = {
    intervalMs: 100,
    jitter: 0.5,
    unhealthyThreshold: 3,
    healthyThreshold: 2,
    unhealthyIntervalMs: 50,
    edgeIntervalMs: 10,
    noTrafficIntervalMs: 1000,
  };
  const LETTERS: Readonly<Record<string, CheckResult>> = { p: 'passed', f: 'failed', w: 'wrong' };
  const rows: readonly [string, string, string][] = [
    ['the first pass is enough', 'p', 'h'],
    ['the first failure too', 'f', 'u'],
    ['three failures in a row', 'pffpfff', 'hhhhhhu'],
    ['a wrong answer at once', 'pw', 'hu'],
    ['two passes bring it back', 'fpfpp', 'uuuuh'],
  ];
  for (const [name, results, expected] of rows) {
    test(name, () => {
      let state: CheckedHealth = UNCHECKED;
      const seen = [...results].map((letter) => {
        state = afterCheck(state, LETTERS[letter]!, schedule);
        return state.health[0];
      });
      assert.equal(seen.join(''), expected);
    });
  }
  const intervals: readonly [string, CheckedHealth, boolean, number][] = [
    ['healthy', { health: 'healthy', against: 0 }, true, 100],
    ['healthy without traffic', { health: 'healthy', against: 0 }, false, 1000],
    ['unhealthy', { health: 'unhealthy', against: 0 }, true, 50],
    ['at the edge', { health: 'healthy', against: 1 }, true, 10],
  ];
  for (const [name, state, hasTraffic, ms] of intervals) {
    test(`next check: ${name}`, () => {
      assert.equal(nextCheckMs(state, schedule, hasTraffic, 0), ms);
      assert.equal(nextCheckMs(state, schedule, hasTraffic, 0.5), ms * 1.25);
    });
  }
});

describe('peak EWMA', () => {
  test('jumps up, sinks slowly, forgives in time, and counts what is in flight', () => {
    let now = 0;
    const latencies = new Float64Array(4);
    const balancer = new PeakEwma({ weights: [1, 1], random: seededRandom(2), now: () => now, latencies });
    const winners = (): Set<number> => new Set(Array.from({ length: 50 }, () => balancer.pick()));
    balancer.observe(0, 100);
    balancer.observe(1, 10);
    assert.deepEqual(winners(), new Set([1]));
    balancer.observe(1, 500);
    assert.deepEqual(winners(), new Set([0]), 'a peak counts at once');
    now = 1000;
    balancer.observe(1, 10);
    assert.ok(latencies[2]! > 400, 'one good answer does not undo it');
    now = 60_000;
    balancer.observe(1, 10);
    balancer.observe(0, 20);
    assert.deepEqual(winners(), new Set([1]));
    for (let i = 0; i < 10; i++) balancer.start(1);
    assert.deepEqual(winners(), new Set([0]));
  });
});

describe('Prequal', () => {
  test('cold: the fastest; all hot: the one with the fewest', () => {
    const prequal = new Prequal({ random: seededRandom(1), size: 100, removalsPerRequest: 0 });
    for (let i = 0; i < 200; i++) prequal.addProbe(i % 100, i % 10, 50, 0);
    for (let i = 0; i < 16; i++) prequal.addProbe(i, 2, i === 7 ? 5 : 50, 10);
    assert.equal(prequal.pick(10), 7);
    for (let i = 0; i < 16; i++) prequal.addProbe(i, i === 3 ? 20 : 30, i === 9 ? 1 : 50, 20);
    assert.equal(prequal.pick(20), 3);
  });
  test('old probes count for nothing; probes are sent at their rate', () => {
    const prequal = new Prequal({ random: () => 0.5, size: 10, probesPerRequest: 1.5 });
    for (let i = 0; i < 5; i++) prequal.addProbe(1, 0, 1, 0);
    assert.equal(prequal.pick(5000), 5, 'chance');
    assert.equal(prequal.probeTargets().length + prequal.probeTargets().length, 2, 'one, then two of the same');
  });
});
