import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toAutoscalingV1, toAutoscalingV2 } from '../autoscaling-forms.ts';
import { tableRows } from '../table.ts';
import { applyDefaults } from './defaults.ts';
import { resourceByKind } from './lookup.ts';
import { validateObject } from './validate.ts';

type Json = Record<string, unknown>;

const metadata = { name: 'x', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };
const clusterWide = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };

function mistakes(apiVersion: string, kind: string, part: Json, old?: Json): string[] {
  const named = kind === 'PriorityClass' ? clusterWide : metadata;
  const made = (content: Json): Json => ({ apiVersion, kind, metadata: named, ...content });
  return validateObject(apiVersion, kind, made(part), old === undefined ? undefined : made(old)).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

describe('mistakes in bounds', () => {
  const quota = (spec: Json): string[] => mistakes('v1', 'ResourceQuota', { spec });
  const limits = (...items: Json[]): string[] => mistakes('v1', 'LimitRange', { spec: { limits: items } });
  const priority = (part: Json, old?: Json): string[] => mistakes('scheduling.k8s.io/v1', 'PriorityClass', part, old);
  const rows: readonly [string, string[], string[]][] = [
    ['a quota of all kinds', quota({ hard: { pods: '2', 'requests.cpu': '500m', 'count/jobs.batch': '3' } }), []],
    [
      'a quota of an unknown resource',
      quota({ hard: { cows: '1' } }),
      [
        'spec.hard[cows]: Invalid value: "cows": must be a standard resource type or fully qualified',
        'spec.hard[cows]: Invalid value: "cows": must be a standard resource for quota',
      ],
    ],
    [
      'amounts below zero and in parts',
      quota({ hard: { services: '-1', secrets: '1500m' } }),
      [
        'spec.hard[services]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.hard[secrets]: Invalid value: "1500m": must be an integer',
      ],
    ],
    [
      'scopes that exclude each other',
      quota({ hard: { pods: '1' }, scopes: ['BestEffort', 'NotBestEffort'] }),
      ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
    ],
    [
      'a scope that says nothing about services',
      quota({ hard: { services: '1' }, scopes: ['Terminating'] }),
      ['spec.scopes: Invalid value: ["Terminating"]: unsupported scope applied to resource'],
    ],
    [
      'a scope selector without values',
      quota({ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] } }),
      [
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
    [
      'scopes never change',
      mistakes('v1', 'ResourceQuota', { spec: { scopes: ['Terminating'] } }, { spec: {} }),
      ['spec.scopes: Invalid value: ["Terminating"]: field is immutable'],
    ],
    ['a limit range', limits({ type: 'Container', min: { cpu: '1' }, max: { cpu: '2' } }), []],
    [
      'bounds out of order',
      limits({ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' }, default: { cpu: '3' } }),
      [
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        'spec.limits[0].default[cpu]: Invalid value: "1": default value 3 is greater than max value 1',
      ],
    ],
    [
      'defaults of Pods',
      limits({ type: 'Pod', default: { cpu: '1' } }),
      ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
    ],
    [
      'one type twice, and an unknown one',
      limits({ type: 'Pod' }, { type: 'Pod' }, { type: 'Cow' }),
      [
        'spec.limits[1].type: Duplicate value: "Pod"',
        'spec.limits[2].type: Invalid value: "Cow": must be a standard limit type or fully qualified',
      ],
    ],
    ['a priority', priority({ value: 5 }), []],
    [
      'a priority above all users',
      priority({ value: 1_000_000_001 }),
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    [
      'a priority never changes',
      priority({ value: 6, preemptionPolicy: 'Never' }, { value: 5, preemptionPolicy: 'PreemptLowerPriority' }),
      [
        'value: Forbidden: may not be changed in an update.',
        'preemptionPolicy: Invalid value: "Never": field is immutable',
      ],
    ],
  ];
  for (const [name, actual, expected] of rows) test(name, () => assert.deepEqual(actual, expected));
});

describe('mistakes in network policies', () => {
  const rules = (from: Json, ports: Json[] = []): string[] =>
    mistakes('networking.k8s.io/v1', 'NetworkPolicy', {
      spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ from: [from], ports }] },
    });
  const rows: readonly [string, string[], string[]][] = [
    ['a peer by labels', rules({ podSelector: {}, namespaceSelector: {} }), []],
    ['an empty peer', rules({}), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
    [
      'a block and labels',
      rules({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }),
      ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
    ],
    [
      'an exception outside its block',
      rules({ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16', '10.0.0.0/8', '10.1.0.0/16'] } }),
      [
        'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
        'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
      ],
    ],
    [
      'a range of ports that ends before it starts',
      rules({ podSelector: {} }, [{ port: 90, endPort: 80 }]),
      ['spec.ingress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to `port`'],
    ],
    [
      'an end without a start',
      rules({ podSelector: {} }, [{ protocol: 'X', endPort: 80 }]),
      [
        'spec.ingress[0].ports[0].protocol: Unsupported value: "X": supported values: "TCP", "UDP", "SCTP"',
        'spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified',
      ],
    ],
  ];
  for (const [name, actual, expected] of rows) test(name, () => assert.deepEqual(actual, expected));
});

describe('mistakes in autoscalers and indexed Jobs', () => {
  const scaler = (spec: Json): string[] =>
    mistakes('autoscaling/v2', 'HorizontalPodAutoscaler', {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        minReplicas: 1,
        maxReplicas: 3,
        ...spec,
      },
    });
  const pods = { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } };
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
  const job = (spec: Json): string[] => {
    const object = {
      metadata: { ...metadata },
      spec: {
        ...{ manualSelector: true, selector: { matchLabels: { a: 'b' } } },
        ...{ template: { ...template, metadata: { labels: { a: 'b' } } }, ...spec },
      },
    };
    return mistakes('batch/v1', 'Job', { spec: applyDefaults('batch/v1', 'Job', structuredClone(object)).spec });
  };
  const rows: readonly [string, string[], string[]][] = [
    ['a metric of Pods', scaler({ metrics: [{ type: 'Pods', pods }] }), []],
    [
      'a metric without its source',
      scaler({ metrics: [{ type: 'Resource', pods }] }),
      ['spec.metrics[0].resource: Required value: must populate information for the given metric source'],
    ],
    [
      'two sources',
      scaler({ metrics: [{ type: 'Pods', pods, external: pods }] }),
      ['spec.metrics[0].external: Forbidden: must populate the given metric source only'],
    ],
    [
      'a target of nothing',
      scaler({ metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }] }),
      [
        'spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
      ],
    ],
    [
      'a policy out of bounds',
      scaler({
        behavior: {
          scaleUp: { stabilizationWindowSeconds: 4000, policies: [{ type: 'X', value: 0, periodSeconds: 2000 }] },
        },
      }),
      [
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600',
        'spec.behavior.scaleUp.policies[0].type: Unsupported value: "X": supported values: "Percent", "Pods"',
        'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 2000: must be less than or equal to 1800',
      ],
    ],
    [
      'limits per index need indexes',
      job({ backoffLimitPerIndex: 1 }),
      ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    ],
    [
      'more failed indexes than there are',
      job({ completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 1, maxFailedIndexes: 3 }),
      ['spec.maxFailedIndexes: Invalid value: 3: must be less than or equal to completions'],
    ],
    [
      'a success policy without rules',
      job({ completionMode: 'Indexed', completions: 2, successPolicy: { rules: [{}] } }),
      [
        'spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified',
      ],
    ],
  ];
  for (const [name, actual, expected] of rows) test(name, () => assert.deepEqual(actual, expected));
});

describe('defaults of bounds', () => {
  test('limits of containers follow from their maximum', () => {
    const range = { metadata, spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' } }] } };
    assert.deepEqual(applyDefaults('v1', 'LimitRange', structuredClone(range)).spec, {
      limits: [
        {
          type: 'Container',
          max: { cpu: '2' },
          min: { memory: '1Mi' },
          default: { cpu: '2' },
          defaultRequest: { memory: '1Mi', cpu: '2' },
        },
      ],
    });
  });
  test('the older autoscaler aims at 80 percent', () => {
    const spec = { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } };
    const made = applyDefaults('autoscaling/v1', 'HorizontalPodAutoscaler', { metadata: { ...metadata }, spec });
    assert.deepEqual(made.spec, { ...spec, minReplicas: 1, targetCPUUtilizationPercentage: 80 });
  });
});

describe('addresses under an old and a new name', () => {
  const rows: readonly [name: string, kind: string, part: Json, expected: Json][] = [
    ['a Pod, old', 'Pod', { status: { podIP: '10.0.0.1' } }, { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] }],
    [
      'a Pod, new',
      'Pod',
      { status: { podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] } },
      { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] },
    ],
    [
      'a Pod, both and different',
      'Pod',
      { status: { podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.1' }] } },
      { podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }] },
    ],
    [
      'a Node, old',
      'Node',
      { spec: { podCIDR: '10.0.0.0/24' } },
      { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] },
    ],
    [
      'a Node, new',
      'Node',
      { spec: { podCIDRs: ['10.0.0.0/24', 'fd00::/64'] } },
      { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24', 'fd00::/64'] },
    ],
  ];
  for (const [name, kind, part, expected] of rows) {
    test(name, () => {
      const made = applyDefaults('v1', kind, structuredClone({ metadata, ...part }));
      const shown = (kind === 'Pod' ? made.status : made.spec) as Json;
      for (const [field, value] of Object.entries(expected)) assert.deepEqual(shown[field], value);
    });
  }
});

describe('tables of bounds', () => {
  const now = Date.parse('2026-01-01T00:01:00Z');
  const cells = (apiVersion: string, kind: string, part: Json): unknown[] =>
    tableRows(resourceByKind(apiVersion, kind)!, [{ apiVersion, kind, metadata, ...part }], now).rows[0]!.cells;
  test('a quota tells use and bound, requests and limits apart', () => {
    const hard = { services: '5', 'limits.cpu': '2', pods: '3' };
    const used = { services: '1', 'limits.cpu': '500m', pods: '0' };
    assert.deepEqual(cells('v1', 'ResourceQuota', { status: { hard, used } }), [
      'x',
      'pods: 0/3, services: 1/5',
      'limits.cpu: 500m/2',
      '60s',
    ]);
  });
  test('limit ranges and priorities', () => {
    assert.deepEqual(cells('v1', 'LimitRange', {}), ['x', '2026-01-01T00:00:00Z']);
    const priority = { value: 7, preemptionPolicy: 'Never' };
    assert.deepEqual(cells('scheduling.k8s.io/v1', 'PriorityClass', priority), ['x', 7, false, '60s', 'Never']);
  });
});

test('the older form of an autoscaler keeps what it has no fields for', () => {
  const newer = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'x', annotations: { own: 'yes' } },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      maxReplicas: 3,
      metrics: [
        {
          type: 'Object',
          object: {
            describedObject: { kind: 'Ingress', name: 'web' },
            target: { type: 'Value', value: '10' },
            metric: { name: 'requests-per-second' },
          },
        },
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ],
      behavior: { scaleUp: { stabilizationWindowSeconds: 5 } },
    },
    status: {
      currentReplicas: 2,
      desiredReplicas: 2,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 30 } } }],
      conditions: [{ type: 'AbleToScale', status: 'True' }],
    },
  };
  const older = toAutoscalingV1(newer);
  assert.deepEqual(older.spec, {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
    maxReplicas: 3,
    targetCPUUtilizationPercentage: 50,
  });
  const annotations = (older.metadata as { annotations: Record<string, string> }).annotations;
  assert.deepEqual(JSON.parse(annotations['autoscaling.alpha.kubernetes.io/metrics']!), [
    {
      type: 'Object',
      object: { target: { kind: 'Ingress', name: 'web' }, metricName: 'requests-per-second', targetValue: '10' },
    },
  ]);
  assert.deepEqual(toAutoscalingV2(older), newer);
});
