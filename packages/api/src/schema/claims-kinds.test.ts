import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tableRows } from '../table.ts';
import { applyDefaults } from './defaults.ts';
import { resourceByKind } from './lookup.ts';
import { validateObject } from './validate.ts';

type Json = Record<string, unknown>;

const metadata = { name: 'x', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };

function mistakes(apiVersion: string, kind: string, part: Json, old?: Json): string[] {
  const { namespace: _, ...clusterWide } = metadata;
  const named = kind === 'StorageClass' ? clusterWide : metadata;
  const made = (content: Json): Json =>
    applyDefaults(apiVersion, kind, structuredClone({ apiVersion, kind, metadata: named, ...content }));
  return validateObject(apiVersion, kind, made(part), old === undefined ? undefined : made(old)).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

const claimed = (storage: string, more: Json = {}): Json => ({
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage } },
  ...more,
});

describe('mistakes in claims', () => {
  const claim = (spec: Json, old?: Json): string[] =>
    mistakes('v1', 'PersistentVolumeClaim', { spec }, old === undefined ? undefined : old);
  const storageClass = (part: Json, old?: Json): string[] =>
    mistakes('storage.k8s.io/v1', 'StorageClass', part, old === undefined ? undefined : old);
  const controller = (spec: Json): string[] => mistakes('v1', 'ReplicationController', { spec });
  const template = (labels: Json): Json => ({
    metadata: { labels },
    spec: {
      containers: [{ name: 'c', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' }],
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
    },
  });
  const immutable =
    'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
  const bound = { phase: 'Bound', capacity: { storage: '2Gi' } };
  const rows: readonly [string, (string | undefined)[], string[]][] = [
    ['a claim', claim(claimed('1Gi')), []],
    [
      'a claim of nothing',
      claim({}),
      [
        'spec.accessModes: Required value: at least 1 access mode is required',
        'spec.resources[storage]: Required value',
      ],
    ],
    [
      'modes that do not go together, a mode that does not exist, an amount of nothing',
      claim({ accessModes: ['ReadWriteOncePod', 'Sometimes'], resources: { requests: { storage: '0' } } }),
      [
        'spec.accessModes: Unsupported value: "Sometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
        'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
        'spec.resources[storage]: Invalid value: "0": must be greater than zero',
      ],
    ],
    ['a class, once', claim(claimed('1Gi', { storageClassName: 'b' }), { spec: claimed('1Gi') }), []],
    [
      'another class',
      claim(claimed('1Gi', { storageClassName: 'b' }), { spec: claimed('1Gi', { storageClassName: 'a' }) }),
      [
        `${immutable}\n@@ -10,7 +10,7 @@\n   }\n  },\n  "VolumeName": "",\n- "StorageClassName": "a",\n+ "StorageClassName": "b",\n  "VolumeMode": "Filesystem",\n  "DataSource": null,\n  "DataSourceRef": null,\n`,
      ],
    ],
    [
      'more, of a claim that waits',
      claim(claimed('2Gi'), { spec: claimed('1Gi') }),
      [
        `${immutable}\n@@ -6,7 +6,7 @@\n  "Resources": {\n   "Limits": null,\n   "Requests": {\n-   "storage": "1Gi"\n+   "storage": "2Gi"\n   }\n  },\n  "VolumeName": "",\n`,
      ],
    ],
    [
      'other limits, of a bound claim',
      claim(
        { ...claimed('1Gi'), resources: { limits: { storage: '5Gi' }, requests: { storage: '1Gi' } } },
        { spec: claimed('1Gi'), status: bound },
      ).map((text) => text.split('\n')[0]),
      [immutable],
    ],
    [
      'less than there is, also of a claim that waits',
      claim(claimed('1Gi'), { spec: claimed('2Gi'), status: { capacity: { storage: '1Gi' } } }).map(
        (text) => text.split('\n')[0],
      ),
      [immutable, 'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity'],
    ],
    ['more, of a bound claim', claim(claimed('3Gi'), { spec: claimed('2Gi'), status: bound }), []],
    [
      'less than there is',
      claim(claimed('1Gi'), { spec: claimed('2Gi'), status: bound }),
      ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity'],
    ],
    ['its volume', claim(claimed('1Gi', { volumeName: 'v' }), { spec: claimed('1Gi') }), []],
    ['a class', storageClass({ provisioner: 'example.com/disk' }), []],
    ['a class of nobody', storageClass({}), ['provisioner: Required value']],
    [
      'another provisioner',
      storageClass({ provisioner: 'a/b' }, { provisioner: 'a/c' }),
      ['provisioner: Forbidden: updates to provisioner are forbidden.'],
    ],
    ['a controller', controller({ replicas: 1, selector: { a: 'b' }, template: template({ a: 'b' }) }), []],
    [
      'a controller that does not select its Pods',
      controller({ replicas: -1, selector: { a: 'c' }, template: template({ a: 'b' }) }),
      [
        'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
      ],
    ],
    ['a controller of nothing', controller({}), ['spec.selector: Required value', 'spec.template: Required value']],
  ];
  for (const [name, found, expected] of rows) test(name, () => assert.deepEqual(found, expected));
});

test('defaults of claims, classes and controllers', () => {
  const spec = claimed('1Gi');
  assert.deepEqual(applyDefaults('v1', 'PersistentVolumeClaim', { spec }), {
    spec: { ...spec, volumeMode: 'Filesystem' },
    status: { phase: 'Pending' },
  });
  assert.deepEqual(applyDefaults('storage.k8s.io/v1', 'StorageClass', { provisioner: 'a/b' }), {
    provisioner: 'a/b',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  });
  const controller = applyDefaults('v1', 'ReplicationController', {
    metadata: { name: 'x' },
    spec: { template: { metadata: { labels: { a: 'b' } }, spec: { containers: [] } } },
  }) as { metadata: Json; spec: Json };
  assert.deepEqual(controller.metadata.labels, { a: 'b' });
  assert.deepEqual([controller.spec.selector, controller.spec.replicas], [{ a: 'b' }, 1]);
});

const columns: readonly [string, string, Json, unknown[]][] = [
  [
    'v1',
    'PersistentVolumeClaim',
    { spec: claimed('1Gi', { volumeMode: 'Filesystem' }), status: { phase: 'Pending' } },
    ['x', 'Pending', '', '', '', '', '<unset>', '60m', 'Filesystem'],
  ],
  [
    'v1',
    'PersistentVolumeClaim',
    {
      spec: claimed('1Gi', { volumeName: 'v', storageClassName: 's', volumeMode: 'Block' }),
      status: { phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] },
    },
    ['x', 'Bound', 'v', '2Gi', 'RWO,RWX', 's', '<unset>', '60m', 'Block'],
  ],
  [
    'storage.k8s.io/v1',
    'StorageClass',
    {
      metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'a/b',
      reclaimPolicy: 'Retain',
      volumeBindingMode: 'Immediate',
    },
    ['x (default)', 'a/b', 'Retain', 'Immediate', false, '60m'],
  ],
  [
    'v1',
    'ReplicationController',
    {
      spec: { replicas: 2, selector: { a: 'b' }, template: { spec: { containers: [{ name: 'c', image: 'i' }] } } },
      status: { replicas: 1 },
    },
    ['x', 2, 1, 0, '60m', 'c', 'i', 'a=b'],
  ],
];

for (const [apiVersion, kind, part, cells] of columns) {
  test(`columns of a ${kind}: ${String(cells[1])}`, () => {
    const facts = resourceByKind(apiVersion, kind)!;
    const object = { apiVersion, kind, metadata, ...part };
    const { rows, columnDefinitions } = tableRows(facts, [object], Date.parse('2026-01-01T01:00:00Z'));
    assert.deepEqual(rows[0]?.cells, cells);
    assert.equal(columnDefinitions.length, cells.length);
  });
}
