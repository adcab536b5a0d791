import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleCollector } from './idle-collector.ts';

/** Rounds at which it collects, of a worker that deals with a batch in the rounds `busy` names. */
function collections(rounds: number, busy: (round: number) => boolean): number[] {
  const at: number[] = [];
  let round = 0;
  let batches = 0;
  const collector = new IdleCollector(() => at.push(round));
  for (round = 0; round < rounds; round++) {
    if (busy(round)) batches++;
    collector.round(batches);
  }
  return at;
}

const rows: readonly [name: string, rounds: number, busy: (round: number) => boolean, expected: readonly number[]][] = [
  ['a worker that is idle from its start: once', 1000, () => false, [10]],
  ['a worker with an event in every round: never', 1000, () => true, []],
  ['a worker with an event every 4 s: never', 1000, (round) => round % 8 === 0, []],
  ['a burst, then nothing: again once', 1000, (round) => round >= 200 && round < 300, [10, 309]],
  ['an event every 10 s: no more than once a minute', 400, (round) => round % 20 === 0, [10, 130, 250, 370]],
];
for (const [name, rounds, busy, expected] of rows) {
  test(name, () => assert.deepEqual(collections(rounds, busy), expected));
}
