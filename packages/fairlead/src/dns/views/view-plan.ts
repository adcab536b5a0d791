import type { AccessRule } from '../server/access-list.ts';
import type { ViewExpression } from './view-expression.ts';

/** Where queries go: plain data, for worker threads. */
export interface ViewPlan {
  /** Zones that any block names, the longest first. */
  readonly zones: readonly ViewZone[];
  /** What views may; view `n` is at `n - 1`. */
  readonly rights: readonly ViewRights[];
}

/** The blocks of one zone in their order: the first one whose condition holds answers. */
export interface ViewZone {
  /** Lower-case wire name. */
  readonly zone: Uint8Array;
  readonly blocks: readonly ViewBlock[];
}

/** One block of a zone. */
export interface ViewBlock {
  /** Number of the view; 0: the server as it is without views. */
  readonly view: number;
  /** All must hold. */
  readonly conditions: readonly ViewExpression[];
  /** Only queries to this port, unless no block names the port that a query comes to; absent: to any. */
  readonly port?: number;
}

/** What a worker must know of a view. */
export interface ViewRights {
  /** It has the names that come from the API. */
  readonly hasCluster: boolean;
  readonly accessRules: readonly AccessRule[];
}
