import type { SchemaTypes } from './schema-type.ts';

/** Types of storage-v1 about attached volumes, with fields in the order a Kubernetes server writes them. */
export const storageV1Attachment: SchemaTypes = {
  'storage.v1.VolumeAttachment': {
    gvk: ['storage.k8s.io/v1/VolumeAttachment'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      spec: {
        type: 'object',
        ref: 'storage.v1.VolumeAttachmentSpec',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      status: { type: 'object', ref: 'storage.v1.VolumeAttachmentStatus', zeroDefault: true, omit: 'empty', tag: 3 },
    },
  },
  'storage.v1.VolumeAttachmentList': {
    gvk: ['storage.k8s.io/v1/VolumeAttachmentList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'storage.v1.VolumeAttachment', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'storage.v1.VolumeAttachmentSource': {
    fields: {
      persistentVolumeName: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      inlineVolumeSpec: { type: 'object', ref: 'core.v1.PersistentVolumeSpec', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'storage.v1.VolumeAttachmentSpec': {
    fields: {
      attacher: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      source: {
        type: 'object',
        ref: 'storage.v1.VolumeAttachmentSource',
        required: true,
        zeroDefault: true,
        omit: 'never',
        tag: 2,
      },
      nodeName: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 3 },
    },
  },
  'storage.v1.VolumeAttachmentStatus': {
    fields: {
      attached: { type: 'boolean', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      attachmentMetadata: { type: 'map', values: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 2 },
      attachError: { type: 'object', ref: 'storage.v1.VolumeError', omit: 'empty', pointer: true, tag: 3 },
      detachError: { type: 'object', ref: 'storage.v1.VolumeError', omit: 'empty', pointer: true, tag: 4 },
    },
  },
  'storage.v1.VolumeError': {
    fields: {
      time: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 1 },
      message: { type: 'string', omit: 'empty', tag: 2 },
      errorCode: { type: 'integer', format: 'int32', omit: 'empty', pointer: true, tag: 3 },
    },
  },
};
