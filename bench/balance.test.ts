import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fullestBin, fullestUnderZipf, maglevFigures, subsetChurn, subsetSpread } from './balance/counting.ts';
import { EventQueue } from './balance/event-queue.ts';
import { pastTheKnee, retryAmplification, throttledToAccepted } from './balance/overload.ts';
import { pastSaturation } from './balance/shared-machines.ts';
import { withinASecond } from './balance/stuck-server.ts';

const SEED = 7;

/** Published results, as bounds that our algorithms must meet. */
const rows: readonly [name: string, value: () => number, least: number, most: number][] = [
  ['stuck server: round robin 95 %', () => withinASecond('round-robin', SEED, 300), 0.945, 0.965],
  ['stuck server: least loaded 99 %', () => withinASecond('least-request', SEED, 300), 0.985, 0.998],
  ['stuck server: peak EWMA 99.9 %', () => withinASecond('peak-ewma', SEED, 300), 0.998, 1],
  ['random subsets: the least loaded has 63 %', () => subsetSpread('random', 90, SEED).least, 0.58, 0.82],
  ['random subsets: the most loaded has 121 %', () => subsetSpread('random', 90, SEED).most, 1.15, 1.35],
  ['subsets in rounds: exactly equal, least', () => subsetSpread('rounds', 10, SEED).least, 1, 1],
  ['subsets in rounds: exactly equal, most', () => subsetSpread('rounds', 10, SEED).most, 1, 1],
  ['rendezvous subsets: at most one entry changes', () => subsetChurn('rendezvous', 10).most, 1, 1],
  ['rounds: a removal changes much', () => subsetChurn('rounds', 10).mean, 5, 10],
  ['one choice: ln n / ln ln n', () => fullestBin('random', 20_000, SEED), 6, 10],
  ['two choices: ln ln n / ln 2', () => fullestBin('least-request', 20_000, SEED), 3, 4],
  ['Maglev: imbalance at most 1 % with 100 slots per endpoint', () => maglevFigures(650).imbalance, 0, 0.01],
  ['Maglev: a removal moves few others', () => maglevFigures(650).disruption, 0, 0.03],
  ['bounded loads: at most 125 %', () => fullestUnderZipf(1.25, SEED), 1, 1.26],
  ['no bound: far more', () => fullestUnderZipf(undefined, SEED), 3, 50],
  ['retries without budget: 64 x', () => retryAmplification(3, undefined, SEED), 64, 64],
  ['retries with a budget of 10 %: 1.1 x per layer', () => retryAmplification(3, 0.1, SEED) ** (1 / 3), 1.08, 1.13],
  ['client throttling: twice what is accepted', () => throttledToAccepted(1000, SEED), 1.8, 2.2],
  ['past the knee: latency stays', () => pastTheKnee(2, true, SEED, 10).p99Ms, 20, 150],
  ['past the knee: the excess is refused', () => pastTheKnee(2, true, SEED, 10).rejected, 0.4, 0.65],
  ['past the knee: the service stays busy', () => pastTheKnee(2, true, SEED, 10).goodput, 0.8, 1.05],
  ['past the knee without limit: latency grows for ever', () => pastTheKnee(2, false, SEED, 10).p99Ms, 2_000, 1e9],
];
describe('published results', () => {
  for (const [name, value, least, most] of rows) {
    test(name, () => {
      const found = value();
      assert.ok(found >= least && found <= most, `${found} is not in ${least} .. ${most}`);
    });
  }
  test('past saturation: round robin breaks, Prequal holds', () => {
    const robin = pastSaturation('round-robin', 1.27, SEED, 4);
    const prequal = pastSaturation('prequal', 1.27, SEED, 4);
    assert.ok(robin.p99Ms > 3 * prequal.p99Ms, `${robin.p99Ms} ${prequal.p99Ms}`);
    assert.equal(prequal.failed, 0);
  });
});

test('events come in order of time, then of arrival, whatever order they were made in', () => {
  const queue = new EventQueue();
  const seen: string[] = [];
  for (const [at, name] of [
    [5, 'e'],
    [1, 'a'],
    [3, 'c'],
    [3, 'd'],
    [2, 'b'],
  ] as const) {
    queue.after(at, () => seen.push(`${name}${queue.now}`));
  }
  queue.after(4, () => queue.after(4, () => seen.push(`f${queue.now}`)));
  queue.run(5);
  queue.run();
  assert.deepEqual(seen, ['a1', 'b2', 'c3', 'd3', 'e5', 'f8']);
});
