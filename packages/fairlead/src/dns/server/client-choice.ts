// Hot path of names with rules: which record a client gets first. No allocation.

import type { ParsedQuery } from '../../wire/dns/query.ts';
import { hasPrefix } from './address-prefix.ts';
import { addressLength, addressOffset } from './server-cookie.ts';

/** Clients of one network of this size count as one client. */
const stickyBitsV4 = 24;
const stickyBitsV6 = 56;

/**
 * Who asks, for names that depend on it: the address of the query's sender, or the client subnet (RFC 7871)
 * that a trusted sender tells of.
 */
export class ClientChoice {
  /** Bits of the client's address that the answer depends on; 0: none. */
  scopeBits = 0;
  readonly #address: Uint8Array = new Uint8Array(16);
  #addressBytes = 4;
  #knownBits = 32;

  /** The client is the sender, a raw sockaddr. */
  takePeer(peer: Uint8Array, at: number): void {
    const from = at + addressOffset(peer, at);
    this.#addressBytes = addressLength(peer, at);
    this.#knownBits = this.#addressBytes * 8;
    for (let index = 0; index < this.#addressBytes; index++) this.#address[index] = peer[from + index]!;
  }

  /** The client is in the subnet of the query's option, which must be valid. */
  takeSubnet(message: Uint8Array, query: ParsedQuery): void {
    const { subnetAt: at, subnetBytes: length } = query;
    this.#addressBytes = message[at + 1] === 2 ? 16 : 4;
    this.#knownBits = message[at + 2]!;
    for (let index = 0; index < 16; index++) this.#address[index] = index < length - 4 ? message[at + 4 + index]! : 0;
  }

  /**
   * The record that this client's network always gets while it exists (weighted rendezvous hashing: a record
   * that comes or goes moves only its own share of the clients). Record `n` ends at `from + (n + 1) * size`
   * with `dataBytes` of address. `weightsAt`: 16-bit weights in the same bytes; -1: all alike.
   */
  stickyFirst(
    bytes: Uint8Array,
    from: number,
    size: number,
    dataBytes: number,
    records: number,
    weightsAt: number,
  ): number {
    const most = this.#addressBytes === 4 ? stickyBitsV4 : stickyBitsV6;
    const bits = Math.min(most, this.#knownBits);
    if (bits > this.scopeBits) this.scopeBits = bits;
    let client = 0x811c9dc5;
    for (let index = 0; index * 8 < bits; index++) {
      const left = bits - index * 8;
      const mask = left >= 8 ? 0xff : 0xff << (8 - left);
      client = Math.imul(client ^ (this.#address[index]! & mask), 0x01000193);
    }
    let best = 0;
    let bestScore = Number.POSITIVE_INFINITY;
    for (let record = 0; record < records; record++) {
      const end = from + (record + 1) * size;
      let hash = client;
      for (let at = end - dataBytes; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
      hash ^= hash >>> 16;
      hash = Math.imul(hash, 0x85ebca6b);
      hash ^= hash >>> 13;
      hash = Math.imul(hash, 0xc2b2ae35);
      hash ^= hash >>> 16;
      const weight = weightsAt < 0 ? 1 : (bytes[weightsAt + record * 2]! << 8) | bytes[weightsAt + record * 2 + 1]!;
      // An exponential variate: the smallest of several wins in proportion to the weights.
      const score = -Math.log(((hash >>> 0) + 0.5) / 4294967296) / weight;
      if (score < bestScore) {
        bestScore = score;
        best = record;
      }
    }
    return best;
  }

  /** The `turn`-th of the records that share `bits` bits with the client's address; -1: none does. */
  nearestFirst(
    bytes: Uint8Array,
    from: number,
    size: number,
    dataBytes: number,
    records: number,
    bits: number,
    turn: number,
  ): number {
    if (this.#addressBytes !== dataBytes || this.#knownBits < bits) return -1;
    if (bits > this.scopeBits) this.scopeBits = bits;
    let near = 0;
    for (let record = 0; record < records; record++) {
      if (hasPrefix(bytes, from + (record + 1) * size - dataBytes, this.#address, 0, bits)) near++;
    }
    if (near === 0) return -1;
    let left = turn % near;
    for (let record = 0; record < records; record++) {
      if (!hasPrefix(bytes, from + (record + 1) * size - dataBytes, this.#address, 0, bits)) continue;
      if (left === 0) return record;
      left--;
    }
    return -1;
  }
}
