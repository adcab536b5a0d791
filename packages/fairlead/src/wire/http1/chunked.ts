// Hot path for chunked bodies: one step per chunk and buffer.
import { equalsLower, FIELD_VALUE, HEX, TOKEN } from './byte-class.ts';
import { fieldId, OTHER } from './field-id.ts';
import { copyBytes } from './head-writer.ts';

/** Longest chunk-size line with its extension, which is dropped. */
const SIZE_LINE_MAX_BYTES = 256;
/** Longest trailer section. */
export const TRAILERS_MAX_BYTES: number = 8 * 1024;
const TRAILERS_MAX = 32;

/** Results of {@link ChunkedDecoder.next}. */
const CHUNK_MORE = 0;
export const CHUNK_DATA = 1;
export const CHUNK_END = 2;
export const CHUNK_ERROR = 3;

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6;
const DONE = 7;
const FAILED = 8;

/**
 * Decodes a chunked body (RFC 9112 7.1), strictly: hexadecimal digits directly followed by CRLF
 * or `;`, no bare CR or LF anywhere. Feed it in any pieces; keep calling `next` until it returns
 * CHUNK_MORE. Trailers are collected and checked; those that could change framing, routing or
 * identity are dropped.
 */
export class ChunkedDecoder {
  /** Where the next call continues. */
  position: number = 0;
  /** Data range of the last CHUNK_DATA. */
  dataStart: number = 0;
  dataEnd: number = 0;
  /** Kept trailer lines with their CRLFs, after CHUNK_END; empty for none. */
  trailers: Buffer = EMPTY;
  #state = SIZE;
  #size = 0;
  #digits = 0;
  #lineBytes = 0;
  #section: number[] | undefined = undefined;
  #isBroken = false;

  reset(): void {
    this.#state = SIZE;
    this.#size = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
    this.#section = undefined;
    this.#isBroken = false;
    this.trailers = EMPTY;
  }

  /** Continues in `bytes[at, end)`. */
  next(bytes: Uint8Array, at: number, end: number): number {
    while (at < end) {
      const byte = bytes[at]!;
      switch (this.#state) {
        case SIZE: {
          const digit = HEX[byte]!;
          if (digit !== 255) {
            if (++this.#digits > 13) return this.#fail(at);
            this.#size = this.#size * 16 + digit;
          } else if (this.#digits === 0) return this.#fail(at);
          else if (byte === 13) this.#state = SIZE_LF;
          else if (byte === 59) this.#state = EXTENSION;
          else return this.#fail(at);
          if (++this.#lineBytes > SIZE_LINE_MAX_BYTES) return this.#fail(at);
          at++;
          break;
        }
        case EXTENSION:
          if (byte === 13) this.#state = SIZE_LF;
          else if (FIELD_VALUE[byte] === 0) return this.#fail(at);
          if (++this.#lineBytes > SIZE_LINE_MAX_BYTES) return this.#fail(at);
          at++;
          break;
        case SIZE_LF:
          if (byte !== 10) return this.#fail(at);
          at++;
          this.#digits = 0;
          this.#lineBytes = 0;
          this.#state = this.#size === 0 ? TRAILER : DATA;
          break;
        case DATA: {
          const take = Math.min(this.#size, end - at);
          this.dataStart = at;
          this.dataEnd = at + take;
          this.position = at + take;
          this.#size -= take;
          if (this.#size === 0) this.#state = DATA_CR;
          return CHUNK_DATA;
        }
        case DATA_CR:
          if (byte !== 13) return this.#fail(at);
          this.#state = DATA_LF;
          at++;
          break;
        case DATA_LF:
          if (byte !== 10) return this.#fail(at);
          this.#state = SIZE;
          at++;
          break;
        case TRAILER: {
          const sectionEnd = this.#section === undefined ? trailersEnd(bytes, at, end) : 0;
          if (sectionEnd > 0) return this.#takeTrailers(bytes, at, sectionEnd);
          at++;
          if (this.#trailerByte(byte)) {
            this.position = at;
            if (this.#isBroken) return this.#fail(at);
            this.#state = DONE;
            return CHUNK_END;
          }
          break;
        }
        default:
          this.position = at;
          return this.#state === FAILED ? CHUNK_ERROR : CHUNK_MORE;
      }
    }
    this.position = at;
    return this.#state === FAILED ? CHUNK_ERROR : CHUNK_MORE;
  }

  #fail(at: number): number {
    this.position = at;
    this.#state = FAILED;
    return CHUNK_ERROR;
  }

  /** The whole trailer section at once: the usual case. */
  #takeTrailers(bytes: Uint8Array, at: number, end: number): number {
    const kept = end - at === 2 ? EMPTY : keptTrailers(bytes, at, end);
    if (kept === undefined) return this.#fail(end);
    this.position = end;
    this.trailers = kept;
    this.#state = DONE;
    return CHUNK_END;
  }

  /** Collects a trailer section that comes in pieces; true when it is complete (or broken). */
  #trailerByte(byte: number): boolean {
    if (this.#section === undefined) this.#section = [];
    const section = this.#section;
    section.push(byte);
    const length = section.length;
    if (length > TRAILERS_MAX_BYTES) {
      this.#isBroken = true;
      return true;
    }
    if (byte !== 10) return false;
    const atEmptyLine = length === 2 || (length > 2 && section[length - 3] === 10);
    if (!atEmptyLine || section[length - 2] !== 13) return false;
    const kept = keptTrailers(Buffer.from(section), 0, length);
    this.#section = undefined;
    if (kept === undefined) this.#isBroken = true;
    else this.trailers = kept;
    return true;
  }
}

const EMPTY = Buffer.alloc(0);
/** Further fields that must not come as trailers (RFC 9110 6.5.1), beside those `fieldId` knows. */
const FORBIDDEN = [
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'set-cookie',
].map((name) => Buffer.from(name));

/** Behind the empty line that ends the trailer section at `at`; 0 if it is not all there, or too long. */
function trailersEnd(bytes: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + TRAILERS_MAX_BYTES);
  for (let i = at + 1; i < limit; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && (i === at + 1 || bytes[i - 2] === 10)) return i + 1;
  }
  return 0;
}

/** Checks a trailer section, its empty line included, and returns a copy of the lines to forward; undefined if it is malformed. */
function keptTrailers(bytes: Uint8Array, start: number, end: number): Buffer | undefined {
  const kept = Buffer.allocUnsafe(end - start);
  let length = 0;
  let at = start;
  let count = 0;
  while (bytes[at] !== 13) {
    const line = at;
    while (TOKEN[bytes[at]!] === 1) at++;
    if (at === line || bytes[at] !== 58 || ++count > TRAILERS_MAX) return undefined;
    const nameEnd = at;
    at++;
    while (FIELD_VALUE[bytes[at]!] === 1) at++;
    if (bytes[at] !== 13 || bytes[at + 1] !== 10) return undefined;
    at += 2;
    if (mayTrail(bytes, line, nameEnd)) length = copyBytes(bytes, line, at, kept, length);
  }
  return at + 2 === end ? kept.subarray(0, length) : undefined;
}

/** Whether a field of this name may come as a trailer: it changes neither framing nor routing nor identity. */
export function mayTrail(bytes: Uint8Array, start: number, end: number): boolean {
  if (fieldId(bytes, start, end) !== OTHER) return false;
  for (const name of FORBIDDEN) if (equalsLower(bytes, start, end, name)) return false;
  return true;
}

const HEX_DIGITS = Buffer.from('0123456789abcdef');

/** Writes the size line of a chunk at `at`; returns where the data begins. The chunk ends with CRLF. */
export function writeChunkSize(to: Uint8Array, at: number, size: number): number {
  let digits = 1;
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 16)) digits++;
  for (let i = digits - 1; i >= 0; i--) {
    to[at + i] = HEX_DIGITS[size % 16]!;
    size = Math.floor(size / 16);
  }
  to[at + digits] = 13;
  to[at + digits + 1] = 10;
  return at + digits + 2;
}
