import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Stored } from '@fairlead/api';
import { planPod } from './plan.ts';
import { stateFromStatus } from './restore.ts';
import { newPodState, type PodEvent, type PodState, reducePod } from './state.ts';
import { podStatus } from './status.ts';

const sandbox: PodEvent = {
  type: 'sandboxReady',
  sandbox: { uid: 'u', podIps: ['10.244.0.2', 'fd00::2'], hostNetwork: false },
};
const running = (container: string, started = true, ready = true, startedAt = 1000): PodEvent => ({
  type: 'running',
  container,
  pid: 7,
  startTicks: '1',
  startedAt,
  started,
  ready,
});
const exited = (container: string, exitCode: number, finishedAt = 2000, final = false): PodEvent => ({
  type: 'exited',
  container,
  exitCode,
  signal: 0,
  finishedAt,
  final,
});
const podOf = (spec: object): Pod =>
  ({
    metadata: { name: 'p', namespace: 'default', uid: 'u', generation: 3 },
    spec: { containers: [{ name: 'main' }], ...spec },
  }) as Pod;
const after = (pod: Pod, ...events: PodEvent[]): PodState => events.reduce(reducePod, newPodState(pod, 0));

interface Row {
  readonly name: string;
  readonly spec: object;
  readonly events: readonly PodEvent[];
  readonly ending?: boolean;
  readonly start?: readonly string[];
  readonly stop?: readonly string[];
  readonly over?: boolean;
  readonly phase: string;
  readonly ready?: boolean;
}
const inits = { initContainers: [{ name: 'one' }, { name: 'two' }] };
const sidecar = { initContainers: [{ name: 'side', restartPolicy: 'Always' }, { name: 'one' }] };
const never = { restartPolicy: 'Never' };
const debug: PodEvent = { type: 'ephemeral', containers: [{ name: 'debug' }] };

const rows: readonly Row[] = [
  { name: 'no sandbox: nothing starts', spec: {}, events: [], phase: 'Pending' },
  { name: 'sandbox: main starts', spec: {}, events: [sandbox], start: ['main'], phase: 'Pending' },
  { name: 'running and ready', spec: {}, events: [sandbox, running('main')], phase: 'Running', ready: true },
  {
    name: 'running, probe pending',
    spec: {},
    events: [sandbox, running('main', true, false)],
    phase: 'Running',
    ready: false,
  },
  {
    name: 'not started yet is not ready',
    spec: {},
    events: [sandbox, running('main', false, true)],
    phase: 'Running',
    ready: false,
  },
  {
    name: 'first restart is immediate',
    spec: {},
    events: [sandbox, running('main'), exited('main', 1)],
    start: ['main'],
    phase: 'Running',
  },
  {
    name: 'Never: failed',
    spec: never,
    events: [sandbox, running('main'), exited('main', 1)],
    over: true,
    phase: 'Failed',
  },
  {
    name: 'Never: succeeded',
    spec: never,
    events: [sandbox, running('main'), exited('main', 0)],
    over: true,
    phase: 'Succeeded',
  },
  {
    name: 'OnFailure: 0 is the end',
    spec: { restartPolicy: 'OnFailure' },
    events: [sandbox, running('main'), exited('main', 0)],
    over: true,
    phase: 'Succeeded',
  },
  {
    name: 'OnFailure: 1 restarts',
    spec: { restartPolicy: 'OnFailure' },
    events: [sandbox, running('main'), exited('main', 1)],
    start: ['main'],
    phase: 'Running',
  },
  { name: 'init: the first alone', spec: inits, events: [sandbox], start: ['one'], phase: 'Pending' },
  { name: 'init: running holds up', spec: inits, events: [sandbox, running('one')], phase: 'Pending' },
  {
    name: 'init: the second after the first',
    spec: inits,
    events: [sandbox, running('one'), exited('one', 0)],
    start: ['two'],
    phase: 'Pending',
  },
  {
    name: 'init: main after the last',
    spec: inits,
    events: [sandbox, running('one'), exited('one', 0), running('two'), exited('two', 0)],
    start: ['main'],
    phase: 'Pending',
  },
  {
    name: 'init: failure is retried',
    spec: inits,
    events: [sandbox, running('one'), exited('one', 1)],
    start: ['one'],
    phase: 'Pending',
  },
  {
    name: 'init: failure with Never fails the Pod',
    spec: { ...inits, ...never },
    events: [sandbox, running('one'), exited('one', 1)],
    over: true,
    phase: 'Failed',
  },
  {
    name: 'sidecar holds up until started',
    spec: sidecar,
    events: [sandbox, running('side', false)],
    phase: 'Pending',
  },
  {
    name: 'sidecar started: next init',
    spec: sidecar,
    events: [sandbox, running('side')],
    start: ['one'],
    phase: 'Pending',
  },
  {
    name: 'sidecar is stopped when the mains are over',
    spec: { ...sidecar, ...never },
    events: [sandbox, running('side'), running('one'), exited('one', 0), running('main'), exited('main', 0)],
    stop: ['side'],
    phase: 'Succeeded',
  },
  {
    name: 'ending: mains stop first',
    spec: sidecar,
    ending: true,
    events: [sandbox, running('side'), running('one'), exited('one', 0), running('main')],
    stop: ['main'],
    phase: 'Running',
    ready: true,
  },
  {
    name: 'ending: stop only once',
    spec: {},
    ending: true,
    events: [sandbox, running('main'), { type: 'stopping', container: 'main', reason: 'x' }],
    phase: 'Running',
    ready: true,
  },
  {
    name: 'ending: over',
    spec: {},
    ending: true,
    events: [sandbox, running('main'), exited('main', 0, 2000, true)],
    over: true,
    phase: 'Succeeded',
  },
  { name: 'ending before anything ran', spec: {}, ending: true, events: [sandbox], over: true, phase: 'Pending' },
  {
    name: 'failed by the node',
    spec: {},
    events: [sandbox, running('main'), { type: 'failed', reason: 'DeadlineExceeded', message: 'm' }],
    stop: ['main'],
    phase: 'Failed',
  },
  {
    name: 'an ephemeral container starts beside the others, and once',
    spec: {},
    events: [sandbox, running('main'), debug, debug],
    start: ['debug'],
    phase: 'Running',
    ready: true,
  },
  {
    name: 'it starts although an init container runs',
    spec: inits,
    events: [sandbox, running('one'), debug],
    start: ['debug'],
    phase: 'Pending',
  },
  {
    name: 'it fails, and the Pod is as it was',
    spec: {},
    events: [sandbox, running('main'), debug, running('debug'), exited('debug', 1)],
    phase: 'Running',
    ready: true,
  },
  {
    name: 'it is stopped when the others are over',
    spec: never,
    events: [sandbox, running('main'), debug, running('debug'), exited('main', 0)],
    stop: ['debug'],
    phase: 'Succeeded',
  },
  {
    name: 'it is stopped with the Pod',
    spec: {},
    events: [sandbox, running('main'), debug, running('debug')],
    ending: true,
    stop: ['main', 'debug'],
    phase: 'Running',
  },
];

for (const row of rows) {
  test(`plan: ${row.name}`, () => {
    const pod = podOf(row.spec);
    const state = after(pod, ...row.events);
    const plan = planPod(state, row.ending === true, 5000);
    assert.deepEqual(
      { start: plan.start, stop: plan.stop, over: plan.over },
      { start: row.start ?? [], stop: row.stop ?? [], over: row.over ?? false },
    );
    const status = podStatus(pod, state, { nodeIps: ['1.1.1.1', 'fd00::1'], now: 5000, ending: row.ending === true });
    assert.equal(status.phase, row.phase);
    const condition = status.conditions?.find((candidate) => candidate.type === 'Ready');
    if (row.ready !== undefined) assert.equal(condition?.status, row.ready ? 'True' : 'False');
    assert.equal(status.observedGeneration, 3);
  });
}

test('an ephemeral container has a status of its own, and a record that was lost does not start it again', () => {
  const pod = podOf({ ephemeralContainers: [{ name: 'debug', image: 'x' }] });
  const state = after(pod, sandbox, running('main'), running('debug'));
  const status = podStatus(pod, state, { nodeIps: [], now: 5000, ending: false });
  assert.deepEqual(
    status.ephemeralContainerStatuses?.map(({ name, ready, image }) => [name, ready, image]),
    [['debug', false, 'x']],
  );
  assert.deepEqual(
    status.containerStatuses?.map(({ name }) => name),
    ['main'],
  );
  const restored = stateFromStatus({ ...pod, status } as Stored<Pod>, 9000);
  assert.equal(restored.containers.find(({ name }) => name === 'debug')?.run.phase, 'ended');
});

test('crash back-off doubles from 10 s to 5 min, and a long run clears it', () => {
  const pod = podOf({});
  let state = after(pod, sandbox);
  const delays: number[] = [];
  let now = 0;
  const crash = (ranMs: number): void => {
    state = reducePod(state, running('main', true, true, now));
    now += ranMs;
    state = reducePod(state, exited('main', 1, now));
    const { run } = state.containers[0]!;
    assert.equal(run.phase, 'waiting');
    const delay = Math.max(0, run.notBefore - now);
    delays.push(delay / 1000);
    if (delay > 0) {
      assert.equal(run.reason, 'CrashLoopBackOff');
      assert.deepEqual(planPod(state, false, now), {
        start: [],
        stop: [],
        wakeAt: run.notBefore,
        initialized: true,
        over: false,
      });
    }
    now += delay;
  };
  for (let count = 0; count < 8; count++) crash(100);
  crash(600_000);
  crash(100);
  assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300, 0, 10]);
  assert.equal(state.containers[0]!.attempt, 10);
});

test('status: restart count, last state, messages of unready containers', () => {
  const pod = podOf({
    containers: [
      { name: 'a', image: 'x' },
      { name: 'b', image: 'y' },
    ],
  });
  const state = after(
    pod,
    sandbox,
    running('a'),
    { type: 'blocked', container: 'b', reason: 'ErrImageNeverPull', message: 'how to', notBefore: 9 },
    { ...exited('a', 3), reason: 'Error' } as PodEvent,
    running('a', true, true, 4000),
  );
  const status = podStatus(pod, state, { nodeIps: ['1.1.1.1', 'fd00::1'], now: 5000, ending: false });
  assert.equal(status.phase, 'Pending');
  assert.equal(status.containerStatuses?.[0]?.restartCount, 1);
  assert.equal(status.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 3);
  assert.deepEqual(status.containerStatuses?.[1]?.state, {
    waiting: { reason: 'ErrImageNeverPull', message: 'how to' },
  });
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  assert.equal(ready?.message, 'containers with unready status: [b]');
});

test('status: readiness gates decide Ready, not ContainersReady; transition times stay', () => {
  const gated = podOf({ readinessGates: [{ conditionType: 'x/gate' }] });
  const state = after(gated, sandbox, running('main'));
  const first = podStatus(gated, state, { nodeIps: ['1.1.1.1', 'fd00::1'], now: 5000, ending: false });
  const byType = (status: typeof first, type: string) =>
    status.conditions?.find((condition) => condition.type === type);
  assert.equal(byType(first, 'ContainersReady')?.status, 'True');
  assert.equal(byType(first, 'Ready')?.reason, 'ReadinessGatesNotReady');
  const open: Pod = { ...gated, status: { conditions: [...first.conditions!, { type: 'x/gate', status: 'True' }] } };
  const second = podStatus(open, state, { nodeIps: ['1.1.1.1', 'fd00::1'], now: 90_000, ending: false });
  assert.equal(byType(second, 'Ready')?.status, 'True');
  assert.equal(byType(second, 'Ready')?.lastTransitionTime, '1970-01-01T00:01:30Z');
  assert.equal(byType(second, 'ContainersReady')?.lastTransitionTime, '1970-01-01T00:00:05Z');
});
