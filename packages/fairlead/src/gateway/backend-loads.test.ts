import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackendMemory, createBackendMemory } from '@fairlead/balance';
import type { RouteBackend } from '../routing/route-table.ts';
import { BackendLoads } from './backend-loads.ts';

const backend = (key: string, identity?: string): RouteBackend => ({
  key,
  ...(identity === undefined ? {} : { identity }),
  protocol: 'http1',
  balance: 'round-robin',
  endpoints: [],
});

test('two keys of one Service port are one load, which lives as long as one of them', () => {
  const shared = createBackendMemory(16);
  const worker = new BackendMemory(shared);
  const loads = new BackendLoads(new BackendMemory(shared));
  loads.update([
    ['a/web:http', backend('a/web:http', 'a/web:80')],
    ['a/web:80', backend('a/web:80', 'a/web:80')],
    ['a/other:80', backend('a/other:80')],
  ]);
  const slot = worker.acquire('a/web:80');
  for (let count = 0; count < 5; count++) worker.noteTraffic(slot);
  worker.enter(slot, 'requests');
  worker.enter(slot, 'requests', 'high');
  const web = (): unknown => loads.read().find(({ identity }) => identity === 'a/web:80');
  assert.deepEqual(web(), { identity: 'a/web:80', requests: 5, inFlight: 2 });
  assert.deepEqual(
    loads.read().map(({ identity }) => identity),
    ['a/web:80', 'a/other:80'],
  );
  loads.update([['a/web:http', undefined]]);
  worker.noteTraffic(slot);
  assert.deepEqual(web(), { identity: 'a/web:80', requests: 6, inFlight: 2 });
  loads.update([['a/web:80', undefined]]);
  assert.equal(web(), undefined);
});

test('the count goes on where the 32 bits of the workers wrap around', () => {
  const shared = createBackendMemory(16);
  const worker = new BackendMemory(shared);
  const loads = new BackendLoads(new BackendMemory(shared));
  loads.update([['a/web:80', backend('a/web:80')]]);
  const slot = worker.acquire('a/web:80');
  // The word of the count, found by its effect.
  const before = worker.words.slice();
  worker.noteTraffic(slot);
  const word = worker.words.findIndex((value, at) => value !== before[at]);
  worker.words[word] = 0x7fff_ffff;
  assert.equal(loads.read()[0]?.requests, 0x7fff_ffff);
  worker.noteTraffic(slot);
  worker.noteTraffic(slot);
  assert.equal(loads.read()[0]?.requests, 0x8000_0001);
  worker.words[word] = -1;
  assert.equal(loads.read()[0]?.requests, 0xffff_ffff);
  worker.noteTraffic(slot);
  assert.equal(loads.read()[0]?.requests, 0x1_0000_0000);
});

test('backends beyond the room of the memory have no load of their own', () => {
  const loads = new BackendLoads(new BackendMemory(createBackendMemory(1)));
  loads.update([
    ['a/one:80', backend('a/one:80')],
    ['a/two:80', backend('a/two:80')],
  ]);
  assert.deepEqual(
    loads.read().map(({ identity }) => identity),
    ['a/one:80'],
  );
});
