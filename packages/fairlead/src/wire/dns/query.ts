// Hot path: once per UDP datagram. No allocation, no strings; the name is read by words.

import { ednsOption, rrType, udpClassicBytes } from './constants.ts';
import { skipName } from './name.ts';

/** What to do with a datagram after {@link parseQuery}. */
export const queryVerdict = {
  /** A well-formed query. */
  ok: 0,
  /** A response, or too short for a header: say nothing. */
  drop: 1,
  /** Header readable, rest malformed. */
  formerr: 2,
  /** An opcode other than QUERY. */
  notimp: 3,
  /** An EDNS version above 0. */
  badvers: 4,
} as const;

/** A query, parsed in place. One instance is reused for all datagrams of a worker. */
export class ParsedQuery {
  /** Header bytes 2 and 3 as one word. */
  flags = 0;
  qtype = 0;
  qclass = 0;
  /** Lower-case wire name, zero padded to a multiple of four. */
  readonly name: Uint8Array;
  /** The same bytes as words. */
  readonly nameWords: Int32Array;
  /** Length of the name with its root label. */
  nameBytes = 0;
  /** Hash of the padded lower-case name; see {@link hashName}. */
  hash = 0;
  /** Offset behind the question; 0 when the question could not be read. */
  questionEnd = 0;
  hasOpt = false;
  /** Offset of the data of a cookie option (RFC 7873), and its length; 0: none. */
  cookieAt = 0;
  cookieBytes = 0;
  /** Padding option (RFC 7830): the answer should be padded where that hides something. */
  hasPadding = false;
  /** TCP keepalive option (RFC 7828). */
  hasKeepalive = false;
  /** Offset of the data of a client subnet option (RFC 7871), and its length; 0: none. */
  subnetAt = 0;
  subnetBytes = 0;
  /** DNSSEC OK bit of the OPT record. */
  dnssecOk = false;
  /** Largest answer the client takes over UDP, before our own cap. */
  udpBytes: number = udpClassicBytes;

  constructor() {
    this.name = new Uint8Array(260);
    this.nameWords = new Int32Array(this.name.buffer);
  }
}

/**
 * Whether the client subnet option of a query is well-formed (RFC 7871 6): a known family, no scope, as many
 * address bytes as the prefix needs, and no bits behind it.
 */
export function isSubnetValid(message: Uint8Array, query: ParsedQuery): boolean {
  const { subnetAt: at, subnetBytes: length } = query;
  if (length < 4 || message[at] !== 0 || message[at + 3] !== 0) return false;
  const family = message[at + 1]!;
  const bits = message[at + 2]!;
  // Family 0 with an empty prefix says: no subnet at all.
  if (family === 0 ? bits !== 0 : family > 2 || bits > (family === 1 ? 32 : 128)) return false;
  if (length !== 4 + ((bits + 7) >> 3)) return false;
  return (bits & 7) === 0 || (message[at + length - 1]! & (0xff >> (bits & 7))) === 0;
}

/** Hash of the first `bytes` bytes (rounded up to words) of a zero-padded lower-case name at a word. Never 0. */
export function hashName(words: Int32Array, bytes: number, start = 0): number {
  let hash = bytes;
  const end = start + ((bytes + 3) >> 2);
  for (let index = start; index < end; index++) {
    hash = Math.imul(hash ^ words[index]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash === 0 ? 1 : hash;
}

/**
 * Folds a name to lower case and hashes it, four bytes at a time. Label lengths are below the letters, so they
 * need no care of their own. Behind the name at least three bytes must follow in `message`.
 */
function takeName(message: Uint8Array, start: number, bytes: number, query: ParsedQuery): void {
  const words = query.nameWords;
  const last = (bytes - 1) >> 2;
  let hash = bytes;
  for (let index = 0, at = start; index <= last; index++, at += 4) {
    let word = message[at]! | (message[at + 1]! << 8) | (message[at + 2]! << 16) | (message[at + 3]! << 24);
    if (index === last) word &= -1 >>> ((4 - (bytes - (last << 2))) << 3);
    // A byte is a capital when it is ASCII, at least 'A' and not above 'Z'; adding carries that into its top bit.
    const low = word & 0x7f7f7f7f;
    const isCapital = ~word & (low + 0x3f3f3f3f) & ~(low + 0x25252525) & 0x80808080;
    word |= isCapital >>> 2;
    words[index] = word;
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  query.nameBytes = bytes;
  query.hash = hash === 0 ? 1 : hash;
}

/**
 * Parses the datagram `message[start, end)` into `query` and returns a {@link queryVerdict}.
 *
 * Strict: exactly one question without compression, no answer or authority records, whole
 * additional records, at most one OPT (owner root, options that add up), nothing behind the last record.
 */
export function parseQuery(message: Uint8Array, start: number, end: number, query: ParsedQuery): number {
  query.questionEnd = 0;
  query.hasOpt = false;
  query.cookieAt = 0;
  query.subnetAt = 0;
  query.hasPadding = false;
  query.hasKeepalive = false;
  query.dnssecOk = false;
  query.udpBytes = udpClassicBytes;
  if (end - start < 12) return queryVerdict.drop;
  const high = message[start + 2]!;
  query.flags = (high << 8) | message[start + 3]!;
  if (high >= 0x80) return queryVerdict.drop;
  if ((high & 0x78) !== 0) return queryVerdict.notimp;
  if (((message[start + 4]! << 8) | message[start + 5]!) !== 1) return queryVerdict.formerr;

  const nameStart = start + 12;
  let at = nameStart;
  for (;;) {
    if (at >= end) return queryVerdict.formerr;
    const size = message[at]!;
    if (size === 0) break;
    if (size > 63 || at - nameStart + size > 253) return queryVerdict.formerr;
    at += size + 1;
  }
  at++;
  if (at + 4 > end) return queryVerdict.formerr;
  takeName(message, nameStart, at - nameStart, query);
  query.qtype = (message[at]! << 8) | message[at + 1]!;
  query.qclass = (message[at + 2]! << 8) | message[at + 3]!;
  at += 4;
  query.questionEnd = at;
  // Answer and authority counts: none in a query, except the SOA of an IXFR, which is refused unread.
  if ((message[start + 6]! | message[start + 7]! | message[start + 8]! | message[start + 9]!) !== 0) {
    return query.qtype === rrType.IXFR ? queryVerdict.ok : queryVerdict.formerr;
  }
  const additional = (message[start + 10]! << 8) | message[start + 11]!;
  if (additional === 0) return at === end ? queryVerdict.ok : queryVerdict.formerr;
  return parseAdditional(message, at, end, additional, query);
}

function parseAdditional(message: Uint8Array, start: number, end: number, count: number, query: ParsedQuery): number {
  let at = start;
  let version = 0;
  for (let index = 0; index < count; index++) {
    const owner = at;
    at = message[at] === 0 && at < end ? at + 1 : skipName(message, at, end);
    if (at < 0 || at + 10 > end) return queryVerdict.formerr;
    const type = (message[at]! << 8) | message[at + 1]!;
    const dataEnd = at + 10 + ((message[at + 8]! << 8) | message[at + 9]!);
    if (dataEnd > end) return queryVerdict.formerr;
    if (type === rrType.OPT) {
      if (query.hasOpt || message[owner] !== 0) return queryVerdict.formerr;
      query.hasOpt = true;
      const size = (message[at + 2]! << 8) | message[at + 3]!;
      query.udpBytes = Math.max(size, udpClassicBytes);
      version = message[at + 5]!;
      query.dnssecOk = (message[at + 6]! & 0x80) !== 0;
      for (let option = at + 10; option < dataEnd; ) {
        if (option + 4 > dataEnd) return queryVerdict.formerr;
        const code = (message[option]! << 8) | message[option + 1]!;
        const length = (message[option + 2]! << 8) | message[option + 3]!;
        if (option + 4 + length > dataEnd) return queryVerdict.formerr;
        if (code === ednsOption.cookie && query.cookieAt === 0) {
          // A client cookie alone, or with a server cookie of 8 to 32 bytes (RFC 7873 5.2.2).
          if (length !== 8 && (length < 16 || length > 40)) return queryVerdict.formerr;
          query.cookieAt = option + 4;
          query.cookieBytes = length;
        } else if (code === ednsOption.clientSubnet && query.subnetAt === 0) {
          query.subnetAt = option + 4;
          query.subnetBytes = length;
        } else if (code === ednsOption.padding) query.hasPadding = true;
        else if (code === ednsOption.keepalive) query.hasKeepalive = true;
        option += 4 + length;
      }
    }
    at = dataEnd;
  }
  if (at !== end) return queryVerdict.formerr;
  return version > 0 ? queryVerdict.badvers : queryVerdict.ok;
}
