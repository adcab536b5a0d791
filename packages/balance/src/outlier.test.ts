import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createEndpointMemory,
  EndpointMemory,
  type Outcome,
  OutlierDetector,
  type OutlierOptions,
  seededRandom,
} from './index.ts';

const start = 1_800_000_000_000;
const many = (): { size: number; ejected: number } => ({ size: 10, ejected: 0 });

interface Fixture {
  readonly memory: EndpointMemory;
  readonly detector: OutlierDetector;
  readonly slot: number;
}

function detect(options: OutlierOptions): Fixture {
  const memory = new EndpointMemory(createEndpointMemory(64));
  return { memory, detector: new OutlierDetector(memory, options, seededRandom(1)), slot: memory.acquire('a') };
}

/** Outcomes by letter: s success, 5 a 500, g a 503, l a local failure. */
const LETTERS: Readonly<Record<string, Outcome>> = { s: 'success', 5: '5xx', g: 'gateway', l: 'local' };

describe('failures in a row', () => {
  const rows: readonly [name: string, options: OutlierOptions, outcomes: string, ejectedAt: number][] = [
    ['five 5xx of any kind', {}, '55gl5', 5],
    ['a success starts anew', {}, '5555s55555', 10],
    ['gateway errors alone', { consecutive5xx: 'off', consecutiveGateway: 3 }, 'gg5ggl', 6],
    ['local failures alone', { consecutive5xx: 'off', consecutiveLocal: 2 }, 'glgll', 5],
    ['all rules off', { consecutive5xx: 'off' }, 'ggggggggg', -1],
    ['the first rule that is due', { consecutive5xx: 5, consecutiveLocal: 2 }, '5ll', 3],
  ];
  for (const [name, options, outcomes, ejectedAt] of rows) {
    test(name, () => {
      const { detector, slot } = detect(options);
      const results = [...outcomes].map((letter) => detector.record(slot, LETTERS[letter]!, start, many));
      assert.equal(results.indexOf(true) + 1 || -1, ejectedAt);
      assert.equal(detector.isEjected(slot, start), ejectedAt > 0);
    });
  }

  test('one truth for all threads that share the memory', () => {
    const shared = createEndpointMemory(64);
    const [one, other] = [new EndpointMemory(shared), new EndpointMemory(shared)];
    const detectors = [one, other].map((memory) => new OutlierDetector(memory, {}, seededRandom(1)));
    const slot = one.acquire('10.0.0.1:80');
    assert.equal(other.acquire('10.0.0.1:80'), slot);
    for (let i = 0; i < 4; i++) assert.equal(detectors[i % 2]!.record(slot, 'gateway', start, many), false);
    const before = other.epoch;
    assert.equal(detectors[0]!.record(slot, 'gateway', start, many), true);
    assert.equal(detectors[1]!.isEjected(slot, start), true);
    assert.notEqual(other.epoch, before, 'others can see that something changed');
  });
});

test('ejections grow to the maximum and are forgotten after good behaviour', () => {
  const { detector, slot } = detect({ consecutive5xx: 1, baseEjectionMs: 10, maxEjectionMs: 25 });
  let now = start;
  for (const length of [10, 20, 25, 25]) {
    assert.equal(detector.record(slot, '5xx', now, many), true);
    assert.equal(detector.isEjected(slot, now + length - 1), true);
    assert.equal(detector.isEjected(slot, now + length), false);
    now += length;
  }
  now += 26;
  detector.record(slot, '5xx', now, many);
  assert.equal(detector.isEjected(slot, now + 10), false);
});

test('jitter lengthens an ejection within its bound', () => {
  const { detector, slot } = detect({ consecutive5xx: 1, baseEjectionMs: 10, jitterMs: 5 });
  detector.record(slot, '5xx', start, many);
  const length = detector.ejectedUntil(slot) - start;
  assert.ok(length >= 10 && length < 15, String(length));
});

test('a clock that jumps back ends ejections instead of prolonging them', () => {
  const { detector, slot } = detect({ consecutive5xx: 1 });
  detector.record(slot, '5xx', start, many);
  assert.equal(detector.isEjected(slot, start - 3_600_000), false);
});

test('an ejection can be ended by somebody who knows better', () => {
  const { detector, slot } = detect({ consecutive5xx: 1 });
  detector.record(slot, '5xx', start, many);
  detector.uneject(slot);
  assert.equal(detector.isEjected(slot, start), false);
});

const caps: readonly [size: number, ejected: number, share: number, may: boolean][] = [
  [1, 0, 0.1, false],
  [2, 0, 0.1, true],
  [2, 1, 0.1, false],
  [3, 0, 0.1, true],
  [3, 1, 0.1, false],
  [19, 1, 0.1, false],
  [20, 1, 0.1, true],
  [20, 2, 0.1, false],
  [4, 1, 0.5, true],
  [4, 3, 1, false],
];
for (const [size, ejected, maxEjectedShare, may] of caps) {
  test(`of ${size} endpoints with ${ejected} out at ${maxEjectedShare * 100} %, another ${may ? 'may' : 'may not'} go`, () => {
    const { detector, slot } = detect({ consecutive5xx: 1, maxEjectedShare });
    assert.equal(
      detector.record(slot, '5xx', start, () => ({ size, ejected })),
      may,
    );
  });
}

test('a refused ejection is asked for again by the next failure', () => {
  const { detector, slot } = detect({ consecutive5xx: 2 });
  detector.record(slot, '5xx', start, many);
  assert.equal(
    detector.record(slot, '5xx', start, () => ({ size: 1, ejected: 0 })),
    false,
  );
  assert.equal(detector.record(slot, '5xx', start, many), true);
});

describe('at the end of an interval', () => {
  /** Endpoints by their percentage of successes; 100 requests each unless said. */
  function endInterval(rates: readonly number[], options: OutlierOptions, requests = 100): number[] {
    const memory = new EndpointMemory(createEndpointMemory(64));
    const detector = new OutlierDetector(memory, { consecutive5xx: 'off', maxEjectedShare: 1, ...options }, () => 0);
    const slots = rates.map((_, index) => memory.acquire(`e${index}`));
    rates.forEach((rate, index) => {
      for (let i = 0; i < requests; i++)
        detector.record(slots[index]!, i < (rate * requests) / 100 ? 'success' : '5xx', start, many);
    });
    const ejected = detector.endInterval(slots, start);
    const out = rates.flatMap((_, index) => (detector.isEjected(slots[index]!, start) ? [index] : []));
    assert.equal(out.length, ejected);
    assert.equal(detector.endInterval(slots, start + 1), 0, 'the next interval starts empty');
    return out;
  }
  const rows: readonly [string, readonly number[], OutlierOptions, number, readonly number[]][] = [
    ['the one far below the others', [100, 100, 100, 100, 50], {}, 100, [4]],
    ['nobody when all fail alike', [50, 50, 50, 50, 50], {}, 100, []],
    ['nobody among four', [100, 100, 100, 0], {}, 100, []],
    ['nobody with too few requests', [100, 100, 100, 100, 0], {}, 99, []],
    ['success rate off', [100, 100, 100, 100, 0], { successRateFactor: 'off' }, 100, []],
    ['failure percentage', [10, 100, 90, 100, 100], { successRateFactor: 'off', failurePercentage: 85 }, 50, [0]],
    ['failure percentage, all of them but one', [0, 0, 0, 0, 0], { failurePercentage: 85 }, 100, [0, 1, 2, 3]],
  ];
  for (const [name, rates, options, requests, expected] of rows) {
    test(name, () => assert.deepEqual(endInterval(rates, options, requests), expected));
  }
});
