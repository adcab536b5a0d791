import type { ApiServerErrorCode } from '../../api-server-error.ts';
import type { LogChange, LogRows } from './log-rows.ts';

/** What the owner asks of the log's thread; carried out one after the other. */
export type LogRequest =
  | { readonly kind: 'append'; readonly rows: LogRows }
  | { readonly kind: 'snapshot'; readonly prefix: string; readonly revision: number }
  | { readonly kind: 'changes'; readonly prefix: string; readonly after: number; readonly through: number }
  | { readonly kind: 'begin-compaction'; readonly revision: number }
  | { readonly kind: 'compact-step' }
  | { readonly kind: 'close' };

/** The result of each kind of request. */
export interface LogResults {
  readonly append: undefined;
  readonly snapshot: LogRows;
  readonly changes: readonly LogChange[];
  readonly 'begin-compaction': undefined;
  /** True: nothing is left to compact. */
  readonly 'compact-step': boolean;
  readonly close: undefined;
}

/** An `ApiServerError` on its way between threads. */
export interface SentError {
  readonly code: ApiServerErrorCode;
  readonly message: string;
}

/** What the thread tells: pieces of the log, then that it is open or why not, then one answer per request, in order. */
export type LogAnswer =
  | { readonly kind: 'piece'; readonly rows: LogRows }
  | { readonly kind: 'opened'; readonly compacted: number }
  | { readonly kind: 'done'; readonly result: LogResults[keyof LogResults] }
  | { readonly kind: 'failed'; readonly error: SentError };
