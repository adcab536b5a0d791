import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangeTurns } from './change-turns.ts';

/** Turns that end when told to. */
function startTurns(): {
  readonly turns: ChangeTurns;
  /** How many have begun. */
  readonly begun: () => number;
  readonly failures: unknown[];
  /** Ends the present turn, and lets the next one begin. */
  readonly end: (error?: Error) => Promise<void>;
  readonly settle: () => Promise<void>;
} {
  let begun = 0;
  let finish = Promise.withResolvers<void>();
  const failures: unknown[] = [];
  const turns = new ChangeTurns(
    () => {
      begun++;
      return finish.promise;
    },
    (error) => failures.push(error),
  );
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    turns,
    begun: () => begun,
    failures,
    settle,
    end(error) {
      const present = finish;
      finish = Promise.withResolvers<void>();
      if (error === undefined) present.resolve();
      else present.reject(error);
      return settle();
    },
  };
}

test('changes that come together have one turn, those during it another', async () => {
  const { turns, begun, end, settle } = startTurns();
  for (let n = 0; n < 3; n++) turns.schedule();
  await settle();
  assert.equal(begun(), 1);
  for (let n = 0; n < 3; n++) turns.schedule();
  await settle();
  assert.equal(begun(), 1, 'one at a time');
  await end();
  assert.equal(begun(), 2);
  await end();
  assert.equal(begun(), 2);
});

test('a turn that fails is told, and the next one comes', async () => {
  const { turns, begun, failures, end, settle } = startTurns();
  turns.schedule();
  await settle();
  turns.schedule();
  const error = new Error('no');
  await end(error);
  assert.deepEqual(failures, [error]);
  assert.equal(begun(), 2);
});

test('closed when the present turn has ended; none begins afterwards', async () => {
  const { turns, begun, end, settle } = startTurns();
  turns.schedule();
  await settle();
  turns.schedule();
  let isClosed = false;
  const closed = turns.close().then(() => {
    isClosed = true;
  });
  await settle();
  assert.equal(isClosed, false);
  await end();
  await closed;
  turns.schedule();
  await settle();
  assert.equal(begun(), 1);
});
