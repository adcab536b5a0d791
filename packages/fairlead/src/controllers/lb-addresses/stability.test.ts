import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service, Stored } from '@fairlead/api';
import fc from 'fast-check';
import { AddressBook } from './address-book.ts';
import { pool, service } from './address-fixtures.ts';
import { readAddressRequest } from './address-request.ts';
import { compilePool } from './compiled-pool.ts';
import { decideAddresses } from './decide-addresses.ts';
import { poolStatus } from './pool-status.ts';

describe('the allocation', () => {
  test('no address twice, nobody else moves, and a restart changes nothing', () => {
    const spec = fc.record({
      port: fc.integer({ min: 1, max: 3 }),
      key: fc.constantFrom('', '', 'k', 'l'),
      local: fc.boolean(),
      wish: fc.constantFrom('', '', '', '192.0.2.1', '192.0.2.3'),
    });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), id: fc.integer({ min: 0, max: 6 }), spec }),
      fc.record({ kind: fc.constant('delete' as const), id: fc.integer({ min: 0, max: 6 }) }),
      fc.record({ kind: fc.constant('pool' as const), last: fc.integer({ min: 0, max: 5 }) }),
      fc.record({
        kind: fc.constant('restart' as const),
        order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let book = new AddressBook();
        let current = pool('p', { addresses: ['192.0.2.0-192.0.2.4'] });
        const objects = new Map<number, Stored<Service>>();
        const status = new Map<number, readonly string[]>();
        /** Services that lack something they ask for: looked at again after every change, as the controller does. */
        const pending = new Set<number>();
        const view = () => {
          const pools = [compilePool(current)];
          return { book, pools, serves: () => true, isReserved: () => false };
        };
        const sync = (id: number): void => {
          const object = objects.get(id);
          if (object === undefined) return;
          const request = readAddressRequest(object);
          const { addresses, reason } = decideAddresses(request, status.get(id) ?? [], view());
          book.assign(request.key, addresses, request.sharing);
          status.set(id, addresses);
          if (reason === 'Assigned') pending.delete(id);
          else pending.add(id);
        };
        const syncPending = (): void => {
          for (let moved = true; moved; ) {
            const was = JSON.stringify([...status]);
            for (const id of [...pending]) sync(id);
            moved = JSON.stringify([...status]) !== was;
          }
        };
        const restored = (): void => {
          book = new AddressBook();
          for (const id of [...objects.keys()].sort()) {
            const request = readAddressRequest(objects.get(id)!);
            const free = (status.get(id) ?? []).filter(
              (one) => book.conflict(one, request.key, request.sharing) === undefined,
            );
            book.assign(request.key, free, request.sharing);
          }
        };
        for (const one of steps) {
          const before = new Map(status);
          // Who waits for a better address may get it from any change but a restart.
          if (one.kind !== 'restart') for (const id of pending) before.delete(id);
          switch (one.kind) {
            case 'put': {
              const annotations = {
                ...(one.spec.key === '' ? {} : { 'fairlead.dev/address-sharing-key': one.spec.key }),
                ...(one.spec.wish === '' ? {} : { 'fairlead.dev/addresses': one.spec.wish }),
              };
              const more: Service['spec'] = one.spec.local ? { externalTrafficPolicy: 'Local' } : {};
              objects.set(
                one.id,
                service(`s${one.id}`, { annotations, spec: { ports: [{ port: one.spec.port }], ...more } }),
              );
              sync(one.id);
              before.delete(one.id);
              break;
            }
            case 'delete':
              objects.delete(one.id);
              status.delete(one.id);
              pending.delete(one.id);
              before.delete(one.id);
              book.release(`default/s${one.id}`);
              break;
            case 'pool': {
              const retained = poolStatus(current, compilePool(current), {
                pools: [compilePool(current)],
                inUse: book.addresses(),
                isAnnounced: true,
                now: '',
              });
              current = pool('p', { addresses: [`192.0.2.0-192.0.2.${one.last}`] }, retained);
              break;
            }
            case 'restart':
              restored();
              for (const id of one.order) sync(id);
              break;
          }
          if (one.kind !== 'restart') syncPending();
          for (const [id, addresses] of before) assert.deepEqual(status.get(id), addresses, `s${id} moved`);
          const ids = [...objects.keys()];
          for (const a of ids) {
            for (const b of ids) {
              const shared =
                a < b ? (status.get(a) ?? []).find((address) => status.get(b)?.includes(address)) : undefined;
              if (shared === undefined) continue;
              const [one, other] = [readAddressRequest(objects.get(a)!), readAddressRequest(objects.get(b)!)];
              assert.ok(one.sharing.key !== '' && one.sharing.key === other.sharing.key, `${shared} twice`);
              assert.ok(!one.sharing.ports.some((port) => other.sharing.ports.includes(port)));
              assert.equal(one.sharing.policy, other.sharing.policy);
            }
          }
          for (const [id, addresses] of status) assert.deepEqual(book.addressesOf(`default/s${id}`), addresses);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('30,000 addresses are handed out without looking at all of them each time', () => {
    const view = {
      pools: [compilePool(pool('p', { addresses: ['10.0.0.0/16'], avoidBuggyAddresses: true }))],
      serves: () => true,
      isReserved: () => false,
    };
    const book = new AddressBook();
    let looked = 0;
    const counted = Object.assign(Object.create(book) as AddressBook, {
      conflict: (...args: Parameters<AddressBook['conflict']>) => book.conflict(...args),
      firstFree: (range: Parameters<AddressBook['firstFree']>[0], skip: Parameters<AddressBook['firstFree']>[1]) =>
        book.firstFree(
          range,
          {
            ...skip,
            isSkipped: (ip) => {
              looked++;
              return skip.isSkipped(ip);
            },
          },
          () => false,
        ),
    });
    for (let n = 0; n < 30_000; n++) {
      const request = readAddressRequest(service(`s${n}`));
      const { addresses } = decideAddresses(request, [], { ...view, book: counted });
      book.assign(request.key, addresses, request.sharing);
    }
    assert.ok(looked < 100_000, `${looked} addresses looked at`);
  });
});
