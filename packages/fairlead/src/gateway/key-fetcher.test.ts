import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { RouteFilter } from '../routing/route-filters.ts';
import type { VirtualHost } from '../routing/route-table.ts';
import type { Clock } from '../sys/clock.ts';
import { KeyFetcher } from './key-fetcher.ts';
import { testHost, testRoute } from './test-rig/gateway-rig.ts';

/** A clock that the test moves. */
class FakeClock implements Clock {
  nowMs = 1_000_000;
  readonly timers: { readonly atMs: number; readonly call: () => void }[] = [];
  now = (): number => this.nowMs;
  monotonicMs = (): number => this.nowMs;
  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, call };
    this.timers.push(timer);
    return () => {
      const at = this.timers.indexOf(timer);
      if (at >= 0) this.timers.splice(at, 1);
    };
  }
  sleep(): Promise<void> {
    throw new Error('nobody sleeps here');
  }
  /** Milliseconds until the only timer. */
  get next(): number {
    assert.equal(this.timers.length, 1);
    return this.timers[0]!.atMs - this.nowMs;
  }
  fire(): void {
    const timer = this.timers.shift()!;
    this.nowMs = timer.atMs;
    timer.call();
  }
}

const URL = 'https://id.example/jwks';
const SET = '{"keys":[{"kid":"a"}]}';
const SET2 = '{"keys":[{"kid":"b"}]}';

let clock: FakeClock;
let fetcher: KeyFetcher;
let downloads: PromiseWithResolvers<string>[];
let published: (string | undefined)[];
let logs: string[];
beforeEach(() => {
  clock = new FakeClock();
  downloads = [];
  published = [];
  logs = [];
  fetcher = new KeyFetcher({
    clock,
    log: (level, message, fields) => logs.push(`${level} ${message} ${fields?.problem}`),
    download: (url) => {
      assert.equal(url, URL);
      const download = Promise.withResolvers<string>();
      downloads.push(download);
      return download.promise;
    },
    publish: (_, jwks) => published.push(jwks),
  });
});

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};
async function answer(text: string | Error): Promise<void> {
  if (typeof text === 'string') downloads.at(-1)!.resolve(text);
  else downloads.at(-1)!.reject(text);
  await settle();
}
const hostWith = (name: string, url: string | undefined): readonly [string, VirtualHost | undefined] => {
  if (url === undefined) return [`http|${name}`, undefined];
  const filter: RouteFilter = {
    type: 'jwt',
    keys: { type: 'url', url },
    audiences: [],
    algorithms: [],
    from: [],
    claimHeaders: [],
    leewayS: 0,
  };
  return testHost(name, [testRoute('/a', [], { filters: [filter] }), testRoute('/b', [], { filters: [filter] })]);
};
const use = (name: string, url: string | undefined): void => fetcher.update([hostWith(name, url)]);

test('fetched at once, then regularly', async () => {
  use('a', URL);
  assert.equal(downloads.length, 1);
  await answer(SET);
  assert.deepEqual(published, [SET]);
  assert.deepEqual([...fetcher.known()], [[URL, SET]]);
  assert.equal(clock.next, 300_000);
  clock.fire();
  assert.equal(downloads.length, 2);
  await answer(SET2);
  assert.deepEqual(published, [SET, SET2]);
});

test('one fetch for all hosts, until the last one goes', async () => {
  use('a', URL);
  use('b', URL);
  await answer(SET);
  assert.equal(downloads.length, 1);
  use('a', undefined);
  assert.equal(clock.timers.length, 1);
  use('b', undefined);
  assert.equal(clock.timers.length, 0);
  assert.deepEqual(published, [SET, undefined]);
  assert.deepEqual([...fetcher.known()], []);
});

test('a host that is changed without its keys fetches nothing', async () => {
  use('a', URL);
  use('a', URL);
  await answer(SET);
  assert.equal(downloads.length, 1);
});

for (const [name, failure] of [
  ['an error', new Error('refused')],
  ['nonsense', 'nonsense'],
  ['a set without keys', '{"keys":[]}'],
  ['another object', '{"error":"not here"}'],
] as const) {
  test(`before the first keys ${name} is tried again, ever more slowly`, async () => {
    use('a', URL);
    const pauses: number[] = [];
    for (let i = 0; i < 11; i++) {
      await answer(failure);
      pauses.push(clock.next);
      clock.fire();
    }
    assert.deepEqual(pauses.slice(0, 4), [1000, 2000, 4000, 8000]);
    assert.equal(pauses.at(-1), 300_000);
    assert.deepEqual(new Set(published), new Set([undefined]));
    assert.equal(logs.length, 11);
  });

  test(`known keys stay after ${name}`, async () => {
    use('a', URL);
    await answer(SET);
    clock.fire();
    await answer(failure);
    assert.deepEqual(published, [SET, SET]);
    assert.equal(clock.next, 1000);
    clock.fire();
    await answer(SET2);
    assert.equal(clock.next, 300_000);
    assert.equal(published.at(-1), SET2);
  });
}

test('an unknown key is looked for, at most every half minute', async () => {
  use('a', URL);
  await answer(SET);
  clock.nowMs += 29_999;
  fetcher.request(URL);
  assert.equal(downloads.length, 1);
  assert.deepEqual(published, [SET, SET], 'who waits is told');
  clock.nowMs += 1;
  fetcher.request(URL);
  fetcher.request(URL);
  assert.equal(downloads.length, 2);
  await answer(SET2);
  assert.deepEqual(published, [SET, SET, SET2]);
  assert.equal(clock.next, 300_000);
});

test('a worker that asks for what nobody uses is told so', () => {
  fetcher.request(URL);
  assert.deepEqual(published, [undefined]);
});

test('an answer that comes too late changes nothing', async () => {
  use('a', URL);
  use('a', undefined);
  await answer(SET);
  assert.deepEqual(published, [undefined]);
  assert.equal(clock.timers.length, 0);
  use('a', URL);
  fetcher.stop();
  await answer(SET);
  assert.deepEqual(published, [undefined]);
});
