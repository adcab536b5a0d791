import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../watch/kube-object.ts';
import { workloadWarnings } from './workload-warnings.ts';

const pod = (spec: object, metadata: object = {}): KubeObject => ({
  kind: 'Pod',
  metadata: { name: 'p', ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const container = (fields: object): object => ({ containers: [{ name: 'c', image: 'i', ...fields }] });
const nothing = 'a null labelSelector results in matching no pod';

/** What a Kubernetes 1.34.4 server remarked about Pods that it took. */
const remarks: readonly (readonly [name: string, object: KubeObject, expected: readonly string[]])[] = [
  ['nothing', pod({}), []],
  [
    'a variable that hides another one',
    pod(
      container({
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
          { name: 'A', value: '$(A)3' },
        ],
      }),
    ),
    ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
  ],
  [
    'ports in each other’s way',
    pod(
      container({
        ports: [
          { name: 'a', containerPort: 80, protocol: 'TCP' },
          { containerPort: 80, hostPort: 80, protocol: 'TCP' },
          { containerPort: 80, hostPort: 80, hostIP: '1.2.3.4', protocol: 'TCP' },
          { containerPort: 90, hostIP: '1.2.3.4', protocol: 'TCP' },
          { name: 'a', containerPort: 91, protocol: 'TCP' },
        ],
      }),
    ),
    [
      'spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]',
      'spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[0]',
      'spec.containers[0].ports[2]: dangerously ambiguous port definition with spec.containers[0].ports[1]',
      'spec.containers[0].ports[3]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:90 Protocol:TCP HostIP:1.2.3.4}',
      'spec.containers[0].ports[4]: duplicate port name "a" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]',
    ],
  ],
  [
    'parts of bytes',
    pod(container({ resources: { requests: { memory: '100m' }, limits: { memory: '1100m' } } })),
    [
      'spec.containers[0].resources.limits[memory]: fractional byte value "1100m" is invalid, must be an integer',
      'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    ],
  ],
  [
    'old labels of nodes',
    pod({
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      topologySpreadConstraints: [{ topologyKey: 'failure-domain.beta.kubernetes.io/zone' }],
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'x' }] } },
    }),
    [
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
      'spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
      `spec.topologySpreadConstraints[0].labelSelector: ${nothing}`,
      `spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: ${nothing}`,
    ],
  ],
  [
    'files that hide each other',
    pod({
      volumes: [
        {
          name: 'v',
          configMap: {
            name: 'x',
            items: [
              { key: 'a', path: 'p' },
              { key: 'b', path: 'p/q' },
            ],
          },
        },
        {
          name: 'w',
          projected: {
            sources: [
              {},
              { secret: { name: 's', items: [{ key: 'a', path: 'p' }] } },
              { configMap: { name: 's', items: [{ key: 'a', path: 'p/' }] } },
            ],
          },
        },
        { name: 'g', gitRepo: { repository: 'x' } },
      ],
    }),
    [
      'spec.volumes[2].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
      'volume "v" (ConfigMap "x"): overlapping paths: "p/q" with "p"',
      'volume "w" (Projected) has no sources provided',
      'volume "w" (Projected): overlapping paths: "p" (ConfigMap "s") with "p" (Secret "s")',
    ],
  ],
  [
    'what is there twice',
    pod({
      hostAliases: [{ ip: '010.0.0.1' }, { ip: '010.0.0.1' }],
      imagePullSecrets: [{ name: 'a' }, { name: 'a' }, {}],
    }),
    [
      'spec.hostAliases[1].ip: duplicate ip "010.0.0.1"',
      'spec.imagePullSecrets[1].name: duplicate name "a"',
      'spec.imagePullSecrets[2].name: invalid empty name ""',
      'spec.hostAliases[0].ip: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
      'spec.hostAliases[1].ip: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
    ],
  ],
  [
    'annotations that are fields now',
    pod(
      {},
      {
        name: 'a.b',
        annotations: {
          'scheduler.alpha.kubernetes.io/critical-pod': '',
          'seccomp.security.alpha.kubernetes.io/pod': 'unconfined',
        },
      },
    ),
    [
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
      'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
      'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead',
    ],
  ],
];

describe('what a server remarks', () => {
  for (const [name, object, expected] of remarks) {
    test(name, () => assert.deepEqual(workloadWarnings('Pod', object, undefined), expected));
  }

  test('about a template, where it changed', () => {
    const template = { spec: container({ env: [{ name: 'A' }, { name: 'A' }] }) };
    const made = { metadata: { name: 'd', generation: 2 }, spec: { template } };
    const remark =
      'spec.template.spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply';
    assert.deepEqual(workloadWarnings('Deployment', made, undefined), [remark]);
    assert.deepEqual(workloadWarnings('Deployment', made, { ...made, metadata: { generation: 1 } }), [remark]);
    assert.deepEqual(workloadWarnings('Deployment', made, made), [], 'not for what stayed');
  });

  test('about a CronJob’s Pods at their path', () => {
    const template = { spec: { ...container({}), terminationGracePeriodSeconds: -1 } };
    const made = { metadata: { name: 'c' }, spec: { jobTemplate: { spec: { template } } } };
    assert.deepEqual(workloadWarnings('CronJob', made, undefined), [
      'spec.jobTemplate.spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    ]);
  });
});
