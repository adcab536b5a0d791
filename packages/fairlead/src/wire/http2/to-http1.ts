// Hot path: carries messages from HTTP/2 to HTTP/1.1 by copying byte ranges.
import { copyBytes } from '../http1/head-writer.ts';
import type { FieldList } from './field-list.ts';
import type { MessageShape } from './message-rules.ts';
import type { ResponseContent } from './packed-heads.ts';

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
const HTTP_1_1 = text(' HTTP/1.1\r\n');
const HOST = text('host: ');
const COOKIE = text('cookie');
const COOKIE_LINE = text('cookie: ');
const TE = text('te');
const EXPECT = text('expect');
const CONTENT_TYPE = text('content-type');
const CONTENT_LENGTH = text('content-length');
const SWITCHING = text('HTTP/1.1 101 Switching Protocols\r\n');
const GRPC = text('application/grpc');
const CHUNKED = text('transfer-encoding: chunked\r\n');
const NO_CONTENT = text('content-length: 0\r\n');
const GET = text('GET');
const PROTOCOLS = [text('websocket')];
const UPGRADE = text('connection: upgrade\r\nupgrade: websocket\r\n');
const WEBSOCKET_KEY = text('sec-websocket-key');
const KEY_LINE = text('sec-websocket-key: ');
const ACCEPT_LINE = text('sec-websocket-accept: ');
const HEADS_WITH_CONTENT = [text('POST'), text('PUT'), text('PATCH')];

/** Room that {@link writeHttp1Request} and {@link writeHttp1Lines} need at most. */
export function http1RoomFor(fields: FieldList): number {
  return fields.length + fields.count * 4 + 256;
}

/**
 * Writes a request that passed `checkMessage` as an HTTP/1.1 head. The rules made sure that no
 * part of it can end a line or a token, so nothing is escaped here. Host comes first, from
 * `:authority` (RFC 9113 8.3.1); cookies are joined again (8.2.3); TE and Expect end here.
 *
 * Extended CONNECT for a WebSocket (RFC 8441) becomes the Upgrade that HTTP/1.1 has for it (RFC 6455 4.1).
 *
 * @param hasContent DATA may follow; without a length it will be chunked. Not looked at for a WebSocket.
 * @param websocketKey value of Sec-WebSocket-Key, which HTTP/2 does without.
 * @returns the end of the head, or minus the status to answer with: 501 for any other CONNECT, 400 for `:scheme`
 * other than http(s), and for a WebSocket with a Content-Length.
 */
export function writeHttp1Request(
  fields: FieldList,
  shape: MessageShape,
  hasContent: boolean,
  to: Uint8Array,
  at: number,
  websocketKey?: Uint8Array,
): number {
  const isWebSocket = shape.protocol >= 0;
  if (shape.path < 0 || (isWebSocket && (websocketKey === undefined || !isOneOf(fields, shape.protocol, PROTOCOLS))))
    return -501;
  if (!isHttpScheme(fields, shape.scheme) || (isWebSocket && shape.contentLength >= 0)) return -400;
  const { bytes } = fields;
  if (isWebSocket) at = copyBytes(GET, 0, GET.length, to, at);
  else at = copyBytes(bytes, fields.value(shape.method), fields.end(shape.method), to, at);
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
    if (isWebSocket && fields.isNamed(index, WEBSOCKET_KEY)) continue;
    at = writeLine(fields, index, to, at);
  }
  if (firstCookie >= 0) at = writeCookies(fields, firstCookie, to, at);
  if (isWebSocket && websocketKey !== undefined) {
    at = copyBytes(UPGRADE, 0, UPGRADE.length, to, at);
    at = copyBytes(KEY_LINE, 0, KEY_LINE.length, to, at);
    at = copyBytes(websocketKey, 0, websocketKey.length, to, at);
    at = lineEnd(to, at);
  } else if (hasContent && shape.contentLength < 0) at = copyBytes(CHUNKED, 0, CHUNKED.length, to, at);
  else if (!hasContent && shape.contentLength < 0 && isOneOf(fields, shape.method, HEADS_WITH_CONTENT)) {
    at = copyBytes(NO_CONTENT, 0, NO_CONTENT.length, to, at);
  }
  return lineEnd(to, at);
}

/** Writes fields as lines, without an empty one behind them: trailers, or a head's remainder. */
export function writeHttp1Lines(fields: FieldList, to: Uint8Array, at: number): number {
  return writeLines(fields, false, to, at);
}

function writeLines(fields: FieldList, dropsLength: boolean, to: Uint8Array, at: number): number {
  for (let index = 0; index < fields.count; index++) {
    const isDropped =
      fields.bytes[fields.start(index)] === 58 || (dropsLength && fields.isNamed(index, CONTENT_LENGTH));
    if (!isDropped) at = writeLine(fields, index, to, at);
  }
  return at;
}

/** By status, made when it is first needed. */
const STATUS_LINES: (Uint8Array | undefined)[] = new Array(600).fill(undefined);

/** Status line of an answer without a reason. */
export function statusLine(status: number): Uint8Array {
  STATUS_LINES[status] ??= text(`HTTP/1.1 ${status} \r\n`);
  return STATUS_LINES[status];
}

/**
 * Writes a response as an HTTP/1.1 head, so framed that its content can follow: chunked where its length is unknown.
 *
 * @param dropsLength a declared length stays behind, so that trailers have a place.
 */
export function writeHttp1Response(
  fields: FieldList,
  shape: MessageShape,
  content: ResponseContent,
  to: Uint8Array,
  at: number,
  dropsLength: boolean = false,
): number {
  const line = statusLine(shape.status);
  at = copyBytes(line, 0, line.length, to, at);
  at = writeLines(fields, dropsLength, to, at);
  if (shape.contentLength < 0 || dropsLength) {
    if (content === 'some') at = copyBytes(CHUNKED, 0, CHUNKED.length, to, at);
    else if (content === 'empty') at = copyBytes(NO_CONTENT, 0, NO_CONTENT.length, to, at);
  }
  return lineEnd(to, at);
}

/** Writes the 2xx that opens a WebSocket (RFC 8441 5) as the 101 of HTTP/1.1, with the value of Sec-WebSocket-Accept. */
export function writeHttp1Switch(fields: FieldList, accept: Uint8Array, to: Uint8Array, at: number): number {
  at = copyBytes(SWITCHING, 0, SWITCHING.length, to, at);
  at = writeLines(fields, true, to, at);
  at = copyBytes(UPGRADE, 0, UPGRADE.length, to, at);
  at = copyBytes(ACCEPT_LINE, 0, ACCEPT_LINE.length, to, at);
  at = copyBytes(accept, 0, accept.length, to, at);
  return lineEnd(to, lineEnd(to, at));
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
