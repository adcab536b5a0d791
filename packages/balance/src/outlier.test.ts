import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutlierMemory, mayEject, OutlierDetector } from './outlier.ts';

const yes = (): boolean => true;
const start = 1_800_000_000_000;

test('five failures in a row eject, for all who share the memory; a success in between starts anew', () => {
  const memory = createOutlierMemory(64);
  const [one, other] = [new OutlierDetector(memory), new OutlierDetector(memory)];
  const slot = one.acquire('10.0.0.1:80');
  assert.equal(other.acquire('10.0.0.1:80'), slot);
  for (let i = 0; i < 4; i++) assert.equal(one.recordFailure(slot, start, yes), false);
  other.recordSuccess(slot);
  for (let i = 0; i < 4; i++) assert.equal((i % 2 === 0 ? one : other).recordFailure(slot, start, yes), false);
  assert.equal(one.isEjected(slot, start), false);
  assert.equal(other.recordFailure(slot, start, yes), true);
  assert.equal(one.isEjected(slot, start), true);
});

test('ejections grow to the maximum and are forgotten after good behaviour', () => {
  const detector = new OutlierDetector(createOutlierMemory(64), {
    consecutiveFailures: 1,
    baseEjectionMs: 10,
    maxEjectionMs: 25,
  });
  const slot = detector.acquire('a');
  let now = start;
  for (const length of [10, 20, 25, 25]) {
    assert.equal(detector.recordFailure(slot, now, yes), true);
    assert.equal(detector.isEjected(slot, now + length - 1), true);
    assert.equal(detector.isEjected(slot, now + length), false);
    now += length;
  }
  now += 26;
  detector.recordFailure(slot, now, yes);
  assert.equal(detector.isEjected(slot, now + 10), false);
});

test('a clock that jumps back ends ejections instead of prolonging them', () => {
  const detector = new OutlierDetector(createOutlierMemory(64), { consecutiveFailures: 1 });
  const slot = detector.acquire('a');
  detector.recordFailure(slot, start, yes);
  assert.equal(detector.isEjected(slot, start - 3_600_000), false);
});

const caps: readonly [size: number, ejected: number, may: boolean][] = [
  [1, 0, false],
  [2, 0, true],
  [2, 1, false],
  [3, 0, true],
  [3, 1, false],
  [19, 1, false],
  [20, 1, true],
  [20, 2, false],
];
for (const [size, ejected, may] of caps) {
  test(`of ${size} endpoints with ${ejected} out, another ${may ? 'may' : 'may not'} go`, () => {
    assert.equal(mayEject(size, ejected), may);
  });
}

test('a refused ejection is asked for again by the next failure', () => {
  const detector = new OutlierDetector(createOutlierMemory(64), { consecutiveFailures: 2 });
  const slot = detector.acquire('a');
  detector.recordFailure(slot, start, yes);
  assert.equal(
    detector.recordFailure(slot, start, () => false),
    false,
  );
  assert.equal(detector.recordFailure(slot, start, yes), true);
});

test('slots are found again, given back, reused clean, and a full table refuses', () => {
  const detector = new OutlierDetector(createOutlierMemory(8), { consecutiveFailures: 1 });
  const slots = Array.from({ length: 8 }, (_, index) => detector.acquire(`e${index}`));
  assert.deepEqual([...slots].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(detector.acquire('e3'), slots[3]);
  assert.equal(detector.acquire('more'), -1);
  assert.equal(detector.recordFailure(-1, start, yes), false);
  assert.equal(detector.isEjected(-1, start), false);
  detector.recordFailure(slots[5]!, start, yes);
  detector.release(slots[5]!);
  assert.equal(detector.acquire('more'), slots[5]);
  assert.equal(detector.isEjected(slots[5]!, start), false);
});
