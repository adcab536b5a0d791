// Hot path of loading: every endpoint of the cluster is written once, and read with each change of its Service.

import type { Endpoint } from '@fairlead/api';
import { addressText, ipv4Value, ipv6Bytes } from '../wire/dns/rdata.ts';

/**
 * What DNS needs of the endpoints of a slice, as bytes: a tenth of the objects' memory, and read without making any.
 *
 *     endpoint   flags (1)           notReady, hasHostname
 *                zone (2)            number of its topology zone in `zones`; 0: none
 *                hostname (2 + n)    UTF-8, as it was given; only with hasHostname
 *                addresses (2)       how many follow
 *     address    form (1)            4: four bytes; 6: sixteen bytes; 0: text (2 + n, UTF-8)
 *
 * An address is binary where that leads back to the same text. Numbers are little-endian.
 */
export interface FlatEndpoints {
  readonly bytes: Uint8Array;
  /** Topology zones; the first one is empty. */
  readonly zones: readonly string[];
}

const notReady = 1;
const hasHostname = 2;
/** Form of an address that is kept as text. */
const formText = 0;
/** Longest text of a field; the API's own limits are far below. */
const maxTextBytes = 0xffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Packs endpoints one after the other. One is reused for all slices. */
class EndpointPacker {
  #bytes = new Uint8Array(1 << 14);
  #length = 0;
  #zones: string[] = [''];
  /** Where the number of addresses of the last endpoint is. */
  #countAt = 0;

  /** Adds an endpoint without addresses. */
  endpoint(hostname: string | undefined, zone: string, isReady: boolean): void {
    const text = hostname ?? '';
    this.#reserve(16 + text.length * 3);
    let zoneNumber = this.#zones.indexOf(zone);
    if (zoneNumber < 0) zoneNumber = this.#zones.push(zone) - 1;
    this.#bytes[this.#length++] = (isReady ? 0 : notReady) | (hostname === undefined ? 0 : hasHostname);
    this.#put16(zoneNumber);
    if (hostname !== undefined) this.#putText(text);
    this.#countAt = this.#length;
    this.#put16(0);
  }

  /** Adds an address to the last endpoint. */
  address(text: string): void {
    this.#reserve(24 + text.length * 3);
    const bytes = this.#bytes;
    const value = ipv4Value(text);
    if (value >= 0) {
      bytes[this.#length++] = 4;
      bytes[this.#length++] = value >>> 24;
      bytes[this.#length++] = (value >>> 16) & 255;
      bytes[this.#length++] = (value >>> 8) & 255;
      bytes[this.#length++] = value & 255;
    } else {
      const v6 = ipv6Bytes(text);
      if (v6 !== undefined && addressText(v6) === text) {
        bytes[this.#length++] = 6;
        bytes.set(v6, this.#length);
        this.#length += 16;
      } else {
        bytes[this.#length++] = formText;
        this.#putText(text);
      }
    }
    const count = bytes[this.#countAt]! + (bytes[this.#countAt + 1]! << 8) + 1;
    bytes[this.#countAt] = count & 255;
    bytes[this.#countAt + 1] = count >> 8;
  }

  /** What was added, as a copy; the packer is empty then. */
  take(): FlatEndpoints {
    const flat = { bytes: this.#bytes.slice(0, this.#length), zones: this.#zones };
    this.#length = 0;
    this.#zones = [''];
    return flat;
  }

  #put16(value: number): void {
    this.#bytes[this.#length++] = value & 255;
    this.#bytes[this.#length++] = value >> 8;
  }

  #putText(text: string): void {
    const start = this.#length + 2;
    let at = start;
    for (let index = 0; index < text.length; index++) {
      const char = text.charCodeAt(index);
      if (char > 126) {
        at = start + encoder.encodeInto(text, this.#bytes.subarray(start)).written;
        break;
      }
      this.#bytes[at++] = char;
    }
    this.#put16(Math.min(at - start, maxTextBytes));
    this.#length += Math.min(at - start, maxTextBytes);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array((this.#length + more) * 2);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads packed endpoints one after the other, and the addresses of each. Its fields are those of the endpoint in turn. */
export class EndpointCursor {
  bytes: Uint8Array = new Uint8Array(0);
  zones: readonly string[] = [];
  isReady = true;
  /** Number of the topology zone in {@link EndpointCursor.zones}. */
  zone = 0;
  /** Where the hostname is, and its bytes; -1: it has none. */
  hostnameAt = 0;
  hostnameBytes = -1;
  /** Where the address in turn is, and its bytes: 4, 16, or, of a text, as many as there are. */
  addressAt = 0;
  addressBytes = 0;
  isText = false;
  #at = 0;
  #addressesLeft = 0;

  /** Begins before the first endpoint. */
  start({ bytes, zones }: FlatEndpoints): void {
    this.bytes = bytes;
    this.zones = zones;
    this.#at = 0;
    this.#addressesLeft = 0;
  }

  /** Goes to the next endpoint. False: there is none. */
  next(): boolean {
    while (this.nextAddress());
    const { bytes } = this;
    let at = this.#at;
    if (at >= bytes.length) return false;
    const flags = bytes[at]!;
    this.isReady = (flags & notReady) === 0;
    this.zone = bytes[at + 1]! | (bytes[at + 2]! << 8);
    at += 3;
    if ((flags & hasHostname) === 0) this.hostnameBytes = -1;
    else {
      this.hostnameBytes = bytes[at]! | (bytes[at + 1]! << 8);
      this.hostnameAt = at + 2;
      at += 2 + this.hostnameBytes;
    }
    this.#addressesLeft = bytes[at]! | (bytes[at + 1]! << 8);
    this.#at = at + 2;
    return true;
  }

  /** Goes to the next address of the endpoint. False: there is none. */
  nextAddress(): boolean {
    if (this.#addressesLeft === 0) return false;
    this.#addressesLeft--;
    const { bytes } = this;
    const form = bytes[this.#at++]!;
    this.isText = form === formText;
    this.addressBytes = form === 4 ? 4 : form === 6 ? 16 : bytes[this.#at]! | (bytes[this.#at + 1]! << 8);
    if (this.isText) this.#at += 2;
    this.addressAt = this.#at;
    this.#at += this.addressBytes;
    return true;
  }

  /** The address in turn as it was given. */
  get address(): string {
    const bytes = this.bytes.subarray(this.addressAt, this.addressAt + this.addressBytes);
    return this.isText ? decoder.decode(bytes) : addressText(bytes);
  }

  /** The hostname as it was given. */
  get hostname(): string | undefined {
    if (this.hostnameBytes < 0) return undefined;
    return decoder.decode(this.bytes.subarray(this.hostnameAt, this.hostnameAt + this.hostnameBytes));
  }
}

/** Packs the endpoints of an object of the API. */
export function packEndpoints(endpoints: readonly Endpoint[]): FlatEndpoints {
  for (const { addresses, hostname, conditions, zone = '' } of endpoints) {
    packer.endpoint(hostname, zone, conditions?.ready !== false);
    for (const address of addresses) packer.address(address);
  }
  return packer.take();
}

const packer = new EndpointPacker();

/** The endpoints as objects again, with what was kept of them. */
export function unpackEndpoints(flat: FlatEndpoints): Endpoint[] {
  const endpoints: Endpoint[] = [];
  const cursor = new EndpointCursor();
  cursor.start(flat);
  while (cursor.next()) {
    const { hostname } = cursor;
    const endpoint: Endpoint = { addresses: [] };
    if (hostname !== undefined) endpoint.hostname = hostname;
    if (!cursor.isReady) endpoint.conditions = { ready: false };
    if (cursor.zone > 0) endpoint.zone = flat.zones[cursor.zone]!;
    while (cursor.nextAddress()) endpoint.addresses.push(cursor.address);
    endpoints.push(endpoint);
  }
  return endpoints;
}
