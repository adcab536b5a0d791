import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SlotTable, slotsPerChange } from './slot-table.ts';

/** Names are numbers, an entry is the name and a version: `version * 2^16 + name`. */
const nameOf = (entry: number): number => entry & 0xffff;

/** What a reader of the published slots finds. */
function read(slots: Int32Array, hash: number, name: number): number {
  const mask = slots.length / 2 - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const entry = slots[slot * 2 + 1]!;
    if (entry === 0) return 0;
    if (entry > 0 && slots[slot * 2] === hash && nameOf(entry) === name) return entry;
  }
}

test('a change of a name costs the same work whether the table grows or not', () => {
  const table = new SlotTable();
  const hash = (name: number): number => Math.imul(name, 0x9e3779b1) | 1;
  let growths = 0;
  for (let name = 1; name <= 60_000; name++) {
    const { movedSlots, slots } = table;
    table.set(hash(name), name, (entry) => nameOf(entry) === name);
    assert.ok(table.movedSlots - movedSlots <= slotsPerChange, `${name}: ${table.movedSlots - movedSlots} slots`);
    if (table.slots !== slots) growths++;
    assert.ok(name * 3 < table.slots.length + 4096, 'never much more than half full');
  }
  assert.ok(growths >= 5, `${growths} growths`);
  assert.equal(table.names, 60_000);
  for (let name = 1; name <= 60_000; name++) assert.equal(read(table.slots, hash(name), name), name);
  assert.equal(read(table.slots, hash(60_001), 60_001), 0);
});

test('names that come, change and go while the table grows are as a map has them', () => {
  const step = fc.record({
    name: fc.integer({ min: 1, max: 2500 }),
    isRemoval: fc.boolean(),
    run: fc.integer({ min: 1, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 25 }), fc.integer({ min: 1, max: 64 }), (steps, spread) => {
      const table = new SlotTable();
      const expected = new Map<number, number>();
      // Many names share a hash, and many more their first slot.
      const hash = (name: number): number => (name % (spread * 40)) * 7 + 1;
      let version = 0;
      for (const { name: first, isRemoval, run } of steps) {
        for (let name = first; name < first + run; name++) {
          const isSame = (entry: number): boolean => nameOf(entry) === name;
          if (isRemoval) {
            assert.equal(table.remove(hash(name), isSame), expected.get(name) ?? 0);
            expected.delete(name);
          } else {
            const entry = (++version << 16) | name;
            assert.equal(table.set(hash(name), entry, isSame), expected.get(name) ?? 0);
            expected.set(name, entry);
          }
          assert.equal(table.find(hash(name), isSame), expected.get(name) ?? 0);
        }
        assert.equal(table.names, expected.size);
        for (let name = 1; name < 2900; name += 3)
          assert.equal(read(table.slots, hash(name), name), expected.get(name) ?? 0);
      }
    }),
    { numRuns: 30 },
  );
});
