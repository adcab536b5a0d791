// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { LabelSelector, ListMeta, ObjectMeta, Quantity } from './meta-v1.ts';

/** `storage.v1.CSIDriver` */
export interface CSIDriver {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: CSIDriverSpec;
}

/** `storage.v1.CSIDriverList` */
export interface CSIDriverList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: CSIDriver[];
}

/** `storage.v1.CSIDriverSpec` */
export interface CSIDriverSpec {
  attachRequired?: boolean | undefined;
  podInfoOnMount?: boolean | undefined;
  volumeLifecycleModes?: string[] | undefined;
  storageCapacity?: boolean | undefined;
  fsGroupPolicy?: string | undefined;
  tokenRequests?: StorageTokenRequest[] | undefined;
  requiresRepublish?: boolean | undefined;
  seLinuxMount?: boolean | undefined;
  nodeAllocatableUpdatePeriodSeconds?: number | undefined;
}

/** `storage.v1.CSINode` */
export interface CSINode {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: CSINodeSpec;
}

/** `storage.v1.CSINodeDriver` */
export interface CSINodeDriver {
  name: string;
  nodeID: string;
  topologyKeys?: string[] | undefined;
  allocatable?: VolumeNodeResources | undefined;
}

/** `storage.v1.CSINodeList` */
export interface CSINodeList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: CSINode[];
}

/** `storage.v1.CSINodeSpec` */
export interface CSINodeSpec {
  drivers: CSINodeDriver[];
}

/** `storage.v1.CSIStorageCapacity` */
export interface CSIStorageCapacity {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  nodeTopology?: LabelSelector | undefined;
  storageClassName: string;
  capacity?: Quantity | undefined;
  maximumVolumeSize?: Quantity | undefined;
}

/** `storage.v1.CSIStorageCapacityList` */
export interface CSIStorageCapacityList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: CSIStorageCapacity[];
}

/** `storage.v1.TokenRequest` */
export interface StorageTokenRequest {
  audience: string;
  expirationSeconds?: number | undefined;
}

/** `storage.v1.VolumeAttributesClass` */
export interface VolumeAttributesClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  driverName: string;
  parameters?: Record<string, string> | undefined;
}

/** `storage.v1.VolumeAttributesClassList` */
export interface VolumeAttributesClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: VolumeAttributesClass[];
}

/** `storage.v1.VolumeNodeResources` */
export interface VolumeNodeResources {
  count?: number | undefined;
}
