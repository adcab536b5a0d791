import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { validateObject } from './validate.ts';

type Json = Record<string, unknown>;

const metadata = {
  name: 'x',
  namespace: 'n',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
};

/** What is said of a status written over another; the rest of the object would be refused if it were looked at. */
function told(apiVersion: string, kind: string, status: Json, old: Json = {}, spec: Json = {}): string[] {
  const made = (part: Json): Json => ({ apiVersion, kind, metadata, spec, status: part });
  return validateObject(apiVersion, kind, made(status), made(old), { subresource: 'status' }).map(
    ({ field, message }) => `${field.replace('status.', '')}: ${message.replace('Invalid value: ', '')}`,
  );
}

const negative = (names: string): string[] =>
  names.split(' ').map((name) => `${name}: -1: must be greater than or equal to 0`);
const allOf = (names: string): Json => Object.fromEntries(names.split(' ').map((name) => [name, -1]));
const job = (status: Json, old?: Json, spec?: Json): string[] => told('batch/v1', 'Job', status, old, spec);
const holds = (...types: string[]): Json[] => types.map((type) => ({ type, status: 'True' }));
const [early, late] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
const done = { startTime: early, completionTime: late, conditions: holds('SuccessCriteriaMet', 'Complete') };
const failed = { startTime: early, conditions: holds('FailureTarget', 'Failed') };
const replicaCounts = 'replicas fullyLabeledReplicas readyReplicas availableReplicas observedGeneration';

/** As a Kubernetes 1.34.4 server tells it, in its order. */
const rows: readonly [string, string[], string[]][] = [
  ['counts of a ReplicaSet', told('apps/v1', 'ReplicaSet', allOf(replicaCounts)), negative(replicaCounts)],
  [
    'counts of a ReplicationController',
    told('v1', 'ReplicationController', allOf(replicaCounts)),
    negative(replicaCounts),
  ],
  [
    'more than there are, in a ReplicaSet',
    told('apps/v1', 'ReplicaSet', { replicas: 1, fullyLabeledReplicas: 2, availableReplicas: 2 }),
    [
      'fullyLabeledReplicas: 2: cannot be greater than status.replicas',
      'availableReplicas: 2: cannot be greater than status.replicas',
      'availableReplicas: 2: cannot be greater than readyReplicas',
    ],
  ],
  [
    'a Deployment',
    told('apps/v1', 'Deployment', { replicas: 1, updatedReplicas: 2, unavailableReplicas: -1 }, { collisionCount: 2 }),
    [
      ...negative('unavailableReplicas'),
      'updatedReplicas: 2: cannot be greater than status.replicas',
      'collisionCount: 0: cannot be decremented',
    ],
  ],
  [
    'a StatefulSet',
    told('apps/v1', 'StatefulSet', { replicas: 3, readyReplicas: 1, currentReplicas: 4, availableReplicas: 2 }),
    [
      'currentReplicas: 4: cannot be greater than status.replicas',
      'availableReplicas: 2: cannot be greater than status.readyReplicas',
    ],
  ],
  [
    'a DaemonSet',
    told('apps/v1', 'DaemonSet', allOf('numberReady numberAvailable')),
    negative('numberReady numberAvailable'),
  ],
  [
    'an autoscaler',
    told('autoscaling/v2', 'HorizontalPodAutoscaler', allOf('desiredReplicas')),
    negative('desiredReplicas'),
  ],
  ['a budget', told('policy/v1', 'PodDisruptionBudget', allOf('expectedPods')), negative('expectedPods')],
  ['a CronJob, whatever it is', told('batch/v1', 'CronJob', { lastScheduleTime: early }), []],
  [
    'counts of a Job',
    job(allOf('active succeeded failed')),
    [
      ...negative('active succeeded failed'),
      'failed: -1: cannot decrease the failed counter',
      'succeeded: -1: cannot decrease the succeeded counter',
    ],
  ],
  ['a Job that is done', job(done), []],
  ['a Job that failed', job(failed), []],
  [
    'done without anything else',
    job({ conditions: holds('Complete') }),
    [
      'completionTime: Required value: completionTime is required for Complete jobs',
      'conditions: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      'startTime: Required value: startTime is required for finished job',
    ],
  ],
  [
    'done before it began, and not done',
    job({ startTime: late, completionTime: early }),
    [
      `completionTime: "${early}": cannot set completionTime when there is no Complete=True condition`,
      `completionTime: "${early}": must be equal to or after \`startTime\``,
    ],
  ],
  [
    'failed at once, with Pods',
    job({ startTime: early, active: 1, terminating: 2, ready: 3, conditions: holds('Failed') }),
    [
      'conditions: cannot set Failed=True condition without the FailureTarget=true condition',
      'active: 1: active>0 is invalid for finished job',
      'terminating: 2: terminating>0 is invalid for finished job',
      'ready: 3: cannot set more ready pods than active',
    ],
  ],
  [
    'done no longer',
    job({ startTime: early }, done),
    [
      'conditions: cannot disable the terminal Complete=True condition',
      'conditions: cannot disable the SuccessCriteriaMet=True condition',
    ],
  ],
  [
    'another beginning',
    job({ startTime: late }, { startTime: early }),
    ['startTime: Required value: startTime cannot be removed for unsuspended job'],
  ],
  ['another beginning of one that waited', job({ startTime: late }, { startTime: early }, { suspend: true }), []],
  [
    'indexes that do not exist, and twice',
    job(
      { completedIndexes: '0,2-1', failedIndexes: '5' },
      {},
      { completionMode: 'Indexed', completions: 4, backoffLimitPerIndex: 1 },
    ),
    [
      'completedIndexes: "0,2-1": error parsing completedIndexes: non-increasing order, previous: 2, current: 1',
      'failedIndexes: "5": error parsing failedIndexes: too large index: "5"',
    ],
  ],
  [
    'indexes done and failed',
    job(
      { completedIndexes: '0-2', failedIndexes: '1,3' },
      {},
      { completionMode: 'Indexed', completions: 4, backoffLimitPerIndex: 1 },
    ),
    ['failedIndexes: "1,3": failedIndexes and completedIndexes overlap at index: 1'],
  ],
  [
    'indexes of a Job without them',
    job({ completedIndexes: '0', failedIndexes: '' }, {}, { completions: 4 }),
    [
      'completedIndexes: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      'failedIndexes: "": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
    ],
  ],
  [
    'a Pod counted twice',
    job({ uncountedTerminatedPods: { succeeded: ['a', ''], failed: ['a'] } }),
    [
      'uncountedTerminatedPods.succeeded[1]: "": must not be empty',
      'uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
    ],
  ],
];
describe('a status that is written by itself', () => {
  for (const [name, actual, expected] of rows) test(name, () => assert.deepEqual(actual, expected));
});

test('what of a Job stays', () => {
  const selector = { matchLabels: { a: 'b' } };
  const pods = { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] };
  const template = { metadata: { labels: { a: 'b' } }, spec: pods };
  const made = (more: Json): Json => ({
    metadata,
    spec: { manualSelector: true, selector, template, completions: 1, parallelism: 1, ...more },
  });
  const changed = (more: Json): string[] =>
    validateObject('batch/v1', 'Job', made(more), made({ suspend: true }))
      .filter(({ message }) => !message.includes('Required value'))
      .map(({ field, message }) => `${field}: ${message.slice(0, 80)}`);
  assert.deepEqual(changed({ managedBy: 'a.b/c', podFailurePolicy: { rules: [] } }).sort(), [
    'spec.managedBy: Invalid value: "a.b/c": field is immutable',
    'spec.podFailurePolicy: Invalid value: {"Rules":[]}: field is immutable',
  ]);
  const image = { metadata: template.metadata, spec: { ...pods, nodeSelector: { a: 'b' } } };
  assert.deepEqual(
    changed({ suspend: true, template: image }).filter((text) => text.startsWith('spec.template: ')),
    [],
  );
  const [refused = ''] = changed({ template: { ...template, spec: { ...pods, hostname: 'h' } } }).filter((text) =>
    text.startsWith('spec.template: '),
  );
  assert.match(refused, /^spec.template: Invalid value: \{"labels":\{"a":"b"\},"Spec":\{"Volumes":null,/);
});
