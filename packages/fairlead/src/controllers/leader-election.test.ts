import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeApi } from '@fairlead/client/fake-api';
import { TestClock } from '@fairlead/client/test-clock';
import type { Running } from '../sys/role.ts';
import { startWhenLeader } from './leader-election.ts';

function candidate(api: FakeApi, clock: TestClock, identity: string, leading: Set<string>): Promise<Running> {
  const start = async (): Promise<Running> => {
    leading.add(identity);
    return { stop: async () => void leading.delete(identity) };
  };
  const options = {
    client: api,
    clock,
    random: () => 0.5,
    log: () => undefined,
    namespace: 'kube-system',
    name: 'l',
    identity,
  };
  return startWhenLeader(options, start);
}

test('the first leads at once; the second when the first gives up or dies; never both', async () => {
  const clock = new TestClock();
  const api = new FakeApi({ clock, asynchronous: false });
  const leading = new Set<string>();
  const a = await candidate(api, clock, 'a', leading);
  assert.deepEqual([...leading], ['a']);
  const b = await candidate(api, clock, 'b', leading);
  for (let n = 0; n < 30; n++) {
    await clock.advance(1000);
    assert.deepEqual([...leading], ['a']);
  }
  await a.stop();
  await clock.advance(5000);
  assert.deepEqual([...leading], ['b']);
  // b loses the API: it steps down before its Lease can be taken.
  const restore = api.failWhen(() => new (class extends Error {})('cut') as never);
  await clock.advance(14_000);
  assert.deepEqual([...leading], []);
  restore();
  await clock.advance(5000);
  assert.deepEqual([...leading], ['b']);
  await b.stop();
});

test('a process that died comes back under its name without waiting', async () => {
  const clock = new TestClock();
  const api = new FakeApi({ clock, asynchronous: false });
  const leading = new Set<string>();
  const dead = await candidate(api, clock, 'a', leading);
  leading.clear();
  const back = await candidate(api, clock, 'a', leading);
  assert.deepEqual([...leading], ['a']);
  await back.stop();
  await dead.stop();
});
