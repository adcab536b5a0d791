import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Condition, type Service, type Stored, services } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import { FakeApi } from '@fairlead/client/fake-api';
import { TestClock } from '@fairlead/client/test-clock';
import { compileService, type KernelFeature } from './compile.ts';
import { ConditionWriter } from './condition-writer.ts';
import { conditionsFor } from './service-conditions.ts';
import { sceneService } from './testing/traffic-matrix.ts';

const name = { namespace: 'default', name: 'web' };

function annotated(annotations: Readonly<Record<string, string>>): Stored<Service> {
  const service = sceneService('web', { clusterIP: '10.96.0.1' });
  service.metadata.annotations = { ...annotations };
  return service;
}

function warningsOf(service: Stored<Service>, lacking?: ReadonlyMap<KernelFeature, string>) {
  const node = { nodeName: 'n', nodeIps: [], ...(lacking === undefined ? {} : { lacking }) };
  return compileService(service, [], node).warnings;
}

const noSynProxy = new Map<KernelFeature, string>([['syn-proxy', 'expression synproxy']]);
const rows: readonly [
  name: string,
  annotations: Readonly<Record<string, string>>,
  lacking: ReadonlyMap<KernelFeature, string> | undefined,
  accepted: string,
  degraded: string,
][] = [
  ['no annotation of ours', { 'example.com/x': 'y' }, undefined, 'none', 'none'],
  ['good ones', { 'fairlead.dev/syn-proxy': 'on' }, undefined, 'True Accepted', 'none'],
  ['a wrong one', { 'fairlead.dev/drain-seconds': 'x' }, undefined, 'False InvalidAnnotation', 'none'],
  [
    'a kernel that cannot',
    { 'fairlead.dev/syn-proxy': 'on' },
    noSynProxy,
    'True Accepted',
    'True KernelFeatureMissing',
  ],
  ['a kernel that cannot what nobody asks', { 'fairlead.dev/syn-proxy': 'off' }, noSynProxy, 'True Accepted', 'none'],
];
for (const [title, annotations, lacking, accepted, degraded] of rows) {
  test(`conditions: ${title}`, () => {
    const service = annotated(annotations);
    const found = conditionsFor(service, warningsOf(service, lacking), 'n');
    const show = ({ wanted }: typeof found.accepted): string =>
      wanted === undefined ? 'none' : `${wanted.status} ${wanted.reason}`;
    assert.equal(show(found.accepted), accepted);
    assert.equal(show(found.degraded), degraded);
    assert.equal(found.degraded.type, 'fairlead.dev/Degraded.n');
  });
}

/** Some nodes' writers over one API; each has seen the Service at `see`. */
function cluster(nodes: number) {
  const clock = new TestClock();
  const api = new FakeApi({ clock });
  const logs: string[] = [];
  const writers = Array.from(
    { length: nodes },
    (_, n) =>
      new ConditionWriter({
        client: api,
        nodeName: `n${n}`,
        clock,
        random: () => (n + 1) / 10,
        log: (_level, message) => logs.push(message),
      }),
  );
  const see = async (lacking?: ReadonlyMap<KernelFeature, string>): Promise<void> => {
    const service = await api.get(services, name);
    for (const [n, writer] of writers.entries()) {
      writer.update('default/web', service, warningsOf(service, n === 0 ? lacking : undefined));
    }
  };
  const writes = (): number => api.calls.filter(({ verb }) => verb === 'patch').length;
  const conditions = async (): Promise<Condition[]> => (await api.get(services, name)).status?.conditions ?? [];
  return { clock, api, logs, writers, see, writes, conditions };
}

test('of many nodes one writes what all would; each writes its own', async () => {
  const { clock, api, see, writes, conditions } = cluster(5);
  api.seed(services, annotated({ 'fairlead.dev/drain-seconds': 'x', 'fairlead.dev/syn-proxy': 'on' }));
  await see(noSynProxy);
  await clock.advance(0);
  assert.equal(writes(), 1, 'the node that cannot says so at once');
  await see(noSynProxy);
  await clock.advance(200);
  assert.equal(writes(), 2);
  // The others see what the first wrote before their time has come.
  await see(noSynProxy);
  await clock.advance(10_000);
  assert.equal(writes(), 2);
  const found = await conditions();
  assert.deepEqual(found.map(({ type, status, reason }) => `${type} ${status} ${reason}`).sort(), [
    'fairlead.dev/AnnotationsAccepted False InvalidAnnotation',
    'fairlead.dev/Degraded.n0 True KernelFeatureMissing',
  ]);
  assert.match(found.find(({ status }) => status === 'False')?.message ?? '', /drain-seconds.*'x'/);
});

test('a Service without annotations of ours is never written', async () => {
  const { clock, api, see, writes } = cluster(2);
  api.seed(services, annotated({}));
  await see();
  await clock.advance(60_000);
  assert.equal(writes(), 0);
});

test('the time of a transition is kept while the status stays', async () => {
  const { clock, api, see, conditions } = cluster(1);
  api.seed(services, annotated({ 'fairlead.dev/drain-seconds': 'x' }));
  await see();
  await clock.advance(2000);
  const first = (await conditions())[0];
  await clock.advance(60_000);
  const service = await api.get(services, name);
  await api.update(services, {
    ...service,
    metadata: { ...service.metadata, annotations: { 'fairlead.dev/drain-seconds': 'y' } },
  });
  await see();
  await clock.advance(2000);
  const second = (await conditions())[0];
  assert.notEqual(second?.message, first?.message);
  assert.equal(second?.lastTransitionTime, first?.lastTransitionTime);
});

test('without the right to write it says so once and goes on', async () => {
  const { clock, api, see, logs, writes } = cluster(1);
  api.failWhen(({ verb }) => (verb === 'patch' ? new ApiError(403, 'Forbidden', 'no') : undefined));
  api.seed(services, annotated({ 'fairlead.dev/drain-seconds': 'x' }));
  for (let round = 0; round < 3; round++) {
    await see();
    await clock.advance(20_000);
  }
  assert.equal(writes(), 1);
  assert.deepEqual(logs, ['Conditions of Services are not written: no right to patch services/status']);
});

test('a server that is away is asked again, but not for ever', async () => {
  const { clock, api, see, writes } = cluster(1);
  const heal = api.failWhen(({ verb }) => (verb === 'patch' ? new ApiError(0, 'Unreachable', 'away') : undefined));
  api.seed(services, annotated({ 'fairlead.dev/drain-seconds': 'x' }));
  await see();
  await clock.advance(25_000);
  assert.equal(writes(), 3);
  heal();
  await clock.advance(10_000);
  assert.equal(writes(), 4);
  await clock.advance(100_000);
  assert.equal(writes(), 4);
});
