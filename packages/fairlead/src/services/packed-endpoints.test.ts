import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '@fairlead/api';
import fc from 'fast-check';
import { packEndpoints, unpackEndpoints } from './packed-endpoints.ts';

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const name = fc.oneof(fc.constantFrom('node-1', 'node-2', 'zone-a'), fc.string({ minLength: 1 }));
const hint = fc.record({ name });

const endpoint = fc.record({
  address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ minLength: 1 })),
  conditions: optional(
    fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }, { requiredKeys: [] }),
  ),
  nodeName: optional(name),
  zone: optional(name),
  pod: optional(fc.string({ minLength: 1 })),
  hints: optional(fc.record({ forZones: fc.array(hint), forNodes: fc.array(hint) }, { requiredKeys: [] })),
});

test('unpacked endpoints are those that were packed, without what nobody needs', () => {
  fc.assert(
    fc.property(fc.array(endpoint), (rows) => {
      const wanted = rows.map(({ address, conditions, nodeName, zone, pod, hints }) => ({
        addresses: [address],
        ...(conditions === undefined ? {} : { conditions }),
        ...(nodeName === undefined ? {} : { nodeName }),
        ...(zone === undefined ? {} : { zone }),
        ...(hints === undefined ? {} : { hints }),
        ...(pod === undefined ? {} : { targetRef: { kind: 'Pod', name: pod } }),
      })) as Endpoint[];
      const full = wanted.map((each) => ({
        ...each,
        addresses: [...each.addresses, '192.0.2.250'],
        hostname: 'h',
        ...(each.targetRef === undefined ? {} : { targetRef: { ...each.targetRef, uid: 'u', namespace: 'default' } }),
      }));
      // Through text: fast-check makes objects without a prototype.
      assert.deepEqual(unpackEndpoints(packEndpoints(full)), JSON.parse(JSON.stringify(wanted)));
    }),
  );
});

test('names beyond those that are shared are kept too', () => {
  const many = Array.from({ length: 30_000 }, (_, index) => {
    return { addresses: [`a${index}`], nodeName: `of-${index}` };
  });
  assert.deepEqual(unpackEndpoints(packEndpoints(many)), many);
});
