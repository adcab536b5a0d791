import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '@fairlead/client';
import { TestClock } from '@fairlead/client/test-clock';
import { systemClock } from '../../sys/clock.ts';
import { settle } from './settle.ts';

const taken = new ApiError(422, 'Invalid', 'spec.clusterIPs: failed to allocate IP: provided IP is already allocated');
const rows: [name: string, error: Error, tries: number][] = [
  ['a conflict is tried again', new ApiError(409, 'Conflict', 'modified'), 3],
  ['so is an address that another server has just allocated to the same Service', taken, 3],
  ['another fault of the object is not', new ApiError(422, 'Invalid', 'spec.ports: Required value'), 1],
  ['nor is a server that cannot be reached', new ApiError(0, 'Unreachable', 'gone'), 1],
];
for (const [name, error, tries] of rows) {
  test(name, async () => {
    let count = 0;
    const step = async (): Promise<void> => {
      if (++count < 3) throw error;
    };
    if (tries === 3) await settle(systemClock, step);
    else await assert.rejects(settle(systemClock, step), error);
    assert.equal(count, tries);
  });
}

test('what never ends is given up with its own error', async () => {
  let count = 0;
  await assert.rejects(
    settle(systemClock, async () => {
      count++;
      throw taken;
    }),
    taken,
  );
  assert.equal(count, 20);
});

for (const code of [503, 504]) {
  test(`a store that went away is waited for, for a minute: ${code}`, async () => {
    const clock = new TestClock();
    const away = new ApiError(code, 'ServiceUnavailable', 'etcd cannot be reached');
    let count = 0;
    const done = settle(clock, async () => {
      if (++count < 50) throw away;
    });
    for (let second = 0; second < 11; second++) await clock.advance(1_000);
    await done;
    assert.equal(count, 50, 'more often than others interfere');

    const never = settle(clock, async () => {
      throw away;
    });
    const refused = assert.rejects(never, away);
    for (let second = 0; second < 61; second++) await clock.advance(1_000);
    await refused;
  });
}
