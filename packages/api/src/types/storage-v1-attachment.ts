// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { PersistentVolumeSpec } from './core-v1-persistent-volume.ts';
import type { ListMeta, ObjectMeta, Time } from './meta-v1.ts';

/** `storage.v1.VolumeAttachment` */
export interface VolumeAttachment {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: VolumeAttachmentSpec;
  status?: VolumeAttachmentStatus | undefined;
}

/** `storage.v1.VolumeAttachmentList` */
export interface VolumeAttachmentList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: VolumeAttachment[];
}

/** `storage.v1.VolumeAttachmentSource` */
export interface VolumeAttachmentSource {
  persistentVolumeName?: string | undefined;
  inlineVolumeSpec?: PersistentVolumeSpec | undefined;
}

/** `storage.v1.VolumeAttachmentSpec` */
export interface VolumeAttachmentSpec {
  attacher: string;
  source: VolumeAttachmentSource;
  nodeName: string;
}

/** `storage.v1.VolumeAttachmentStatus` */
export interface VolumeAttachmentStatus {
  attached: boolean;
  attachmentMetadata?: Record<string, string> | undefined;
  attachError?: VolumeError | undefined;
  detachError?: VolumeError | undefined;
}

/** `storage.v1.VolumeError` */
export interface VolumeError {
  time?: Time | undefined;
  message?: string | undefined;
  errorCode?: number | undefined;
}
