// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { Toleration } from './core-v1-placement.ts';
import type { ListMeta, ObjectMeta, Quantity } from './meta-v1.ts';

/** `node.v1.Overhead` */
export interface Overhead {
  podFixed?: Record<string, Quantity> | undefined;
}

/** `node.v1.RuntimeClass` */
export interface RuntimeClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  handler: string;
  overhead?: Overhead | undefined;
  scheduling?: Scheduling | undefined;
}

/** `node.v1.RuntimeClassList` */
export interface RuntimeClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: RuntimeClass[];
}

/** `node.v1.Scheduling` */
export interface Scheduling {
  nodeSelector?: Record<string, string> | undefined;
  tolerations?: Toleration[] | undefined;
}
