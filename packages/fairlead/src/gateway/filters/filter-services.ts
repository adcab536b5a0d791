import type { RoutePage } from '../../routing/route-filters.ts';
import type { Clock, Random } from '../../sys/clock.ts';
import type { InflateCoding, Inflated } from '../../sys/whole-content.ts';
import type { BackendRuntime } from '../backend-runtime.ts';
import type { METRIC } from '../gateway-metrics.ts';
import type { SubFailure, SubRequestOptions } from '../sub-request.ts';
import type { FetchedKeys } from './jwt/fetched-keys.ts';
import type { KeySet } from './jwt/key-set.ts';
import type { SignatureQuestion } from './jwt/signature.ts';
import type { RateTable } from './rate-table.ts';

/** Compressed content, and how much may come of it. */
export interface InflateQuestion {
  readonly coding: InflateCoding;
  readonly content: Uint8Array;
  readonly maxBytes: number;
}

/** What filters of a worker work with. */
export interface FilterServices {
  readonly clock: Clock;
  readonly random: Random;
  /** Runs `callback` once, on the worker's own loop; the returned function cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
  readonly rates: RateTable;
  /** Users of a Secret by name; undefined while they are not known. */
  readonly credentials: (key: string) => ReadonlyMap<string, string> | undefined;
  /** Pages of a ConfigMap; undefined while they are not known. */
  readonly pages: (key: string) => readonly RoutePage[] | undefined;
  /** Keys of an object by the name of its credentials; undefined while they are not known. */
  readonly keySet: (key: string) => KeySet | undefined;
  /** Keys that the main thread fetches. */
  readonly fetchedKeys: FetchedKeys;
  /** Checks a signature outside of this thread. Returns how to give up; undefined when there is too much of this. */
  readonly verifySignature: (question: SignatureQuestion, done: (isGood: boolean) => void) => (() => void) | undefined;
  /**
   * Inflates content outside of this thread; undefined: it cannot be done. Returns how to give up; undefined when there is
   * too much of this.
   */
  readonly inflate: (
    question: InflateQuestion,
    done: (inflated: Inflated | undefined) => void,
  ) => (() => void) | undefined;
  /** A backend of the route table; one that it does not have is without endpoints. */
  readonly backend: (key: string) => BackendRuntime;
  /** Asks a backend something; see `startSubRequest`. */
  readonly ask: (request: SubRequestOptions) => (() => void) | SubFailure;
  /** Adds one to a counter. */
  readonly count: (name: Exclude<keyof typeof METRIC, 'responses' | 'latencyBuckets'>) => void;
  /**
   * Compares a password with a hash outside of this thread. `done` follows later, with undefined when it cannot be
   * done. Returns how to give up; undefined when there is too much of this already.
   */
  readonly checkPassword: (
    hash: string,
    password: string,
    done: (matches: boolean | undefined) => void,
  ) => (() => void) | undefined;
}
