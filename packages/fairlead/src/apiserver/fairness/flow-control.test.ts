import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from '@fairlead/api/types';
import { ApiError } from '@fairlead/client';
import { TestClock } from '@fairlead/client/test-clock';
import type { InProcessClient } from '../client/in-process-client.ts';
import type { RequestAttributes } from '../server/authorize.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { defaultFlowSchemas, defaultPriorityLevels } from './default-flows.ts';
import { Fairness } from './fairness.ts';
import { compileFlowConfig, type FlowConfig } from './flow-config.ts';

type Resource = Extract<RequestAttributes, { kind: 'resource' }>;
const list = (part: Partial<Resource> = {}): Resource => ({
  kind: 'resource',
  verb: 'list',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'shop',
  name: '',
  ...part,
});
const eve = { name: 'eve', groups: ['system:authenticated'] };
const request = { user: eve, signal: new AbortController().signal };

function limited(shares: number, queuing?: { queues: number; handSize: number; queueLengthLimit: number }) {
  const limitResponse = queuing === undefined ? { type: 'Reject' } : { type: 'Queue', queuing };
  return { type: 'Limited', limited: { nominalConcurrencyShares: shares, lendablePercent: 0, limitResponse } };
}

function config(
  schemas: readonly (readonly [name: string, spec: FlowSchemaSpec])[],
  levels: readonly (readonly [name: string, spec: PriorityLevelConfigurationSpec])[],
): FlowConfig {
  const object = <Spec>([name, spec]: readonly [string, Spec]) => ({ name, uid: `uid-${name}`, spec });
  return compileFlowConfig(schemas.map(object), levels.map(object));
}

const anyRequest = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
};
const everybody = [{ kind: 'Group', group: { name: '*' } }];

function forRule(rule: object): FlowSchemaSpec {
  const rules = [{ subjects: everybody, ...rule }];
  return { priorityLevelConfiguration: { name: 'own' }, matchingPrecedence: 10, rules };
}

describe('which requests a schema is for', () => {
  const resources = (part: object): object => ({
    resourceRules: [{ verbs: ['list'], apiGroups: [''], resources: ['pods'], namespaces: ['shop'], ...part }],
  });
  const paths = (...nonResourceURLs: string[]): object => ({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs }] });
  const subject = (one: object): object => ({ ...anyRequest, subjects: [one] });
  const get = (path: string): RequestAttributes => ({ kind: 'path', verb: 'get', path });
  const rows: readonly (readonly [name: string, rule: object, wanted: RequestAttributes, matches: boolean])[] = [
    ['its resource', resources({}), list(), true],
    ['another verb', resources({}), list({ verb: 'get' }), false],
    ['another group', resources({}), list({ group: 'apps' }), false],
    ['a subresource', resources({}), list({ subresource: 'log' }), false],
    ['its subresource', resources({ resources: ['pods/log'] }), list({ subresource: 'log' }), true],
    ['any resource', resources({ resources: ['*'] }), list({ subresource: 'log' }), true],
    ['another namespace', resources({}), list({ namespace: 'other' }), false],
    ['all namespaces', resources({}), list({ namespace: '' }), false],
    ['all namespaces, where it says so', resources({ clusterScope: true }), list({ namespace: '' }), true],
    ['its path', paths('/metrics'), get('/metrics'), true],
    ['a path below', paths('/healthz/*'), get('/healthz/ping'), true],
    ['a path that begins alike', paths('/healthz/*'), get('/healthzping'), false],
    ['any path', paths('*'), get('/x'), true],
    ['a resource by a rule of paths', paths('*'), list(), false],
    ['its user', subject({ kind: 'User', user: { name: 'eve' } }), list(), true],
    ['another user', subject({ kind: 'User', user: { name: 'adam' } }), list(), false],
    ['its group', subject({ kind: 'Group', group: { name: 'system:authenticated' } }), list(), true],
    ['an account', subject({ kind: 'ServiceAccount', serviceAccount: { namespace: 'a', name: '*' } }), list(), false],
  ];
  for (const [name, rule, wanted, matches] of rows) {
    test(`${name}: ${matches}`, () => {
      const fairness = new Fairness(new TestClock());
      fairness.configure(config([['mine', forRule(rule)]], [['own', limited(10)]]));
      assert.equal(fairness.classify(eve, wanted).schema.name, matches ? 'mine' : 'catch-all');
    });
  }

  test('of several the one with the lowest precedence counts, then the first by name', () => {
    const at = (matchingPrecedence: number): FlowSchemaSpec => ({ ...forRule(anyRequest), matchingPrecedence });
    const { schemas } = config(
      [
        ['b', at(10)],
        ['a', at(10)],
        ['c', at(5)],
      ],
      [['own', limited(10)]],
    );
    assert.deepEqual(
      schemas.map(({ name }) => name),
      ['exempt', 'c', 'a', 'b', 'catch-all'],
    );
  });

  test('one that names no level is passed over; what is mandatory is always there', () => {
    const { schemas, levels } = config([['mine', forRule(anyRequest)]], []);
    assert.deepEqual(
      schemas.map(({ name }) => name),
      ['exempt', 'catch-all'],
    );
    assert.deepEqual(new Set(levels.map(({ name }) => name)), new Set(['exempt', 'catch-all']));
  });
});

describe('a change of the configuration', () => {
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 10 };
  const mine = [['mine', forRule(anyRequest)]] as const;
  const enter = (fairness: Fairness): (() => void) | undefined | Promise<() => void> =>
    fairness.enter(request, list(), 0);

  test('moves the places of a level, also for those who wait', async () => {
    const fairness = new Fairness(new TestClock(), { places: 10 });
    fairness.configure(config(mine, [['own', limited(1, queuing)]]));
    // One share of the six that there are, of ten places: two.
    for (let place = 0; place < 2; place++) assert.equal(typeof enter(fairness), 'function');
    const waiting = enter(fairness);
    assert.ok(waiting instanceof Promise);
    fairness.configure(config(mine, [['own', limited(45, queuing)]]));
    assert.equal(typeof (await waiting), 'function');
    for (let place = 3; place < 9; place++) assert.equal(typeof enter(fairness), 'function');
    assert.ok(enter(fairness) instanceof Promise);
  });

  test('of the queues leaves those who wait in theirs', async () => {
    const fairness = new Fairness(new TestClock(), { places: 6 });
    fairness.configure(config(mine, [['own', limited(1, queuing)]]));
    const leave = enter(fairness) as () => void;
    const waiting = enter(fairness) as Promise<() => void>;
    fairness.configure(config(mine, [['own', limited(1, { ...queuing, queues: 8, handSize: 2 })]]));
    const later = enter(fairness) as Promise<() => void>;
    leave();
    (await waiting)();
    (await later)();
    assert.match(fairness.dump(), /^own, +0, +true, +false, +0, +0, +3,/m);
  });

  test('takes a level away, and those who wait in it are served', async () => {
    const fairness = new Fairness(new TestClock(), { places: 6 });
    fairness.configure(config(mine, [['own', limited(1, queuing)]]));
    const leave = enter(fairness) as () => void;
    const waiting = enter(fairness) as Promise<() => void>;
    fairness.configure(config([], []));
    assert.equal(fairness.classify(eve, list()).schema.name, 'catch-all');
    leave();
    (await waiting)();
  });

  test('bounds what a level borrows', () => {
    const fairness = new Fairness(new TestClock(), { places: 20 });
    const lender = limited(10);
    const borrower = limited(5);
    const levels = (percent: number | undefined): readonly (readonly [string, PriorityLevelConfigurationSpec])[] => [
      ['lender', { ...lender, limited: { ...lender.limited, lendablePercent: 100 } }],
      ['own', { ...borrower, limited: { ...borrower.limited, ...(percent && { borrowingLimitPercent: percent }) } }],
    ];
    const taken = (percent: number | undefined): number => {
      fairness.configure(config(mine, levels(percent)));
      const places: (() => void)[] = [];
      try {
        for (;;) places.push(enter(fairness) as () => void);
      } catch {
        for (const leave of places) leave();
      }
      return places.length;
    };
    // 5 of its own and all 10 of the lender, or a fifth of 5 more.
    assert.equal(taken(undefined), 15);
    assert.equal(taken(20), 6);
  });
});

describe('flow control by objects', () => {
  const root = '/apis/flowcontrol.apiserver.k8s.io/v1';
  let server: TestServer;
  let client: InProcessClient;
  const read = async (path: string): Promise<KubeObject> =>
    (await client.request('GET', `${root}/${path}`)) as KubeObject;

  before(async () => {
    server = await startTestServer();
    client = server.client();
    await eventually(async () => (await names('flowschemas')).length === defaultFlowSchemas.length);
  });
  after(() => server.stop());

  async function names(plural: string): Promise<string[]> {
    const { items } = (await client.request('GET', `${root}/${plural}`)) as { items: KubeObject[] };
    return items.map(({ metadata }) => metadata.name ?? '');
  }

  /** Waits for what a write leads to; the test's own time is the deadline. */
  async function eventually(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
  }

  test('the defaults are there, with annotation, generation and status', { timeout: 20_000 }, async () => {
    assert.deepEqual(
      new Set(await names('prioritylevelconfigurations')),
      new Set(defaultPriorityLevels.map(({ name }) => name)),
    );
    const { metadata, status } = await read('flowschemas/global-default');
    assert.equal(metadata.generation, 1);
    assert.deepEqual(metadata.annotations, { 'apf.kubernetes.io/autoupdate-spec': 'true' });
    assert.partialDeepStrictEqual(status, { conditions: [{ type: 'Dangling', status: 'False', reason: 'Found' }] });
  });

  test('a schema that names no level is told so, until there is one', { timeout: 20_000 }, async () => {
    await client.request('POST', `${root}/flowschemas`, { metadata: { name: 'mine' }, spec: forRule(anyRequest) });
    const dangling = async (): Promise<unknown> => {
      const { status } = await read('flowschemas/mine');
      return (status as { conditions?: { status: string }[] }).conditions?.[0]?.status;
    };
    await eventually(async () => (await dangling()) === 'True');
    await client.request('POST', `${root}/prioritylevelconfigurations`, {
      metadata: { name: 'own' },
      spec: limited(1),
    });
    await eventually(async () => (await dangling()) === 'False');
    await client.request('DELETE', `${root}/flowschemas/mine`);
  });

  test('what is mandatory cannot be changed, and comes back', { timeout: 20_000 }, async () => {
    const object = await read('flowschemas/catch-all');
    const spec = { ...(object.spec as object), matchingPrecedence: 9999 };
    await assert.rejects(
      client.request('PUT', `${root}/flowschemas/catch-all`, { ...object, spec }),
      (error) => error instanceof ApiError && error.message.includes("spec of 'catch-all' must equal the fixed value"),
    );
    await client.request('DELETE', `${root}/flowschemas/catch-all`);
    await eventually(async () => (await names('flowschemas')).includes('catch-all'));
  });

  test('a default follows its default, unless its annotation says otherwise', { timeout: 20_000 }, async () => {
    const path = 'prioritylevelconfigurations/workload-low';
    const change = async (annotation: string): Promise<void> => {
      const object = await read(path);
      const metadata = { ...object.metadata, annotations: { 'apf.kubernetes.io/autoupdate-spec': annotation } };
      await client.request('PUT', `${root}/${path}`, { ...object, metadata, spec: limited(7) });
    };
    const shares = async (): Promise<number> => {
      const { spec } = await read(path);
      return (spec as { limited: { nominalConcurrencyShares: number } }).limited.nominalConcurrencyShares;
    };
    await change('true');
    await eventually(async () => (await shares()) === 100);
    await change('false');
    // A later turn has looked at it, too: another default comes back in that turn.
    await client.request('DELETE', `${root}/flowschemas/probes`);
    await eventually(async () => (await names('flowschemas')).includes('probes'));
    assert.equal(await shares(), 7);
  });

  test('levels tell what they have done', { timeout: 20_000 }, async () => {
    const text = await dump();
    assert.match(text, /^PriorityLevelName, +ActiveQueues, +IsIdle,/);
    assert.match(text, /^global-default, +0, +true, +false,/m);
  });

  async function dump(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of client.stream('/debug/api_priority_and_fairness/dump_priority_levels')) {
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks).toString();
  }
});
