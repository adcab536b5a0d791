// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, MicroTime, ObjectMeta } from './meta-v1.ts';

/** `coordination.v1.Lease` */
export interface Lease {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: LeaseSpec | undefined;
}

/** `coordination.v1.LeaseList` */
export interface LeaseList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Lease[];
}

/** `coordination.v1.LeaseSpec` */
export interface LeaseSpec {
  holderIdentity?: string | undefined;
  leaseDurationSeconds?: number | undefined;
  acquireTime?: MicroTime | undefined;
  renewTime?: MicroTime | undefined;
  leaseTransitions?: number | undefined;
  strategy?: string | undefined;
  preferredHolder?: string | undefined;
}
