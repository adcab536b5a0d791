import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiClient } from '@fairlead/client';
import { FakeApi } from '@fairlead/client/fake-api';
import { TestClock } from '@fairlead/client/test-clock';
import type { Running } from '../sys/role.ts';
import { startWhenLeader } from './leader-election.ts';

function candidate(api: ApiClient, clock: TestClock, identity: string, leading: Set<string>): Promise<Running> {
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

test('a leader whose API accepts requests and never answers steps down before its Lease can be taken', async () => {
  const clock = new TestClock();
  const api = new FakeApi({ clock, asynchronous: false });
  const leading = new Set<string>();
  let silent = false;
  const never = <T>(): Promise<T> => new Promise(() => undefined);
  const hanging: Pick<ApiClient, 'create' | 'get' | 'update'> = {
    create: (ref, object) => api.create(ref, object),
    get: (ref, name) => (silent ? never() : api.get(ref, name)),
    update: (ref, object) => (silent ? never() : api.update(ref, object)),
  };
  const a = await candidate(hanging as ApiClient, clock, 'a', leading);
  const b = await candidate(api, clock, 'b', leading);
  assert.deepEqual([...leading], ['a']);
  silent = true;
  for (let second = 0; second < 40; second++) {
    await clock.advance(1000);
    assert.ok(leading.size <= 1, `both lead after ${second} s`);
  }
  assert.deepEqual([...leading], ['b']);
  await b.stop();
  silent = false;
  await a.stop();
});
