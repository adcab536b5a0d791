/** Frame types (RFC 9114 7.2). */
export const FRAME_DATA = 0x0;
export const FRAME_HEADERS = 0x1;
export const FRAME_CANCEL_PUSH = 0x3;
export const FRAME_SETTINGS = 0x4;
export const FRAME_PUSH_PROMISE = 0x5;
export const FRAME_GOAWAY = 0x7;
export const FRAME_MAX_PUSH_ID = 0xd;

/** Types of unidirectional streams (RFC 9114 6.2, RFC 9204 4.2). */
export const STREAM_CONTROL = 0x0;
export const STREAM_PUSH = 0x1;
export const STREAM_QPACK_ENCODER = 0x2;
export const STREAM_QPACK_DECODER = 0x3;

/** Error codes (RFC 9114 8.1, RFC 9204 6). */
export const H3_NO_ERROR = 0x100;
export const H3_INTERNAL_ERROR = 0x102;
export const H3_STREAM_CREATION_ERROR = 0x103;
export const H3_CLOSED_CRITICAL_STREAM = 0x104;
export const H3_FRAME_UNEXPECTED = 0x105;
export const H3_FRAME_ERROR = 0x106;
export const H3_EXCESSIVE_LOAD = 0x107;
export const H3_ID_ERROR = 0x108;
export const H3_SETTINGS_ERROR = 0x109;
export const H3_MISSING_SETTINGS = 0x10a;
export const H3_REQUEST_REJECTED = 0x10b;
export const H3_REQUEST_INCOMPLETE = 0x10d;
export const H3_MESSAGE_ERROR = 0x10e;
export const QPACK_DECOMPRESSION_FAILED = 0x200;
export const QPACK_ENCODER_STREAM_ERROR = 0x201;
export const QPACK_DECODER_STREAM_ERROR = 0x202;

/** Settings (RFC 9114 7.2.4.1, RFC 9204 5). */
export const SETTING_QPACK_MAX_TABLE_CAPACITY = 0x1;
export const SETTING_MAX_FIELD_SECTION_SIZE = 0x6;
export const SETTING_QPACK_BLOCKED_STREAMS = 0x7;

/** Frame types and settings of HTTP/2 that are errors here (RFC 9114 7.2.8, 7.2.4.1). */
export function isHttp2Frame(type: number): boolean {
  return type === 0x2 || type === 0x6 || type === 0x8 || type === 0x9;
}

/** Settings of HTTP/2 that are errors here (RFC 9114 7.2.4.1). */
export function isHttp2Setting(id: number): boolean {
  return id >= 0x2 && id <= 0x5;
}

/** A rule of the connection was broken: it ends with this code. */
export class Http3Error extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'Http3Error';
    this.code = code;
  }
}
