// Hot path of queries with a cookie or a client subnet. No allocation.

import type { ParsedQuery } from '../../wire/dns/query.ts';

/** Where the copies begin: behind an offset that means none, and behind the longest cookie. */
const cookieAt = 8;
const subnetAt = cookieAt + 40;
/** A valid client subnet has at most so many bytes. */
const subnetMaxBytes = 20;

/** Copies of the options that an answer depends on: one made in place of its query lies where they were. */
export class SavedOptions {
  readonly bytes: Uint8Array = new Uint8Array(subnetAt + subnetMaxBytes);

  /** Copies a query's cookie and client subnet, which must be valid, and makes the query point to the copies. */
  save(input: Uint8Array, query: ParsedQuery): void {
    const { bytes } = this;
    if (query.cookieAt > 0) {
      for (let index = 0; index < query.cookieBytes; index++) bytes[cookieAt + index] = input[query.cookieAt + index]!;
      query.cookieAt = cookieAt;
    }
    if (query.subnetAt > 0) {
      for (let index = 0; index < query.subnetBytes; index++) bytes[subnetAt + index] = input[query.subnetAt + index]!;
      query.subnetAt = subnetAt;
    }
  }
}
