import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, PodSpec, Stored } from '@fairlead/api';
import { chooseNode } from './choose-node.ts';

const node = (
  name: string,
  more: Omit<Partial<Node>, 'metadata'> = {},
  labels: Record<string, string> = {},
  ready = 'True',
): Stored<Node> => ({
  metadata: { name, labels, uid: name, resourceVersion: '1', creationTimestamp: '' },
  ...more,
  status: { conditions: [{ type: 'Ready', status: ready }], ...more.status },
});
const pod = (spec: Partial<PodSpec> = {}, owner?: string): Pod => ({
  metadata: {
    name: 'p',
    ...(owner === undefined
      ? {}
      : { ownerReferences: [{ apiVersion: 'v1', kind: 'R', name: owner, uid: owner, controller: true }] }),
  },
  spec: { containers: [{ name: 'c' }], ...spec },
});
const tainted = node('t', { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } });
const affinity = (operator: 'In' | 'NotIn' | 'Gt', values: string[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator, values }] }],
      },
    },
  },
});
const cpu = (amount: string): Partial<PodSpec> => ({
  containers: [{ name: 'c', resources: { requests: { cpu: amount } } }],
});
const small = node('s', { status: { allocatable: { cpu: '1', pods: '2' } } });

const rows: readonly [string, Pod, { node: Stored<Node>; pods: readonly Pod[] }[], string][] = [
  ['no nodes', pod(), [], 'no nodes available to schedule pods'],
  [
    'fewest siblings before fewest Pods',
    pod({}, 'r'),
    [
      { node: node('a'), pods: [pod({}, 'r')] },
      { node: node('b'), pods: [pod(), pod()] },
    ],
    'b',
  ],
  [
    'fewest Pods',
    pod(),
    [
      { node: node('a'), pods: [pod()] },
      { node: node('b'), pods: [] },
    ],
    'b',
  ],
  [
    'not ready',
    pod(),
    [{ node: node('a', {}, {}, 'Unknown'), pods: [] }],
    '0/1 nodes are available: 1 node(s) were not ready. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  ],
  [
    'cordoned',
    pod(),
    [{ node: node('a', { spec: { unschedulable: true } }), pods: [] }],
    '0/1 nodes are available: 1 node(s) were unschedulable. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  ],
  [
    'taint',
    pod(),
    [{ node: tainted, pods: [] }],
    '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  ],
  [
    'toleration by value',
    pod({ tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }),
    [{ node: tainted, pods: [] }],
    't',
  ],
  [
    'toleration of another value',
    pod({ tolerations: [{ key: 'gpu', value: 'no' }] }),
    [{ node: tainted, pods: [] }],
    '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  ],
  ['toleration of everything', pod({ tolerations: [{ operator: 'Exists' }] }), [{ node: tainted, pods: [] }], 't'],
  [
    'selector',
    pod({ nodeSelector: { k: '1' } }),
    [
      { node: node('a'), pods: [] },
      { node: node('b', {}, { k: '1' }), pods: [pod()] },
    ],
    'b',
  ],
  [
    'affinity In',
    pod(affinity('In', ['2'])),
    [{ node: node('a', {}, { k: '1' }), pods: [] }],
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
  ],
  ['affinity NotIn', pod(affinity('NotIn', ['2'])), [{ node: node('a'), pods: [] }], 'a'],
  ['affinity Gt', pod(affinity('Gt', ['2'])), [{ node: node('a', {}, { k: '10' }), pods: [] }], 'a'],
  ['cpu fits', pod(cpu('400m')), [{ node: small, pods: [pod(cpu('600m'))] }], 's'],
  [
    'cpu does not fit',
    pod(cpu('500m')),
    [{ node: small, pods: [pod(cpu('600m'))] }],
    '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  ],
  [
    'too many',
    pod(),
    [{ node: small, pods: [pod(), pod()] }],
    '0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  ],
];
for (const [name, wanted, nodes, expected] of rows) {
  test(`choose a node: ${name}`, () => {
    const choice = chooseNode(wanted, nodes);
    assert.equal(choice.ok ? choice.node : choice.message, expected);
  });
}
