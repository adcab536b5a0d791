// Hot path: one request line per request.
import { equalsLower, HOST, LOWER, TARGET, TOKEN } from './byte-class.ts';
import { MessageHead } from './message-head.ts';

/** Methods with their own number; the rest are OTHER_METHOD. */
export const GET = 1;
export const HEAD = 2;
export const POST = 3;
export const PUT = 4;
export const DELETE = 5;
export const OPTIONS = 6;
export const PATCH = 7;
export const TRACE = 8;
export const CONNECT = 9;
const OTHER_METHOD = 0;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT'].map((name) =>
  Buffer.from(name, 'latin1'),
);

/** Longest method, bytes. */
const METHOD_MAX_BYTES = 32;
/** Empty lines tolerated before a request (RFC 9112 2.2). */
const EMPTY_LINES_MAX = 4;
const SCHEMES = [Buffer.from('http://'), Buffer.from('https://')];
const CONTINUE = Buffer.from('100-continue');

/** A parsed request line with its fields. All positions are relative to `base`. */
export class RequestHead extends MessageHead {
  method: number = OTHER_METHOD;
  methodStart: number = 0;
  methodEnd: number = 0;
  targetStart: number = 0;
  targetEnd: number = 0;
  /** Path without query; of an absolute-form target, its path (empty if it has none). */
  pathStart: number = 0;
  pathEnd: number = 0;
  /** Host without port, from the Host field. Empty without one (HTTP/1.0). */
  hostStart: number = 0;
  hostEnd: number = 0;
  /** The target may hold dot segments, percent-encoding, parameters or empty segments; see `normalizePath`. */
  pathNeedsCare: boolean = false;
  protected readonly startLineTooLong: number = 414;
  protected readonly malformed: number = 400;
  #authorityStart = 0;
  #authorityEnd = 0;
  #emptyLines = 0;

  override reset(): void {
    super.reset();
    this.#emptyLines = 0;
  }

  get isIdempotent(): boolean {
    const { method } = this;
    return method !== POST && method !== PATCH && method !== OTHER_METHOD && method !== CONNECT;
  }

  /** `Expect: 100-continue` was sent. */
  get expectsContinue(): boolean {
    const index = this.expectField;
    return index >= 0 && equalsLower(this.bytes, this.valueStart(index), this.valueEnd(index), CONTINUE);
  }

  protected parseStartLine(bytes: Uint8Array, at: number, end: number): number {
    const { base } = this;
    if (bytes[at] === 13) {
      if (at + 1 === end) return 0;
      return bytes[at + 1] === 10 && ++this.#emptyLines <= EMPTY_LINES_MAX ? at + 2 : -400;
    }
    let i = at;
    while (i < end && TOKEN[bytes[i]!] !== 0) i++;
    if (i === end) return 0;
    if (bytes[i] !== 32 || i === at) return -400;
    if (i - at > METHOD_MAX_BYTES) return -501;
    this.methodStart = at - base;
    this.methodEnd = i - base;
    const target = ++i;
    i = this.#scanTarget(bytes, i, end);
    // Room for " HTTP/1.1\r\n".
    if (end - i < 11) return this.#lineMayGrow(bytes, i, end);
    if (i === target || bytes[i] !== 32) return -400;
    const version = this.#parseVersion(bytes, i + 1);
    if (version < 0) return version;
    this.minorVersion = version;
    this.method = methodNumber(bytes, at, target - 1);
    const status = this.#parseTarget(bytes, target, i);
    if (status !== 0) return -status;
    this.hasStartLine = true;
    return i + 11;
  }

  /** Reads as much of a target as there is, and notes where its parts are; returns its end. */
  #scanTarget(bytes: Uint8Array, start: number, end: number): number {
    let flags = 0;
    let query = -1;
    let i = start;
    for (; i < end; i++) {
      const byte = bytes[i]!;
      const kind = TARGET[byte]!;
      if (kind === 0) break;
      if (query < 0) {
        flags |= kind;
        if (byte === 63) query = i;
        // What lies behind the input at worst has the path looked at in vain.
        else if (byte === 47 && bytes[i + 1] === 47) flags |= 2;
      }
    }
    const { base } = this;
    this.targetStart = start - base;
    this.targetEnd = i - base;
    this.pathEnd = (query < 0 ? i : query) - base;
    this.pathNeedsCare = (flags & 2) !== 0;
    return i;
  }

  /**
   * Takes the request line of a packed head over, behind {@link beginPacked}: ranges of its bytes that are a token and a
   * target. Returns 0, or the status to answer with.
   */
  setPackedLine(methodStart: number, methodEnd: number, targetStart: number, targetEnd: number): number {
    const { bytes } = this;
    if (methodEnd - methodStart > METHOD_MAX_BYTES) return 501;
    this.methodStart = methodStart;
    this.methodEnd = methodEnd;
    this.packedEnd = Math.max(this.packedEnd, methodEnd, targetEnd);
    if (this.#scanTarget(bytes, targetStart, targetEnd) !== targetEnd) return 400;
    this.method = methodNumber(bytes, methodStart, methodEnd);
    return this.#parseTarget(bytes, targetStart, targetEnd);
  }

  /** Checks a packed head once its fields are there; returns 0, or the status to answer with. */
  endPacked(): number {
    return this.check();
  }

  /** The rest of the line is not here yet, unless its end already is: then it is too short to be right. */
  #lineMayGrow(bytes: Uint8Array, at: number, end: number): number {
    for (let i = at; i < end; i++) if (bytes[i] === 10) return -400;
    return 0;
  }

  /** `HTTP/1.0` or `HTTP/1.1` and CRLF at `at`: the minor version, or minus a status. */
  #parseVersion(bytes: Uint8Array, at: number): number {
    if (bytes[at] !== 72 || bytes[at + 1] !== 84 || bytes[at + 2] !== 84 || bytes[at + 3] !== 80) return -400;
    if (bytes[at + 4] !== 47 || bytes[at + 6] !== 46 || bytes[at + 8] !== 13 || bytes[at + 9] !== 10) return -400;
    const major = bytes[at + 5]! - 48;
    const minor = bytes[at + 7]! - 48;
    if (major < 0 || major > 9 || minor < 0 || minor > 9) return -400;
    if (major !== 1) return -505;
    return minor === 0 ? 0 : 1;
  }

  /** Origin, absolute, authority or asterisk form (RFC 9112 3.2): 0 or a status. */
  #parseTarget(bytes: Uint8Array, start: number, end: number): number {
    const { base } = this;
    this.pathStart = start - base;
    this.#authorityStart = 0;
    this.#authorityEnd = 0;
    if (this.method === CONNECT) return 501;
    const first = bytes[start]!;
    if (first === 47) return 0;
    if (first === 42) return end - start === 1 && this.method === OPTIONS ? 0 : 400;
    for (const scheme of SCHEMES) {
      const at = start + scheme.length;
      if (at >= end || !equalsLower(bytes, start, at, scheme)) continue;
      let i = at;
      while (i < end && bytes[i] !== 47 && bytes[i] !== 63) i++;
      if (i === at) return 400;
      this.#authorityStart = at - base;
      this.#authorityEnd = i - base;
      this.pathStart = i - base;
      return 0;
    }
    return 400;
  }

  protected check(): number {
    const status = this.checkFraming();
    if (status !== 0) return status;
    const { bytes, base } = this;
    const index = this.hostField;
    if (index < 0) {
      this.hostStart = this.#authorityStart;
      this.hostEnd = this.#authorityEnd;
      return this.minorVersion === 0 ? this.#splitHost() : 400;
    }
    this.hostStart = this.valueStart(index) - base;
    this.hostEnd = this.valueEnd(index) - base;
    if (this.hostStart === this.hostEnd) return 400;
    if (this.#authorityEnd > 0) {
      // An absolute target must agree with Host; otherwise two readers route differently.
      const length = this.#authorityEnd - this.#authorityStart;
      if (length !== this.hostEnd - this.hostStart) return 400;
      for (let i = 0; i < length; i++) {
        const left = LOWER[bytes[base + this.#authorityStart + i]!];
        if (left !== LOWER[bytes[base + this.hostStart + i]!]) return 400;
      }
    }
    return this.#splitHost();
  }

  /** Checks the host's characters and takes off `:port` and a trailing dot. */
  #splitHost(): number {
    const { bytes, base } = this;
    let colon = -1;
    let bracket = -1;
    for (let i = this.hostStart; i < this.hostEnd; i++) {
      const byte = bytes[base + i]!;
      if (HOST[byte] === 0) return 400;
      if (byte === 58 && bracket !== 0) {
        if (colon >= 0) return 400;
        colon = i;
      } else if (byte === 91) {
        if (i !== this.hostStart) return 400;
        bracket = 0;
      } else if (byte === 93) {
        if (bracket !== 0) return 400;
        bracket = i;
      }
    }
    if (bracket === 0) return 400;
    if (bracket > 0 && bracket + 1 !== (colon < 0 ? this.hostEnd : colon)) return 400;
    if (colon >= 0) {
      if (colon === this.hostStart || this.hostEnd - colon > 6) return 400;
      for (let i = colon + 1; i < this.hostEnd; i++) {
        const byte = bytes[base + i]!;
        if (byte < 48 || byte > 57) return 400;
      }
      this.hostEnd = colon;
    }
    if (this.hostEnd - this.hostStart > 1 && bytes[base + this.hostEnd - 1] === 46) this.hostEnd--;
    return 0;
  }
}

function methodNumber(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 3 && bytes[start] === 71 && bytes[start + 1] === 69 && bytes[start + 2] === 84) return GET;
  next: for (let number = 1; number < METHODS.length; number++) {
    const name = METHODS[number]!;
    if (name.length !== end - start) continue;
    for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) continue next;
    return number + 1;
  }
  return OTHER_METHOD;
}
