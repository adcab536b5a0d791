// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, ObjectMeta } from './meta-v1.ts';

/** `core.v1.ComponentCondition` */
export interface ComponentCondition {
  type: string;
  status: string;
  message?: string | undefined;
  error?: string | undefined;
}

/** `core.v1.ComponentStatus` */
export interface ComponentStatus {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  conditions?: ComponentCondition[] | undefined;
}

/** `core.v1.ComponentStatusList` */
export interface ComponentStatusList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ComponentStatus[];
}
