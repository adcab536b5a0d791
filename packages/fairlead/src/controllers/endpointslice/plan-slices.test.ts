import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, EndpointSlice, Stored } from '@fairlead/api';
import type { SliceGroup } from './desired-endpoints.ts';
import { maxEndpointsPerSlice, type NewSlice, planSlices } from './plan-slices.ts';

const endpoint = (n: number, ready = true): Endpoint => ({
  addresses: [`10.0.${n >> 8}.${n & 255}`],
  conditions: { ready },
  targetRef: { kind: 'Pod', uid: `u${n}` },
});
const group = (numbers: readonly number[], port = 80): SliceGroup => ({
  addressType: 'IPv4',
  ports: [{ name: '', port, protocol: 'TCP' }],
  endpoints: numbers.map((n) => endpoint(n)),
});
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
let made = 0;
const stored = (slice: NewSlice): Stored<EndpointSlice> => {
  const name = `s${String(++made).padStart(4, '0')}`;
  return { ...slice, metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '' } };
};
const apply = (existing: readonly Stored<EndpointSlice>[], groups: readonly SliceGroup[]) => {
  const plan = planSlices(groups, existing, ['IPv4']);
  const updated = new Map(plan.update.map((slice) => [slice.metadata.uid, slice]));
  const gone = new Set(plan.remove.map((slice) => slice.metadata.uid));
  const next = existing.filter((s) => !gone.has(s.metadata.uid)).map((s) => updated.get(s.metadata.uid) ?? s);
  return { plan, next: [...next, ...plan.create.map(stored)] };
};
const counts = ({ plan }: ReturnType<typeof apply>): number[] => [
  plan.create.length,
  plan.update.length,
  plan.remove.length,
];

test('no endpoints: one empty slice, and then nothing more to do', () => {
  const first = apply([], []);
  assert.deepEqual(counts(first), [1, 0, 0]);
  assert.deepEqual(counts(apply(first.next, [])), [0, 0, 0]);
});

test('the first endpoints recycle the empty slice; the last ones leave it', () => {
  const { next } = apply([], []);
  const filled = apply(next, [group([1, 2])]);
  assert.deepEqual(counts(filled), [0, 1, 0]);
  assert.deepEqual(counts(apply(filled.next, [])), [0, 1, 0]);
});

test('250 endpoints are three slices; one more changes one slice', () => {
  const { next } = apply([], [group(range(0, 250))]);
  assert.deepEqual(next.map((slice) => slice.endpoints.length).sort(), [100, 100, 50]);
  assert.deepEqual(counts(apply(next, [group(range(0, 251))])), [0, 1, 0]);
});

test('a removed and an added endpoint share one write; nothing is rebalanced', () => {
  const { next } = apply([], [group(range(0, 200))]);
  assert.deepEqual(counts(apply(next, [group([...range(1, 200), 500])])), [0, 1, 0]);
  const shrunk = apply(next, [group([0, 1, 150])]);
  assert.deepEqual(shrunk.next.map((slice) => slice.endpoints.length).sort(), [1, 2]);
});

test('another port: the slice is rewritten in place', () => {
  const { next } = apply([], [group([1, 2], 80)]);
  const moved = apply(next, [group([1, 2], 81)]);
  assert.deepEqual(counts(moved), [0, 1, 0]);
  assert.equal(moved.next[0]?.ports?.[0]?.port, 81);
});

test('random histories: exactly the wanted endpoints, no slice too full, and a fixed point', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  let slices: readonly Stored<EndpointSlice>[] = [];
  for (let round = 0; round < 150; round++) {
    const size = random(10) === 0 ? 0 : random(320);
    const start = random(50);
    const groups = [group(range(start, start + size)), group(range(900, 900 + random(3)), 81)].filter(
      (g) => g.endpoints.length > 0,
    );
    slices = apply(slices, groups).next;
    const found = slices
      .flatMap((slice) => slice.endpoints.map((e) => `${e.addresses[0]}:${slice.ports?.[0]?.port}`))
      .sort();
    const wanted = groups.flatMap((g) => g.endpoints.map((e) => `${e.addresses[0]}:${g.ports[0]?.port}`)).sort();
    assert.deepEqual(found, wanted);
    assert.ok(slices.every((slice) => slice.endpoints.length <= maxEndpointsPerSlice));
    assert.ok(slices.length >= 1);
    assert.deepEqual(counts(apply(slices, groups)), [0, 0, 0]);
  }
});
