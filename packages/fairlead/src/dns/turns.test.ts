import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Endpoint, EndpointSlice } from '@fairlead/api';
import { compileServiceSteps } from './compile.ts';
import { makeService, makeSlice } from './dns-fixtures.ts';
import { EntryBlock } from './server/entry-block.ts';
import { SlicedWork } from './sliced-work.ts';
import { ServiceNamesWriter } from './write-service-names.ts';
import { ZoneFiles } from './zone-files.ts';

/** A clock that the work itself moves, and turns that the test gives. */
class WorkClock {
  nowMs = 0;
  readonly turns: (() => void)[] = [];

  monotonicMs(): number {
    return this.nowMs;
  }

  after(): () => void {
    return () => {};
  }

  readonly defer = (callback: () => void): (() => void) => {
    this.turns.push(callback);
    return () => void this.turns.splice(this.turns.indexOf(callback), 1);
  };
}

test('a Service with thousands of endpoints is compiled a few slices per turn', async () => {
  const clock = new WorkClock();
  let read = 0;
  const slices = Array.from({ length: 42 }, (_, number): EndpointSlice => {
    const addresses = Array.from({ length: 100 }, (_address, index) => `10.1.${number}.${index}=h-${number}-${index}`);
    const slice = makeSlice('shop/big', `big-${number}`, addresses);
    const endpoints = slice.endpoints as Endpoint[];
    // What a slice costs: a millisecond to read it.
    return Object.defineProperty({ ...slice }, 'endpoints', {
      get: () => {
        read++;
        clock.nowMs += 1;
        return endpoints;
      },
    });
  });
  const options = { zone: 'cluster.local', ttlSeconds: 5 };
  const names: number[] = [];
  const work = new SlicedWork(
    clock,
    function* () {
      const service = makeService('shop/big', ['None']);
      const records = yield* compileServiceSteps(service, slices, options, new ServiceNamesWriter());
      names.push(records instanceof EntryBlock ? records.count : 0);
    },
    clock.defer,
  );
  work.mark('shop/big');
  const drained = work.run();
  const perTurn = [read];
  for (let before = read; clock.turns.length > 0; before = read) {
    clock.turns.shift()!();
    perTurn.push(read - before);
  }
  await drained;
  assert.equal(read, slices.length);
  assert.ok(Math.max(...perTurn) <= 4, `slices per turn: ${perTurn.join(', ')}`);
  assert.deepEqual(names, [2]);
});

test('a zone file with many records is loaded some hundred records per turn, and SERVFAIL until then', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-turns-'));
  try {
    const clock = new WorkClock();
    // Each look at the clock says that a millisecond is over.
    clock.monotonicMs = () => clock.nowMs++;
    const file = join(folder, 'big.db');
    const lines = Array.from(
      { length: 20_000 },
      (_, index) => `h${index} A 10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    );
    writeFileSync(file, `$TTL 5\n@ SOA ns m 1 1 1 1 1\n@ NS ns\n${lines.join('\n')}\n`);
    let loaded = 0;
    const files = new ZoneFiles({
      files: [{ origin: 'big.test', file }],
      directories: [],
      clock,
      defer: clock.defer,
      log: () => {},
      onLoaded: ({ size }) => {
        loaded = size;
      },
    });
    assert.equal(files.zones.get('big.test'), undefined);
    let turns = 1;
    for (; clock.turns.length > 0; turns++) clock.turns.shift()!();
    assert.equal(loaded, lines.length + 2);
    assert.equal(files.zones.get('big.test')?.size, loaded);
    // Reading and indexing: two steps for a record, 64 steps between two looks at the clock, at most five looks a turn.
    assert.ok(turns >= (2 * lines.length) / (5 * 64), `${turns} turns`);
    files.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
