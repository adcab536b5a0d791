// Hot path: one pass over the bytes of a head, no strings, nothing allocated.
import { equalsLower, FIELD_VALUE, LOWER, TOKEN } from './byte-class.ts';
import * as field from './field-id.ts';

/** Longest head, start line included, in bytes. Beyond: 431, or 414 within the request line. */
export const HEAD_MAX_BYTES: number = 60 * 1024;
/** Most header fields. Beyond: 431. */
export const FIELDS_MAX = 100;

const CR = 13;
const LF = 10;
const STRIDE = 5;

/** `parse` result: the head is not complete yet. Above: its length. Below: minus the status to answer with. */
const INCOMPLETE = 0;

const CLOSE = Buffer.from('close');
const KEEP_ALIVE = Buffer.from('keep-alive');
const UPGRADE = Buffer.from('upgrade');
const CHUNKED = Buffer.from('chunked');

/**
 * Skips bytes of a field's value, four at a time, as long as all four are printable ASCII (32 to 126): in each byte of
 * `word - 0x20…` the highest bit tells of a lower one, in `word + 0x01…` of 127, in `word` of a higher one. Borrows and
 * carries can only make it stop too early.
 */
function skipPrintable(view: DataView, at: number, end: number): number {
  for (const last = end - 4; at <= last; at += 4) {
    const word = view.getInt32(at, true);
    if ((((word - 0x20202020) | (word + 0x01010101) | word) & 0x80808080) !== 0) break;
  }
  return at;
}

/**
 * What requests and responses share: a start line, then fields, as ranges relative to `base`.
 *
 * Incremental and strict. Errors are decided per complete line, so the outcome does not depend
 * on how the bytes were split: an incomplete line is never wrong, only too long. Feed it all
 * bytes of the message each time, at any address; it continues with the line it stopped at.
 *
 * A head of HTTP/2 or HTTP/3 is taken over field by field instead ({@link isPacked}): routes, filters, edits and logs
 * see no difference, and no text is made of it on the way.
 */
export abstract class MessageHead {
  /** Buffer and offset of the message's first byte, as of the last parse. */
  bytes: Uint8Array = new Uint8Array(0);
  base: number = 0;
  /** The bytes are names and values without lines around them: fields are copied one by one. */
  isPacked: boolean = false;
  /** Minor version: 0 or 1. */
  minorVersion: number = 1;
  fieldCount: number = 0;
  /** Id of each field ({@link field}). */
  readonly ids: Uint8Array = new Uint8Array(FIELDS_MAX);
  /** 1: not forwarded. Preset for hop-by-hop fields; the owner may add. */
  readonly dropped: Uint8Array = new Uint8Array(FIELDS_MAX);
  /** Length of the body as declared; -1 without Content-Length. */
  contentLength: number = -1;
  isChunked: boolean = false;
  /** Tokens of Connection. */
  hasClose: boolean = false;
  hasKeepAlive: boolean = false;
  hasUpgradeToken: boolean = false;
  upgradeField: number = -1;
  hostField: number = -1;
  expectField: number = -1;
  /** Some Forwarded, X-Forwarded-* or X-Real-IP field is present. */
  hasForwarding: boolean = false;
  protected readonly ranges: Int32Array = new Int32Array(FIELDS_MAX * STRIDE);
  /** Bytes that are parsed, and a view to look at four at a time. */
  #parsed: Uint8Array | undefined = undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Where the line to parse next begins. */
  #cursor = 0;
  /** Bytes already searched for the end of that line; 0 when nothing is pending. */
  #scanned = 0;
  protected hasStartLine: boolean = false;
  /** Behind the last byte that a packed head uses. */
  protected packedEnd: number = 0;
  #hasConnectionNames = false;
  #lengthFields = 0;
  #hasEncoding = false;
  #hasOtherCoding = false;
  #hasCodingAfterChunked = false;

  /** Forgets everything. Call before each message. */
  reset(): void {
    this.#cursor = 0;
    this.#scanned = 0;
    this.hasStartLine = false;
    this.fieldCount = 0;
    this.contentLength = -1;
    this.isChunked = false;
    this.hasClose = false;
    this.hasKeepAlive = false;
    this.hasUpgradeToken = false;
    this.upgradeField = -1;
    this.hostField = -1;
    this.expectField = -1;
    this.hasForwarding = false;
    this.isPacked = false;
    this.#hasConnectionNames = false;
    this.#lengthFields = 0;
    this.#hasEncoding = false;
    this.#hasOtherCoding = false;
    this.#hasCodingAfterChunked = false;
  }

  /** Begins a packed head: its fields are ranges of `bytes`, told by {@link addPacked}. */
  beginPacked(bytes: Uint8Array): void {
    this.reset();
    this.bytes = bytes;
    this.base = 0;
    this.minorVersion = 1;
    this.isPacked = true;
    this.packedEnd = 0;
    this.hasStartLine = true;
  }

  /** Adds a field that is known to be well-formed by itself; returns 0, or the status to answer the message with. */
  addPacked(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): number {
    this.packedEnd = Math.max(this.packedEnd, nameEnd, valueEnd);
    return this.#add(nameStart, nameEnd, valueStart, valueEnd, valueEnd);
  }

  /** Behind the head, which is complete, in {@link bytes}. */
  get end(): number {
    return this.isPacked ? this.packedEnd : this.base + this.#cursor + 2;
  }

  /** Moves the head, which is complete, to memory of its own: it outlives the buffer that it came in. */
  detach(): void {
    this.bytes = Buffer.from(this.bytes.subarray(this.base, this.end));
    this.base = 0;
  }

  nameStart(index: number): number {
    return this.base + this.ranges[index * STRIDE]!;
  }

  nameEnd(index: number): number {
    return this.base + this.ranges[index * STRIDE + 1]!;
  }

  valueStart(index: number): number {
    return this.base + this.ranges[index * STRIDE + 2]!;
  }

  valueEnd(index: number): number {
    return this.base + this.ranges[index * STRIDE + 3]!;
  }

  /** Behind the line's CRLF. */
  lineEnd(index: number): number {
    return this.base + this.ranges[index * STRIDE + 4]!;
  }

  /** Parses one start line at `at`: where the next line begins, 0 if incomplete, or minus a status. */
  protected abstract parseStartLine(bytes: Uint8Array, at: number, end: number): number;
  /** Status for a start line that exceeds {@link HEAD_MAX_BYTES}. */
  protected abstract readonly startLineTooLong: number;
  /** Status for a broken line. */
  protected abstract readonly malformed: number;
  /** Checks the whole head: 0, or the status to answer with. */
  protected abstract check(): number;

  /**
   * Parses what `[base, end)` holds of the head.
   * @returns the head's length including its empty line, {@link INCOMPLETE}, or minus a status.
   */
  parse(bytes: Uint8Array, base: number, end: number): number {
    if (bytes !== this.#parsed) {
      this.#parsed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.bytes = bytes;
    this.base = base;
    if (this.#scanned > 0) {
      let at = base + this.#scanned;
      while (at < end && bytes[at] !== LF) at++;
      if (at === end) return this.#incomplete(end);
      this.#scanned = 0;
    }
    let at = base + this.#cursor;
    while (at < end) {
      let next: number;
      const inStartLine = !this.hasStartLine;
      if (inStartLine) {
        next = this.parseStartLine(bytes, at, end);
      } else if (bytes[at] === CR) {
        if (at + 1 === end) break;
        if (bytes[at + 1] !== LF) return this.#lineError(at, end, this.malformed);
        if (at + 2 - base > HEAD_MAX_BYTES) return -431;
        const status = this.check();
        return status === 0 ? at + 2 - base : -status;
      } else {
        next = this.#parseField(bytes, at, end);
      }
      if (next === 0) break;
      if (next < 0) return this.#lineError(at, end, -next);
      if (next - base > HEAD_MAX_BYTES) return inStartLine ? -this.startLineTooLong : -431;
      at = next;
      this.#cursor = at - base;
    }
    return this.#incomplete(end);
  }

  #incomplete(end: number): number {
    this.#scanned = end - this.base;
    // The next byte would exceed the limit, whatever it is: no need to wait for it.
    return this.#scanned > HEAD_MAX_BYTES ? this.#tooLong() : INCOMPLETE;
  }

  #tooLong(): number {
    return this.hasStartLine ? -431 : -this.startLineTooLong;
  }

  /** An error counts once its line is complete; see the class comment. */
  #lineError(at: number, end: number, status: number): number {
    const { bytes } = this;
    while (at < end && bytes[at] !== LF) at++;
    if (at === end) return this.#incomplete(end);
    return at + 1 - this.base > HEAD_MAX_BYTES ? this.#tooLong() : -status;
  }

  #parseField(bytes: Uint8Array, at: number, end: number): number {
    let i = at;
    while (i < end && TOKEN[bytes[i]!] !== 0) i++;
    if (i === end) return 0;
    // Also catches a folded line, an empty name and whitespace before the colon.
    if (bytes[i] !== 58 || i === at) return -this.malformed;
    const nameEnd = i;
    i++;
    while (i < end && (bytes[i] === 32 || bytes[i] === 9)) i++;
    const valueStart = i;
    i = skipPrintable(this.#view, i, end);
    while (i < end && FIELD_VALUE[bytes[i]!] !== 0) i++;
    if (i + 1 >= end) return i < end && bytes[i] !== CR ? -this.malformed : 0;
    if (bytes[i] !== CR || bytes[i + 1] !== LF) return -this.malformed;
    const lineEnd = i + 2;
    while (i > valueStart && (bytes[i - 1] === 32 || bytes[i - 1] === 9)) i--;
    // As #add does: for every field of every head, the call alone can be measured.
    const index = this.fieldCount;
    if (index === FIELDS_MAX) return -431;
    const { base, ranges } = this;
    const slot = index * STRIDE;
    ranges[slot] = at - base;
    ranges[slot + 1] = nameEnd - base;
    ranges[slot + 2] = valueStart - base;
    ranges[slot + 3] = i - base;
    ranges[slot + 4] = lineEnd - base;
    const id = field.fieldId(bytes, at, nameEnd);
    this.ids[index] = id;
    this.dropped[index] = 0;
    this.fieldCount = index + 1;
    if (id !== field.OTHER) {
      const status = this.#noteField(id, index, valueStart, i);
      if (status !== 0) return -status;
    }
    return lineEnd;
  }

  /** Notes a field; returns a status if it breaks a rule by itself, or is one too many. */
  #add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number, lineEnd: number): number {
    const index = this.fieldCount;
    if (index === FIELDS_MAX) return 431;
    const { base, ranges } = this;
    const slot = index * STRIDE;
    ranges[slot] = nameStart - base;
    ranges[slot + 1] = nameEnd - base;
    ranges[slot + 2] = valueStart - base;
    ranges[slot + 3] = valueEnd - base;
    ranges[slot + 4] = lineEnd - base;
    const id = field.fieldId(this.bytes, nameStart, nameEnd);
    this.ids[index] = id;
    this.dropped[index] = 0;
    this.fieldCount = index + 1;
    return id === field.OTHER ? 0 : this.#noteField(id, index, valueStart, valueEnd);
  }

  /** Records a known field; returns a status if it breaks a rule by itself. */
  #noteField(id: number, index: number, start: number, end: number): number {
    switch (id) {
      case field.HOST_FIELD:
        if (this.hostField >= 0) return this.malformed;
        this.hostField = index;
        return 0;
      case field.CONTENT_LENGTH:
        return this.#noteLength(start, end);
      case field.TRANSFER_ENCODING:
        this.dropped[index] = 1;
        this.#noteEncoding(start, end);
        return 0;
      case field.CONNECTION:
        this.dropped[index] = 1;
        this.#noteConnection(start, end);
        return 0;
      case field.UPGRADE:
        this.dropped[index] = 1;
        this.upgradeField = this.upgradeField < 0 ? index : this.upgradeField;
        return 0;
      case field.EXPECT:
        this.expectField = index;
        return 0;
      case field.KEEP_ALIVE:
      case field.PROXY_CONNECTION:
      case field.TE:
      case field.HTTP2_SETTINGS:
        this.dropped[index] = 1;
        return 0;
      case field.TRAILER:
        return 0;
      default:
        this.hasForwarding = true;
        return 0;
    }
  }

  /** One Content-Length with 1 to 15 digits, no leading zero. A second one, even an equal one, is refused. */
  #noteLength(start: number, end: number): number {
    const { bytes } = this;
    if (++this.#lengthFields > 1 || start === end || end - start > 15) return this.malformed;
    if (bytes[start] === 48 && end - start > 1) return this.malformed;
    let value = 0;
    for (let i = start; i < end; i++) {
      const digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9) return this.malformed;
      value = value * 10 + digit;
    }
    this.contentLength = value;
    return 0;
  }

  /** Transfer codings over all lines, in order; judged by {@link checkFraming}. */
  #noteEncoding(start: number, end: number): void {
    const { bytes } = this;
    this.#hasEncoding = true;
    let at = start;
    for (;;) {
      while (at < end && (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 44)) at++;
      if (at >= end) return;
      const from = at;
      while (at < end && bytes[at] !== 44) at++;
      let to = at;
      while (to > from && (bytes[to - 1] === 32 || bytes[to - 1] === 9)) to--;
      if (this.isChunked) this.#hasCodingAfterChunked = true;
      if (equalsLower(bytes, from, to, CHUNKED)) this.isChunked = true;
      else this.#hasOtherCoding = true;
    }
  }

  #noteConnection(start: number, end: number): void {
    const { bytes } = this;
    let at = start;
    for (;;) {
      while (at < end && (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 44)) at++;
      if (at >= end) return;
      const from = at;
      while (at < end && bytes[at] !== 44) at++;
      // Members are parted by commas only: `x close` is one unknown member to every other reader.
      let to = at;
      while (to > from && (bytes[to - 1] === 32 || bytes[to - 1] === 9)) to--;
      if (equalsLower(bytes, from, to, CLOSE)) this.hasClose = true;
      else if (equalsLower(bytes, from, to, KEEP_ALIVE)) this.hasKeepAlive = true;
      else if (equalsLower(bytes, from, to, UPGRADE)) this.hasUpgradeToken = true;
      else this.#hasConnectionNames = true;
    }
  }

  /** Framing rules of RFC 9112 6: 0 or the status. Also drops what Connection named. */
  protected checkFraming(): number {
    if (this.#hasEncoding) {
      // Not delimited unless chunked is the last coding and applied once.
      if (!this.isChunked || this.#hasCodingAfterChunked) return this.malformed;
      if (this.#hasOtherCoding) return 501;
    }
    if (this.isChunked && (this.contentLength >= 0 || this.minorVersion === 0)) return this.malformed;
    if (this.#hasConnectionNames) this.#dropConnectionNames();
    return 0;
  }

  /** Fields named by Connection are hop-by-hop (RFC 9110 7.6.1); framing and Host cannot be named away. */
  #dropConnectionNames(): void {
    for (let index = 0; index < this.fieldCount; index++) {
      if (this.ids[index] !== field.CONNECTION) continue;
      const value = Buffer.from(this.bytes.subarray(this.valueStart(index), this.valueEnd(index)));
      for (const token of value.toString('latin1').split(/[ \t]*,[ \t]*/)) {
        if (token !== '') this.dropNamed(Buffer.from(token.toLowerCase(), 'latin1'));
      }
    }
  }

  /** Marks all fields of a lower-case name as dropped, except Host and Content-Length. */
  dropNamed(name: Uint8Array): void {
    for (let index = 0; index < this.fieldCount; index++) {
      const id = this.ids[index]!;
      if (id === field.HOST_FIELD || id === field.CONTENT_LENGTH || this.dropped[index] === 1) continue;
      if (this.isNamed(index, name)) this.dropped[index] = 1;
    }
  }

  /** Whether field `index` has this lower-case name. */
  isNamed(index: number, name: Uint8Array): boolean {
    const start = this.nameStart(index);
    // The first letter rules most out.
    return LOWER[this.bytes[start]!] === name[0] && equalsLower(this.bytes, start, this.nameEnd(index), name);
  }
}
