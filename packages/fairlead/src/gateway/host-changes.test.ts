import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Route, RouteTableDiff, VirtualHost } from '../routing/route-table.ts';
import { HostChanges, type HostPatch, isPatch, patchedRoutes, patchHost } from './host-changes.ts';
import { startRig, testHost, testRoute } from './test-rig/gateway-rig.ts';

const hostOf = (routes: readonly Route[], unmatched?: Route): VirtualHost => ({
  listener: 'http',
  hostname: 'shop.example',
  routes,
  ...(unmatched === undefined ? {} : { unmatched }),
});
const routes = (...paths: string[]): Route[] => paths.map((path) => testRoute(path, [{ backend: 'web', weight: 1 }]));
const elsewhere = (path: string): Route => testRoute(path, [{ backend: 'other', weight: 1 }]);

describe('the way from one list of routes to another', () => {
  const cases: readonly [name: string, before: Route[], after: Route[], parts: HostPatch['parts']][] = [
    ['nothing changed', routes('/a', '/b'), routes('/a', '/b'), [[0, 2]]],
    ['one is new', routes('/a', '/c'), routes('/a', '/b', '/c'), [[0, 1], ...routes('/b'), [1, 2]]],
    [
      'one is gone',
      routes('/a', '/b', '/c'),
      routes('/a', '/c'),
      [
        [0, 1],
        [2, 3],
      ],
    ],
    ['one is another', routes('/a', '/b'), [elsewhere('/a'), ...routes('/b')], [elsewhere('/a'), [1, 2]]],
    ['the last is gone', routes('/a', '/b'), routes('/a'), [[0, 1]]],
    ['all are new', routes('/a'), routes('/b'), routes('/b')],
    ['there were none', [], routes('/a'), routes('/a')],
    ['there are none', routes('/a'), [], []],
    [
      'they have moved along, with one at each end',
      routes('/a', '/b', '/c', '/'),
      routes('/b', '/c', '/d', '/'),
      [[1, 3], ...routes('/d'), [3, 4]],
    ],
    [
      'their order is another',
      routes('/a', '/b', '/c'),
      routes('/c', '/a', '/b'),
      [
        [2, 3],
        [0, 2],
      ],
    ],
    [
      'several of one path',
      [...routes('/a'), elsewhere('/a')],
      [elsewhere('/a'), ...routes('/a', '/b')],
      [[1, 2], [0, 1], ...routes('/b')],
    ],
  ];
  for (const [name, before, after, parts] of cases) {
    test(name, () => assert.deepEqual(patchHost(hostOf(before), hostOf(after)).parts, parts));
  }

  test('leads where it should, whatever the lists are', () => {
    const some = fc
      .array(fc.tuple(fc.constantFrom('/a', '/b', '/c', '/d', '/e'), fc.boolean()), { maxLength: 12 })
      .map((list) => list.map(([path, isOther]) => (isOther ? elsewhere(path) : routes(path)[0]!)));
    fc.assert(
      fc.property(some, some, (before, after) => {
        const patch = patchHost(hostOf(before), hostOf(after));
        const sent = JSON.parse(JSON.stringify(patch)) as HostPatch;
        assert.deepEqual(
          patchedRoutes(before, sent, (route) => route),
          after,
        );
      }),
      { numRuns: 300 },
    );
  });

  test('for requests that no route takes', () => {
    const [none, page] = [hostOf(routes('/')), hostOf(routes('/'), elsewhere('/'))];
    assert.equal(patchHost(none, none).unmatched, 'same');
    assert.equal(patchHost(page, page).unmatched, 'same');
    assert.deepEqual(patchHost(none, page).unmatched, elsewhere('/'));
    assert.equal(patchHost(page, none).unmatched, undefined);
  });

  test('of another list is refused', () => {
    const patch = patchHost(hostOf(routes('/a', '/b')), hostOf(routes('/a', '/b')));
    assert.throws(() => patchedRoutes(routes('/a'), patch, (route) => route), RangeError);
  });
});

test('hosts go out whole when they are new, and when nobody knows what workers have', () => {
  const installed = new Map<string, VirtualHost>();
  const changes = new HostChanges((key) => installed.get(key));
  const diffTo = (host: VirtualHost | undefined): RouteTableDiff => ({
    listeners: [],
    certificates: [],
    backends: [],
    hosts: [['http|shop.example', host]],
  });
  const kindOf = (diff: RouteTableDiff): string => {
    const [[, change] = []] = changes.forWorkers(diff).hosts;
    return change === undefined ? 'gone' : isPatch(change) ? 'patch' : 'whole';
  };
  const apply = (host: VirtualHost | undefined): string => {
    const kind = kindOf(diffTo(host));
    changes.noteApplied(diffTo(host));
    if (host === undefined) installed.delete('http|shop.example');
    else installed.set('http|shop.example', host);
    return kind;
  };
  assert.deepEqual([apply(hostOf(routes('/a'))), apply(hostOf(routes('/b')))], ['whole', 'patch']);
  changes.noteFailed(diffTo(hostOf(routes('/c'))));
  assert.deepEqual([apply(hostOf(routes('/c'))), apply(hostOf(routes('/d')))], ['whole', 'patch']);
  assert.deepEqual([apply(undefined), apply(hostOf(routes('/d')))], ['gone', 'whole']);
});

test('one list of routes after the other: requests get what the last one says, also behind one that is refused', async () => {
  const rig = await startRig({}, { workers: 2 });
  const answering = (path: string, body: string): Route =>
    testRoute(path, [], { action: { type: 'respond', status: 200, body } });
  const broken = testRoute('/', [], { match: { path: { type: 'regex', value: '(' }, headers: [], query: [] } });
  const lists: readonly (readonly [list: Route[], isRefused: boolean])[] = [
    [[answering('/a', 'a1'), answering('/b', 'b1'), answering('/', 'root')], false],
    [[answering('/a', 'a1'), answering('/b', 'b2'), answering('/', 'root')], false],
    [[answering('/b', 'b3'), broken], true],
    [[answering('/b', 'b2'), answering('/a', 'a1'), answering('/c', 'c1'), answering('/', 'root')], false],
    [[answering('/c', 'c1'), answering('/', 'root')], false],
  ];
  const bodyOf = async (path: string): Promise<string> => {
    const answer = await rig.exchange(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    return answer.slice(answer.indexOf('\r\n\r\n') + 4);
  };
  try {
    let wanted = new Map<string, string>();
    for (const [list, isRefused] of lists) {
      const applied = rig.apply({ hosts: [testHost('*', list)] });
      if (isRefused) await assert.rejects(applied);
      else {
        await applied;
        wanted = new Map(list.map(({ match, action }) => [match.path.value, (action as { body: string }).body]));
      }
      for (const path of ['/a', '/b', '/c', '/']) {
        // Connections spread over the workers.
        const bodies = await Promise.all(Array.from({ length: 4 }, () => bodyOf(path)));
        assert.deepEqual(new Set(bodies), new Set([wanted.get(path) ?? 'root']));
      }
    }
  } finally {
    await rig.stop();
  }
});
