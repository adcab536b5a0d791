import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import {
  BACKEND_LAYOUT,
  BackendMemory,
  createBackendMemory,
  createEndpointMemory,
  ENDPOINT_LAYOUT,
  EndpointMemory,
  settleLedger,
} from './index.ts';

test('slots are found again, given back, reused clean; without room all share the spare', () => {
  const memory = new EndpointMemory(createEndpointMemory(8));
  const slots = Array.from({ length: 8 }, (_, index) => memory.acquire(`e${index}`));
  assert.deepEqual([...slots].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(memory.acquire('e3'), slots[3]);
  assert.equal(memory.find('e3'), slots[3]);
  assert.equal(memory.acquire('more'), memory.spare);
  assert.equal(memory.find('more'), -1);
  memory.setActiveHealth(memory.spare, 'unhealthy');
  assert.equal(memory.activeHealth(memory.spare), 'unknown', 'the spare is nobody');
  memory.setActiveHealth(slots[5]!, 'unhealthy');
  memory.release(slots[5]!);
  assert.equal(memory.acquire('more'), slots[5]);
  assert.equal(memory.activeHealth(slots[5]!), 'unknown');
});

test('what a dead thread had counted is taken back, what others counted stays', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.boolean(), fc.boolean()), { maxLength: 60 }), (steps) => {
      const shared = createEndpointMemory(32);
      const ledger = createEndpointMemory(32);
      const dying = new EndpointMemory(shared, ledger);
      const living = new EndpointMemory(shared);
      const expected = new Map<string, { uses: number; inFlight: number }>();
      for (const [name, dies, works] of steps) {
        const memory = dies ? dying : living;
        const slot = memory.acquire(`e${name}`);
        if (works) memory.addInFlight(slot, 1);
        const at = expected.get(`e${name}`) ?? { uses: 0, inFlight: 0 };
        if (!dies) expected.set(`e${name}`, { uses: at.uses + 1, inFlight: at.inFlight + (works ? 1 : 0) });
      }
      settleLedger(ENDPOINT_LAYOUT, shared, ledger);
      for (let name = 0; name <= 5; name++) {
        const want = expected.get(`e${name}`);
        const slot = living.find(`e${name}`);
        assert.equal(slot >= 0, want !== undefined);
        if (want !== undefined) assert.equal(living.inFlight(slot), want.inFlight);
      }
    }),
    { numRuns: 100 },
  );
});

test('a limit holds exactly, and what was entered leaves', () => {
  const memory = new BackendMemory(createBackendMemory(8));
  const slot = memory.acquire('web');
  assert.deepEqual(
    [1, 2, 3].map(() => memory.tryEnter(slot, 'requests', 2)),
    [true, true, false],
  );
  assert.equal(memory.tryEnter(slot, 'requests', 2, 'high'), true, 'urgent traffic has its own counts');
  assert.equal(memory.count(slot, 'requests'), 2);
  memory.leave(slot, 'requests');
  assert.equal(memory.tryEnter(slot, 'requests', 2), true);
  assert.equal(memory.count(slot, 'retries'), 0);
});

test('counts of several threads meet in one number, and a limit holds over them', async () => {
  const shared = createBackendMemory(8);
  const memory = new BackendMemory(shared);
  const slot = memory.acquire('web');
  const source = `
    import { workerData, parentPort } from 'node:worker_threads';
    const { BackendMemory } = await import(workerData.module);
    const memory = new BackendMemory(workerData.shared, workerData.ledger);
    let most = 0;
    for (let entered = 0; entered < 5000; ) {
      // One that is interrupted inside keeps the other out for long.
      if (!memory.tryEnter(workerData.slot, 'requests', 1)) continue;
      entered++;
      most = Math.max(most, Atomics.add(workerData.inside, 0, 1) + 1);
      Atomics.sub(workerData.inside, 0, 1);
      memory.leave(workerData.slot, 'requests');
    }
    memory.enter(workerData.slot, 'retries');
    parentPort.postMessage(most);`;
  const inside = new Int32Array(new SharedArrayBuffer(4));
  const ledgers = [createBackendMemory(8), createBackendMemory(8)];
  const results = await Promise.all(
    ledgers.map((ledger) => {
      const workerData = { shared, ledger, slot, inside, module: new URL('./index.ts', import.meta.url).href };
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData });
      return new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    }),
  );
  assert.deepEqual(results, [1, 1], 'never two inside');
  assert.equal(memory.count(slot, 'requests'), 0);
  assert.equal(memory.count(slot, 'retries'), 2);
  for (const ledger of ledgers) settleLedger(BACKEND_LAYOUT, shared, ledger);
  assert.equal(memory.count(slot, 'retries'), 0);
});

test('threads that learn of a name at the same time find one slot for it', async () => {
  const [threads, rounds, names] = [3, 60, 40];
  const shared = createBackendMemory(threads * names * 4);
  const source = `
    import { workerData, parentPort } from 'node:worker_threads';
    const { BackendMemory } = await import(workerData.module);
    const { shared, gate, threads, rounds, names } = workerData;
    const memory = new BackendMemory(shared);
    const found = [];
    const meet = (stage) => {
      if (Atomics.add(gate, stage, 1) + 1 === threads) Atomics.notify(gate, stage);
      for (let seen; (seen = Atomics.load(gate, stage)) < threads; ) Atomics.wait(gate, stage, seen);
    };
    for (let round = 0; round < rounds; round++) {
      meet(2 * round);
      const slots = [];
      for (let name = 0; name < names; name++) slots.push(memory.acquire(round + '/' + name));
      found.push(slots);
      meet(2 * round + 1);
      // What the next round takes has been others' before.
      for (const slot of slots) memory.release(slot);
    }
    parentPort.postMessage(found);`;
  const gate = new Int32Array(new SharedArrayBuffer(4 * 2 * rounds));
  const module = new URL('./index.ts', import.meta.url).href;
  const [first, ...others] = await Promise.all(
    Array.from({ length: threads }, () => {
      const workerData = { shared, gate, threads, rounds, names, module };
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData });
      return new Promise<number[][]>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    }),
  );
  for (const other of others) assert.deepEqual(other, first);
});
