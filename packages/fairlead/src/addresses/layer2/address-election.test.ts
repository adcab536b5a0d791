import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leases } from '@fairlead/api';
import { type ApiClient, ApiError } from '@fairlead/client';
import { FakeApi } from '@fairlead/client/fake-api';
import { TestClock } from '@fairlead/client/test-clock';
import fc from 'fast-check';
import { AddressElection, electionTimes } from './address-election.ts';
import { type WatchLimits, watchedHolders, watchLimits } from './lease-watch.ts';

/** A client whose network can be cut; watches of before the cut hear nothing any more. */
function cuttable(api: FakeApi): {
  readonly client: ApiClient;
  readonly events: number;
  cut: boolean;
  forbidden: boolean;
} {
  const state = { cut: false, forbidden: false, events: 0 };
  const fail = (): never => {
    throw new ApiError(0, 'Unreachable', 'cut');
  };
  const client = new Proxy(api, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'watch') {
        return async (...args: unknown[]) => {
          if (state.cut) fail();
          if (state.forbidden && name !== 'get' && name !== 'list') throw new ApiError(403, 'Forbidden', 'not allowed');
          return Reflect.apply(value, target, args);
        };
      }
      return async function* (...args: unknown[]) {
        if (state.cut) fail();
        for await (const event of Reflect.apply(value, target, args) as AsyncIterable<unknown>) {
          if (state.cut) return;
          state.events++;
          yield event;
        }
      };
    },
  });
  return {
    client: client as ApiClient,
    get events() {
      return state.events;
    },
    get cut() {
      return state.cut;
    },
    set cut(value: boolean) {
      state.cut = value;
    },
    get forbidden() {
      return state.forbidden;
    },
    set forbidden(value: boolean) {
      state.forbidden = value;
    },
  };
}

class Candidate {
  readonly name: string;
  readonly held = new Set<string>();
  readonly network: ReturnType<typeof cuttable>;
  readonly election: AddressElection;
  readonly refusals: string[] = [];
  deadlineMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, api: FakeApi, clock: TestClock, limits: WatchLimits = watchLimits) {
    this.name = name;
    const network = cuttable(api);
    this.network = network;
    this.election = new AddressElection({
      client: network.client,
      node: name,
      clock,
      random: () => 0.5,
      log: () => undefined,
      limits,
      nowMs: () => clock.monotonicMs(),
      onTake: (address) => this.held.add(address),
      onLose: (address) => this.held.delete(address),
      onExtend: (deadlineMs) => {
        this.deadlineMs = deadlineMs;
      },
      onRefused: (message) => this.refusals.push(message),
    });
  }
}

describe('election of announcers', { timeout: 120_000 }, () => {
  async function world(names: readonly string[], addresses: readonly string[], limits?: WatchLimits) {
    const clock = new TestClock();
    const api = new FakeApi({ clock });
    const nodes = names.map((name) => new Candidate(name, api, clock, limits));
    for (const node of nodes) node.election.setCandidates(new Set(addresses));
    /** Who may answer for an address now. */
    const confirmed = (address: string): Candidate[] =>
      nodes.filter((node) => node.held.has(address) && clock.monotonicMs() <= node.deadlineMs);
    return { clock, api, nodes, confirmed };
  }
  const many = Array.from({ length: 12 }, (_, n) => `192.0.2.${n + 1}`);

  test('every address finds one node, and the nodes share them', async () => {
    const { clock, nodes, confirmed } = await world(['a', 'b', 'c'], many);
    await clock.advance(6000);
    for (const address of many) assert.equal(confirmed(address).length, 1, address);
    for (const node of nodes) assert.ok(node.held.size >= 2 && node.held.size <= 6, `${node.name}: ${node.held.size}`);
    for (const node of nodes) await Promise.all([node.election.stop(), clock.advance(100)]);
  });

  test('only holders renew, once per node and not per address', async () => {
    const { clock, api, nodes } = await world(['a', 'b'], many);
    await clock.advance(6000);
    nodes[1]!.election.setCandidates(new Set());
    await clock.advance(6000);
    api.calls.length = 0;
    await clock.advance(15_000);
    const writes = api.calls.filter(({ verb }) => verb !== 'get' && verb !== 'watch' && verb !== 'list');
    assert.ok(writes.length >= 5 && writes.length <= 6, `${writes.length} writes in 15 s`);
  });

  test('a holder that loses its rights says so, and another takes its address', async () => {
    const { clock, nodes, confirmed } = await world(['a', 'b'], ['192.0.2.1']);
    await clock.advance(3000);
    const [first] = confirmed('192.0.2.1');
    const second = nodes.find((node) => node !== first)!;
    first!.network.forbidden = true;
    await clock.advance(electionTimes.leaseMs + electionTimes.renewMs + 2000);
    assert.deepEqual(first!.refusals, ['not allowed']);
    assert.deepEqual(second.refusals, []);
    assert.deepEqual(confirmed('192.0.2.1'), [second]);
    // As long as it lasts it is said, but not with every turn.
    await clock.advance(30_000);
    assert.ok(first!.refusals.length <= 4, String(first!.refusals.length));
    for (const node of nodes) await Promise.all([node.election.stop(), clock.advance(100)]);
  });

  test('a holder that is cut off loses its address within the bound, and after it has stopped', async () => {
    const { clock, nodes, confirmed } = await world(['a', 'b'], ['192.0.2.1']);
    await clock.advance(3000);
    const [first] = confirmed('192.0.2.1');
    first!.network.cut = true;
    const cutAt = clock.monotonicMs();
    const second = nodes.find((node) => node !== first)!;
    while (!second.held.has('192.0.2.1')) {
      assert.ok(clock.monotonicMs() - cutAt < electionTimes.leaseMs + 1500, 'failover in seconds');
      assert.ok(confirmed('192.0.2.1').length <= 1);
      await clock.advance(20);
    }
    assert.ok(clock.monotonicMs() > first!.deadlineMs, 'the first had stopped');
    first!.network.cut = false;
    await clock.advance(3000);
    assert.deepEqual([first!.held.size, second.held.size], [0, 1], 'the address does not come back by itself');
  });

  test('no candidate any more: silent first, then the Lease is free and another takes it at once', async () => {
    const { clock, api, nodes, confirmed } = await world(['a', 'b'], ['192.0.2.1']);
    await clock.advance(3000);
    const [first] = confirmed('192.0.2.1');
    first!.election.setCandidates(new Set());
    assert.equal(first!.held.size, 0, 'in the same turn');
    await clock.advance(1000);
    const [second] = confirmed('192.0.2.1');
    assert.ok(second !== undefined && second !== first);
    await second.election.stop();
    assert.equal(
      (await api.get(leases, { namespace: 'fairlead-addresses', name: 'address-192-0-2-1' })).spec?.holderIdentity,
      '',
    );
    assert.equal(
      nodes.some((node) => node.held.size > 0),
      false,
    );
  });

  test('a restarted node has its addresses back without a change of hands', async () => {
    const { clock, api, nodes } = await world(['a'], ['192.0.2.1', '2001:db8::1']);
    await clock.advance(3000);
    const before = await api.get(leases, { namespace: 'fairlead-addresses', name: 'address-192-0-2-1' });
    nodes[0]!.network.cut = true;
    const again = new Candidate('a', api, clock);
    again.election.setCandidates(new Set(['192.0.2.1', '2001:db8::1']));
    await clock.advance(600);
    assert.deepEqual([...again.held].sort(), ['192.0.2.1', '2001:db8::1']);
    const after = await api.get(leases, { namespace: 'fairlead-addresses', name: 'address-192-0-2-1' });
    assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);
  });

  test('an absent API: nobody takes over, the holder keeps its Lease', async () => {
    const { clock, api, nodes } = await world(['a', 'b'], ['192.0.2.1']);
    await clock.advance(3000);
    const holder = nodes.find((node) => node.held.size > 0)!;
    api.setReachable(false);
    await clock.advance(30_000);
    assert.deepEqual(
      nodes.filter((node) => node.held.size > 0),
      [holder],
    );
    assert.ok(clock.monotonicMs() > holder.deadlineMs);
    api.setReachable(true);
    await clock.advance(10_000);
    assert.ok(clock.monotonicMs() <= holder.deadlineMs || nodes.some((node) => node !== holder && node.held.size > 0));
  });

  test('an address given up while cut off is not taken back from its new owner out of an old cache', async () => {
    const { clock, nodes, confirmed } = await world(['a', 'b'], ['192.0.2.1']);
    await clock.advance(3000);
    const first = confirmed('192.0.2.1')[0]!;
    first.network.cut = true;
    await clock.advance(500);
    first.election.setCandidates(new Set());
    await clock.advance(8000);
    const second = confirmed('192.0.2.1')[0]!;
    assert.notEqual(second, first);
    first.network.cut = false;
    first.election.setCandidates(new Set(['192.0.2.1']));
    for (let passed = 0; passed < 4000; passed += 20) {
      await clock.advance(20);
      assert.deepEqual(confirmed('192.0.2.1'), [second]);
    }
    for (const node of nodes) void node.election.stop();
    await clock.advance(500);
  });

  /** Each holder is watched by one other: what happens among hundreds, among few. */
  const sparse: WatchLimits = { all: 0, each: 1 };
  const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `node-${n}`);
  const addressesFor = (count: number): string[] => Array.from({ length: count }, (_, n) => `192.0.2.${n + 1}`);

  test('of many holders each announcer hears of a few, and of its own', async () => {
    const { clock, nodes } = await world(names(24), addressesFor(24));
    await clock.advance(20_000);
    const holders = nodes.filter(({ held }) => held.size > 0).length;
    assert.ok(holders > 2 * watchLimits.all, `${holders} holders`);
    const before = nodes.reduce((sum, { network }) => sum + network.events, 0);
    const seconds = 20;
    await clock.advance(seconds * 1000);
    const events = nodes.reduce((sum, { network }) => sum + network.events, 0) - before;
    // Each renewal reaches its own node, its watchers among the holders, and those of the others that would be.
    const renewals = (holders * seconds * 1000) / electionTimes.renewMs;
    const idle = nodes.length - holders;
    const most = renewals * (1 + watchLimits.each + (idle * watchLimits.each) / holders) * 1.3;
    assert.ok(events < most, `${events} events, ${most} expected at most; all to all: ${renewals * nodes.length}`);
    for (const node of nodes) void node.election.stop();
    await clock.advance(500);
  });

  test('one of many is gone: those that did not watch it take its addresses, too', async () => {
    const { clock, nodes, confirmed } = await world(names(12), addressesFor(24));
    await clock.advance(20_000);
    const lost = nodes.find(({ held }) => held.size >= 2)!;
    const addresses = [...lost.held];
    lost.network.cut = true;
    const cutAt = clock.monotonicMs();
    // The cut node still believes that it holds them, silently.
    const taken = (): boolean => addresses.every((address) => confirmed(address).some((node) => node !== lost));
    while (!taken()) {
      const passed = clock.monotonicMs() - cutAt;
      assert.ok(passed < electionTimes.leaseMs + 2500, `${passed} ms`);
      for (const address of addresses) assert.ok(confirmed(address).length <= 1, address);
      await clock.advance(50);
    }
    for (const node of nodes) void node.election.stop();
    await clock.advance(500);
  });

  test('most of many are gone at once, and their watchers with them: the rest takes over', async () => {
    const { clock, nodes, confirmed } = await world(names(10), addressesFor(10), sparse);
    await clock.advance(15_000);
    const [left, ...gone] = nodes.filter(({ held }) => held.size > 0);
    for (const node of gone) node.network.cut = true;
    for (const node of nodes) if (node.held.size === 0) node.election.setCandidates(new Set());
    await clock.advance(60_000);
    for (const address of addressesFor(10)) assert.deepEqual(confirmed(address), [left], address);
    for (const node of nodes) void node.election.stop();
    await clock.advance(500);
  });

  test('every holder has its watchers, each announcer few of them, and everybody reckons alike', () => {
    const limits = { all: 8, each: 4 };
    fc.assert(
      fc.property(fc.integer({ min: 9, max: 60 }), fc.nat(), (count, seed) => {
        const all = new Set(Array.from({ length: count }, (_, n) => `n${seed}-${n}`));
        const watchers = new Map<string, number>();
        for (const me of all) {
          const watched = watchedHolders(me, all, limits);
          assert.ok(watched !== 'all' && !watched.has(me));
          for (const holder of watched) watchers.set(holder, (watchers.get(holder) ?? 0) + 1);
        }
        for (const holder of all) assert.equal(watchers.get(holder), limits.each, holder);
      }),
      { numRuns: 30 },
    );
    assert.equal(watchedHolders('n', new Set(['a', 'b']), limits), 'all');
  });

  for (const [how, limits] of [
    ['everybody watches everybody', watchLimits],
    ['each is watched by one', sparse],
  ] as const) {
    test(`whatever is cut, restored, added and removed: never two confirmed nodes on an address; ${how}`, () =>
      neverTwo(limits));
  }

  const neverTwo = async (limits: WatchLimits): Promise<void> => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('cut' as const, 'restore' as const), node: fc.integer({ min: 0, max: 2 }) }),
      fc.record({
        kind: fc.constant('candidates' as const),
        node: fc.integer({ min: 0, max: 2 }),
        addresses: fc.subarray(['192.0.2.1', '192.0.2.2']),
      }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 50, max: 4000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
        const addresses = ['192.0.2.1', '192.0.2.2'];
        const { clock, nodes, confirmed } = await world(['a', 'b', 'c'], addresses, limits);
        const pass = async (ms: number): Promise<void> => {
          for (let left = ms; left > 0; left -= 250) {
            await clock.advance(Math.min(250, left));
            for (const address of addresses) {
              const who = confirmed(address).map(({ name }) => name);
              assert.ok(who.length <= 1, `${address}: ${who.join()}`);
            }
          }
        };
        await pass(1000);
        for (const one of steps) {
          if (one.kind === 'wait') await pass(one.ms);
          else if (one.kind === 'candidates') nodes[one.node]!.election.setCandidates(new Set(one.addresses));
          else nodes[one.node]!.network.cut = one.kind === 'cut';
        }
        for (const node of nodes) {
          node.network.cut = false;
          node.election.setCandidates(new Set(addresses));
        }
        await pass(limits.all === 0 ? 30_000 : 12_000);
        for (const address of addresses) assert.equal(confirmed(address).length, 1, `${address} has found a node`);
        for (const node of nodes) void node.election.stop();
        await clock.advance(1000);
      }),
      { numRuns: 25 },
    );
  };
});
