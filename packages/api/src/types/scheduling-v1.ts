// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, ObjectMeta } from './meta-v1.ts';

/** `scheduling.v1.PriorityClass` */
export interface PriorityClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  value: number;
  globalDefault?: boolean | undefined;
  description?: string | undefined;
  preemptionPolicy?: 'Never' | 'PreemptLowerPriority' | undefined;
}

/** `scheduling.v1.PriorityClassList` */
export interface PriorityClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: PriorityClass[];
}
