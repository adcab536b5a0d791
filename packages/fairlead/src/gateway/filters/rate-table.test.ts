import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRateMemory, type Rate, RateTable } from './rate-table.ts';

const MEMORY = createRateMemory();
let next = 0;
const newKey = (): string => `key ${next++}`;

/** A bucket in plain arithmetic. */
class Bucket {
  #tokens: number;
  #atMs: number;
  readonly #rate: Rate;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** Tokens that there would be at a time. */
  tokens(nowMs: number): number {
    const { requests, windowMs, burst } = this.#rate;
    return Math.min(burst, this.#tokens + ((nowMs - this.#atMs) * requests) / windowMs);
  }

  take(nowMs: number): void {
    this.#tokens = this.tokens(nowMs) - 1;
    this.#atMs = nowMs;
  }
}

test('a bucket lets through what plain arithmetic does, at any time of the clock', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.constantFrom(1000, 60_000, 3_600_000),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1_500_000_000_000, max: 2_000_000_000_000 }),
      fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 60 }),
      (requests, windowMs, burst, startMs, pauses) => {
        const rate = { requests, windowMs, burst };
        const table = new RateTable(MEMORY);
        const key = newKey();
        const bucket = new Bucket(rate, startMs);
        let nowMs = startMs;
        for (const pause of pauses) {
          nowMs += pause;
          const before = bucket.tokens(nowMs);
          const { allowed, remaining, retryMs } = table.take(key, rate, nowMs);
          // Steps are a thousandth of a token: nearer than that to one, either answer is right.
          if (Math.abs(before - 1) > 0.01) assert.equal(allowed, before >= 1);
          if (allowed) bucket.take(nowMs);
          else assert.ok(retryMs > 0 && retryMs <= windowMs / requests + 1);
          assert.ok(remaining >= 0 && remaining < burst);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('two workers share a bucket', () => {
  const [one, other] = [new RateTable(MEMORY), new RateTable(MEMORY)];
  const rate = { requests: 1, windowMs: 60_000, burst: 2 };
  const key = newKey();
  const answers = [one, other, one, other].map((table) => table.take(key, rate, 1_700_000_000_000).allowed);
  assert.deepEqual(answers, [true, true, false, false]);
});

test('a bucket is full again after its time, and when the clock is set back', () => {
  const table = new RateTable(MEMORY);
  const rate = { requests: 1, windowMs: 1000, burst: 1 };
  const key = newKey();
  const at = (ms: number): boolean => table.take(key, rate, 1_700_000_000_000 + ms).allowed;
  assert.deepEqual([at(0), at(999), at(1001), at(-3_600_000)], [true, false, true, true]);
});

test('a flood of clients evicts none that is used up', () => {
  const table = new RateTable(createRateMemory());
  const rate = { requests: 1, windowMs: 3_600_000, burst: 1 };
  const nowMs = 1_700_000_000_000;
  assert.equal(table.take('victim', rate, nowMs).allowed, true);
  // Full buckets of others, as many as there are slots: they had their request long ago.
  for (let i = 0; i < 60_000; i++) table.take(`flood ${i}`, { ...rate, windowMs: 1 }, nowMs - 1000);
  assert.equal(table.take('victim', rate, nowMs).allowed, false);
});
