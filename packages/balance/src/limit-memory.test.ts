import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AdmissionControl,
  createLimitMemory,
  GradientLimit,
  LIMIT_LAYOUT,
  LimitMemory,
  settleLedger,
} from './index.ts';

const random = (): number => 0;

describe('adaptive concurrency of threads that share a memory', () => {
  /** Threads, each with its own view of the memory. */
  function threads(
    count: number,
    options: Partial<ConstructorParameters<typeof GradientLimit>[0]> = {},
  ): GradientLimit[] {
    const shared = createLimitMemory(8);
    return Array.from({ length: count }, () => {
      const memory = new LimitMemory(shared);
      return new GradientLimit({ random, ...options }, memory.gradient(memory.acquire('web')));
    });
  }

  test('what is in flight counts together', () => {
    const [one, other] = threads(2) as [GradientLimit, GradientLimit];
    const admitted = [one, other, one, other, one].map((limit) => limit.tryAcquire(0));
    assert.deepEqual(admitted, [true, true, true, false, false]);
    other.release(5);
    assert.equal(one.tryAcquire(5), true);
  });

  test('the minimum that one has measured is known to all, and so is the time to measure anew', () => {
    const [one, other] = threads(2, { minRttRequests: 2, minRttIntervalMs: 1000 }) as [GradientLimit, GradientLimit];
    for (const limit of [one, other, one]) assert.equal(limit.tryAcquire(0), true);
    other.release(10, 7);
    one.release(10, 5);
    assert.equal(other.minRttMs, undefined);
    one.release(10, 5);
    assert.deepEqual([one.minRttMs, other.minRttMs], [5, 5]);
    assert.equal(other.tryAcquire(1500), true);
    assert.deepEqual([one.minRttMs, other.minRttMs], [undefined, undefined]);
    assert.deepEqual([one.limit, other.limit], [3, 3]);
  });

  /** A server that works on `workers` requests of 10 ms at a time, and callers that ask in turn. */
  function settle(callers: number, workers: number): number {
    const limits = threads(callers);
    let now = 0;
    for (let round = 0; round < 400; round++) {
      const admitted: GradientLimit[] = [];
      for (let turn = 0; ; turn++) {
        const limit = limits[turn % callers]!;
        if (!limit.tryAcquire(now)) break;
        admitted.push(limit);
      }
      const latency = 10 * Math.max(1, admitted.length / workers);
      now += latency;
      for (const limit of admitted) limit.release(now, latency);
    }
    return limits[0]!.limit;
  }
  for (const callers of [1, 2, 8]) {
    test(`${callers} find what one does`, () => {
      for (const workers of [10, 50, 200]) {
        const [alone, together] = [settle(1, workers), settle(callers, workers)];
        assert.ok(Math.abs(together - alone) <= alone * 0.15 + 1, `${together} beside ${alone}`);
      }
    });
  }

  test('a most is kept, whatever another setting had learnt', () => {
    const shared = createLimitMemory(8);
    const memory = new LimitMemory(shared);
    const state = memory.gradient(memory.acquire('web'))!;
    state.limit = 500;
    assert.equal(new GradientLimit({ random, maxLimit: 20 }, state).limit, 20);
  });

  test('what a dead thread had in flight is taken back', () => {
    const [shared, ledger] = [createLimitMemory(8), createLimitMemory(8)];
    const [dying, living] = [new LimitMemory(shared, ledger), new LimitMemory(shared)];
    const [one, other] = [dying, living].map(
      (memory) => new GradientLimit({ random }, memory.gradient(memory.acquire('web'))),
    ) as [GradientLimit, GradientLimit];
    for (const limit of [one, one, other]) limit.tryAcquire(0);
    assert.equal(other.tryAcquire(0), false);
    settleLedger(LIMIT_LAYOUT, shared, ledger);
    assert.deepEqual([other.tryAcquire(0), other.tryAcquire(0), other.tryAcquire(0)], [true, true, false]);
  });
});

describe('admission control of threads that share a memory', () => {
  test('each rejects by what all see, until it is long ago', () => {
    const shared = createLimitMemory(8);
    const controls = Array.from({ length: 3 }, () => {
      const memory = new LimitMemory(shared);
      return new AdmissionControl({ random: () => 0.5 }, memory.admission(memory.acquire('web')));
    });
    // About the time of a machine that has been up for years: parts wrap around within 32 bits.
    const start = 2 ** 31 * 1000 - 5000;
    for (let count = 0; count < 60; count++) controls[count % 2]!.record(false, start + count * 100);
    const third = controls[2]!;
    assert.ok(third.rejectProbability(start + 6000) > 0.7);
    assert.equal(third.tryAdmit(start + 6000), false);
    for (let count = 0; count < 2000; count++) controls[0]!.record(true, start + 7000);
    assert.equal(third.tryAdmit(start + 7000), true);
    for (let count = 0; count < 3000; count++) controls[1]!.record(false, start + 8000);
    assert.equal(third.tryAdmit(start + 8000), false);
    assert.equal(third.rejectProbability(start + 60_000), 0);
  });
});

test('a backend for which there is no room shares with nobody', () => {
  const memory = new LimitMemory(createLimitMemory(1));
  assert.notEqual(memory.gradient(memory.acquire('one')), undefined);
  const slot = memory.acquire('two');
  assert.deepEqual([memory.gradient(slot), memory.admission(slot)], [undefined, undefined]);
});
