import type { ResponseHead } from '../../wire/http1/response-head.ts';
import type { ErrorPage } from '../error-pages/page-choice.ts';
import type { FilterRun } from './filter-run.ts';

/** An answer instead of the backend's. */
export interface FilterAnswer {
  readonly status: number;
  /** Plain text, or content of another type. */
  readonly body: string | ErrorPage;
  /** For the access log. */
  readonly reason: FilterReason;
  /** Further fields of the head. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Which filter answered. */
export type FilterReason =
  | 'closed'
  | 'denied'
  | 'preflight'
  | 'rate-limited'
  | 'too-large'
  | 'fault'
  | 'unauthenticated'
  | 'redirect'
  | 'auth-denied'
  | 'auth-failed'
  /** There is no memory for more content. */
  | 'overflow'
  /** Content that does not arrive, or is not what its head says. */
  | 'bad-content';

/** What a request gets in the end. */
export type FinalVerdict = 'pass' | FilterAnswer;

/**
 * A verdict that takes time. `begin` is called once; `done` never during it. Returns how to give up, or the
 * verdict after all.
 */
export interface PendingVerdict {
  /** It needs the whole content of the request ({@link FilterRun.content}), which is gathered first; longer: 413. */
  readonly bodyMaxBytes?: number;
  begin(done: (verdict: FinalVerdict) => void): (() => void) | FinalVerdict;
}

/** What becomes of a request. */
export type Verdict = FinalVerdict | PendingVerdict;

/** One filter of a route, compiled. Shared by all requests of a worker. */
export interface CompiledFilter {
  onRequest(run: FilterRun): Verdict;
  /** Sees the head that goes to the client, once. */
  onResponse?(run: FilterRun, head: ResponseHead): void;
}

/** Whether the verdict is to come. */
export function isPending(verdict: Verdict): verdict is PendingVerdict {
  return typeof verdict === 'object' && 'begin' in verdict;
}
