// Hot path for queries with a cookie: no allocation.

import type { ParsedQuery } from '../../wire/dns/query.ts';
import { sipHash } from '../../wire/dns/sip-hash.ts';

/** Length of a whole cookie: the client's eight bytes and ours. */
export const cookieBytes = 24;
const pastSeconds = 3600;
const futureSeconds = 300;

/** Where a client's address lies in a raw sockaddr: offset behind its start, and length. */
export function addressOffset(sockaddr: Uint8Array, at: number): number {
  return sockaddr[at] === 2 ? 4 : 8;
}

/** Length of the address in a raw sockaddr. */
export function addressLength(sockaddr: Uint8Array, at: number): number {
  return sockaddr[at] === 2 ? 4 : 16;
}

/**
 * Server cookies in the interoperable form of RFC 9018: version 1, three reserved bytes, a time stamp, and
 * SipHash-2-4 of those, the client's cookie and its address. Nothing is remembered about a client.
 */
export class ServerCookies {
  readonly #secret: Uint8Array;
  /** Client cookie, version, reserved, time stamp, address. */
  readonly #input: Uint8Array = new Uint8Array(32);
  readonly #hash: Uint8Array = new Uint8Array(8);

  /** `secret`: 16 random bytes, the same for all threads. */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** Whether a query carries a cookie that we gave to this client lately. `peer`: raw sockaddrs. */
  isValid(message: Uint8Array, query: ParsedQuery, peer: Uint8Array, peerAt: number, nowSeconds: number): boolean {
    if (query.cookieAt === 0 || query.cookieBytes !== cookieBytes) return false;
    const at = query.cookieAt;
    if (message[at + 8] !== 1) return false;
    const stamp =
      ((message[at + 12]! << 24) | (message[at + 13]! << 16) | (message[at + 14]! << 8) | message[at + 15]!) >>> 0;
    const age = (nowSeconds - stamp) | 0;
    if (age > pastSeconds || age < -futureSeconds) return false;
    for (let index = 0; index < 16; index++) this.#input[index] = message[at + index]!;
    this.#sign(peer, peerAt, this.#hash, 0);
    let difference = 0;
    for (let index = 0; index < 8; index++) difference |= this.#hash[index]! ^ message[at + 16 + index]!;
    return difference === 0;
  }

  /** Writes the cookie for a query's client, {@link cookieBytes} long. */
  write(
    message: Uint8Array,
    query: ParsedQuery,
    peer: Uint8Array,
    peerAt: number,
    nowSeconds: number,
    output: Uint8Array,
    to: number,
  ): void {
    const input = this.#input;
    for (let index = 0; index < 8; index++) input[index] = message[query.cookieAt + index]!;
    input[8] = 1;
    input[9] = 0;
    input[10] = 0;
    input[11] = 0;
    input[12] = nowSeconds >>> 24;
    input[13] = (nowSeconds >>> 16) & 255;
    input[14] = (nowSeconds >>> 8) & 255;
    input[15] = nowSeconds & 255;
    for (let index = 0; index < 16; index++) output[to + index] = input[index]!;
    this.#sign(peer, peerAt, output, to + 16);
  }

  #sign(peer: Uint8Array, peerAt: number, target: Uint8Array, to: number): void {
    const from = peerAt + addressOffset(peer, peerAt);
    const length = addressLength(peer, peerAt);
    for (let index = 0; index < length; index++) this.#input[16 + index] = peer[from + index]!;
    sipHash(this.#secret, this.#input, 16 + length, target, to);
  }
}
