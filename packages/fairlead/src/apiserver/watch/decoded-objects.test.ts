import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Decoded, DecodedObjects } from './decoded-objects.ts';

class FakeDecoded implements Decoded {
  readonly size: number;
  held = true;
  used = false;

  constructor(size: number) {
    this.size = size;
  }

  takeUsed(): boolean {
    const { used } = this;
    this.used = false;
    return used;
  }

  forget(): void {
    this.held = false;
  }
}

test('what is used stays, what is not goes, oldest first', () => {
  const decoded = new DecodedObjects(30);
  const [first, second, third, fourth] = [10, 10, 10, 10].map((size) => new FakeDecoded(size));
  for (const object of [first!, second!, third!]) decoded.add(object);
  first!.used = true;
  decoded.add(fourth!);
  assert.deepEqual(
    [first, second, third, fourth].map((object) => object!.held),
    [true, false, true, true],
  );
});

test('the newest stays, however large', () => {
  const decoded = new DecodedObjects(30);
  const small = new FakeDecoded(10);
  const large = new FakeDecoded(1_000);
  decoded.add(small);
  decoded.add(large);
  assert.deepEqual([small.held, large.held, decoded.size], [false, true, 1_000]);
});

test('no order of uses makes it hold more than the limit and one', () => {
  const step = fc.record({ size: fc.integer({ min: 1, max: 40 }), use: fc.array(fc.nat(50), { maxLength: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3_000 }), (steps) => {
      const decoded = new DecodedObjects(100);
      const all: FakeDecoded[] = [];
      for (const { size, use } of steps) {
        for (const back of use) {
          const object = all.at(-1 - back);
          if (object?.held === true) object.used = true;
        }
        const added = new FakeDecoded(size);
        all.push(added);
        decoded.add(added);
        assert.ok(added.held);
        const held = all.filter((object) => object.held).reduce((sum, object) => sum + object.size, 0);
        assert.equal(decoded.size, held);
        assert.ok(held <= 100 || held === size);
      }
    }),
    { numRuns: 20 },
  );
});
