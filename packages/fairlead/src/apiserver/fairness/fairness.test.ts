import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestClock } from '@fairlead/client/test-clock';
import fc from 'fast-check';
import type { UserInfo } from '../server/api-request.ts';
import type { RequestAttributes } from '../server/authorize.ts';
import { StatusError } from '../server/status-error.ts';
import { Fairness } from './fairness.ts';
import { defaultFlowConfig } from './flow-config.ts';
import { dealHand } from './shuffle-shard.ts';

type Resource = Extract<RequestAttributes, { kind: 'resource' }>;
const get = (part: Partial<Resource> = {}): Resource => ({
  kind: 'resource',
  verb: 'get',
  group: '',
  version: 'v1',
  resource: 'services',
  subresource: '',
  namespace: 'default',
  name: '',
  ...part,
});
const lease = get({ group: 'coordination.k8s.io', resource: 'leases', name: 'x' });
const userOf = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] });
const request = (user: UserInfo, signal = new AbortController().signal) => ({ user, signal });
const isRefusal = (error: unknown): boolean =>
  error instanceof StatusError &&
  error.status.code === 429 &&
  error.status.details?.retryAfterSeconds === 1 &&
  error.headers['retry-after'] === '1';

describe('the flow schema of a request', () => {
  const rows: readonly [string, UserInfo, RequestAttributes, string][] = [
    ['administrators', userOf('admin', 'system:masters'), get(), 'exempt'],
    [
      'probes',
      { name: 'system:anonymous', groups: ['system:unauthenticated'] },
      { kind: 'path', verb: 'get', path: '/readyz' },
      'probes',
    ],
    ['leases of controllers', userOf('system:kube-controller-manager'), lease, 'system-leader-election'],
    [
      'leases of accounts of the system',
      userOf('system:serviceaccount:kube-system:x', 'system:serviceaccounts:kube-system'),
      lease,
      'system-leader-election',
    ],
    ['leases of others', userOf('eve'), lease, 'global-default'],
    ['nodes about themselves', userOf('system:node:a', 'system:nodes'), get({ resource: 'nodes' }), 'system-node-high'],
    ['nodes about others', userOf('system:node:a', 'system:nodes'), get(), 'system-nodes'],
    ['gateways', userOf('system:fairlead:gateway', 'system:fairlead:gateways'), get(), 'fairlead-gateways'],
    ['accounts', userOf('system:serviceaccount:a:b', 'system:serviceaccounts'), get(), 'service-accounts'],
    ['people', userOf('eve'), get(), 'global-default'],
    ['nobody', { name: 'x', groups: [] }, get(), 'catch-all'],
  ];
  for (const [name, user, wanted, expected] of rows) {
    test(name, () => {
      assert.equal(new Fairness(new TestClock()).classify(user, wanted).schema.name, expected);
    });
  }
  test('every level is used and known', () => {
    const { schemas, levels } = defaultFlowConfig();
    assert.deepEqual(new Set(schemas.map(({ level }) => level)), new Set(levels.map(({ name }) => name)));
  });
});

test('a hand is the same for the same flow, without duplicates, and spreads', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 8 }), (flow, queues, size) => {
      const hand = dealHand(flow, queues, size);
      assert.deepEqual(hand, dealHand(flow, queues, size));
      assert.equal(hand.length, Math.min(queues, size));
      assert.equal(new Set(hand).size, hand.length);
      assert.ok(hand.every((index) => index >= 0 && index < queues));
    }),
  );
  const uses = new Array<number>(128).fill(0);
  for (let flow = 0; flow < 2000; flow++) for (const index of dealHand(String(flow), 128, 6)) uses[index]!++;
  assert.ok(Math.min(...uses) > 40 && Math.max(...uses) < 160, String(uses));
});

describe('places', () => {
  const eve = userOf('eve');

  /** Takes places of a level until the next request would wait. */
  function fill(fairness: Fairness, user: UserInfo): (() => void)[] {
    const places: (() => void)[] = [];
    for (;;) {
      const abort = new AbortController();
      const place = fairness.enter(request(user, abort.signal), get(), 0);
      if (typeof place === 'function') places.push(place);
      else {
        void (place as Promise<unknown>).catch(() => {});
        abort.abort();
        return places;
      }
    }
  }

  test('a level borrows what others have left over, and no more', () => {
    const fairness = new Fairness(new TestClock(), { places: 245 });
    // 20 of its own, and 25 % of 40, 33 % of 30, 50 % of 40 and 90 % of 100 from others.
    assert.equal(fill(fairness, eve).length, 20 + 10 + 9 + 20 + 90);
    const node = fairness.enter(request(userOf('system:node:a', 'system:nodes')), get(), 0);
    assert.equal(typeof node, 'function', 'what is its own a level always has');
    assert.equal(fairness.enter(request(userOf('a', 'system:masters')), get(), 0), undefined);
  });

  test('a place that is given back goes to who waits', async () => {
    const fairness = new Fairness(new TestClock(), { places: 1 });
    const places = fill(fairness, eve);
    const next = fairness.enter(request(eve), get(), 0) as Promise<() => void>;
    assert.ok(next instanceof Promise);
    places[0]!();
    places[0]!();
    assert.equal(typeof (await next), 'function');
    assert.ok(fairness.enter(request(eve), get(), 0) instanceof Promise, 'a place is given back once');
  });

  test('a wait ends with 429 after its time, and with the client', async () => {
    const clock = new TestClock();
    const fairness = new Fairness(clock, { places: 1, queueTimeoutMs: 1000 });
    fill(fairness, eve);
    const abort = new AbortController();
    const late = fairness.enter(request(eve), get(), 0) as Promise<() => void>;
    const gone = fairness.enter(request(eve, abort.signal), get(), 0) as Promise<() => void>;
    abort.abort();
    await assert.rejects(gone, isRefusal);
    clock.advance(1000);
    await assert.rejects(late, isRefusal);
    assert.equal(clock.waiting, 0);
    assert.match(
      fairness.metrics().join('\n'),
      /rejected_requests_total\{flow_schema="global-default",reason="time-out"\} 1/,
    );
  });

  test('a full hand of queues refuses at once; another flow still waits', () => {
    const fairness = new Fairness(new TestClock(), { places: 1 });
    fill(fairness, eve);
    let waiting = 0;
    for (;;) {
      try {
        void (fairness.enter(request(eve), get(), 0) as Promise<unknown>).catch(() => {});
        waiting++;
      } catch (error) {
        assert.ok(isRefusal(error));
        break;
      }
    }
    assert.equal(waiting, 6 * 50);
    assert.ok(fairness.enter(request(userOf('adam')), get(), 0) instanceof Promise);
  });

  test('a level without queues refuses at once', () => {
    const nobody = { name: 'x', groups: [] };
    const fairness = new Fairness(new TestClock(), { places: 1 });
    let places = 0;
    assert.throws(() => {
      for (; places < 1000; places++) fairness.enter(request(nobody), get(), 0);
    }, isRefusal);
    assert.ok(places >= 1 && places < 20, String(places));
  });

  test('a long list takes more places', () => {
    const fairness = new Fairness(new TestClock(), { places: 245 });
    const nodes = userOf('system:node:a', 'system:nodes');
    fairness.enter(request(nodes), get({ verb: 'list' }), 950);
    assert.match(fairness.metrics().join('\n'), /current_executing_seats\{priority_level="system"\} 10/);
  });

  test('a flood of one user does not keep others waiting', async () => {
    const clock = new TestClock();
    const fairness = new Fairness(clock, { places: 1, queueTimeoutMs: 60_000 });
    const running = fill(fairness, eve);
    const order: string[] = [];
    const wait = (name: string): void => {
      void (fairness.enter(request(userOf(name)), get(), 0) as Promise<() => void>).then((leave) => {
        order.push(name);
        running.push(leave);
      });
    };
    for (let index = 0; index < 200; index++) wait('eve');
    for (let index = 0; index < 5; index++) wait('adam');
    for (let turn = 0; turn < 60 && order.filter((name) => name === 'adam').length < 5; turn++) {
      clock.advance(10);
      running.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(order.filter((name) => name === 'adam').length, 5);
    // Eve's requests lie in six queues, Adam's in others or at most one of the same: he waits for a few turns each.
    assert.ok(order.length <= 60, order.join(' '));
  });

  test('whatever comes and goes, places and queues end empty', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ user: fc.integer({ min: 0, max: 3 }), listed: fc.nat(2000), act: fc.nat(3) }), {
          maxLength: 60,
        }),
        async (moves) => {
          const clock = new TestClock();
          const fairness = new Fairness(clock, { places: 5, queueTimeoutMs: 100 });
          const places: (() => void)[] = [];
          const pending: Promise<void>[] = [];
          for (const { user, listed, act } of moves) {
            if (act === 0) places.shift()?.();
            else if (act === 1) clock.advance(30);
            else {
              try {
                const place = fairness.enter(request(userOf(`u${user}`)), get(), listed);
                if (place instanceof Promise)
                  pending.push(
                    place.then(
                      (leave) => void places.push(leave),
                      () => {},
                    ),
                  );
                else if (place !== undefined) places.push(place);
              } catch (error) {
                assert.ok(isRefusal(error));
              }
            }
            await Promise.resolve();
          }
          clock.advance(1000);
          while (places.length > 0) {
            places.shift()!();
            await new Promise((resolve) => setImmediate(resolve));
          }
          await Promise.all(pending);
          for (const leave of places) leave();
          for (const line of fairness.metrics().filter((text) => /seats\{|inqueue_requests\{/.test(text))) {
            assert.match(line, / 0$/);
          }
          assert.equal(clock.waiting, 0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
