import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, PodAffinityTerm, PodSpec, Stored } from '@fairlead/api';
import { chooseNode } from './choose-node.ts';
import type { NodeLoad } from './node-fit.ts';

const node = (name: string, zone?: string, more: Partial<Node> = {}): Stored<Node> => ({
  ...more,
  metadata: {
    name,
    labels: { host: name, ...(zone === undefined ? {} : { zone }) },
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '',
  },
  status: { conditions: [{ type: 'Ready', status: 'True' }], ...more.status },
});
const pod = (labels: Record<string, string>, spec: Partial<PodSpec> = {}, namespace = 'n'): Pod => ({
  metadata: { name: 'p', namespace, labels },
  spec: { containers: [{ name: 'c' }], ...spec },
});
const web = { app: 'web' };
const db = { app: 'db' };
const term = (
  labels: Record<string, string>,
  topologyKey: string,
  more: Partial<PodAffinityTerm> = {},
): PodAffinityTerm => ({
  labelSelector: { matchLabels: labels },
  topologyKey,
  ...more,
});
const near = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const apart = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const prefersApart = (podAffinityTerm: PodAffinityTerm): Partial<PodSpec> => ({
  affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm }] } },
});
const spread = (topologyKey: string, hard: boolean, more: object = {}): Partial<PodSpec> => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: hard ? 'DoNotSchedule' : 'ScheduleAnyway',
      labelSelector: { matchLabels: web },
      ...more,
    },
  ],
});
const port = (hostPort: number, hostIP?: string, protocol?: 'TCP' | 'UDP'): Partial<PodSpec> => ({
  containers: [
    {
      name: 'c',
      ports: [
        {
          containerPort: 1,
          hostPort,
          ...(hostIP === undefined ? {} : { hostIP }),
          ...(protocol === undefined ? {} : { protocol }),
        },
      ],
    },
  ],
});
const on = (target: Stored<Node>, ...pods: Pod[]): NodeLoad => ({ node: target, pods });
const [a, b, c] = [node('a', 'east'), node('b', 'east'), node('c', 'west')];

const victims = (count: number): string => `${count} No preemption victims found for incoming pod`;
const helpless = (count: number): string => `${count} Preemption is not helpful for scheduling`;
const refused = (count: number, reasons: string, preemption: string): string =>
  `0/${count} nodes are available: ${reasons}. preemption: 0/${count} nodes are available: ${preemption}.`;

const rows: readonly (readonly [string, Pod, readonly NodeLoad[], string])[] = [
  ['beside another on its host', pod(web, near(term(db, 'host'))), [on(a), on(b, pod(db)), on(c)], 'b'],
  ['in the zone of another', pod(web, near(term(db, 'zone'))), [on(a), on(b, pod(db)), on(c)], 'a'],
  ['the first of its group has nobody to join', pod(web, near(term(web, 'host'))), [on(a)], 'a'],
  [
    'nobody to join of another group',
    pod(web, near(term(db, 'host'))),
    [on(a), on(b)],
    refused(2, "2 node(s) didn't match pod affinity rules", helpless(2)),
  ],
  [
    'another namespace is not meant',
    pod(web, near(term(db, 'host'))),
    [on(a, pod(db, {}, 'other'))],
    refused(1, "1 node(s) didn't match pod affinity rules", helpless(1)),
  ],
  [
    'unless named',
    pod(web, near(term(db, 'host', { namespaces: ['other'] }))),
    [on(a), on(b, pod(db, {}, 'other'))],
    'b',
  ],
  [
    'or selected',
    pod(web, near(term(db, 'host', { namespaceSelector: { matchLabels: { team: 'x' } } }))),
    [on(a, pod(db, {}, 'n')), on(b, pod(db, {}, 'other'))],
    'b',
  ],
  ['away from its like by host', pod(web, apart(term(web, 'host'))), [on(a, pod(web)), on(b), on(c, pod(web))], 'b'],
  [
    'away from its like by zone',
    pod(web, apart(term(web, 'zone'))),
    [on(a, pod(web)), on(b)],
    refused(2, "2 node(s) didn't match pod anti-affinity rules", victims(2)),
  ],
  [
    'another keeps it away',
    pod(web),
    [on(a, pod(db, apart(term(web, 'host'))))],
    refused(1, "1 node(s) didn't satisfy existing pods anti-affinity rules", victims(1)),
  ],
  [
    'rather away, before fewest Pods',
    pod(web, prefersApart(term(web, 'zone'))),
    [on(a, pod(web)), on(b), on(c, pod(db), pod(db))],
    'c',
  ],
  ['where it must, in spite of its wish', pod(web, prefersApart(term(web, 'zone'))), [on(a, pod(web))], 'a'],
  [
    'node preference by weight',
    pod(web, {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['east'] }] } },
            { weight: 5, preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['west'] }] } },
          ],
        },
      },
    }),
    [on(a), on(b), on(c, pod(db), pod(db))],
    'c',
  ],
  ['spread over zones', pod(web, spread('zone', true)), [on(a, pod(web)), on(b), on(c)], 'c'],
  [
    'spread counts the whole zone',
    pod(web, spread('zone', true)),
    [on(a, pod(web)), on(b, pod(web)), on(c, pod(web))],
    'c',
  ],
  [
    'too uneven where the empty zone has no room',
    pod(web, { ...spread('zone', true), containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] }),
    [on(a, pod(web)), on(node('d', 'west', { status: { allocatable: { cpu: '500m' } } }))],
    refused(2, "1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints", victims(2)),
  ],
  [
    'a node without the label',
    pod(web, spread('zone', true)),
    [on(node('d'))],
    refused(1, "1 node(s) didn't match pod topology spread constraints (missing required label)", helpless(1)),
  ],
  [
    'fewer domains than asked for',
    pod(web, spread('zone', true, { minDomains: 2 })),
    [on(a, pod(web))],
    refused(1, "1 node(s) didn't match pod topology spread constraints", victims(1)),
  ],
  [
    'soft spreading, before fewest Pods',
    pod(web, spread('zone', false)),
    [on(a, pod(web)), on(b), on(c, pod(db), pod(db))],
    'c',
  ],
  [
    'a host port that is taken',
    pod(web, port(80)),
    [on(a, pod(db, port(80)))],
    refused(1, "1 node(s) didn't have free ports for the requested pod ports", victims(1)),
  ],
  ['the same port of another protocol', pod(web, port(80)), [on(a, pod(db, port(80, undefined, 'UDP')))], 'a'],
  ['the same port of another address', pod(web, port(80, '10.0.0.1')), [on(a, pod(db, port(80, '10.0.0.2')))], 'a'],
  [
    'every address is taken',
    pod(web, port(80, '10.0.0.1')),
    [on(a, pod(db, port(80, '0.0.0.0')))],
    refused(1, "1 node(s) didn't have free ports for the requested pod ports", victims(1)),
  ],
  [
    'reasons are counted, all of a node, and sorted',
    pod(web, { containers: [{ name: 'c', resources: { requests: { cpu: '2', memory: '2Gi' } } }] }),
    [
      on(node('d', 'x', { status: { allocatable: { cpu: '1', memory: '1Gi' } } })),
      on(node('e', 'x', { status: { allocatable: { cpu: '1', memory: '4Gi' } } })),
      on(node('f', 'x', { spec: { unschedulable: true } })),
    ],
    refused(
      3,
      '1 Insufficient memory, 1 node(s) were unschedulable, 2 Insufficient cpu',
      `${helpless(1)}, ${victims(2)}`,
    ),
  ],
];
for (const [name, wanted, loads, expected] of rows) {
  test(`place a Pod: ${name}`, () => {
    const choice = chooseNode(wanted, loads, (namespace) => (namespace === 'other' ? { team: 'x' } : {}));
    assert.equal(choice.ok ? choice.node : choice.message, expected);
  });
}
