import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { namespaces, nodes, type Service, type Stored, services } from '@fairlead/api';
import { type AddressPool, addressCondition, addressPools, l2Announcements } from '@fairlead/api/fairlead-dev/types';
import { createEventRecorder } from '@fairlead/client';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock } from '../../sys/clock.ts';
import type { Running } from '../../sys/role.ts';
import type { ControllerContext } from '../controller.ts';
import { type OwnedInformers, sharedInformers } from '../shared-informers.ts';
import { lbAddressesController } from './controller.ts';

describe('the lb-addresses controller', { timeout: 120_000 }, () => {
  let api: FakeApi;
  let informers: OwnedInformers;
  let running: Running;
  const surroundings = { clock: systemClock, random: () => 0.5, log: () => undefined };

  const start = (): void => {
    informers = sharedInformers(api, surroundings);
    const context: ControllerContext = {
      client: api,
      ...surroundings,
      informers,
      settings: { podCidr: '', nodeCidrMaskSize: 24, nodeMonitorGraceMs: 0, evictionAfterMs: 0, rootCa: '' },
      recorder: (component) => createEventRecorder(api, { component, ...surroundings }),
    };
    running = lbAddressesController.start(context);
  };
  const stop = async (): Promise<void> => {
    informers.stop();
    await running.stop();
  };
  const get = (name: string): Stored<Service> =>
    api.store.get('/services', `default/${name}`) as unknown as Stored<Service>;
  const addresses = (name: string): string =>
    (get(name).status?.loadBalancer?.ingress ?? []).map(({ ip, ipMode }) => `${ip} ${ipMode}`).join();
  const reason = (name: string): string | undefined =>
    get(name).status?.conditions?.find(({ type }) => type === addressCondition)?.reason;
  const poolStatus = (name: string): AddressPool['status'] =>
    (api.store.get('fairlead.dev/addresspools', name) as unknown as AddressPool).status;
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    const deadline = systemClock.monotonicMs() + 15_000;
    while (!holds()) {
      assert.ok(systemClock.monotonicMs() < deadline, `never: ${what}`);
      await systemClock.sleep(2);
    }
  };
  const create = (name: string, more: Partial<Service> = {}): Promise<unknown> =>
    api.create(services, {
      ...more,
      metadata: { name, namespace: 'default', ...more.metadata },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...more.spec },
    });
  const makePool = (name: string, ...list: string[]): Promise<unknown> =>
    api.create(addressPools, { metadata: { name }, spec: { addresses: list } });

  beforeEach(() => {
    api = new FakeApi();
    api.seed(namespaces, { metadata: { name: 'default' } });
    start();
  });
  afterEach(async () => {
    await stop();
    await api.close();
  });

  test('an address comes with the pool, goes with the Service, and the next in line gets it', async () => {
    await create('a');
    await makePool('p', '192.0.2.10');
    await until('a has the address', () => addresses('a') === '192.0.2.10 VIP');
    await create('b');
    await until('b hears why not', () => reason('b') === 'PoolExhausted');
    await until('the pool counts', () => poolStatus('p')?.available === 0 && poolStatus('p')?.assigned === 1);
    await api.delete(services, { namespace: 'default', name: 'a' });
    await until('b has it', () => addresses('b') === '192.0.2.10 VIP' && reason('b') === 'Assigned');
  });

  test('a change of type takes the address and the condition away, and keeps foreign conditions', async () => {
    await makePool('p', '192.0.2.10');
    await create('a');
    await until('a has the address', () => addresses('a') !== '');
    const foreign = {
      type: 'example.com/x',
      status: 'True',
      reason: 'X',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    await api.patch(
      services,
      { namespace: 'default', name: 'a' },
      'strategic',
      { status: { conditions: [foreign] } },
      { subresource: 'status' },
    );
    await api.patch(services, { namespace: 'default', name: 'a' }, 'merge', { spec: { type: 'ClusterIP' } });
    await until('nothing of ours is left', () => addresses('a') === '' && reason('a') === undefined);
    assert.deepEqual(
      get('a').status?.conditions?.map(({ type }) => type),
      ['example.com/x'],
    );
    await create('b');
    await until('b has the address', () => addresses('b') === '192.0.2.10 VIP');
  });

  test('without a pool, and where somebody else has written, nothing is touched', async () => {
    await create('a');
    await create('b');
    await api.patch(
      services,
      { namespace: 'default', name: 'b' },
      'merge',
      { status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } } },
      { subresource: 'status' },
    );
    await create('c', { spec: { loadBalancerClass: 'example.com/other' } });
    await makePool('p', '192.0.2.0/24');
    await until('a has an address', () => addresses('a') !== '');
    assert.equal(get('b').status?.conditions, undefined);
    assert.equal(get('b').status?.loadBalancer?.ingress?.[0]?.ip, '203.0.113.7');
    assert.equal(get('c').status, undefined);
  });

  test('a restart keeps every address, whatever came in between', async () => {
    await makePool('p', '192.0.2.10-192.0.2.14');
    for (const name of ['a', 'b', 'c']) await create(name);
    await until('all have addresses', () => ['a', 'b', 'c'].every((name) => addresses(name) !== ''));
    const before = ['a', 'b', 'c'].map(addresses);
    await until('the pool counts', () => poolStatus('p')?.assigned === 3);
    await stop();
    await api.patch(addressPools, { name: 'p' }, 'merge', { spec: { addresses: ['192.0.2.13-192.0.2.14'] } });
    await api.delete(services, { namespace: 'default', name: 'b' });
    await create('0');
    start();
    await until('the new one has one', () => addresses('0') !== '');
    assert.deepEqual([addresses('a'), addresses('c'), addresses('0')], [before[0], before[2], '192.0.2.13 VIP']);
    await until(
      'the pool retains',
      () =>
        poolStatus('p')?.retained?.join() ===
        [before[0], before[2]]
          .sort()
          .map((one) => one!.split(' ')[0])
          .join(),
    );
    await api.delete(services, { namespace: 'default', name: 'a' });
    await until('until it is free', () => poolStatus('p')?.retained?.length === 1);
  });

  test('a node’s address is left out; announcements show in the pool', async () => {
    await api.create(nodes, {
      metadata: { name: 'n' },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.10' }] },
    });
    await makePool('p', '192.0.2.10-192.0.2.11');
    await create('a');
    await until('the other one', () => addresses('a') === '192.0.2.11 VIP');
    const announced = (): string | undefined =>
      poolStatus('p')?.conditions?.find(({ type }) => type === 'Announced')?.status;
    await until('not announced', () => announced() === 'False');
    await api.create(l2Announcements, { metadata: { name: 'l' } });
    await until('announced', () => announced() === 'True');
  });

  test('many Services: one write each, and few of the pool', async () => {
    await makePool('p', '10.0.0.0/16');
    await Promise.all(Array.from({ length: 300 }, (_, n) => create(`s${n}`)));
    await until('all have addresses', () =>
      Array.from({ length: 300 }, (_, n) => addresses(`s${n}`)).every((one) => one !== ''),
    );
    assert.equal(new Set(Array.from({ length: 300 }, (_, n) => addresses(`s${n}`))).size, 300);
    await until('the pool counts', () => poolStatus('p')?.assigned === 300);
    const writes = api.calls.filter(({ verb }) => verb === 'patch' || verb === 'update');
    assert.equal(writes.filter(({ resource }) => resource === '/services').length, 300);
    assert.ok(writes.filter(({ resource }) => resource === 'fairlead.dev/addresspools').length < 60);
  });
});
