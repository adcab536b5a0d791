// Hot path: one status line per response.
import { FIELD_VALUE } from './byte-class.ts';
import { MessageHead } from './message-head.ts';

/** How a response's body ends (RFC 9112 6.3). */
export type ResponseFraming = 'none' | 'length' | 'chunked' | 'until-close';

/** A parsed status line with its fields. Any error is reported as 502: the upstream is at fault. */
export class ResponseHead extends MessageHead {
  status: number = 0;
  /** Behind the status line's CRLF, relative to `base`. */
  fieldsStart: number = 0;
  protected readonly startLineTooLong: number = 502;
  protected readonly malformed: number = 502;

  protected parseStartLine(bytes: Uint8Array, at: number, end: number): number {
    let i = at;
    while (i < end && bytes[i] !== 13 && FIELD_VALUE[bytes[i]!] !== 0) i++;
    if (i + 1 >= end) return i < end && bytes[i] !== 13 ? -502 : 0;
    if (bytes[i] !== 13 || bytes[i + 1] !== 10) return -502;
    // "HTTP/1.1 200" and a reason, which may be empty or absent.
    if (i - at < 12 || (i - at > 12 && bytes[at + 12] !== 32)) return -502;
    if (bytes[at] !== 72 || bytes[at + 1] !== 84 || bytes[at + 2] !== 84 || bytes[at + 3] !== 80) return -502;
    if (bytes[at + 4] !== 47 || bytes[at + 5] !== 49 || bytes[at + 6] !== 46 || bytes[at + 8] !== 32) return -502;
    const minor = bytes[at + 7]! - 48;
    if (minor < 0 || minor > 9) return -502;
    let status = 0;
    for (let k = 9; k < 12; k++) {
      const digit = bytes[at + k]! - 48;
      if (digit < 0 || digit > 9) return -502;
      status = status * 10 + digit;
    }
    if (status < 100 || status > 599) return -502;
    this.minorVersion = minor === 0 ? 0 : 1;
    this.status = status;
    this.fieldsStart = i + 2 - this.base;
    this.hasStartLine = true;
    return i + 2;
  }

  protected check(): number {
    const status = this.checkFraming();
    // An unknown transfer coding cannot be passed on either.
    return status === 0 ? 0 : 502;
  }

  /** How the body ends, given whether the request was HEAD. */
  framing(toHead: boolean): ResponseFraming {
    const { status } = this;
    if (toHead || status < 200 || status === 204 || status === 304) return 'none';
    if (this.isChunked) return 'chunked';
    return this.contentLength >= 0 ? 'length' : 'until-close';
  }

  /** Whether the connection can carry another message after this one's body. */
  get keepsAlive(): boolean {
    return this.minorVersion === 1 ? !this.hasClose : this.hasKeepAlive && !this.hasClose;
  }
}
