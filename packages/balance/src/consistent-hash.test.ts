import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConsistentHash, HashRing, hashBytes, hashText, Maglev, seededRandom } from './index.ts';

const KINDS = ['ring-hash', 'maglev'] as const;
const namesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}:80`);
const hashes = Array.from({ length: 20_000 }, (_, index) => hashText(`key ${index}`, 7));
const tableOf = (kind: (typeof KINDS)[number], names: string[], weights: number[]): HashRing | Maglev =>
  kind === 'ring-hash' ? new HashRing(names, weights, { minEntries: 16_384 }) : new Maglev(names, weights);

for (const kind of KINDS) {
  describe(kind, () => {
    test('each endpoint has its share of the hashes', () => {
      const names = namesOf(20);
      const weights = names.map((_, index) => (index < 10 ? 1 : 2));
      const table = tableOf(kind, names, weights);
      const counts = weights.map(() => 0);
      for (const hash of hashes) counts[table.pick(hash)]! += 1;
      weights.forEach((weight, index) => {
        const expected = (hashes.length * weight) / 30;
        // 16,384 points over 30 shares: about 4 % standard deviation for the ring, plus chance.
        assert.ok(Math.abs(counts[index]! - expected) < 0.25 * expected, `${index}: ${counts[index]} of ${expected}`);
      });
    });

    test('one endpoint of ten less moves its own hashes and few others', () => {
      const names = namesOf(10);
      const weights = names.map(() => 1);
      const before = tableOf(kind, names, weights);
      const after = tableOf(kind, names.slice(0, 9), weights.slice(0, 9));
      let moved = 0;
      for (const hash of hashes) {
        const from = before.pick(hash);
        if (from !== 9 && after.pick(hash) !== from) moved++;
      }
      // A ring's number of entries depends on the number of endpoints, which moves a few at its seams.
      assert.ok(moved / hashes.length < 0.1, `${moved} moved`);
    });

    test('the same endpoints in another order own the same hashes', () => {
      const names = namesOf(7);
      const turned = [...names].reverse();
      const weights = names.map(() => 1);
      const [one, other] = [tableOf(kind, names, weights), tableOf(kind, turned, weights)];
      for (const hash of hashes) assert.equal(names[one.pick(hash)], turned[other.pick(hash)]);
    });

    test('a bound is never exceeded, whatever the hashes', () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
          fc.array(fc.nat(3), { maxLength: 200 }),
          fc.constantFrom(1.05, 1.25, 2),
          (weights, keys, boundedLoad) => {
            const inFlight = new Int32Array(weights.length);
            const names = namesOf(weights.length);
            const balancer = new ConsistentHash(kind, {
              weights,
              names,
              random: seededRandom(1),
              inFlight,
              boundedLoad,
            });
            const sum = weights.reduce((total, weight) => total + weight, 0);
            keys.forEach((key, count) => {
              // Few keys: without a bound they would pile up on four endpoints.
              const index = balancer.pick(-1, hashText(`hot ${key}`, 1));
              balancer.start(index);
              const cap = Math.ceil((boundedLoad * (count + 1) * weights[index]!) / sum);
              assert.ok(inFlight[index]! <= cap, `${inFlight[index]} above ${cap}`);
            });
          },
        ),
        { numRuns: 60 },
      );
    });

    test('an endpoint that just failed is avoided, always for the same other one', () => {
      const names = namesOf(5);
      const balancer = new ConsistentHash(kind, { weights: [1, 1, 1, 1, 1], names, random: seededRandom(1) });
      for (const hash of hashes.slice(0, 200)) {
        const owner = balancer.pick(-1, hash);
        const next = balancer.pick(owner, hash);
        assert.notEqual(next, owner);
        assert.equal(balancer.pick(owner, hash), next);
      }
    });
  });
}

test('one endpoint less disturbs no hash of a ring that another one owns, with equal entries', () => {
  const names = namesOf(8);
  const before = new HashRing(names, [1, 1, 1, 1, 1, 1, 1, 1], { minEntries: 800 });
  const after = new HashRing(names.slice(0, 7), [1, 1, 1, 1, 1, 1, 1], { minEntries: 700 });
  for (const hash of hashes) {
    const owner = before.pick(hash);
    if (owner !== 7) assert.equal(after.pick(hash), owner);
  }
});

test('bytes hash evenly, and the same from any buffer', () => {
  const bytes = Buffer.from('xxuser-17yy');
  assert.equal(hashBytes(bytes, 2, 9), hashBytes(Buffer.from('user-17'), 0, 7));
  const buckets = new Int32Array(16);
  for (let i = 0; i < 16_000; i++) {
    const key = Buffer.from(`user-${i}`);
    buckets[hashBytes(key, 0, key.length) % 16]! += 1;
  }
  for (const count of buckets) assert.ok(count > 850 && count < 1150, String(count));
});
