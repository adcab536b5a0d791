// Hot path of loading: the names of every endpoint of the cluster, byte by byte.

import { labelMaxBytes, nameMaxBytes } from '../wire/dns/constants.ts';
import { foldByte, foldName, nameFromText } from '../wire/dns/name.ts';
import { ipv6Bytes } from '../wire/dns/rdata.ts';
import type { EndpointCursor } from './flat-endpoints.ts';
import { dashedAddress, normalizeName } from './owner-names.ts';
import type { OwnerName } from './program.ts';

/** Room for the longest name. */
export const nameRoomBytes = 256;

/** Writes names of endpoints in wire form, in lower case: `HOSTNAME.PARENT`, or the address with dashes instead of a hostname. */
export class EndpointNames {
  #parentText = '';
  #parent: Uint8Array = new Uint8Array(0);

  /** Takes the name above the endpoints. False: it is none. */
  setParent(parent: OwnerName): boolean {
    if (parent === this.#parentText) return true;
    const name = nameFromText(parent);
    if (name === undefined) return false;
    this.#parent = foldName(name);
    this.#parentText = parent;
    return true;
  }

  /** Writes the name of the endpoint and address in turn. Returns its length; -1: it has none. `target` has room for it. */
  write(cursor: EndpointCursor, target: Uint8Array, start: number): number {
    const label = cursor.hostnameBytes > 0 ? writeHostname(cursor, target, start) : writeDashed(cursor, target, start);
    if (label < 0) return this.#writeText(cursor, target, start);
    const parent = this.#parent;
    const length = label + parent.length;
    if (length > nameMaxBytes) return -1;
    for (let index = 0, at = start + label; index < parent.length; index++) target[at++] = parent[index]!;
    return length;
  }

  /** A label with what labels seldom have, or an address that is not in its usual form. */
  #writeText(cursor: EndpointCursor, target: Uint8Array, start: number): number {
    const { hostname, address } = cursor;
    const label = hostname ? normalizeName(hostname) : dashedAddress(address);
    const name = nameFromText(`${label}.${this.#parentText}`);
    if (name === undefined) return -1;
    target.set(foldName(name), start);
    return name.length;
  }
}

/** Length of the label with its length byte; -1: other characters than letters, digits, hyphens and underscores, or too long. */
function writeHostname(
  { bytes, hostnameAt, hostnameBytes }: EndpointCursor,
  target: Uint8Array,
  start: number,
): number {
  if (hostnameBytes > labelMaxBytes) return -1;
  target[start] = hostnameBytes;
  for (let index = 0; index < hostnameBytes; index++) {
    const byte = foldByte(bytes[hostnameAt + index]!);
    const isPlain = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
    if (!isPlain) return -1;
    target[start + 1 + index] = byte;
  }
  return hostnameBytes + 1;
}

/** The label of an IPv4 address; -1: another one. */
function writeDashed(
  { bytes, addressAt, addressBytes, isText }: EndpointCursor,
  target: Uint8Array,
  start: number,
): number {
  if (isText || addressBytes !== 4) return -1;
  let at = start + 1;
  for (let index = 0; index < 4; index++) {
    if (index > 0) target[at++] = 0x2d;
    at = writeDecimal(target, at, bytes[addressAt + index]!);
  }
  target[start] = at - start - 1;
  return at - start;
}

/** Digits of a byte. Returns the offset behind. */
function writeDecimal(target: Uint8Array, start: number, value: number): number {
  let at = start;
  if (value >= 100) target[at++] = 0x30 + Math.floor(value / 100);
  if (value >= 10) target[at++] = 0x30 + (Math.floor(value / 10) % 10);
  target[at++] = 0x30 + (value % 10);
  return at;
}

const v4Suffix = nameFromText('in-addr.arpa') ?? new Uint8Array(0);
const v6Suffix = nameFromText('ip6.arpa') ?? new Uint8Array(0);

/** Writes the owner of the PTR record of an address of four or sixteen bytes (RFC 1035 3.5, RFC 3596 2.5). Returns its length. */
export function writeReverseName(address: Uint8Array, from: number, length: number, target: Uint8Array): number {
  let at = 0;
  for (let index = from + length - 1; index >= from; index--) {
    const byte = address[index]!;
    if (length === 4) {
      const end = writeDecimal(target, at + 1, byte);
      target[at] = end - at - 1;
      at = end;
      continue;
    }
    target[at] = 1;
    target[at + 1] = hexDigit(byte & 15);
    target[at + 2] = 1;
    target[at + 3] = hexDigit(byte >> 4);
    at += 4;
  }
  const suffix = length === 4 ? v4Suffix : v6Suffix;
  for (let index = 0; index < suffix.length; index++) target[at++] = suffix[index]!;
  return at;
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

/** Copies the bytes of the address in turn. Returns how many, 4 or 16; 0: it is not an address. */
export function writeAddress(cursor: EndpointCursor, target: Uint8Array, start: number): number {
  const { bytes, addressAt, addressBytes } = cursor;
  if (cursor.isText) {
    // IPv4 addresses that have one text only are never kept as text.
    const v6 = ipv6Bytes(cursor.address);
    if (v6 !== undefined) target.set(v6, start);
    return v6 === undefined ? 0 : 16;
  }
  for (let index = 0; index < addressBytes; index++) target[start + index] = bytes[addressAt + index]!;
  return addressBytes;
}
