import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEndpointMemory, EndpointMemory, OutlierDetector } from '@fairlead/balance';
import { DEFAULT_BACKEND_POLICY, DEFAULT_OUTLIER, type OutlierPolicy } from '../../routing/backend-policies.ts';
import type { RouteBackend } from '../../routing/route-table.ts';
import type { Clock } from '../../sys/clock.ts';
import { OutlierIntervals } from './outlier-intervals.ts';

const POLICY: OutlierPolicy = {
  ...DEFAULT_OUTLIER,
  consecutiveGateway: 'off',
  failurePercentage: 85,
  maxEjectedShare: 1,
  intervalMs: 700,
};

function backend(count: number, outlier: OutlierPolicy | 'off'): readonly [string, RouteBackend] {
  const endpoints = Array.from({ length: count }, (_, index) => ({ address: `10.0.0.${index}`, port: 80, weight: 1 }));
  return [
    'web',
    { key: 'web', protocol: 'http1', balance: 'random', endpoints, policy: { ...DEFAULT_BACKEND_POLICY, outlier } },
  ];
}

test('the endpoint that fails most of its requests is out after the interval, and only while the rule is on', () => {
  const timers = new Map<() => void, number>();
  const clock: Pick<Clock, 'after' | 'now'> = {
    now: () => 1_000_000,
    after(delayMs, call) {
      timers.set(call, delayMs);
      return () => timers.delete(call);
    },
  };
  const tick = (): void => {
    const [call] = timers.keys();
    timers.delete(call!);
    call!();
  };
  const memory = new EndpointMemory(createEndpointMemory(64));
  const slots = Array.from({ length: 6 }, (_, index) => memory.acquire(`10.0.0.${index}:80`));
  const seen = new OutlierDetector(memory, POLICY, () => 0);
  let ejected = 0;
  const intervals = new OutlierIntervals(
    memory,
    clock as Clock,
    () => 0,
    (count) => {
      ejected += count;
    },
  );
  intervals.update([backend(6, POLICY)]);
  assert.deepEqual([...timers.values()], [700]);
  for (const [index, slot] of slots.entries()) {
    for (let i = 0; i < 60; i++)
      seen.record(slot, index === 4 ? '5xx' : 'success', clock.now(), () => ({ size: 6, ejected: 0 }));
  }
  tick();
  assert.equal(ejected, 1);
  assert.deepEqual(
    slots.map((slot) => seen.isEjected(slot, clock.now())),
    [false, false, false, false, true, false],
  );
  assert.equal(timers.size, 1, 'the next interval runs');
  intervals.update([backend(7, POLICY)]);
  assert.equal(timers.size, 1, 'new endpoints do not start it anew');
  intervals.update([backend(7, DEFAULT_OUTLIER)]);
  assert.equal(timers.size, 0);
  intervals.update([backend(7, POLICY)]);
  intervals.stop();
  assert.equal(timers.size, 0);
});
