// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { TopologySelectorTerm } from './core-v1-replication.ts';
import type { ListMeta, ObjectMeta } from './meta-v1.ts';

/** `storage.v1.StorageClass` */
export interface StorageClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  provisioner: string;
  parameters?: Record<string, string> | undefined;
  reclaimPolicy?: string | undefined;
  mountOptions?: string[] | undefined;
  allowVolumeExpansion?: boolean | undefined;
  volumeBindingMode?: string | undefined;
  allowedTopologies?: TopologySelectorTerm[] | undefined;
}

/** `storage.v1.StorageClassList` */
export interface StorageClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: StorageClass[];
}
