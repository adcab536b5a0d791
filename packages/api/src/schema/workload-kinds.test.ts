import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tableRows } from '../table.ts';
import { applyDefaults } from './defaults.ts';
import { resourceByKind } from './lookup.ts';
import { validateObject } from './validate.ts';

type Json = Record<string, unknown>;

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } };
const jobTemplate = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i:1' }] } };
const selector = { matchLabels: { a: 'b' } };

function defaulted(apiVersion: string, kind: string, part: Json): Json {
  const metadata = { name: 'x', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };
  const object = structuredClone({ apiVersion, kind, metadata, ...part });
  return applyDefaults(apiVersion, kind, object);
}

describe('defaults', () => {
  const rows: readonly [string, string, Json, Json][] = [
    [
      'apps/v1',
      'StatefulSet',
      { spec: { serviceName: 's', selector, template } },
      {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      },
    ],
    [
      'apps/v1',
      'DaemonSet',
      { spec: { selector, template } },
      { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } },
    ],
    ['batch/v1', 'Job', { spec: { template: jobTemplate } }, { parallelism: 1, completions: 1, backoffLimit: 6 }],
    [
      'batch/v1',
      'CronJob',
      { spec: { schedule: '* * * * *', jobTemplate: { spec: { template: jobTemplate } } } },
      { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
    ],
    [
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
      { minReplicas: 1 },
    ],
    [
      'networking.k8s.io/v1',
      'NetworkPolicy',
      { spec: { podSelector: {}, egress: [{}] } },
      { policyTypes: ['Ingress', 'Egress'] },
    ],
  ];
  for (const [apiVersion, kind, part, expected] of rows) {
    test(kind, () => {
      const object = defaulted(apiVersion, kind, part);
      assert.partialDeepStrictEqual(object.spec, expected);
      const again = applyDefaults(apiVersion, kind, structuredClone(object));
      assert.deepEqual(again, object);
    });
  }
});

describe('mistakes', () => {
  const set = { serviceName: 's', selector, template };
  const rows: readonly [string, string, string, Json, Json | undefined, string[]][] = [
    ['a right StatefulSet', 'apps/v1', 'StatefulSet', { spec: set }, undefined, []],
    [
      'a Service name that changed',
      'apps/v1',
      'StatefulSet',
      { spec: { ...set, serviceName: 't' } },
      { spec: set },
      ['spec FieldValueForbidden'],
    ],
    [
      'a DaemonSet that may replace nothing',
      'apps/v1',
      'DaemonSet',
      { spec: { selector, template, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } } } },
      undefined,
      ['spec.updateStrategy.rollingUpdate.maxUnavailable FieldValueRequired'],
    ],
    [
      'a Job that always restarts',
      'batch/v1',
      'Job',
      { spec: { manualSelector: true, selector, template } },
      undefined,
      ['spec.template.spec.restartPolicy FieldValueRequired'],
    ],
    ...(
      [
        ['*/5 0-6 1,15 jan-mar mon', true],
        ['@hourly', true],
        ['@every 5m', true],
        ['* * * *', false],
        ['60 * * * *', false],
        ['5-1 * * * *', false],
        ['* * * * 7', false],
        ['*/0 * * * *', false],
        ['@sometimes', false],
      ] as const
    ).map(([schedule, right]): [string, string, string, Json, undefined, string[]] => [
      `schedule ${schedule}`,
      'batch/v1',
      'CronJob',
      { spec: { schedule, jobTemplate: { spec: { template: jobTemplate } } } },
      undefined,
      right ? [] : ['spec.schedule FieldValueInvalid'],
    ]),
    [
      'a budget of both kinds',
      'policy/v1',
      'PodDisruptionBudget',
      { spec: { minAvailable: 1, maxUnavailable: 1, selector } },
      undefined,
      ['spec FieldValueInvalid'],
    ],
    [
      'fewer than the least',
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      {
        spec: {
          minReplicas: 3,
          maxReplicas: 2,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        },
      },
      undefined,
      ['spec.maxReplicas FieldValueInvalid'],
    ],
    [
      'a role without verbs',
      'rbac.authorization.k8s.io/v1',
      'Role',
      { rules: [{ apiGroups: [''], resources: ['pods'] }] },
      undefined,
      ['rules[0].verbs FieldValueRequired'],
    ],
    [
      'paths in a namespaced role',
      'rbac.authorization.k8s.io/v1',
      'Role',
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
      undefined,
      ['rules[0].nonResourceURLs FieldValueInvalid'],
    ],
    [
      'another role',
      'rbac.authorization.k8s.io/v1',
      'RoleBinding',
      { roleRef: { kind: 'Role', name: 'b' } },
      { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'a' } },
      ['roleRef FieldValueInvalid'],
    ],
    [
      'a ServiceAccount of nowhere',
      'rbac.authorization.k8s.io/v1',
      'ClusterRoleBinding',
      {
        metadata: { name: 'x' },
        roleRef: { kind: 'ClusterRole', name: 'a' },
        subjects: [{ kind: 'ServiceAccount', name: 's' }],
      },
      undefined,
      ['subjects[0].namespace FieldValueRequired'],
    ],
    [
      'a range that is none',
      'networking.k8s.io/v1',
      'ServiceCIDR',
      { metadata: { name: 'x' }, spec: { cidrs: ['10.0.0.0/99'] } },
      undefined,
      ['spec.cidrs[0] FieldValueInvalid'],
    ],
  ];
  for (const [name, apiVersion, kind, part, old, expected] of rows) {
    test(name, () => {
      const before = old === undefined ? undefined : defaulted(apiVersion, kind, old);
      const causes = validateObject(apiVersion, kind, defaulted(apiVersion, kind, part), before);
      assert.deepEqual(
        causes.map(({ field, reason }) => `${field} ${reason}`),
        expected,
      );
    });
  }
});

describe('tables', () => {
  const now = Date.parse('2026-01-01T01:00:00Z');
  const rows: readonly [string, string, Json, unknown[]][] = [
    [
      'batch/v1',
      'Job',
      { spec: { completions: 3 }, status: { succeeded: 1, startTime: '2026-01-01T00:59:00Z' } },
      ['x', 'Running', '1/3', '60s', '60m'],
    ],
    [
      'batch/v1',
      'Job',
      { status: { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] }, spec: { parallelism: 2 } },
      ['x', 'Complete', '1/1 of 2', '', '60m'],
    ],
    [
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      {
        spec: {
          maxReplicas: 3,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
            { type: 'Pods', pods: { metric: { name: 'r' }, target: { type: 'AverageValue', averageValue: '10' } } },
            { type: 'Pods', pods: { metric: { name: 's' }, target: { type: 'AverageValue', averageValue: '1' } } },
          ],
        },
        status: {
          currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 30 } } }],
        },
      },
      ['x', 'Deployment/d', 'cpu: 30%/80%, <unknown>/10 + 1 more...', '<unset>', 3, 0, '60m'],
    ],
    ['networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: selector } }, ['x', 'a=b', '60m']],
  ];
  for (const [apiVersion, kind, part, cells] of rows) {
    test(`${kind} ${String(cells[1])}`, () => {
      const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };
      const table = tableRows(resourceByKind(apiVersion, kind)!, [{ metadata, ...part }], now);
      assert.deepEqual(table.rows[0]!.cells.slice(0, cells.length), cells);
      assert.equal(table.rows[0]!.cells.length, table.columnDefinitions.length);
    });
  }
});
