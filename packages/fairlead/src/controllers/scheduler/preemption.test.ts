import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, nodes, type Pod, type PodDisruptionBudget, pods, type Stored } from '@fairlead/api';
import { readyNode, startFakeCluster } from '../fake-cluster.ts';
import { chooseNode, misfitOf } from './choose-node.ts';
import { chooseVictims } from './choose-victims.ts';
import type { NodeLoad } from './node-fit.ts';

const metadata = (name: string): Stored<Pod>['metadata'] => ({
  name,
  namespace: 'n',
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  labels: { name },
});
/** A Pod that asks for processors, with a priority. */
const pod = (name: string, cpu: number, priority: number, nodeName?: string): Stored<Pod> => ({
  metadata: metadata(name),
  spec: {
    priority,
    ...(nodeName === undefined ? {} : { nodeName }),
    containers: [{ name: 'c', resources: { requests: { cpu: String(cpu) } } }],
  },
});
/** A node of four processors. */
const load = (name: string, ...running: readonly (readonly [string, number, number])[]): NodeLoad => {
  const amounts = { cpu: '4', pods: '10' };
  const node: Node = {
    metadata: { name },
    status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable: amounts, capacity: amounts },
  };
  return {
    node: { ...node, metadata: metadata(name) },
    pods: running.map(([own, cpu, priority]) => pod(own, cpu, priority, name)),
  };
};
const budget = (name: string): Stored<PodDisruptionBudget> => ({
  metadata: metadata('b'),
  spec: { selector: { matchLabels: { name } } },
  status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});

const rows: readonly [
  name: string,
  Stored<Pod>,
  readonly NodeLoad[],
  readonly Stored<PodDisruptionBudget>[],
  expected: string,
][] = [
  ['the only one that is less important', pod('p', 2, 10), [load('a', ['x', 2, 5], ['y', 2, 20])], [], 'a: x'],
  ['nobody is less important', pod('p', 2, 5), [load('a', ['x', 4, 5])], [], 'none'],
  ['even without all of them it does not fit', pod('p', 3, 10), [load('a', ['x', 1, 5], ['y', 3, 20])], [], 'none'],
  [
    'no more than are needed, the least important ones',
    pod('p', 1, 10),
    [load('a', ['x', 2, 3], ['y', 1, 1], ['z', 1, 2])],
    [],
    'a: y',
  ],
  [
    'the node whose victim is less important',
    pod('p', 4, 10),
    [load('a', ['x', 4, 5]), load('b', ['y', 4, 3])],
    [],
    'b: y',
  ],
  [
    'the node with fewer victims',
    pod('p', 4, 10),
    [load('a', ['x', 1, 0], ['y', 1, 0]), load('b', ['z', 1, 0])],
    [],
    'b: z',
  ],
  [
    'rather one that no budget protects',
    pod('p', 4, 10),
    [load('a', ['x', 4, 1]), load('b', ['y', 4, 5])],
    [budget('x')],
    'b: y',
  ],
  [
    'on one node, rather the unprotected one',
    pod('p', 2, 10),
    [load('a', ['x', 2, 1], ['y', 2, 5])],
    [budget('x')],
    'a: y',
  ],
];
for (const [name, incoming, loads, budgets, expected] of rows) {
  test(name, () => {
    assert.ok(!chooseNode(incoming, loads).ok, 'it does not fit as things are');
    const victims = chooseVictims(
      incoming,
      loads,
      budgets,
      (one, all) => misfitOf(incoming, one, all, () => undefined) === undefined,
    );
    const names = victims?.pods.map((victim) => victim.metadata.name).sort();
    assert.equal(victims === undefined ? 'none' : `${victims.node}: ${names?.join(' ')}`, expected);
  });
}

test('an important Pod gets the room of a lesser one, which goes', async () => {
  const cluster = await startFakeCluster([]);
  try {
    const { api } = cluster;
    const podList = (): Stored<Pod>[] => api.store.list('/pods') as unknown as Stored<Pod>[];
    const { status, ...node } = readyNode('node');
    const amounts = { cpu: '2', pods: '10' };
    api.seed(nodes, { ...node, status: { ...status, allocatable: amounts, capacity: amounts } });
    const make = (name: string, priority: number): Promise<unknown> =>
      api.create(pods, {
        metadata: { name, namespace: 'default' },
        spec: { priority, containers: [{ name: 'c', image: 'app:1', resources: { requests: { cpu: '2' } } }] },
      });
    const nodeOf = (name: string): string | undefined => {
      const found = podList().find((one) => one.metadata.name === name);
      return found?.spec?.nodeName;
    };
    await make('lesser', 0);
    await cluster.until('the lesser one runs', () => nodeOf('lesser') === 'node');
    await make('important', 100);
    await cluster.until('the important one runs', () => nodeOf('important') === 'node');
    assert.ok(!podList().some((one) => one.metadata.name === 'lesser'));
    await make('modest', 0);
    await cluster.settle();
    assert.equal(nodeOf('modest'), undefined, 'nobody makes room for its like');
  } finally {
    await cluster.stop();
  }
});
