import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from './clock.ts';
import { collectWhenIdle, type MemoryUnderWatch } from './idle-collection.ts';

/** A clock with one timer, which rings when told to. */
class OneTimerClock implements Clock {
  readonly now = systemClock.now;
  readonly monotonicMs = systemClock.monotonicMs;
  readonly sleep = systemClock.sleep;
  #ring: (() => void) | undefined;

  after(_delayMs: number, callback: () => void): () => void {
    this.#ring = callback;
    return () => {
      this.#ring = undefined;
    };
  }

  ring(): boolean {
    const ring = this.#ring;
    this.#ring = undefined;
    ring?.();
    return ring !== undefined;
  }
}

const mb = 1024 * 1024;

const cases: readonly {
  readonly name: string;
  /** Per second: resident and used megabytes, and how busy the thread was. */
  readonly seconds: readonly (readonly [resident: number, used: number, utilization: number])[];
  /** Seconds after which a collection has taken place. */
  readonly collections: readonly number[];
}[] = [
  { name: 'a start is followed by one', seconds: [[100, 30, 0.01]], collections: [1] },
  {
    name: 'while there is work it waits',
    seconds: [
      [100, 30, 0.9],
      [200, 90, 0.5],
      [200, 90, 0.02],
    ],
    collections: [3],
  },
  {
    name: 'without growth it does not come again',
    seconds: [
      [100, 30, 0],
      [110, 35, 0],
      [114, 35, 0],
      [120, 40, 0],
    ],
    collections: [1, 4],
  },
  { name: 'a large heap is left to the engine', seconds: [[600, 300, 0]], collections: [] },
];

for (const { name, seconds, collections } of cases) {
  test(`collection when idle: ${name}`, async () => {
    const clock = new OneTimerClock();
    const done: number[] = [];
    let second = 0;
    const memory: MemoryUnderWatch = {
      sizes: () => ({ resident: seconds[second - 1]![0] * mb, heapUsed: seconds[second - 1]![1] * mb }),
      utilization: () => seconds[second - 1]![2],
      async collect() {
        done.push(second);
      },
    };
    const stop = collectWhenIdle(clock, 8 * mb, memory);
    for (const _ of seconds) {
      second += 1;
      assert.ok(clock.ring());
      await new Promise((resolve) => setImmediate(resolve));
    }
    stop();
    assert.ok(!clock.ring(), name);
    assert.deepEqual(done, collections);
  });
}
