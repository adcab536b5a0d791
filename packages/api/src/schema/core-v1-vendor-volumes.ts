import type { SchemaTypes } from './schema-type.ts';

/** Volumes of one maker or one network protocol each, with fields in the order a Kubernetes server writes them. */
export const coreV1VendorVolumes: SchemaTypes = {
  'core.v1.AWSElasticBlockStoreVolumeSource': {
    fields: {
      volumeID: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fsType: { type: 'string', omit: 'empty', tag: 2 },
      partition: { type: 'integer', format: 'int32', omit: 'empty', tag: 3 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 4 },
    },
  },
  'core.v1.AzureDiskVolumeSource': {
    fields: {
      diskName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      diskURI: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      cachingMode: {
        type: 'string',
        default: 'ReadWrite',
        enum: ['None', 'ReadOnly', 'ReadWrite'],
        omit: 'empty',
        pointer: true,
        tag: 3,
      },
      fsType: { type: 'string', default: 'ext4', omit: 'empty', pointer: true, tag: 4 },
      readOnly: { type: 'boolean', zeroDefault: true, omit: 'empty', pointer: true, tag: 5 },
      kind: {
        type: 'string',
        default: 'Shared',
        enum: ['Dedicated', 'Managed', 'Shared'],
        omit: 'empty',
        pointer: true,
        tag: 6,
      },
    },
  },
  'core.v1.AzureFileVolumeSource': {
    fields: {
      secretName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      shareName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 3 },
    },
  },
  'core.v1.CephFSVolumeSource': {
    fields: {
      monitors: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      path: { type: 'string', omit: 'empty', tag: 2 },
      user: { type: 'string', omit: 'empty', tag: 3 },
      secretFile: { type: 'string', omit: 'empty', tag: 4 },
      secretRef: { type: 'object', ref: 'core.v1.LocalObjectReference', omit: 'empty', pointer: true, tag: 5 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 6 },
    },
  },
  'core.v1.CinderVolumeSource': {
    fields: {
      volumeID: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fsType: { type: 'string', omit: 'empty', tag: 2 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 3 },
      secretRef: { type: 'object', ref: 'core.v1.LocalObjectReference', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'core.v1.FCVolumeSource': {
    fields: {
      targetWWNs: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      lun: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
      fsType: { type: 'string', omit: 'empty', tag: 3 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 4 },
      wwids: { type: 'array', items: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 5, listType: 'atomic' },
    },
  },
  'core.v1.FlexVolumeSource': {
    fields: {
      driver: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fsType: { type: 'string', omit: 'empty', tag: 2 },
      secretRef: { type: 'object', ref: 'core.v1.LocalObjectReference', omit: 'empty', pointer: true, tag: 3 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 4 },
      options: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 5 },
    },
  },
  'core.v1.FlockerVolumeSource': {
    fields: {
      datasetName: { type: 'string', omit: 'empty', tag: 1 },
      datasetUUID: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
  'core.v1.GCEPersistentDiskVolumeSource': {
    fields: {
      pdName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fsType: { type: 'string', omit: 'empty', tag: 2 },
      partition: { type: 'integer', format: 'int32', omit: 'empty', tag: 3 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 4 },
    },
  },
  'core.v1.GlusterfsVolumeSource': {
    fields: {
      endpoints: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      path: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 3 },
    },
  },
  'core.v1.ISCSIVolumeSource': {
    fields: {
      targetPortal: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      iqn: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      lun: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      iscsiInterface: { type: 'string', default: 'default', omit: 'empty', tag: 4 },
      fsType: { type: 'string', omit: 'empty', tag: 5 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 6 },
      portals: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        omit: 'empty',
        tag: 7,
        listType: 'atomic',
      },
      chapAuthDiscovery: { type: 'boolean', omit: 'empty', tag: 8 },
      chapAuthSession: { type: 'boolean', omit: 'empty', tag: 11 },
      secretRef: { type: 'object', ref: 'core.v1.LocalObjectReference', omit: 'empty', pointer: true, tag: 10 },
      initiatorName: { type: 'string', omit: 'empty', pointer: true, tag: 12 },
    },
  },
  'core.v1.NFSVolumeSource': {
    fields: {
      server: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      path: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 3 },
    },
  },
  'core.v1.PhotonPersistentDiskVolumeSource': {
    fields: {
      pdID: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fsType: { type: 'string', omit: 'empty', tag: 2 },
    },
  },
  'core.v1.PortworxVolumeSource': {
    fields: {
      volumeID: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fsType: { type: 'string', omit: 'empty', tag: 2 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 3 },
    },
  },
  'core.v1.QuobyteVolumeSource': {
    fields: {
      registry: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      volume: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 3 },
      user: { type: 'string', omit: 'empty', tag: 4 },
      group: { type: 'string', omit: 'empty', tag: 5 },
      tenant: { type: 'string', omit: 'empty', tag: 6 },
    },
  },
  'core.v1.RBDVolumeSource': {
    fields: {
      monitors: {
        type: 'array',
        items: { type: 'string', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      image: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      fsType: { type: 'string', omit: 'empty', tag: 3 },
      pool: { type: 'string', default: 'rbd', omit: 'empty', tag: 4 },
      user: { type: 'string', default: 'admin', omit: 'empty', tag: 5 },
      keyring: { type: 'string', default: '/etc/ceph/keyring', omit: 'empty', tag: 6 },
      secretRef: { type: 'object', ref: 'core.v1.LocalObjectReference', omit: 'empty', pointer: true, tag: 7 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 8 },
    },
  },
  'core.v1.ScaleIOVolumeSource': {
    fields: {
      gateway: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      system: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      secretRef: {
        type: 'object',
        ref: 'core.v1.LocalObjectReference',
        required: true,
        omit: 'never',
        pointer: true,
        tag: 3,
      },
      sslEnabled: { type: 'boolean', omit: 'empty', tag: 4 },
      protectionDomain: { type: 'string', omit: 'empty', tag: 5 },
      storagePool: { type: 'string', omit: 'empty', tag: 6 },
      storageMode: { type: 'string', default: 'ThinProvisioned', omit: 'empty', tag: 7 },
      volumeName: { type: 'string', omit: 'empty', tag: 8 },
      fsType: { type: 'string', default: 'xfs', omit: 'empty', tag: 9 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 10 },
    },
  },
  'core.v1.StorageOSVolumeSource': {
    fields: {
      volumeName: { type: 'string', omit: 'empty', tag: 1 },
      volumeNamespace: { type: 'string', omit: 'empty', tag: 2 },
      fsType: { type: 'string', omit: 'empty', tag: 3 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 4 },
      secretRef: { type: 'object', ref: 'core.v1.LocalObjectReference', omit: 'empty', pointer: true, tag: 5 },
    },
  },
  'core.v1.VsphereVirtualDiskVolumeSource': {
    fields: {
      volumePath: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fsType: { type: 'string', omit: 'empty', tag: 2 },
      storagePolicyName: { type: 'string', omit: 'empty', tag: 3 },
      storagePolicyID: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
};
