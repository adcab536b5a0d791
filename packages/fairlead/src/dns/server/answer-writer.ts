// Hot path: the bytes of an answer. No allocation, no strings.

import { ParsedQuery } from '../../wire/dns/query.ts';
import { ClientChoice } from './client-choice.ts';
import { counterIndex, sizeClassOf } from './counters.ts';
import { OptWriter } from './opt-writer.ts';
import { SavedOptions } from './saved-options.ts';
import type { ServerCookies } from './server-cookie.ts';
import type { TableReader } from './table-reader.ts';
import type { ZoneTemplate } from './zone-template.ts';

/** Longest run that is copied byte by byte; beyond it a view and one memmove are cheaper. */
const copyLoopBytes = 192;

/** Writes the parts of answers: header and question, records, SOA, OPT. One per thread, with the query it answers. */
export class AnswerWriter {
  /** The query that is answered. */
  readonly query: ParsedQuery = new ParsedQuery();
  /** Counters of this thread; see counters.ts. */
  readonly counters: Float64Array;
  /** Unix seconds. */
  nowSeconds = 0;
  /** The client, as a raw sockaddr at an offset. */
  peer: Uint8Array = new Uint8Array(32);
  peerAt = 0;
  isStream = false;
  /** Extended error of the answer being made (RFC 8914); -1: none. */
  extendedError = -1;
  readonly #client: ClientChoice = new ClientChoice();
  readonly #opt: OptWriter;
  /** Cookie and client subnet of the query, copied: an answer made in place lies where they were. */
  readonly #options: SavedOptions = new SavedOptions();
  /** View of the output used last, for words that are not aligned. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewed: Uint8Array | undefined;

  constructor(counters: Float64Array, cookies: ServerCookies | undefined) {
    this.counters = counters;
    this.#opt = new OptWriter(cookies, this.#client);
  }

  /** Forgets the query before. */
  reset(output: Uint8Array, isStream: boolean): void {
    this.extendedError = -1;
    this.#opt.hasSubnet = false;
    this.isStream = isStream;
    if (output !== this.#viewed) {
      this.#viewed = output;
      this.#view = new DataView(output.buffer, output.byteOffset, output.length);
    }
  }

  /** The query's options are well-formed: from here on they may be overwritten. `hasSubnet`: the subnet is believed. */
  saveOptions(input: Uint8Array, hasSubnet: boolean): void {
    const { query } = this;
    this.#opt.hasSubnet = hasSubnet;
    this.#client.scopeBits = 0;
    if ((query.cookieAt | query.subnetAt) !== 0) this.#options.save(input, query);
  }

  /** Who asks: the sender, or the subnet that is believed. */
  client(): ClientChoice {
    const client = this.#client;
    if (this.#opt.hasSubnet) client.takeSubnet(this.#options.bytes, this.query);
    else client.takePeer(this.peer, this.peerAt);
    return client;
  }

  /** Header and question; counts stay 0. Returns the length. */
  begin(
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
  optRoom(): number {
    return this.query.hasOpt ? this.#opt.room(this.query, this.isStream) : 0;
  }

  /** Appends the OPT record if the query had one. Returns the length of the whole. */
  finish(output: Uint8Array, base: number, length: number, code: number): number {
    const query = this.query;
    if (!query.hasOpt) return this.#count(length);
    const opt = this.#opt;
    opt.extendedError = this.extendedError;
    opt.nowSeconds = this.nowSeconds;
    const { peer, peerAt, isStream } = this;
    const bytes = opt.write(this.#options.bytes, query, isStream, peer, peerAt, code, output, base + length);
    const count = ((output[base + 10]! << 8) | output[base + 11]!) + 1;
    output[base + 10] = count >> 8;
    output[base + 11] = count & 255;
    return this.#count(length + bytes);
  }

  /** An answer without records. */
  reply(
    input: Uint8Array,
    start: number,
    output: Uint8Array,
    base: number,
    code: number,
    authoritative: boolean,
  ): number {
    return this.finish(output, base, this.begin(input, start, output, base, code, authoritative), code);
  }

  /** Writes a zone's SOA record at `base + length`; returns its size. */
  soa(output: Uint8Array, base: number, length: number, template: ZoneTemplate, serial: number): number {
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
    const serialAt = to + size - 20;
    output[serialAt] = serial >>> 24;
    output[serialAt + 1] = (serial >>> 16) & 255;
    output[serialAt + 2] = (serial >>> 8) & 255;
    output[serialAt + 3] = serial & 255;
    return size;
  }

  /** Copies bytes of the table. */
  copy(table: TableReader, output: Uint8Array, to: number, from: number, count: number): void {
    const bytes = table.bytes;
    if (count > copyLoopBytes) {
      output.set(bytes.subarray(from, from + count), to);
      return;
    }
    let at = 0;
    if ((from & 3) === 0) {
      const words = table.words;
      const view = this.#view;
      for (let word = from >> 2; at + 4 <= count; at += 4, word++) view.setInt32(to + at, words[word]!, true);
    }
    for (; at < count; at++) output[to + at] = bytes[from + at]!;
  }

  #count(length: number): number {
    const counters = this.counters;
    counters[counterIndex.answerBytes]! += length;
    counters[counterIndex.answerSizes + sizeClassOf(length)]!++;
    return length;
  }
}
