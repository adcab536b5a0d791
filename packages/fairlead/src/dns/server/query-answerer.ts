// Hot path: answers one query from the shared table. No allocation, no strings.

import type { SocketAddress } from '../../sys/socket-address.ts';
import {
  extendedError,
  headerFlag,
  rcode,
  rrClass,
  rrType,
  udpClassicBytes,
  udpPayloadBytes,
} from '../../wire/dns/constants.ts';
import { isSubnetValid, type ParsedQuery, parseQuery, queryVerdict } from '../../wire/dns/query.ts';
import type { ViewChooser } from '../views/view-chooser.ts';
import { type AccessAction, AccessList } from './access-list.ts';
import { type AddressPrefix, isInPrefixes } from './address-prefix.ts';
import { AnswerWriter } from './answer-writer.ts';
import { type AnswererParts, anyRecord } from './answerer-parts.ts';
import { counterIndex, counterWords, sizeClassOf, typeCounter } from './counters.ts';
import { ForeignAnswers } from './foreign-answers.ts';
import { questionTag } from './foreign-layout.ts';
import { RecordTurns } from './record-turns.ts';
import { addressLength, addressOffset, type ServerCookies } from './server-cookie.ts';
import {
  control,
  entryHasAlias,
  entryHeaderWords,
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

/** Opcode NOTIFY (RFC 1996 3.12) in the flags word. */
const opcodeNotify = 4 << 11;

const { blocked, filtered, prohibited, notSupported } = extendedError;

/** Answers queries from an answer table. One per thread. */
export class QueryAnswerer {
  /** The last query had a cookie that we gave to this client: its address is not forged. */
  hasValidCookie = false;
  /** The last answer was a forwarded one that the main thread should fetch anew. */
  wantsRefresh = false;
  /** View of the last query (views/); 0: none. */
  view = 0;
  /** The stream may carry whole zones: the owner sets it before a query. */
  allowsTransfer = false;
  readonly #writer: AnswerWriter;
  readonly #turns: RecordTurns;
  readonly #zones: readonly ZoneTemplate[];
  readonly #foreign: ForeignAnswers | undefined;
  readonly #cookies: ServerCookies | undefined;
  readonly #subnetSources: readonly AddressPrefix[];
  readonly #transferTo: readonly AddressPrefix[];
  readonly #access: AccessList | undefined;
  readonly #views: ViewChooser | undefined;
  readonly #takesNotify: boolean;
  readonly #control: Int32Array;
  readonly #table: TableReader;

  /** `zones`: see zone-template.ts. */
  constructor(buffers: TableBuffers, zones: readonly ZoneTemplate[], parts: AnswererParts = {}) {
    this.#zones = zones;
    this.#foreign = parts.foreign && new ForeignAnswers(parts.foreign);
    this.#cookies = parts.cookies;
    this.#subnetSources = parts.subnetSources ?? [];
    this.#transferTo = parts.transferTo ?? [];
    const { accessRules = [] } = parts;
    this.#access = accessRules.length === 0 ? undefined : new AccessList(accessRules);
    this.#views = parts.views;
    this.#takesNotify = parts.takesNotify === true;
    this.#control = new Int32Array(buffers.control);
    this.#table = new TableReader(buffers);
    this.#writer = new AnswerWriter(parts.counters ?? new Float64Array(counterWords), parts.cookies);
    this.#turns = new RecordTurns(this.#writer);
  }

  /** The query of the last {@link answer}, also for a hand-off. */
  get query(): ParsedQuery {
    return this.#writer.query;
  }

  /** Counters of this thread; see counters.ts. */
  get counters(): Float64Array {
    return this.#writer.counters;
  }

  /** Unix seconds; the owner sets it before a batch. */
  set nowSeconds(seconds: number) {
    this.#writer.nowSeconds = seconds;
  }

  get nowSeconds(): number {
    return this.#writer.nowSeconds;
  }

  /** The client, as a raw sockaddr at an offset; the owner sets it before a query. */
  set peer(bytes: Uint8Array) {
    this.#writer.peer = bytes;
  }

  get peer(): Uint8Array {
    return this.#writer.peer;
  }

  /** The address that queries come to; the owner sets it before a batch. */
  set server(address: SocketAddress) {
    if (this.#views !== undefined) this.#views.server = address;
  }

  set peerAt(offset: number) {
    this.#writer.peerAt = offset;
  }

  get peerAt(): number {
    return this.#writer.peerAt;
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
    this.view = 0;
    this.#writer.reset(output, streamLimit > 0);
    const verdict = parseQuery(input, start, end, query);
    if (verdict !== queryVerdict.ok) {
      if (verdict === queryVerdict.drop) {
        counters[counterIndex.dropped]!++;
        return 0;
      }
      this.hasValidCookie = false;
      if (verdict === queryVerdict.notimp && this.#takesNotify && (query.flags & 0x7800) === opcodeNotify)
        return handOff;
      if (verdict !== queryVerdict.badvers) query.cookieAt = 0;
      if (verdict === queryVerdict.badvers) {
        query.subnetAt = 0;
        this.#writer.saveOptions(input, false);
        return this.#writer.reply(input, start, output, base, rcode.BADVERS, false);
      }
      const code = verdict === queryVerdict.notimp ? rcode.NOTIMP : rcode.FORMERR;
      return this.#writer.reply(input, start, output, base, code, false);
    }
    this.hasValidCookie =
      query.cookieAt > 0 && this.#cookies?.isValid(input, query, this.peer, this.peerAt, this.nowSeconds) === true;
    const hasSubnet = query.subnetAt > 0 && this.#isPeerIn(this.#subnetSources);
    if (hasSubnet) {
      if (!isSubnetValid(input, query)) {
        query.subnetAt = 0;
        this.#writer.saveOptions(input, false);
        return this.#writer.reply(input, start, output, base, rcode.FORMERR, false);
      }
    } else query.subnetAt = 0;
    const views = this.#views;
    // Before the options are moved: a condition may ask for bytes of the query.
    const view = views === undefined ? 0 : views.choose(this.#writer, input, start, end);
    this.view = view;
    this.#writer.saveOptions(input, hasSubnet);
    if (query.dnssecOk) counters[counterIndex.dnssecOk]!++;
    counters[counterIndex.queryBytes]! += end - start;
    counters[counterIndex.querySizes + sizeClassOf(end - start)]!++;
    const qtype = query.qtype;
    counters[qtype < 256 ? typeCounter[qtype]! : typeCounter[0]!]!++;
    if (view < 0) {
      this.#writer.extendedError = prohibited;
      return this.#writer.reply(input, start, output, base, rcode.REFUSED, false);
    }
    const access = view === 0 ? this.#access : views!.accessOf(view);
    if (access !== undefined) {
      const action = access.check(query.name, query.nameBytes, qtype, this.peer, this.peerAt);
      if (action !== 'allow') return this.#deny(input, start, output, base, action);
    }
    if (query.qclass !== rrClass.IN || qtype === rrType.AXFR || qtype === rrType.IXFR) {
      const isTransfer = query.qclass === rrClass.IN && this.#writer.isStream && this.allowsTransfer && view === 0;
      if (isTransfer && this.#isPeerIn(this.#transferTo)) return handOff;
      this.#writer.extendedError = qtype === rrType.AXFR || qtype === rrType.IXFR ? prohibited : notSupported;
      return this.#writer.reply(input, start, output, base, rcode.REFUSED, false);
    }
    let limit = streamLimit;
    if (limit === 0) {
      limit = query.hasOpt ? query.udpBytes : udpClassicBytes;
      if (limit > udpPayloadBytes) limit = udpPayloadBytes;
    }
    if (view > 0 && !this.#isForView(view)) return this.#writeForeign(input, start, output, base, limit);
    const entry = this.#table.find(query.hash, query.nameBytes, query.nameWords);
    if (entry === 0) return this.#answerMissing(input, start, output, base, limit);
    if ((this.#control[control.synced]! & 1) === 0) return this.#notReady(input, start, output, base);
    return this.#answerEntry(input, start, output, base, entry, limit);
  }

  /** Whether a view has the query's name from the table. Reverse names may be those of other blocks' hosts. */
  #isForView(view: number): boolean {
    if (!this.#views!.hasCluster(view)) return false;
    const zone = this.#zoneOfName();
    return zone >= 0 && this.#zones[zone]!.isComplete;
  }

  #deny(input: Uint8Array, start: number, output: Uint8Array, base: number, action: AccessAction): number {
    if (action === 'drop') {
      this.counters[counterIndex.dropped]!++;
      return 0;
    }
    this.#writer.extendedError = action === 'block' ? blocked : filtered;
    return this.#writer.reply(input, start, output, base, action === 'block' ? rcode.REFUSED : rcode.NOERROR, false);
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
    this.#writer.extendedError = extendedError.notReady;
    return this.#writer.reply(input, start, output, base, rcode.SERVFAIL, false);
  }

  /** A truncated answer without records, so that the client comes back over TCP. */
  truncate(input: Uint8Array, start: number, output: Uint8Array, base: number): number {
    const length = this.#writer.reply(input, start, output, base, rcode.NOERROR, false);
    output[base + 2]! |= 0x02;
    return length;
  }

  /** A reply without records, e.g. SERVFAIL for a hand-off that has no room. */
  fail(input: Uint8Array, start: number, output: Uint8Array, base: number, code: number): number {
    return this.#writer.reply(input, start, output, base, code, false);
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
    const entry = foreign.find(query, questionTag(query.qtype, this.view), this.nowSeconds);
    if (entry === 0) return handOff;
    const question = query.questionEnd - start;
    const optRoom = this.#writer.optRoom();
    if (question + foreign.bodyBytes + optRoom > limit) return handOff;
    const length = this.#writer.begin(input, start, output, base, foreign.rcode, false);
    foreign.copy(entry, output, base + length);
    output[base + 6] = foreign.answers >> 8;
    output[base + 7] = foreign.answers & 255;
    output[base + 8] = foreign.authority >> 8;
    output[base + 9] = foreign.authority & 255;
    this.counters[counterIndex.cacheHits]!++;
    this.wantsRefresh = foreign.wantsRefresh;
    return this.#writer.finish(output, base, length + foreign.bodyBytes, foreign.rcode);
  }

  #zoneOfName(): number {
    for (let zone = 0; zone < this.#zones.length; zone++) if (isInZone(this.query, this.#zones[zone]!)) return zone;
    return -1;
  }

  #writeAny(input: Uint8Array, start: number, output: Uint8Array, base: number): number {
    const length = this.#writer.begin(input, start, output, base, rcode.NOERROR, true);
    output.set(anyRecord, base + length);
    output[base + 7] = 1;
    return this.#writer.finish(output, base, length + anyRecord.length, rcode.NOERROR);
  }

  #soa(output: Uint8Array, base: number, length: number, zone: number): number {
    return this.#writer.soa(output, base, length, this.#zones[zone]!, this.#control[control.serial]!);
  }

  #writeNegative(
    input: Uint8Array,
    start: number,
    output: Uint8Array,
    base: number,
    zone: number,
    code: number,
  ): number {
    const length = this.#writer.begin(input, start, output, base, code, true);
    output[base + 9] = 1;
    return this.#writer.finish(output, base, length + this.#soa(output, base, length, zone), code);
  }

  #writeSet(input: Uint8Array, start: number, output: Uint8Array, base: number, set: number, limit: number): number {
    const words = this.#table.words;
    const flags = words[set]! >>> 16;
    let length = this.#writer.begin(input, start, output, base, rcode.NOERROR, true);
    if ((flags & setIsSoa) !== 0) {
      output[base + 7] = 1;
      length += this.#soa(output, base, length, Math.max(0, this.#zoneOfName()));
      return this.#writer.finish(output, base, length, rcode.NOERROR);
    }
    const from = words[set + 1]!;
    const extraAnswers = words[set + 2]! >>> 16;
    let answers = words[set + 2]! & 0xffff;
    const extra = words[set + 3]! >>> 16;
    let bytes = words[set + 3]! & 0xffff;
    const room = limit - length - this.#writer.optRoom();
    let isCut = (flags & setIsCut) !== 0;
    if ((flags & setRotates) !== 0) {
      const size = (bytes / answers) | 0;
      // Rotation: start at another record each time, wrap at the end.
      const total = bytes;
      const first =
        (flags & setHasPolicy) !== 0
          ? this.#turns.ruled(this.#table.bytes, from, size, answers)
          : this.#turns.next(answers);
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
      this.#writer.copy(this.#table, output, base + length, from + skip, head);
      if (head < bytes) this.#writer.copy(this.#table, output, base + length + head, from, bytes - head);
      length += bytes;
    } else if (bytes > room) {
      isCut = true;
      answers = 0;
    } else {
      this.#writer.copy(this.#table, output, base + length, from, bytes);
      length += bytes;
      // Glue goes along whole or not at all; leaving it out is no truncation (RFC 2181 9).
      if (extra > 0 && bytes + extra <= room) {
        this.#writer.copy(this.#table, output, base + length, from + bytes, extra);
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
    return this.#writer.finish(output, base, length, rcode.NOERROR);
  }
}
