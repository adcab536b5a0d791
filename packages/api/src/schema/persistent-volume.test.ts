import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applyDefaults } from './defaults.ts';
import { validateObject } from './validate.ts';

type Json = Record<string, unknown>;

const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };
const volume = (more: object): Json => {
  const made: Json = { metadata: { name: 'pv' }, spec: structuredClone({ ...spec, ...more }) };
  applyDefaults('v1', 'PersistentVolume', made);
  return made;
};
const complaints = (object: Json, old?: Json): string[] =>
  validateObject('v1', 'PersistentVolume', object, old).map(({ field, message }) => `${field}: ${message}`);
const onePath = { hostPath: { path: '/x' } };

/** As a Kubernetes 1.34.4 server answers. */
const rows: readonly (readonly [name: string, spec: object, expected: readonly string[]])[] = [
  ['nothing wrong', onePath, []],
  ['no source', {}, ['spec: Required value: must specify a volume type']],
  [
    'two sources; the paths are the server’s',
    { nfs: { server: 's', path: 'p' }, cephfs: { monitors: ['x'] } },
    [
      'spec.nfs.path: Invalid value: "p": must be an absolute path',
      'spec.cephFS: Forbidden: may not specify more than 1 volume type',
    ],
  ],
  [
    'a local one without a place',
    { local: { path: '/x' } },
    ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
  ],
  [
    'modes that exclude each other',
    { ...onePath, accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'] },
    ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
  ],
  [
    'no room',
    { ...onePath, capacity: { storage: '0' } },
    ['spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
  ],
  [
    'a Secret without a namespace',
    { csi: { driver: 'a.b', volumeHandle: 'h', nodePublishSecretRef: { name: 'x' } } },
    ['spec.csi.nodePublishSecretRef.namespace: Required value'],
  ],
  [
    'attributes of another driver',
    { ...onePath, volumeAttributesClassName: '' },
    [
      'spec.volumeAttributesClassName: Required value: an empty string is disallowed',
      'spec.csi: Required value: has to be specified when using volumeAttributesClassName',
    ],
  ],
  [
    'the root, recycled',
    { hostPath: { path: '//' }, persistentVolumeReclaimPolicy: 'Recycle' },
    ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
  ],
];
describe('PersistentVolume', () => {
  for (const [name, more, expected] of rows) {
    test(name, () => assert.deepEqual(complaints(volume(more)), expected));
  }

  test('defaults', () => {
    const { spec: filled, status } = volume(onePath) as { spec: Json; status: Json };
    assert.equal(filled.persistentVolumeReclaimPolicy, 'Retain');
    assert.equal(filled.volumeMode, 'Filesystem');
    assert.deepEqual(filled.hostPath, { path: '/x', type: '' });
    assert.deepEqual(status, { phase: 'Pending' });
  });

  test('source, mode and place stay; a Secret for growing may come', () => {
    const csi = { driver: 'a.b', volumeHandle: 'h' };
    const secret = { name: 'x', namespace: 'y' };
    assert.deepEqual(complaints(volume({ csi: { ...csi, controllerExpandSecretRef: secret } }), volume({ csi })), []);
    assert.deepEqual(complaints(volume({ csi: { ...csi, volumeHandle: 'i' } }), volume({ csi })), [
      [
        'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
        '@@ -22,7 +22,7 @@',
        '  "StorageOS": null,',
        '  "CSI": {',
        '   "Driver": "a.b",',
        '-  "VolumeHandle": "h",',
        '+  "VolumeHandle": "i",',
        '   "ReadOnly": false,',
        '   "FSType": "",',
        '   "VolumeAttributes": null,',
        '',
      ].join('\n'),
    ]);
    assert.deepEqual(complaints(volume({ csi, volumeMode: 'Block' }), volume({ csi })), [
      'volumeMode: Invalid value: "Block": field is immutable',
    ]);
  });
});
