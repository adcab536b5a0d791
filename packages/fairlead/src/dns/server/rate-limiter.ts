// Hot path: once per answer over UDP. No allocation.

import { type AddressPrefix, isInPrefixes } from './address-prefix.ts';

/** What to do with an answer. */
export const rateVerdict = { send: 0, drop: 1, truncate: 2 } as const;

/** Limits of {@link RateLimiter}. */
export interface RateLimits {
  /** Answers of one class to one prefix (/24, /56) in a second. */
  readonly perSecond: number;
  /** Every n-th answer above the limit goes out truncated, so that a real client comes back over TCP. */
  readonly slip: number;
  /** Networks without limit. Private networks never have one. */
  readonly exempt: readonly AddressPrefix[];
}

/** What holds unless settings say otherwise. */
export const defaultRateLimits: RateLimits = { perSecond: 200, slip: 2, exempt: [] };

const buckets = 1 << 14;

/**
 * Response rate limiting: an attacker who puts a victim's address into its queries gets no flood out of
 * us. Only addresses that can be forged from outside are counted: loopback, private (RFC 1918, RFC
 * 6598, RFC 4193) and link-local sources, the cluster among them, are exempt. Two prefixes that meet in
 * one bucket share a limit.
 */
export class RateLimiter {
  readonly #limits: RateLimits;
  /** [second, answers in it] by bucket. */
  readonly #counts: Int32Array = new Int32Array(buckets * 2);
  #dropped = 0;

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  /** Whether an answer of a class (e.g. its response code) may go to the raw sockaddr at `at`. */
  check(peer: Uint8Array, at: number, answerClass: number, nowSeconds: number): number {
    const isV4 = peer[at] === 2;
    const from = at + (isV4 ? 4 : 8);
    if (isV4 ? isPrivateV4(peer, from) : isPrivateV6(peer, from)) return rateVerdict.send;
    if (isInPrefixes(this.#limits.exempt, peer, from, isV4 ? 4 : 16)) return rateVerdict.send;
    let hash = answerClass + 1;
    const prefixBytes = isV4 ? 3 : 7;
    for (let index = 0; index < prefixBytes; index++) hash = Math.imul(hash ^ peer[from + index]!, 0x01000193);
    hash ^= hash >>> 15;
    const bucket = (hash & (buckets - 1)) * 2;
    const counts = this.#counts;
    if (counts[bucket] !== nowSeconds) {
      counts[bucket] = nowSeconds;
      counts[bucket + 1] = 0;
    }
    const count = counts[bucket + 1]! + 1;
    counts[bucket + 1] = count;
    if (count <= this.#limits.perSecond) return rateVerdict.send;
    this.#dropped = (this.#dropped + 1) & 0x3fffffff;
    return this.#dropped % this.#limits.slip === 0 ? rateVerdict.truncate : rateVerdict.drop;
  }
}

function isPrivateV4(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at]!;
  const second = bytes[at + 1]!;
  return (
    first === 127 ||
    first === 10 ||
    (first === 192 && second === 168) ||
    (first === 172 && (second & 0xf0) === 16) ||
    (first === 169 && second === 254) ||
    (first === 100 && (second & 0xc0) === 64)
  );
}

function isPrivateV6(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at]!;
  if ((first & 0xfe) === 0xfc || (first === 0xfe && (bytes[at + 1]! & 0xc0) === 0x80)) return true;
  for (let index = 0; index < 15; index++) if (bytes[at + index] !== 0) return false;
  return bytes[at + 15] === 1;
}
