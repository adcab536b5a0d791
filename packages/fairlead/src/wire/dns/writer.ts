import { headerBytes, optBytes, rrType, udpPayloadBytes } from './constants.ts';
import { compressibleLayout, type DnsQuestion, type DnsRecord } from './message.ts';
import { nameKey, type WireName } from './name.ts';

/** Sections in their order on the wire; the value is the header offset of the section's count. */
const sectionOffset = { answer: 6, authority: 8, additional: 10 } as const;

/** Name of a section a record may be written to. */
export type SectionName = keyof typeof sectionOffset;

/**
 * Writes one message into a caller's buffer, with name compression (RFC 1035 4.1.4).
 *
 * Every write either fits whole or leaves the message as it was and returns false,
 * so a caller stops at a record border. Suffixes are matched without regard to case:
 * an answer to `WeB.` repeats the case of the question.
 */
export class MessageWriter {
  readonly #buffer: Uint8Array;
  readonly #limit: number;
  readonly #suffixes: Map<string, number> = new Map();
  #length = headerBytes;

  /** `limit`: largest message in bytes, at most the buffer's length. */
  constructor(buffer: Uint8Array, limit: number = buffer.length) {
    this.#buffer = buffer;
    this.#limit = Math.min(limit, buffer.length, 65535);
    buffer.fill(0, 0, headerBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** The message so far, as a view. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  header(id: number, flags: number): void {
    this.#word(0, id);
    this.#word(2, flags);
  }

  /** Sets or clears bits of the flags word. */
  setFlags(set: number): void {
    this.#word(2, (this.#buffer[2]! << 8) | this.#buffer[3]! | set);
  }

  question(question: DnsQuestion): boolean {
    const start = this.#length;
    if (!this.#name(question.name) || this.#length + 4 > this.#limit) return this.#undo(start);
    this.#push16(question.type);
    this.#push16(question.class);
    this.#count(4);
    return true;
  }

  record(section: SectionName, record: DnsRecord): boolean {
    const start = this.#length;
    if (!this.#name(record.name) || this.#length + 10 > this.#limit) return this.#undo(start);
    this.#push16(record.type);
    this.#push16(record.class);
    this.#push16(Math.floor(record.ttl / 65536));
    this.#push16(record.ttl & 0xffff);
    const lengthAt = this.#length;
    this.#push16(0);
    if (!this.#data(record)) return this.#undo(start);
    this.#word(lengthAt, this.#length - lengthAt - 2);
    this.#count(sectionOffset[section]);
    return true;
  }

  /** Appends an OPT record (RFC 6891) with the upper bits of `code` and our payload size. */
  opt(code: number, dnssecOk: boolean): boolean {
    if (this.#length + optBytes > this.#limit) return false;
    this.#buffer[this.#length++] = 0;
    this.#push16(rrType.OPT);
    this.#push16(udpPayloadBytes);
    this.#push16((code >> 4) << 8);
    this.#push16(dnssecOk ? 0x8000 : 0);
    this.#push16(0);
    this.#count(sectionOffset.additional);
    return true;
  }

  #data(record: DnsRecord): boolean {
    const layout = compressibleLayout(record.type);
    const data = record.data;
    if (layout === undefined) return this.#bytes(data);
    let at = layout.before;
    if (!this.#bytes(data.subarray(0, at))) return false;
    for (let index = 0; index < layout.names; index++) {
      const start = at;
      while (data[at] !== 0 && at < data.length) at += data[at]! + 1;
      at++;
      if (!this.#name(data.subarray(start, at))) return false;
    }
    return this.#bytes(data.subarray(at));
  }

  #bytes(bytes: Uint8Array): boolean {
    if (this.#length + bytes.length > this.#limit) return false;
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return true;
  }

  #name(name: WireName): boolean {
    let at = 0;
    while (name[at] !== 0) {
      const key = nameKey(name, at);
      const known = this.#suffixes.get(key);
      if (known !== undefined) {
        if (this.#length + 2 > this.#limit) return false;
        this.#push16(0xc000 | known);
        return true;
      }
      const size = name[at]! + 1;
      if (this.#length + size > this.#limit) return false;
      if (this.#length <= 0x3fff) this.#suffixes.set(key, this.#length);
      this.#buffer.set(name.subarray(at, at + size), this.#length);
      this.#length += size;
      at += size;
    }
    if (this.#length + 1 > this.#limit) return false;
    this.#buffer[this.#length++] = 0;
    return true;
  }

  #undo(start: number): false {
    for (const [key, offset] of this.#suffixes) if (offset >= start) this.#suffixes.delete(key);
    this.#length = start;
    return false;
  }

  #count(at: number): void {
    this.#word(at, ((this.#buffer[at]! << 8) | this.#buffer[at + 1]!) + 1);
  }

  #push16(value: number): void {
    this.#word(this.#length, value);
    this.#length += 2;
  }

  #word(at: number, value: number): void {
    this.#buffer[at] = value >> 8;
    this.#buffer[at + 1] = value & 0xff;
  }
}
