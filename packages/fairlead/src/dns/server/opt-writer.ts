// Hot path: the OPT record of every answer to a query with EDNS. No allocation.

import { ednsOption, optBytes, rrType, udpPayloadBytes } from '../../wire/dns/constants.ts';
import type { ParsedQuery } from '../../wire/dns/query.ts';
import type { ClientChoice } from './client-choice.ts';
import { cookieBytes, type ServerCookies } from './server-cookie.ts';

/** Idle time of a connection that we announce, in tenths of a second (RFC 7828). */
const keepaliveTenths = 100;

/** Writes OPT records (RFC 6891) with a cookie, a keepalive time and an extended error, as the query calls for. */
export class OptWriter {
  /** Extended error of the answer (RFC 8914); -1: none. */
  extendedError = -1;
  /** Unix seconds, for cookies. */
  nowSeconds = 0;
  /** The query's client subnet was believed: it is repeated, with the bits that the answer depends on. */
  hasSubnet = false;
  readonly #cookies: ServerCookies | undefined;
  readonly #client: ClientChoice;

  constructor(cookies: ServerCookies | undefined, client: ClientChoice) {
    this.#cookies = cookies;
    this.#client = client;
  }

  /** Most bytes of the record of an answer with data. */
  room(query: ParsedQuery, isStream: boolean): number {
    return (
      optBytes +
      (query.cookieAt > 0 && this.#cookies !== undefined ? 4 + cookieBytes : 0) +
      (query.hasKeepalive && isStream ? 6 : 0) +
      (this.hasSubnet ? 4 + query.subnetBytes : 0)
    );
  }

  /** Writes the record for a query of the client `peer` (raw sockaddr); returns its length. */
  write(
    input: Uint8Array,
    query: ParsedQuery,
    isStream: boolean,
    peer: Uint8Array,
    peerAt: number,
    code: number,
    output: Uint8Array,
    at: number,
  ): number {
    output[at] = 0;
    output[at + 1] = 0;
    output[at + 2] = rrType.OPT;
    output[at + 3] = udpPayloadBytes >> 8;
    output[at + 4] = udpPayloadBytes & 255;
    output[at + 5] = code >> 4;
    output[at + 6] = 0;
    output[at + 7] = query.dnssecOk ? 0x80 : 0;
    output[at + 8] = 0;
    let next = at + optBytes;
    if (query.cookieAt > 0 && this.#cookies !== undefined) {
      next = putOptionHead(output, next, ednsOption.cookie, cookieBytes);
      this.#cookies.write(input, query, peer, peerAt, this.nowSeconds, output, next);
      next += cookieBytes;
    }
    if (query.hasKeepalive && isStream) {
      next = putOptionHead(output, next, ednsOption.keepalive, 2);
      output[next++] = 0;
      output[next++] = keepaliveTenths;
    }
    if (this.hasSubnet) {
      next = putOptionHead(output, next, ednsOption.clientSubnet, query.subnetBytes);
      for (let index = 0; index < query.subnetBytes; index++) output[next + index] = input[query.subnetAt + index]!;
      output[next + 3] = this.#client.scopeBits;
      next += query.subnetBytes;
    }
    if (this.extendedError >= 0) {
      next = putOptionHead(output, next, ednsOption.extendedError, 2);
      output[next++] = 0;
      output[next++] = this.extendedError;
    }
    const options = next - at - optBytes;
    output[at + 9] = options >> 8;
    output[at + 10] = options & 255;
    return next - at;
  }
}

function putOptionHead(output: Uint8Array, at: number, code: number, length: number): number {
  output[at] = code >> 8;
  output[at + 1] = code & 255;
  output[at + 2] = length >> 8;
  output[at + 3] = length & 255;
  return at + 4;
}
