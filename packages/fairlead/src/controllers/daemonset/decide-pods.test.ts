import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet, DaemonSetSpec, Node, Pod, Stored, Taint } from '@fairlead/api';
import { decideDaemonPods } from './decide-pods.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const meta = (name: string, labels: Record<string, string> = {}) => ({
  name,
  namespace: 'n',
  uid: name,
  labels,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});
const nodeOf = (name: string, taint?: Taint, labels: Record<string, string> = {}): Stored<Node> => ({
  metadata: meta(name, labels),
  spec: taint === undefined ? {} : { taints: [taint] },
});
const setOf = (spec: Partial<DaemonSetSpec> = {}): Stored<DaemonSet> => ({
  metadata: meta('d'),
  spec: { selector: {}, template: { spec: { containers: [] } }, ...spec },
});
/** `a` a ready Pod on node a; `a?` unready, `a!` failed, `ax` leaving, `a-` of the old revision. */
const podsOf = (text: string): Stored<Pod>[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word, index) => {
      const marks = word.slice(1);
      return {
        metadata: {
          ...meta(`${word}#${index}`, { 'controller-revision-hash': marks.includes('-') ? 'old' : 'new' }),
          ...(marks.includes('x') ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
        },
        spec: { containers: [], nodeName: word[0]! },
        status: {
          phase: marks.includes('!') ? 'Failed' : 'Running',
          conditions: [{ type: 'Ready', status: /[?!]/.test(marks) ? 'False' : 'True' }],
        },
      };
    });
const leaving = (pod: Stored<Pod>): boolean => pod.metadata.deletionTimestamp !== undefined;
const three = [nodeOf('a'), nodeOf('b'), nodeOf('c')];
const gpu = (effect: Taint['effect']): Stored<Node>[] => [nodeOf('a', { key: 'gpu', effect })];
const most = (maxUnavailable: number | string): Partial<DaemonSetSpec> => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } },
});

const surge = (maxSurge: number | string): Partial<DaemonSetSpec> => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge } },
});

const rows: readonly (readonly [string, Stored<DaemonSet>, readonly Stored<Node>[], string, string, string])[] = [
  ['everywhere', setOf(), three, 'b', 'a c', ''],
  ['the failed one goes first', setOf(), three, 'a b c!', '', 'c!'],
  ['a leaving one is waited for', setOf(), three, 'a b cx', '', ''],
  ['of two the younger goes', setOf(), three, 'a b c c', '', 'c'],
  ['not on a tainted node', setOf(), gpu('NoSchedule'), '', '', ''],
  ['but what is there stays', setOf(), gpu('NoSchedule'), 'a', '', ''],
  ['unless it is to go', setOf(), gpu('NoExecute'), 'a', '', 'a'],
  [
    'on a cordoned node',
    setOf(),
    [nodeOf('a', { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' })],
    '',
    'a',
    '',
  ],
  [
    'on a node that is lost',
    setOf(),
    [nodeOf('a', { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' })],
    'a',
    '',
    '',
  ],
  [
    'by selector',
    setOf({ template: { spec: { containers: [], nodeSelector: { disk: 'ssd' } } } }),
    [nodeOf('a'), nodeOf('b', undefined, { disk: 'ssd' })],
    'a',
    'b',
    'a',
  ],
  ['of nodes that are gone', setOf(), [nodeOf('a')], 'a z', '', 'z'],
  ['one old one at a time', setOf(), three, 'a- b- c-', '', 'a-'],
  ['not while one is not available', setOf(), three, 'a- b- c?', '', ''],
  ['broken old ones at once', setOf(), three, 'a-? b-? c-', '', 'a-? b-?'],
  ['two at a time', setOf(most(2)), three, 'a- b- c-', '', 'a- b-'],
  ['a share, rounded up', setOf(most('50%')), three, 'a- b- c-', '', 'a- b-'],
  ['a second one beside the old', setOf(surge(1)), three, 'a- b- c-', 'a', ''],
  ['the second one is not available yet', setOf(surge(1)), three, 'a- a? b- c-', '', ''],
  ['the old one goes when it is', setOf(surge(1)), three, 'a- a b- c-', 'b', 'a-'],
  ['two second ones', setOf(surge('50%')), three, 'a- b- c-', 'a b', ''],
  ['beside broken old ones at once', setOf(surge(1)), three, 'a-? b-? c-', 'a b c', ''],
  ['by hand only', setOf({ updateStrategy: { type: 'OnDelete' } }), three, 'a- b- c-', '', ''],
];
for (const [name, set, nodes, pods, create, remove] of rows) {
  test(`DaemonSet: ${name}`, () => {
    const decision = decideDaemonPods(set, nodes, podsOf(pods), leaving, 'new', now);
    assert.equal(decision.create.join(' '), create);
    assert.equal(decision.remove.map((pod) => pod.metadata.name.split('#')[0]).join(' '), remove);
  });
}
