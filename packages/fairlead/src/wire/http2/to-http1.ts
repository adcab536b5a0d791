// Hot path: carries messages from HTTP/2 to HTTP/1.1 by copying byte ranges.
import { copyBytes } from '../http1/head-writer.ts';
import type { FieldList } from './field-list.ts';
import type { MessageShape } from './message-rules.ts';

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
const HTTP_1_1 = text(' HTTP/1.1\r\n');
const HOST = text('host: ');
const COOKIE = text('cookie');
const COOKIE_LINE = text('cookie: ');
const TE = text('te');
const EXPECT = text('expect');
const CONTENT_TYPE = text('content-type');
const GRPC = text('application/grpc');
const CHUNKED = text('transfer-encoding: chunked\r\n');
const NO_CONTENT = text('content-length: 0\r\n');
const HEADS_WITH_CONTENT = [text('POST'), text('PUT'), text('PATCH')];

/** Room that {@link writeHttp1Request} and {@link writeHttp1Lines} need at most. */
export function http1RoomFor(fields: FieldList): number {
  return fields.length + fields.count * 4 + 128;
}

/**
 * Writes a request that passed `checkMessage` as an HTTP/1.1 head. The rules made sure that no
 * part of it can end a line or a token, so nothing is escaped here. Host comes first, from
 * `:authority` (RFC 9113 8.3.1); cookies are joined again (8.2.3); TE and Expect end here.
 *
 * @param hasContent DATA may follow; without a length it will be chunked.
 * @returns the end of the head, or minus the status to answer with: 501 for CONNECT, 400 for `:scheme` other than http(s).
 */
export function writeHttp1Request(
  fields: FieldList,
  shape: MessageShape,
  hasContent: boolean,
  to: Uint8Array,
  at: number,
): number {
  if (shape.path < 0 || shape.protocol >= 0) return -501;
  if (!isHttpScheme(fields, shape.scheme)) return -400;
  const { bytes } = fields;
  at = copyBytes(bytes, fields.value(shape.method), fields.end(shape.method), to, at);
  to[at++] = 32;
  at = copyBytes(bytes, fields.value(shape.path), fields.end(shape.path), to, at);
  at = copyBytes(HTTP_1_1, 0, HTTP_1_1.length, to, at);
  const authority = shape.authority >= 0 ? shape.authority : shape.host;
  at = copyBytes(HOST, 0, HOST.length, to, at);
  at = copyBytes(bytes, fields.value(authority), fields.end(authority), to, at);
  at = lineEnd(to, at);
  let firstCookie = -1;
  for (let index = 0; index < fields.count; index++) {
    const start = fields.start(index);
    if (bytes[start] === 58 || index === shape.host) continue;
    const length = fields.value(index) - start;
    if (length === 2 && fields.isNamed(index, TE)) continue;
    if (length === 6) {
      if (fields.isNamed(index, EXPECT)) continue;
      if (fields.isNamed(index, COOKIE)) {
        if (firstCookie < 0) firstCookie = index;
        continue;
      }
    }
    at = writeLine(fields, index, to, at);
  }
  if (firstCookie >= 0) at = writeCookies(fields, firstCookie, to, at);
  if (hasContent && shape.contentLength < 0) at = copyBytes(CHUNKED, 0, CHUNKED.length, to, at);
  else if (!hasContent && shape.contentLength < 0 && isOneOf(fields, shape.method, HEADS_WITH_CONTENT)) {
    at = copyBytes(NO_CONTENT, 0, NO_CONTENT.length, to, at);
  }
  return lineEnd(to, at);
}

/** Writes fields as lines, without an empty one behind them: trailers, or a head's remainder. */
export function writeHttp1Lines(fields: FieldList, to: Uint8Array, at: number): number {
  for (let index = 0; index < fields.count; index++) {
    if (fields.bytes[fields.start(index)] !== 58) at = writeLine(fields, index, to, at);
  }
  return at;
}

/** What follows a response's head: nothing by its nature (HEAD, 204, 304), no bytes, or some; or it is interim. */
export type ResponseContent = 'none' | 'empty' | 'some' | 'interim';

/** Writes a response as an HTTP/1.1 head, so framed that its content can follow: chunked where its length is unknown. */
export function writeHttp1Response(
  fields: FieldList,
  shape: MessageShape,
  content: ResponseContent,
  to: Uint8Array,
  at: number,
): number {
  const line = text(`HTTP/1.1 ${shape.status} \r\n`);
  at = copyBytes(line, 0, line.length, to, at);
  at = writeHttp1Lines(fields, to, at);
  if (shape.contentLength < 0) {
    if (content === 'some') at = copyBytes(CHUNKED, 0, CHUNKED.length, to, at);
    else if (content === 'empty') at = copyBytes(NO_CONTENT, 0, NO_CONTENT.length, to, at);
  }
  return lineEnd(to, at);
}

/** Whether a request or response is gRPC: its content type is `application/grpc`, alone or with a suffix. */
export function isGrpc(fields: FieldList): boolean {
  const index = fields.find(CONTENT_TYPE);
  if (index < 0) return false;
  const value = fields.value(index);
  const length = fields.end(index) - value;
  for (let i = 0; i < GRPC.length; i++) if (fields.bytes[value + i] !== GRPC[i]) return false;
  const next = fields.bytes[value + GRPC.length];
  return length === GRPC.length || next === 43 || next === 59;
}

function writeLine(fields: FieldList, index: number, to: Uint8Array, at: number): number {
  const { bytes } = fields;
  at = copyBytes(bytes, fields.start(index), fields.value(index), to, at);
  to[at++] = 58;
  to[at++] = 32;
  at = copyBytes(bytes, fields.value(index), fields.end(index), to, at);
  return lineEnd(to, at);
}

function writeCookies(fields: FieldList, first: number, to: Uint8Array, at: number): number {
  at = copyBytes(COOKIE_LINE, 0, COOKIE_LINE.length, to, at);
  for (let index = first; index < fields.count; index++) {
    if (!fields.isNamed(index, COOKIE)) continue;
    if (index > first) {
      to[at++] = 59;
      to[at++] = 32;
    }
    at = copyBytes(fields.bytes, fields.value(index), fields.end(index), to, at);
  }
  return lineEnd(to, at);
}

function lineEnd(to: Uint8Array, at: number): number {
  to[at] = 13;
  to[at + 1] = 10;
  return at + 2;
}

const SCHEMES = [text('http'), text('https')];

function isHttpScheme(fields: FieldList, index: number): boolean {
  return isOneOf(fields, index, SCHEMES);
}

function isOneOf(fields: FieldList, index: number, values: readonly Uint8Array[]): boolean {
  const start = fields.value(index);
  const length = fields.end(index) - start;
  for (const value of values) {
    if (value.length !== length) continue;
    let i = 0;
    while (i < length && value[i] === fields.bytes[start + i]) i++;
    if (i === length) return true;
  }
  return false;
}
