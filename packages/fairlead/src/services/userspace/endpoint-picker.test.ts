import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../sys/clock.ts';
import type { EndpointTarget, SlotTable } from '../program.ts';
import { EndpointPicker, type EndpointSet, endpointSet } from './endpoint-picker.ts';
import { SourceLimiter } from './source-limiter.ts';

let nowMs = 0;
const clock = { ...systemClock, monotonicMs: () => nowMs };
const at = (port: number): EndpointTarget => ({ ip: '127.0.0.1', port, onThisNode: 'yes' });
const setOf = (ports: readonly number[], slots?: SlotTable, before?: EndpointSet): EndpointSet =>
  endpointSet(ports.map(at), slots, before);

test('affinity lasts from the last connection until its time is over or its endpoint is gone', () => {
  const picker = new EndpointPicker(clock, () => 0);
  const pick = (set: EndpointSet, client: string): number | undefined => {
    const endpoint = set.endpoints[picker.first(set, client, 1, 10)];
    if (endpoint !== undefined) picker.reached(endpoint, client, 10);
    return endpoint?.port;
  };
  const all = setOf([1, 2, 3]);
  const first = pick(all, 'x')!;
  assert.notEqual(pick(all, 'y'), first);
  for (let n = 0; n < 5; n++) {
    nowMs += 9000;
    assert.equal(pick(all, 'x'), first);
  }
  const others = setOf([1, 2, 3].filter((port) => port !== first));
  const second = pick(others, 'x');
  assert.notEqual(second, first);
  assert.equal(pick(all, 'x'), second);
  nowMs += 10_000;
  assert.equal(new Set([pick(all, 'a'), pick(all, 'b'), pick(all, 'c')]).size, 3);
});

test('an endpoint that was not reached is passed over for ten seconds, unless there is no other', () => {
  const picker = new EndpointPicker(clock, () => 0);
  const set = setOf([1, 2, 3]);
  picker.unreachable(set.endpoints[1]!);
  const seen = new Set(Array.from({ length: 12 }, () => picker.first(set, 'c', 1, undefined)));
  assert.deepEqual([...seen].sort(), [0, 2]);
  // A change of the endpoints does not forget it.
  const grown = setOf([1, 2, 3, 4], undefined, set);
  const later = new Set(Array.from({ length: 12 }, () => picker.first(grown, 'c', 1, undefined)));
  assert.deepEqual([...later].sort(), [0, 2, 3]);
  for (const endpoint of set.endpoints) picker.unreachable(endpoint);
  assert.ok(picker.first(set, 'c', 1, undefined) >= 0);
  nowMs += 10_000;
  const all = new Set(Array.from({ length: 12 }, () => picker.first(set, 'c', 1, undefined)));
  assert.deepEqual([...all].sort(), [0, 1, 2]);
});

test('slots: by chance in their shares, by source and by connection always the same', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }), (client, port) => {
      const places = [0, 0, 0, 1, 2];
      for (const by of ['source', 'connection'] as const) {
        const set = setOf([1, 2, 3], { by, places });
        const picks = [1, 2, 3].map(() => new EndpointPicker(clock, () => 0.5).first(set, client, port, undefined));
        assert.equal(new Set(picks).size, 1);
        const other = new EndpointPicker(clock, () => 0).first(set, client, port + 1, undefined);
        if (by === 'source') assert.equal(other, picks[0]);
      }
    }),
  );
  let turn = 0;
  const picker = new EndpointPicker(clock, () => (turn++ % 100) / 100);
  const set = setOf([1, 2], { by: 'random', places: [0, 0, 0, 1] });
  const counts = [0, 0];
  for (let n = 0; n < 400; n++) counts[picker.first(set, 'c', 1, undefined)]!++;
  assert.deepEqual(counts, [300, 100]);
});

test('limits: so many at a time, so many new ones per time with a burst, each source for itself', () => {
  const limiter = new SourceLimiter(clock, {
    maxConnections: 3,
    newConnections: { count: 1, per: 'second', burst: 2 },
  });
  assert.deepEqual(
    [1, 2, 3].map(() => limiter.admit('a')),
    [true, true, false],
  );
  assert.equal(limiter.admit('b'), true);
  nowMs += 1000;
  assert.equal(limiter.admit('a'), true, 'one a second');
  nowMs += 5000;
  assert.equal(limiter.admit('a'), false, 'three are there');
  limiter.release('a');
  assert.equal(limiter.admit('a'), true);
  limiter.update(undefined);
  assert.equal(limiter.admit('a'), true);
});
