// Hot path: answers one query from the shared table. No allocation, no strings.

import {
  extendedError,
  headerFlag,
  rcode,
  rrClass,
  rrType,
  udpClassicBytes,
  udpPayloadBytes,
} from '../../wire/dns/constants.ts';
import { isSubnetValid, ParsedQuery, parseQuery, queryVerdict } from '../../wire/dns/query.ts';
import { type AccessAction, AccessList } from './access-list.ts';
import { type AddressPrefix, isInPrefixes } from './address-prefix.ts';
import { type AnswererParts, anyRecord } from './answerer-parts.ts';
import { ClientChoice } from './client-choice.ts';
import { counterIndex, counterWords, sizeClassOf, typeCounter } from './counters.ts';
import { ForeignAnswers } from './foreign-answers.ts';
import { OptWriter } from './opt-writer.ts';
import { SavedOptions } from './saved-options.ts';
import { addressLength, addressOffset, type ServerCookies } from './server-cookie.ts';
import {
  control,
  entryHasAlias,
  entryHeaderWords,
  policyHeadBytes,
  policyIsSticky,
  setHasPolicy,
  setIsCut,
  setIsSoa,
  setRotates,
  setWords,
  type TableBuffers,
} from './table-layout.ts';
import { TableReader } from './table-reader.ts';
import { isInZone, isSearchName } from './zone-match.ts';
import type { ZoneTemplate } from './zone-template.ts';

/** Result of {@link QueryAnswerer.answer}: the main thread must answer (forwarding, aliases). */
export const handOff = -1;

/** Longest run that is copied byte by byte; beyond it a view and one memmove are cheaper. */
const copyLoopBytes = 192;

const { blocked, filtered, prohibited, notSupported } = extendedError;

/** Answers queries from an answer table. One per thread. */
export class QueryAnswerer {
  /** The query of the last {@link answer}, also for a hand-off. */
  readonly query: ParsedQuery = new ParsedQuery();
  /** Counters of this thread; see counters.ts. */
  readonly counters: Float64Array;
  /** Unix seconds; the owner sets it before a batch. */
  nowSeconds = 0;
  /** The client, as a raw sockaddr at an offset; the owner sets it before a query. */
  peer: Uint8Array = new Uint8Array(32);
  peerAt = 0;
  /** The last query had a cookie that we gave to this client: its address is not forged. */
  hasValidCookie = false;
  /** The last answer was a forwarded one that the main thread should fetch anew. */
  wantsRefresh = false;
  readonly #zones: readonly ZoneTemplate[];
  readonly #foreign: ForeignAnswers | undefined;
  readonly #cookies: ServerCookies | undefined;
  /** The stream may carry whole zones: the owner sets it before a query. */
  allowsTransfer = false;
  readonly #subnetSources: readonly AddressPrefix[];
  readonly #transferTo: readonly AddressPrefix[];
  readonly #access: AccessList | undefined;
  readonly #client: ClientChoice = new ClientChoice();
  readonly #opt: OptWriter;
  /** Extended error of the answer being made (RFC 8914); -1: none. */
  #extendedError = -1;
  /** Cookie and client subnet of the query, copied: an answer made in place lies where they were. */
  readonly #options: SavedOptions = new SavedOptions();
  /** View of the output used last, for words that are not aligned. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewed: Uint8Array | undefined;
  #isStream = false;
  readonly #control: Int32Array;
  readonly #table: TableReader;
  #turn = 0;

  /** `zones`: see zone-template.ts. */
  constructor(buffers: TableBuffers, zones: readonly ZoneTemplate[], parts: AnswererParts = {}) {
    this.#zones = zones;
    this.#foreign = parts.foreign && new ForeignAnswers(parts.foreign);
    this.#cookies = parts.cookies;
    this.#subnetSources = parts.subnetSources ?? [];
    this.#transferTo = parts.transferTo ?? [];
    const { accessRules = [] } = parts;
    this.#access = accessRules.length === 0 ? undefined : new AccessList(accessRules);
    this.#opt = new OptWriter(parts.cookies, this.#client);
    this.#control = new Int32Array(buffers.control);
    this.#table = new TableReader(buffers);
    this.counters = parts.counters ?? new Float64Array(counterWords);
  }

  /** Takes over grown buffers. */
  replace(buffers: TableBuffers): void {
    this.#table.replace(buffers);
  }

  /**
   * Answers the message `input[start, end)` into `output` at `base`, which may be the same place: then the question
   * is there already, and the query is whole only after {@link handOff}. `streamLimit` is 0 for UDP, where
   * the client's OPT decides, or the room of a TCP answer. Returns the answer's length, 0 for no
   * answer, or {@link handOff}.
   */
  answer(input: Uint8Array, start: number, end: number, output: Uint8Array, base: number, streamLimit: number): number {
    const query = this.query;
    const counters = this.counters;
    counters[counterIndex.queries]!++;
    this.wantsRefresh = false;
    this.#extendedError = -1;
    this.#opt.hasSubnet = false;
    this.#isStream = streamLimit > 0;
    if (output !== this.#viewed) {
      this.#viewed = output;
      this.#view = new DataView(output.buffer, output.byteOffset, output.length);
    }
    const verdict = parseQuery(input, start, end, query);
    if (verdict !== queryVerdict.ok) {
      if (verdict === queryVerdict.drop) {
        counters[counterIndex.dropped]!++;
        return 0;
      }
      this.hasValidCookie = false;
      if (verdict !== queryVerdict.badvers) query.cookieAt = 0;
      if (verdict === queryVerdict.badvers) {
        query.subnetAt = 0;
        this.#options.save(input, query);
        return this.#reply(input, start, output, base, rcode.BADVERS, false);
      }
      const code = verdict === queryVerdict.notimp ? rcode.NOTIMP : rcode.FORMERR;
      return this.#reply(input, start, output, base, code, false);
    }
    this.hasValidCookie =
      query.cookieAt > 0 && this.#cookies?.isValid(input, query, this.peer, this.peerAt, this.nowSeconds) === true;
    if (query.subnetAt > 0 && this.#isPeerIn(this.#subnetSources)) {
      if (!isSubnetValid(input, query)) {
        query.subnetAt = 0;
        this.#options.save(input, query);
        return this.#reply(input, start, output, base, rcode.FORMERR, false);
      }
      this.#opt.hasSubnet = true;
    } else query.subnetAt = 0;
    if ((query.cookieAt | query.subnetAt) !== 0) this.#options.save(input, query);
    this.#client.scopeBits = 0;
    if (query.dnssecOk) counters[counterIndex.dnssecOk]!++;
    counters[counterIndex.queryBytes]! += end - start;
    counters[counterIndex.querySizes + sizeClassOf(end - start)]!++;
    const qtype = query.qtype;
    counters[qtype < 256 ? typeCounter[qtype]! : typeCounter[0]!]!++;
    if (this.#access !== undefined) {
      const action = this.#access.check(query.name, query.nameBytes, qtype, this.peer, this.peerAt);
      if (action !== 'allow') return this.#deny(input, start, output, base, action);
    }
    if (query.qclass !== rrClass.IN || qtype === rrType.AXFR || qtype === rrType.IXFR) {
      const isTransfer = query.qclass === rrClass.IN && this.#isStream && this.allowsTransfer;
      if (isTransfer && this.#isPeerIn(this.#transferTo)) return handOff;
      this.#extendedError = qtype === rrType.AXFR || qtype === rrType.IXFR ? prohibited : notSupported;
      return this.#reply(input, start, output, base, rcode.REFUSED, false);
    }
    let limit = streamLimit;
    if (limit === 0) {
      limit = query.hasOpt ? query.udpBytes : udpClassicBytes;
      if (limit > udpPayloadBytes) limit = udpPayloadBytes;
    }
    const entry = this.#table.find(query.hash, query.nameBytes, query.nameWords);
    if (entry === 0) return this.#answerMissing(input, start, output, base, limit);
    if ((this.#control[control.synced]! & 1) === 0) return this.#notReady(input, start, output, base);
    return this.#answerEntry(input, start, output, base, entry, limit);
  }

  #deny(input: Uint8Array, start: number, output: Uint8Array, base: number, action: AccessAction): number {
    if (action === 'drop') {
      this.counters[counterIndex.dropped]!++;
      return 0;
    }
    this.#extendedError = action === 'block' ? blocked : filtered;
    return this.#reply(input, start, output, base, action === 'block' ? rcode.REFUSED : rcode.NOERROR, false);
  }

  #answerEntry(
    input: Uint8Array,
    start: number,
    output: Uint8Array,
    base: number,
    entry: number,
    limit: number,
  ): number {
    const { qtype } = this.query;
    const words = this.#table.words;
    const head = words[entry]!;
    let at = entry + entryHeaderWords;
    for (let left = head >>> 16; left > 0; left--, at += setWords) {
      if ((words[at]! & 0xffff) === qtype) return this.#writeSet(input, start, output, base, at, limit);
    }
    if ((head >>> 8) & entryHasAlias) return handOff;
    if (qtype === rrType.ANY) return this.#writeAny(input, start, output, base);
    const zone = this.#zoneOfName();
    return zone < 0 ? handOff : this.#writeNegative(input, start, output, base, zone, rcode.NOERROR);
  }

  #notReady(input: Uint8Array, start: number, output: Uint8Array, base: number): number {
    this.#extendedError = extendedError.notReady;
    return this.#reply(input, start, output, base, rcode.SERVFAIL, false);
  }

  /** A truncated answer without records, so that the client comes back over TCP. */
  truncate(input: Uint8Array, start: number, output: Uint8Array, base: number): number {
    const length = this.#reply(input, start, output, base, rcode.NOERROR, false);
    output[base + 2]! |= 0x02;
    return length;
  }

  /** A reply without records, e.g. SERVFAIL for a hand-off that has no room. */
  fail(input: Uint8Array, start: number, output: Uint8Array, base: number, code: number): number {
    return this.#reply(input, start, output, base, code, false);
  }

  #answerMissing(input: Uint8Array, start: number, output: Uint8Array, base: number, limit: number): number {
    const zone = this.#zoneOfName();
    if (zone < 0 || !this.#zones[zone]!.isComplete) return this.#writeForeign(input, start, output, base, limit);
    if ((this.#control[control.synced]! & (1 << zone)) === 0) return this.#notReady(input, start, output, base);
    if ((this.#control[control.wildcards]! & (1 << zone)) !== 0) {
      const entry = this.#table.findWildcard(this.query);
      if (entry !== 0) return this.#answerEntry(input, start, output, base, entry, limit);
    }
    if (zone === 0 && this.#control[control.completesSearch] === 1 && isSearchName(this.query, this.#zones[0]!))
      return handOff;
    return this.#writeNegative(input, start, output, base, zone, rcode.NXDOMAIN);
  }

  #isPeerIn(networks: readonly AddressPrefix[]): boolean {
    const { peer, peerAt } = this;
    const from = peerAt + addressOffset(peer, peerAt);
    return isInPrefixes(networks, peer, from, addressLength(peer, peerAt));
  }

  /** An upstream's answer that the main thread has published. Those who ask for DNSSEC get their own. */
  #writeForeign(input: Uint8Array, start: number, output: Uint8Array, base: number, limit: number): number {
    const foreign = this.#foreign;
    const query = this.query;
    if (foreign === undefined || query.dnssecOk || (query.flags & headerFlag.CD) !== 0) return handOff;
    const entry = foreign.find(query, this.nowSeconds);
    if (entry === 0) return handOff;
    const question = query.questionEnd - start;
    const optRoom = this.#optRoom();
    if (question + foreign.bodyBytes + optRoom > limit) return handOff;
    const length = this.#begin(input, start, output, base, foreign.rcode, false);
    foreign.copy(entry, output, base + length);
    output[base + 6] = foreign.answers >> 8;
    output[base + 7] = foreign.answers & 255;
    output[base + 8] = foreign.authority >> 8;
    output[base + 9] = foreign.authority & 255;
    this.counters[counterIndex.cacheHits]!++;
    this.wantsRefresh = foreign.wantsRefresh;
    return this.#finish(output, base, length + foreign.bodyBytes, foreign.rcode);
  }

  #zoneOfName(): number {
    for (let zone = 0; zone < this.#zones.length; zone++) if (isInZone(this.query, this.#zones[zone]!)) return zone;
    return -1;
  }

  /** Header and question; counts stay 0. Returns the length. */
  #begin(
    input: Uint8Array,
    start: number,
    output: Uint8Array,
    base: number,
    code: number,
    authoritative: boolean,
  ): number {
    const query = this.query;
    output[base] = input[start]!;
    output[base + 1] = input[start + 1]!;
    // QR, opcode, AA, RD of the query; then RA, CD of the query, response code.
    output[base + 2] = 0x80 | (input[start + 2]! & 0x79) | (authoritative ? 0x04 : 0);
    output[base + 3] = 0x80 | (input[start + 3]! & 0x10) | (code & 0x0f);
    const question = query.questionEnd === 0 ? 12 : query.questionEnd - start;
    output[base + 4] = 0;
    output[base + 5] = question > 12 ? 1 : 0;
    for (let at = 6; at < 12; at++) output[base + at] = 0;
    if (input !== output || start !== base) {
      for (let at = 12; at < question; at++) output[base + at] = input[start + at]!;
    }
    const counters = this.counters;
    counters[counterIndex.rcodes + (code & 0x0f)]!++;
    return question;
  }

  /** Most bytes of the OPT record of an answer with data. */
  #optRoom(): number {
    return this.query.hasOpt ? this.#opt.room(this.query, this.#isStream) : 0;
  }

  /** Appends the OPT record if the query had one. */
  #finish(output: Uint8Array, base: number, length: number, code: number): number {
    const query = this.query;
    if (!query.hasOpt) return this.#count(length);
    const opt = this.#opt;
    opt.extendedError = this.#extendedError;
    opt.nowSeconds = this.nowSeconds;
    const bytes = opt.write(
      this.#options.bytes,
      query,
      this.#isStream,
      this.peer,
      this.peerAt,
      code,
      output,
      base + length,
    );
    const count = ((output[base + 10]! << 8) | output[base + 11]!) + 1;
    output[base + 10] = count >> 8;
    output[base + 11] = count & 255;
    return this.#count(length + bytes);
  }

  #count(length: number): number {
    const counters = this.counters;
    counters[counterIndex.answerBytes]! += length;
    counters[counterIndex.answerSizes + sizeClassOf(length)]!++;
    return length;
  }

  #reply(
    input: Uint8Array,
    start: number,
    output: Uint8Array,
    base: number,
    code: number,
    authoritative: boolean,
  ): number {
    return this.#finish(output, base, this.#begin(input, start, output, base, code, authoritative), code);
  }

  #writeAny(input: Uint8Array, start: number, output: Uint8Array, base: number): number {
    const length = this.#begin(input, start, output, base, rcode.NOERROR, true);
    output.set(anyRecord, base + length);
    output[base + 7] = 1;
    return this.#finish(output, base, length + anyRecord.length, rcode.NOERROR);
  }

  #writeNegative(
    input: Uint8Array,
    start: number,
    output: Uint8Array,
    base: number,
    zone: number,
    code: number,
  ): number {
    const length = this.#begin(input, start, output, base, code, true);
    output[base + 9] = 1;
    return this.#finish(output, base, length + this.#copySoa(output, base, length, zone), code);
  }

  /** Writes a zone's SOA record at `base + length`; returns its size. */
  #copySoa(output: Uint8Array, base: number, length: number, zone: number): number {
    const template = this.#zones[zone]!;
    const soa = template.soa;
    const size = soa.length;
    const to = base + length;
    const words = template.soaWords;
    const view = this.#view;
    for (let index = 0; index < words.length; index++) view.setInt32(to + index * 4, words[index]!, true);
    for (let at = words.length * 4; at < size; at++) output[to + at] = soa[at]!;
    // Pointers to the origin inside the question's name, and the serial.
    const origin = 12 + this.query.nameBytes - template.origin.length;
    const pointers = template.originPointers;
    for (let index = 0; index < pointers.length; index++) {
      const at = pointers[index]!;
      output[to + at] = 0xc0 | (origin >> 8);
      output[to + at + 1] = origin & 255;
    }
    const serial = this.#control[control.serial]!;
    const serialAt = to + size - 20;
    output[serialAt] = serial >>> 24;
    output[serialAt + 1] = (serial >>> 16) & 255;
    output[serialAt + 2] = (serial >>> 8) & 255;
    output[serialAt + 3] = serial & 255;
    return size;
  }

  #writeSet(input: Uint8Array, start: number, output: Uint8Array, base: number, set: number, limit: number): number {
    const words = this.#table.words;
    const flags = words[set]! >>> 16;
    let length = this.#begin(input, start, output, base, rcode.NOERROR, true);
    if ((flags & setIsSoa) !== 0) {
      output[base + 7] = 1;
      length += this.#copySoa(output, base, length, Math.max(0, this.#zoneOfName()));
      return this.#finish(output, base, length, rcode.NOERROR);
    }
    const from = words[set + 1]!;
    const extraAnswers = words[set + 2]! >>> 16;
    let answers = words[set + 2]! & 0xffff;
    const extra = words[set + 3]! >>> 16;
    let bytes = words[set + 3]! & 0xffff;
    const room = limit - length - this.#optRoom();
    let isCut = (flags & setIsCut) !== 0;
    if ((flags & setRotates) !== 0) {
      const size = (bytes / answers) | 0;
      // Rotation: start at another record each time, wrap at the end.
      const total = bytes;
      const first = (flags & setHasPolicy) !== 0 ? this.#ruledTurn(from, size, answers) : this.#nextTurn(answers);
      const skip = first * size;
      if ((flags & setHasPolicy) !== 0) {
        const most = (this.#table.bytes[from + bytes]! << 8) | this.#table.bytes[from + bytes + 1]!;
        if (most > 0 && most < answers) {
          answers = most;
          bytes = most * size;
          // What is left out by rule is not missing.
          isCut = false;
        }
      }
      if (bytes > room) {
        isCut = true;
        answers = Math.max(0, Math.floor(room / size));
        bytes = answers * size;
      }
      const head = Math.min(total - skip, bytes);
      this.#copy(output, base + length, from + skip, head);
      if (head < bytes) this.#copy(output, base + length + head, from, bytes - head);
      length += bytes;
    } else if (bytes > room) {
      isCut = true;
      answers = 0;
    } else {
      this.#copy(output, base + length, from, bytes);
      length += bytes;
      // Glue goes along whole or not at all; leaving it out is no truncation (RFC 2181 9).
      if (extra > 0 && bytes + extra <= room) {
        this.#copy(output, base + length, from + bytes, extra);
        length += extra;
        output[base + 10] = extraAnswers >> 8;
        output[base + 11] = extraAnswers & 255;
      }
    }
    output[base + 6] = answers >> 8;
    output[base + 7] = answers & 255;
    if (isCut) {
      output[base + 2]! |= 0x02;
      this.counters[counterIndex.truncated]!++;
    }
    return this.#finish(output, base, length, rcode.NOERROR);
  }

  #nextTurn(records: number): number {
    this.#turn = (this.#turn + 1) & 0x3fffffff;
    return this.#turn % records;
  }

  /** Record that comes first by the rules behind the records: the client's, by schedule, or each in turn. */
  #ruledTurn(from: number, size: number, records: number): number {
    const bytes = this.#table.bytes;
    const at = from + size * records;
    const numbers = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const rules = (bytes[at + 4]! << 8) | bytes[at + 5]!;
    if (rules !== 0) {
      const bits = rules & 0xff;
      const client = this.#client;
      if (this.#opt.hasSubnet) client.takeSubnet(this.#options.bytes, this.query);
      else client.takePeer(this.peer, this.peerAt);
      const dataBytes = size - 12;
      const turn = bits === 0 ? 0 : this.#nextTurn(records);
      const near = bits === 0 ? -1 : client.nearestFirst(bytes, from, size, dataBytes, records, bits, turn);
      if (near >= 0) return near;
      if ((rules & policyIsSticky) !== 0) {
        const weightsAt = numbers === records ? at + policyHeadBytes : -1;
        return client.stickyFirst(bytes, from, size, dataBytes, records, weightsAt);
      }
      if (bits !== 0 && numbers === 0) return turn;
    }
    if (numbers === 0) return this.#nextTurn(records);
    const place = at + policyHeadBytes + this.#nextTurn(numbers) * 2;
    return (bytes[place]! << 8) | bytes[place + 1]!;
  }

  #copy(output: Uint8Array, to: number, from: number, count: number): void {
    const bytes = this.#table.bytes;
    if (count > copyLoopBytes) {
      output.set(bytes.subarray(from, from + count), to);
      return;
    }
    let at = 0;
    if ((from & 3) === 0) {
      const words = this.#table.words;
      const view = this.#view;
      for (let word = from >> 2; at + 4 <= count; at += 4, word++) view.setInt32(to + at, words[word]!, true);
    }
    for (; at < count; at++) output[to + at] = bytes[from + at]!;
  }
}
