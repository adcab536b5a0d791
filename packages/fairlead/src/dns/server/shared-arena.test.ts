import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeQuery } from '../dns-fixtures.ts';
import { clusterZone, type NameRecords } from '../program.ts';
import { ZoneBuilder } from '../zone-builder.ts';
import { AnswerTable } from './answer-table.ts';
import { handOff, QueryAnswerer } from './query-answerer.ts';
import { SharedArena, sizeClass } from './shared-arena.ts';
import { control, counterStrideWords } from './table-layout.ts';
import { zoneTemplates } from './zone-template.ts';

const zone = clusterZone('cluster.local', 5);

test('size classes waste at most a quarter', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1 << 20 }), (bytes) => {
      const size = sizeClass(bytes);
      assert.ok(size >= bytes && size % 16 === 0);
      assert.ok(size <= Math.max(16, bytes + 15, bytes * 1.25), `${bytes} ${size}`);
      assert.equal(sizeClass(size), size);
    }),
  );
});

test('a retired block is reused only when no batch can read it', () => {
  const words = new Int32Array(new SharedArrayBuffer((control.batchCounters + 2 * counterStrideWords) * 4));
  const arena = new SharedArena(words, 2);
  const counter = (worker: number): number => control.batchCounters + worker * counterStrideWords;
  const reused = (entry: number): boolean => {
    arena.settle(false, () => 64);
    const next = arena.allocate(64);
    if (next === entry) return true;
    return false;
  };
  const first = arena.allocate(64);
  arena.retire(first);
  assert.equal(reused(first), true, 'no worker reads');

  Atomics.add(words, counter(1), 1);
  arena.retire(first);
  assert.equal(reused(first), false, 'worker 1 is in its batch');
  Atomics.add(words, counter(1), 1);
  Atomics.add(words, counter(1), 1);
  assert.equal(reused(first), true, 'worker 1 is in a later batch');

  arena.retire(first);
  arena.settle(false, () => 64);
  Atomics.add(words, counter(1), 2);
  arena.settle(true, () => 64);
  assert.notEqual(arena.allocate(64), first, 'slots have moved: the batch of now counts');
  Atomics.add(words, counter(1), 1);
  assert.equal(reused(first), true);
});

test('a thousand changes of one name do not grow the table', () => {
  const table = new AnswerTable(1);
  const builder = new ZoneBuilder(zone, table);
  const records = (index: number): NameRecords => [{ type: 'A', ttl: 5, addresses: [`10.0.0.${index & 255}`] }];
  for (let index = 0; index < 10; index++) builder.setSource('a', new Map([['a.cluster.local', records(index)]]));
  const used = table.stats.usedBytes;
  for (let index = 0; index < 1000; index++) builder.setSource('a', new Map([['a.cluster.local', records(index)]]));
  assert.equal(table.stats.usedBytes, used);
});

test('readers with old buffers keep a consistent view while the table grows', () => {
  const replaced: unknown[] = [];
  const table = new AnswerTable(1, (buffers) => replaced.push(buffers));
  const builder = new ZoneBuilder(zone, table);
  const records: NameRecords = [{ type: 'TXT', ttl: 5, texts: ['x'.repeat(200)] }];
  const nameOf = (index: number): string => `n${index}.cluster.local`;
  builder.setSource('few', new Map(Array.from({ length: 100 }, (_, index) => [nameOf(index), records] as const)));
  table.markSynced(1);
  const old = new QueryAnswerer(table.buffers, zoneTemplates(zone));
  const many = Array.from({ length: 20_000 }, (_, index) => [nameOf(index), records] as const);
  builder.setSource('many', new Map(many));
  assert.equal(replaced.length, 1, 'handed over once per difference');
  const young = new QueryAnswerer(table.buffers, zoneTemplates(zone));
  const output = new Uint8Array(1400);
  const codeOf = (answerer: QueryAnswerer, index: number): number => {
    const query = encodeQuery(nameOf(index), 'TXT');
    assert.notEqual(answerer.answer(query, 0, query.length, output, 0, 0), handOff);
    return output[3]! & 15;
  };
  for (let index = 0; index < 100; index++) assert.equal(codeOf(old, index), 0, `old ${index}`);
  for (let index = 0; index < 20_000; index++) assert.equal(codeOf(young, index), 0, `new ${index}`);
  assert.equal(codeOf(young, 20_000), 3);
});

test('the table answers as a plain map would, whatever was added and removed', () => {
  const owner = fc.nat(30).map((index) => `h${index}.cluster.local`);
  const address = fc.nat(255);
  const step = fc.tuple(owner, fc.option(address, { nil: undefined }));
  const query = (name: string): Uint8Array => encodeQuery(name, 'A');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new AnswerTable(1);
      const builder = new ZoneBuilder(zone, table);
      table.markSynced(1);
      const answerer = new QueryAnswerer(table.buffers, zoneTemplates(zone));
      const plain = new Map<string, number>();
      for (const [name, last] of steps) {
        if (last === undefined) plain.delete(name);
        else plain.set(name, last);
        const records: NameRecords | undefined =
          last === undefined ? undefined : [{ type: 'A', ttl: 5, addresses: [`10.0.0.${last}`] }];
        builder.setSource(name, records && new Map([[name, records]]));
      }
      const output = new Uint8Array(1400);
      for (let index = 0; index <= 30; index++) {
        const name = `h${index}.cluster.local`;
        const bytes = query(name);
        const length = answerer.answer(bytes, 0, bytes.length, output, 0, 0);
        const answer = output[3]! === 0x83 ? undefined : output[length - 1];
        assert.equal(answer, plain.get(name), name);
      }
      assert.equal(table.stats.names, plain.size === 0 ? 0 : plain.size + 1, 'and the origin');
    }),
    { numRuns: 50 },
  );
});
