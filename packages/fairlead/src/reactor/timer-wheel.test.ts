import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimerWheel, WheelTimer } from './timer-wheel.ts';

test('timers fire once, in order, never early, and at most two ticks late', () => {
  const wheel = new TimerWheel(1000);
  const fired: string[] = [];
  let now = 1000;
  const deadlines = [1001, 1016, 1500, 1500, 9_000, 70_000, 200_000];
  const timers = deadlines.map((deadline, i) => {
    const timer = new WheelTimer(() => {
      fired.push(`${i}`);
      assert.ok(now >= deadline && now <= deadline + 32, `${i} at ${now}`);
    });
    wheel.set(timer, deadline);
    return timer;
  });
  while (wheel.waitMs(now) >= 0) {
    now += Math.min(wheel.waitMs(now) + 1, 16);
    wheel.advance(now);
    assert.ok(now < 300_000, 'the wheel ends');
  }
  assert.deepEqual([...fired].sort(), ['0', '1', '2', '3', '4', '5', '6']);
  assert.deepEqual(fired.slice(4), ['4', '5', '6']);
  assert.ok(timers.every((timer) => timer.deadline === Infinity));
});

test('moving, cancelling and setting from a callback', () => {
  const wheel = new TimerWheel(0);
  const fired: string[] = [];
  const late = new WheelTimer(() => fired.push('late'));
  const early = new WheelTimer(() => fired.push('early'));
  const off = new WheelTimer(() => fired.push('off'));
  const again = new WheelTimer(() => {
    fired.push('again');
    wheel.remove(off);
    if (fired.length < 3) wheel.set(again, 100);
  });
  wheel.set(late, 50);
  wheel.set(late, 500);
  wheel.set(early, 500);
  wheel.set(early, 60);
  wheel.set(off, 64);
  wheel.set(again, 40);
  for (const now of [48, 64, 80, 112, 400]) wheel.advance(now);
  assert.deepEqual(fired, ['again', 'early', 'again']);
  wheel.advance(520);
  assert.deepEqual(fired, ['again', 'early', 'again', 'late']);
  assert.equal(wheel.waitMs(520), -1);
});

test('a long sleep loses nothing', () => {
  const wheel = new TimerWheel(0);
  let fired = 0;
  for (let i = 1; i <= 200; i++) wheel.set(new WheelTimer(() => fired++), i * 1000);
  wheel.advance(1_000_000);
  assert.equal(fired, 200);
});
