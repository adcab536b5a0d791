import type { SchemaTypes } from './schema-type.ts';

/** Volumes of a Pod, their mounts and projections, with fields in the order a Kubernetes server writes them. */
export const coreV1Volumes: SchemaTypes = {
  'core.v1.AttachedVolume': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      devicePath: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'core.v1.CSIVolumeSource': {
    fields: {
      driver: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      readOnly: { type: 'boolean', omit: 'empty', pointer: true, tag: 2 },
      fsType: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
      volumeAttributes: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 4 },
      nodePublishSecretRef: {
        type: 'object',
        ref: 'core.v1.LocalObjectReference',
        omit: 'empty',
        pointer: true,
        tag: 5,
      },
    },
  },
  'core.v1.ClusterTrustBundleProjection': {
    fields: {
      name: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      signerName: { type: 'string', omit: 'empty', pointer: true, tag: 2 },
      labelSelector: { type: 'object', ref: 'meta.v1.LabelSelector', omit: 'empty', pointer: true, tag: 3 },
      optional: { type: 'boolean', omit: 'empty', pointer: true, tag: 5 },
      path: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 4 },
    },
  },
  'core.v1.ConfigMapProjection': {
    fields: {
      name: { type: 'string', zeroDefault: true, omit: 'empty', tag: 1, via: [1] },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.KeyToPath', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      optional: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'core.v1.ConfigMapVolumeSource': {
    fields: {
      name: { type: 'string', zeroDefault: true, omit: 'empty', tag: 1, via: [1] },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.KeyToPath', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      defaultMode: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
      optional: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'core.v1.DownwardAPIProjection': {
    fields: {
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.DownwardAPIVolumeFile', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
    },
  },
  'core.v1.DownwardAPIVolumeFile': {
    fields: {
      path: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      fieldRef: { type: 'object', ref: 'core.v1.ObjectFieldSelector', omit: 'empty', pointer: true, tag: 2 },
      resourceFieldRef: { type: 'object', ref: 'core.v1.ResourceFieldSelector', omit: 'empty', pointer: true, tag: 3 },
      mode: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'core.v1.DownwardAPIVolumeSource': {
    fields: {
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.DownwardAPIVolumeFile', zeroDefault: true },
        omit: 'empty',
        tag: 1,
        listType: 'atomic',
      },
      defaultMode: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.EmptyDirVolumeSource': {
    fields: {
      medium: { type: 'string', omit: 'empty', tag: 1 },
      sizeLimit: { type: 'quantity', ref: 'resource.Quantity', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.EphemeralVolumeSource': {
    fields: {
      volumeClaimTemplate: {
        type: 'object',
        ref: 'core.v1.PersistentVolumeClaimTemplate',
        omit: 'empty',
        pointer: true,
        tag: 1,
      },
    },
  },
  'core.v1.GitRepoVolumeSource': {
    fields: {
      repository: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      revision: { type: 'string', omit: 'empty', tag: 2 },
      directory: { type: 'string', omit: 'empty', tag: 3 },
    },
  },
  'core.v1.HostPathVolumeSource': {
    fields: {
      path: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      type: {
        type: 'string',
        enum: ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'],
        omit: 'empty',
        pointer: true,
        tag: 2,
      },
    },
  },
  'core.v1.ImageVolumeSource': {
    fields: {
      reference: { type: 'string', omit: 'empty', tag: 1 },
      pullPolicy: { type: 'string', enum: ['Always', 'IfNotPresent', 'Never'], omit: 'empty', tag: 2 },
    },
  },
  'core.v1.ImageVolumeStatus': {
    inOpenAPI: false,
    after134: true,
    fields: {
      imageRef: { type: 'string', omit: 'empty', tag: 1 },
    },
  },
  'core.v1.KeyToPath': {
    fields: {
      key: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      path: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      mode: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
    },
  },
  'core.v1.PersistentVolumeClaimVolumeSource': {
    fields: {
      claimName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 2 },
    },
  },
  'core.v1.PodCertificateProjection': {
    fields: {
      signerName: { type: 'string', required: true, omit: 'empty', tag: 1 },
      keyType: { type: 'string', required: true, omit: 'empty', tag: 2 },
      maxExpirationSeconds: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
      credentialBundlePath: { type: 'string', omit: 'empty', tag: 4 },
      keyPath: { type: 'string', omit: 'empty', tag: 5 },
      certificateChainPath: { type: 'string', omit: 'empty', tag: 6 },
      userAnnotations: { type: 'map', values: { type: 'string' }, omit: 'empty', tag: 7, after134: true },
    },
  },
  'core.v1.ProjectedVolumeSource': {
    fields: {
      sources: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.VolumeProjection', zeroDefault: true },
        omit: 'never',
        tag: 1,
        listType: 'atomic',
      },
      defaultMode: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.SecretProjection': {
    fields: {
      name: { type: 'string', zeroDefault: true, omit: 'empty', tag: 1, via: [1] },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.KeyToPath', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      optional: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'core.v1.SecretVolumeSource': {
    fields: {
      secretName: { type: 'string', omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.KeyToPath', zeroDefault: true },
        omit: 'empty',
        tag: 2,
        listType: 'atomic',
      },
      defaultMode: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
      optional: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'core.v1.ServiceAccountTokenProjection': {
    fields: {
      audience: { type: 'string', omit: 'empty', tag: 1 },
      expirationSeconds: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 2 },
      path: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'core.v1.Volume': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      hostPath: { type: 'object', ref: 'core.v1.HostPathVolumeSource', omit: 'empty', pointer: true, tag: 1, via: [2] },
      emptyDir: { type: 'object', ref: 'core.v1.EmptyDirVolumeSource', omit: 'empty', pointer: true, tag: 2, via: [2] },
      gcePersistentDisk: {
        type: 'object',
        ref: 'core.v1.GCEPersistentDiskVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 3,
        via: [2],
      },
      awsElasticBlockStore: {
        type: 'object',
        ref: 'core.v1.AWSElasticBlockStoreVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 4,
        via: [2],
      },
      gitRepo: { type: 'object', ref: 'core.v1.GitRepoVolumeSource', omit: 'empty', pointer: true, tag: 5, via: [2] },
      secret: { type: 'object', ref: 'core.v1.SecretVolumeSource', omit: 'empty', pointer: true, tag: 6, via: [2] },
      nfs: { type: 'object', ref: 'core.v1.NFSVolumeSource', omit: 'empty', pointer: true, tag: 7, via: [2] },
      iscsi: { type: 'object', ref: 'core.v1.ISCSIVolumeSource', omit: 'empty', pointer: true, tag: 8, via: [2] },
      glusterfs: {
        type: 'object',
        ref: 'core.v1.GlusterfsVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 9,
        via: [2],
      },
      persistentVolumeClaim: {
        type: 'object',
        ref: 'core.v1.PersistentVolumeClaimVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 10,
        via: [2],
      },
      rbd: { type: 'object', ref: 'core.v1.RBDVolumeSource', omit: 'empty', pointer: true, tag: 11, via: [2] },
      flexVolume: { type: 'object', ref: 'core.v1.FlexVolumeSource', omit: 'empty', pointer: true, tag: 12, via: [2] },
      cinder: { type: 'object', ref: 'core.v1.CinderVolumeSource', omit: 'empty', pointer: true, tag: 13, via: [2] },
      cephfs: { type: 'object', ref: 'core.v1.CephFSVolumeSource', omit: 'empty', pointer: true, tag: 14, via: [2] },
      flocker: { type: 'object', ref: 'core.v1.FlockerVolumeSource', omit: 'empty', pointer: true, tag: 15, via: [2] },
      downwardAPI: {
        type: 'object',
        ref: 'core.v1.DownwardAPIVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 16,
        via: [2],
      },
      fc: { type: 'object', ref: 'core.v1.FCVolumeSource', omit: 'empty', pointer: true, tag: 17, via: [2] },
      azureFile: {
        type: 'object',
        ref: 'core.v1.AzureFileVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 18,
        via: [2],
      },
      configMap: {
        type: 'object',
        ref: 'core.v1.ConfigMapVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 19,
        via: [2],
      },
      vsphereVolume: {
        type: 'object',
        ref: 'core.v1.VsphereVirtualDiskVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 20,
        via: [2],
      },
      quobyte: { type: 'object', ref: 'core.v1.QuobyteVolumeSource', omit: 'empty', pointer: true, tag: 21, via: [2] },
      azureDisk: {
        type: 'object',
        ref: 'core.v1.AzureDiskVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 22,
        via: [2],
      },
      photonPersistentDisk: {
        type: 'object',
        ref: 'core.v1.PhotonPersistentDiskVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 23,
        via: [2],
      },
      projected: {
        type: 'object',
        ref: 'core.v1.ProjectedVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 26,
        via: [2],
      },
      portworxVolume: {
        type: 'object',
        ref: 'core.v1.PortworxVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 24,
        via: [2],
      },
      scaleIO: { type: 'object', ref: 'core.v1.ScaleIOVolumeSource', omit: 'empty', pointer: true, tag: 25, via: [2] },
      storageos: {
        type: 'object',
        ref: 'core.v1.StorageOSVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 27,
        via: [2],
      },
      csi: { type: 'object', ref: 'core.v1.CSIVolumeSource', omit: 'empty', pointer: true, tag: 28, via: [2] },
      ephemeral: {
        type: 'object',
        ref: 'core.v1.EphemeralVolumeSource',
        omit: 'empty',
        pointer: true,
        tag: 29,
        via: [2],
      },
      image: { type: 'object', ref: 'core.v1.ImageVolumeSource', omit: 'empty', pointer: true, tag: 30, via: [2] },
    },
  },
  'core.v1.VolumeDevice': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      devicePath: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'core.v1.VolumeMount': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 2 },
      recursiveReadOnly: { type: 'string', omit: 'empty', pointer: true, tag: 7 },
      mountPath: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
      subPath: { type: 'string', omit: 'empty', tag: 4 },
      mountPropagation: {
        type: 'string',
        enum: ['Bidirectional', 'HostToContainer', 'None'],
        omit: 'empty',
        pointer: true,
        tag: 5,
      },
      subPathExpr: { type: 'string', omit: 'empty', tag: 6 },
    },
  },
  'core.v1.VolumeMountStatus': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      mountPath: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
      readOnly: { type: 'boolean', omit: 'empty', tag: 3 },
      recursiveReadOnly: { type: 'string', omit: 'empty', pointer: true, tag: 4 },
      volumeStatus: {
        type: 'object',
        ref: 'core.v1.VolumeStatus',
        omit: 'empty',
        pointer: true,
        tag: 5,
        after134: true,
      },
    },
  },
  'core.v1.VolumeProjection': {
    fields: {
      secret: { type: 'object', ref: 'core.v1.SecretProjection', omit: 'empty', pointer: true, tag: 1 },
      downwardAPI: { type: 'object', ref: 'core.v1.DownwardAPIProjection', omit: 'empty', pointer: true, tag: 2 },
      configMap: { type: 'object', ref: 'core.v1.ConfigMapProjection', omit: 'empty', pointer: true, tag: 3 },
      serviceAccountToken: {
        type: 'object',
        ref: 'core.v1.ServiceAccountTokenProjection',
        omit: 'empty',
        pointer: true,
        tag: 4,
      },
      clusterTrustBundle: {
        type: 'object',
        ref: 'core.v1.ClusterTrustBundleProjection',
        omit: 'empty',
        pointer: true,
        tag: 5,
      },
      podCertificate: { type: 'object', ref: 'core.v1.PodCertificateProjection', omit: 'empty', pointer: true, tag: 6 },
    },
  },
  'core.v1.VolumeStatus': {
    inOpenAPI: false,
    after134: true,
    fields: {
      image: { type: 'object', ref: 'core.v1.ImageVolumeStatus', omit: 'empty', pointer: true, tag: 1 },
    },
  },
};
