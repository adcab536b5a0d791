import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job, JobSpec, JobStatus, Pod, Stored } from '@fairlead/api';
import { decideJob, trackingFinalizer } from './decide-job.ts';
import { judgeFailure } from './failure-policy.ts';
import { formatIndexes, parseIndexes } from './index-set.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const started = '2026-01-01T00:00:00Z';
const jobOf = (spec: Partial<JobSpec>, status: JobStatus = {}): Stored<Job> => ({
  metadata: { name: 'j', namespace: 'n', uid: 'j', resourceVersion: '1', creationTimestamp: started },
  spec: { completions: 3, parallelism: 2, backoffLimit: 6, template: { spec: { containers: [] } }, ...spec },
  status: { startTime: started, ...status },
});
type Phase = 'Failed' | 'Pending' | 'Running' | 'Succeeded';
const podOf = (
  uid: string,
  phase: Phase,
  more: { leaving?: boolean; free?: boolean; ago?: number; code?: number } = {},
): Stored<Pod> => ({
  metadata: {
    name: uid,
    namespace: 'n',
    uid,
    resourceVersion: '1',
    creationTimestamp: started,
    ...(more.leaving === true ? { deletionTimestamp: started } : {}),
    ...(more.free === true ? {} : { finalizers: [trackingFinalizer] }),
  },
  status: {
    phase,
    ...(phase === 'Failed'
      ? {
          containerStatuses: [
            {
              name: 'c',
              ready: false,
              restartCount: 0,
              image: '',
              imageID: '',
              state: {
                terminated: {
                  exitCode: more.code ?? 1,
                  finishedAt: new Date(now - (more.ago ?? 3000) * 1000).toISOString(),
                },
              },
            },
          ],
        }
      : {}),
  },
});
const leaving = (pod: Stored<Pod>): boolean => pod.metadata.deletionTimestamp !== undefined;

interface Expected {
  readonly create?: number;
  readonly remove?: number;
  readonly untrack?: number;
  readonly counts?: readonly [active: number, succeeded: number, failed: number];
  readonly uncounted?: object;
  readonly conditions?: string;
  readonly waits?: number;
}
const rows: readonly (readonly [string, Stored<Job>, readonly Stored<Pod>[], Expected])[] = [
  ['new', jobOf({}), [], { create: 2, counts: [0, 0, 0] }],
  ['one runs', jobOf({}), [podOf('a', 'Running')], { create: 1, counts: [1, 0, 0] }],
  [
    'a success is first written down',
    jobOf({}),
    [podOf('a', 'Succeeded')],
    { create: 2, untrack: 1, counts: [0, 0, 0], uncounted: { succeeded: ['a'] } },
  ],
  [
    'then counted when its finalizer is gone',
    jobOf({}, { uncountedTerminatedPods: { succeeded: ['a'] } }),
    [podOf('a', 'Succeeded', { free: true })],
    { create: 2, counts: [0, 1, 0], uncounted: {} },
  ],
  ['or its Pod', jobOf({}, { uncountedTerminatedPods: { succeeded: ['a'] } }), [], { create: 2, counts: [0, 1, 0] }],
  [
    'not before',
    jobOf({}, { uncountedTerminatedPods: { succeeded: ['a'] } }),
    [podOf('a', 'Succeeded')],
    { untrack: 1, create: 2, counts: [0, 0, 0], uncounted: { succeeded: ['a'] } },
  ],
  ['no more than is missing', jobOf({}, { succeeded: 2 }), [], { create: 1 }],
  [
    'done, others are stopped',
    jobOf({}, { succeeded: 3 }),
    [podOf('b', 'Running')],
    { remove: 1, conditions: 'SuccessCriteriaMet' },
  ],
  ['done and over', jobOf({}, { succeeded: 3 }), [], { conditions: 'SuccessCriteriaMet Complete' }],
  [
    'a failure waits for its turn',
    jobOf({}),
    [podOf('a', 'Failed', { ago: 4 })],
    { create: 0, untrack: 1, waits: 6000, uncounted: { failed: ['a'] } },
  ],
  [
    'the second longer',
    jobOf({}),
    [podOf('a', 'Failed', { ago: 9 }), podOf('b', 'Failed', { ago: 4 })],
    { create: 0, untrack: 2, waits: 16_000 },
  ],
  [
    'too many failures',
    jobOf({ backoffLimit: 1 }, { failed: 2 }),
    [podOf('b', 'Running')],
    { remove: 1, conditions: 'FailureTarget' },
  ],
  ['too many failures, over', jobOf({ backoffLimit: 1 }, { failed: 2 }), [], { conditions: 'FailureTarget Failed' }],
  [
    'a deleted Pod is a failure',
    jobOf({}),
    [podOf('a', 'Running', { leaving: true })],
    { create: 2, untrack: 1, uncounted: { failed: ['a'] } },
  ],
  [
    'unless only failed ones are replaced',
    jobOf({ podReplacementPolicy: 'Failed' }),
    [podOf('a', 'Running', { leaving: true })],
    { create: 1, untrack: 0 },
  ],
  [
    'the deadline',
    jobOf({ activeDeadlineSeconds: 3600 }),
    [podOf('b', 'Running')],
    { remove: 1, conditions: 'FailureTarget' },
  ],
  ['before the deadline', jobOf({ activeDeadlineSeconds: 3601 }), [podOf('b', 'Running')], { create: 1, waits: 1000 }],
  ['suspended', jobOf({ suspend: true }), [podOf('b', 'Running')], { remove: 1, conditions: 'Suspended' }],
  ['fewer at a time', jobOf({ parallelism: 0 }), [podOf('b', 'Running')], { remove: 1 }],
  [
    'a work queue ends with its last Pod',
    jobOf({ completions: undefined }, { succeeded: 1 }),
    [podOf('b', 'Running')],
    { create: 0, conditions: '' },
  ],
  [
    'a work queue is done',
    jobOf({ completions: undefined }, { succeeded: 1 }),
    [],
    { conditions: 'SuccessCriteriaMet Complete' },
  ],
];
for (const [name, job, pods, expected] of rows) {
  test(`Job: ${name}`, () => {
    const decision = decideJob(job, pods, leaving, now);
    const { status } = decision;
    if (expected.create !== undefined) assert.equal(decision.create.length, expected.create, 'create');
    assert.equal(decision.remove.length, expected.remove ?? 0, 'remove');
    assert.equal(decision.untrack.length, expected.untrack ?? 0, 'untrack');
    if (expected.counts !== undefined) {
      assert.deepEqual([status.active ?? 0, status.succeeded ?? 0, status.failed ?? 0], expected.counts);
    }
    if (expected.uncounted !== undefined) assert.deepEqual(status.uncountedTerminatedPods, expected.uncounted);
    if (expected.conditions !== undefined) {
      const types = (status.conditions ?? [])
        .filter((condition) => condition.status === 'True')
        .map(({ type }) => type);
      assert.equal(types.join(' '), expected.conditions);
    }
    if (expected.waits !== undefined) assert.equal(decision.againAfterMs, expected.waits);
  });
}

test('indexes as ranges', () => {
  for (const [list, text] of [
    [[], ''],
    [[3], '3'],
    [[0, 1], '0,1'],
    [[4, 0, 1, 2], '0-2,4'],
  ] as const) {
    assert.equal(formatIndexes(list), text);
    assert.deepEqual([...parseIndexes(text, 10)], [...list].sort());
  }
  assert.deepEqual([...parseIndexes('0-999999999999', 2)], [0, 1]);
});

test('failure policy: the first rule that matches', () => {
  const rules: NonNullable<JobSpec['podFailurePolicy']>['rules'] = [
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    { action: 'Ignore', onExitCodes: { operator: 'NotIn', values: [1] } },
  ];
  const job = jobOf({ podFailurePolicy: { rules } });
  assert.equal(judgeFailure(job, podOf('a', 'Failed', { code: 1 })).action, 'count');
  assert.equal(judgeFailure(job, podOf('a', 'Failed', { code: 2 })).action, 'ignore');
  assert.deepEqual(judgeFailure(job, podOf('a', 'Failed', { code: 42 })), {
    action: 'fail-job',
    message: 'Container c for pod n/a failed with exit code 42 matching FailJob rule at index 1',
  });
});

/** A Pod of an index of a Job that limits failures by index. */
function indexPod(uid: string, phase: Phase, index: number, failuresBefore: number, code = 1): Stored<Pod> {
  const pod = podOf(uid, phase, { code });
  const annotations = {
    'batch.kubernetes.io/job-completion-index': String(index),
    'batch.kubernetes.io/job-index-failure-count': String(failuresBefore),
  };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

const perIndex = (spec: Partial<JobSpec>, status: JobStatus = {}): Stored<Job> =>
  jobOf(
    {
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      backoffLimit: 2_147_483_647,
      backoffLimitPerIndex: 1,
      ...spec,
    },
    status,
  );

const indexRows: readonly [
  name: string,
  Stored<Job>,
  readonly Stored<Pod>[],
  create: readonly number[],
  failedIndexes: string,
  condition: string,
][] = [
  [
    'an index is tried again',
    perIndex({}),
    [indexPod('a', 'Failed', 0, 0), indexPod('b', 'Running', 1, 0)],
    [0, 2],
    '',
    '',
  ],
  [
    'an index at its limit is given up',
    perIndex({}),
    [indexPod('a', 'Failed', 0, 1), indexPod('b', 'Running', 1, 0)],
    [2],
    '0',
    '',
  ],
  [
    'given-up and completed indexes make a failed Job',
    perIndex({}, { completedIndexes: '1,2', succeeded: 2, failedIndexes: '0' }),
    [],
    [],
    '0',
    'FailureTarget FailedIndexes',
  ],
  [
    'too many given-up indexes end it at once',
    perIndex({ maxFailedIndexes: 0 }),
    [indexPod('a', 'Failed', 0, 1), indexPod('b', 'Running', 1, 0)],
    [],
    '0',
    'FailureTarget MaxFailedIndexesExceeded',
  ],
  [
    'a rule can give an index up',
    perIndex({
      podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [42] } }] },
    }),
    [indexPod('a', 'Failed', 0, 0, 42), indexPod('b', 'Running', 1, 0), indexPod('c', 'Running', 2, 0)],
    [],
    '0',
    '',
  ],
];
for (const [name, job, pods, create, failedIndexes, condition] of indexRows) {
  test(name, () => {
    const decision = decideJob(job, pods, leaving, now);
    assert.deepEqual(decision.create, create);
    assert.equal(decision.status.failedIndexes, failedIndexes);
    const [last] = (decision.status.conditions ?? []).slice(-1);
    const found = decision.status.conditions?.find(({ type }) => type === 'FailureTarget') ?? last;
    assert.equal(found === undefined ? '' : `${found.type} ${found.reason}`, condition);
  });
}

const successRows: readonly [name: string, rule: object, completed: string, met: boolean][] = [
  ['all indexes of a rule', { succeededIndexes: '0,2' }, '0,2', true],
  ['not all of them', { succeededIndexes: '0,2' }, '0-1', false],
  ['some of them', { succeededIndexes: '0-2', succeededCount: 1 }, '1', true],
  ['any number', { succeededCount: 2 }, '3,4', true],
  ['too few', { succeededCount: 2 }, '3', false],
];
for (const [name, rule, completedIndexes, met] of successRows) {
  test(`success policy: ${name}`, () => {
    const spec: Partial<JobSpec> = { completionMode: 'Indexed', completions: 5, successPolicy: { rules: [rule] } };
    const job = jobOf(spec, { completedIndexes, succeeded: 1 });
    const decision = decideJob(job, [indexPod('a', 'Running', 2, 0)], leaving, now);
    const verdict = decision.status.conditions?.find(({ type }) => type === 'SuccessCriteriaMet');
    assert.equal(verdict?.reason, met ? 'SuccessPolicy' : undefined);
    assert.equal(decision.remove.length, met ? 1 : 0, 'what still runs is stopped');
  });
}
