// Hot path: carries messages from HTTP/1.1 to HTTP/2 by copying byte ranges.
import { equalsLower, LOWER } from '../http1/byte-class.ts';
import { CONTENT_LENGTH, HOST_FIELD, TRAILER } from '../http1/field-id.ts';
import { copyBytes } from '../http1/head-writer.ts';
import type { MessageHead } from '../http1/message-head.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { FieldList } from './field-list.ts';

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
const STATUS = text(':status');
const METHOD = text(':method');
const SCHEME = text(':scheme');
const AUTHORITY = text(':authority');
const PATH = text(':path');
const SLASH = text('/');
const PROTOCOL = text(':protocol');
const CONNECT = text('CONNECT');
const WEBSOCKET = text('websocket');
const WEBSOCKET_KEY = text('sec-websocket-key');
const WEBSOCKET_ACCEPT = text('sec-websocket-accept');
const OK = text('200');
const CONTENT_TYPE = text('content-type');
const GRPC = text('application/grpc');
const TE = text('te');
const TRAILERS = text('trailers');

/** Fills the list with a response's head. Fields of the connection, marked by the parser, stay behind. */
export function responseFields(head: ResponseHead, fields: FieldList): void {
  fields.clear();
  // HTTP-version SP status: the digits are at a fixed place.
  fields.add(STATUS, 0, STATUS.length, head.bytes, head.base + 9, head.base + 12);
  // Transfer codings end here, and with them a length that disagrees.
  for (let index = 0; index < head.fieldCount; index++) {
    if (head.dropped[index] === 0) addField(head, index, fields);
  }
}

/** Fills the list with the 200 that a WebSocket opens with in HTTP/2 (RFC 8441 5), from the head of a 101. */
export function openedFields(head: ResponseHead, fields: FieldList): void {
  fields.clear();
  fields.add(STATUS, 0, STATUS.length, OK, 0, OK.length);
  for (let index = 0; index < head.fieldCount; index++) {
    if (head.dropped[index] === 0 && !head.isNamed(index, WEBSOCKET_ACCEPT)) addField(head, index, fields);
  }
}

/** Whether an HTTP/1.1 request, which has no content, asks for a WebSocket, and for nothing else. */
export function asksForWebSocket(head: RequestHead): boolean {
  const { upgradeField } = head;
  if (!head.hasUpgradeToken || upgradeField < 0 || head.isChunked || head.contentLength >= 0) return false;
  return equalsLower(head.bytes, head.valueStart(upgradeField), head.valueEnd(upgradeField), WEBSOCKET);
}

/**
 * Fills the list with the extended CONNECT (RFC 8441 4) for a request for which {@link asksForWebSocket} holds.
 * HTTP/2 has no use for its Sec-WebSocket-Key.
 */
export function connectFields(head: RequestHead, scheme: Uint8Array, fields: FieldList): void {
  const { bytes, hostField } = head;
  fields.clear();
  fields.add(METHOD, 0, METHOD.length, CONNECT, 0, CONNECT.length);
  fields.add(PROTOCOL, 0, PROTOCOL.length, WEBSOCKET, 0, WEBSOCKET.length);
  fields.add(SCHEME, 0, SCHEME.length, scheme, 0, scheme.length);
  addPath(head, fields);
  if (hostField >= 0) {
    fields.add(AUTHORITY, 0, AUTHORITY.length, bytes, head.valueStart(hostField), head.valueEnd(hostField));
  }
  for (let index = 0; index < head.fieldCount; index++) {
    const isOwn = head.ids[index] === HOST_FIELD || head.isNamed(index, WEBSOCKET_KEY);
    if (head.dropped[index] === 0 && !isOwn) addField(head, index, fields);
  }
}

function addPath(head: RequestHead, fields: FieldList): void {
  const { bytes, base } = head;
  if (head.pathStart === head.targetStart) {
    fields.add(PATH, 0, PATH.length, bytes, base + head.targetStart, base + head.targetEnd);
  } else if (head.pathStart === head.pathEnd) fields.add(PATH, 0, PATH.length, SLASH, 0, 1);
  else fields.add(PATH, 0, PATH.length, bytes, base + head.pathStart, base + head.targetEnd);
}

/** Fills the list with a request's head; gRPC gets the `te: trailers` that it demands (it is hop-by-hop in HTTP/1.1). */
export function requestFields(head: RequestHead, scheme: Uint8Array, fields: FieldList): void {
  const { bytes, base, hostField } = head;
  fields.clear();
  fields.add(METHOD, 0, METHOD.length, bytes, base + head.methodStart, base + head.methodEnd);
  fields.add(SCHEME, 0, SCHEME.length, scheme, 0, scheme.length);
  addPath(head, fields);
  if (hostField >= 0) {
    fields.add(AUTHORITY, 0, AUTHORITY.length, bytes, head.valueStart(hostField), head.valueEnd(hostField));
  }
  let isGrpc = false;
  for (let index = 0; index < head.fieldCount; index++) {
    const id = head.ids[index]!;
    if (head.dropped[index] !== 0 || id === HOST_FIELD) continue;
    // A chunked body had no length to trust.
    if (id === CONTENT_LENGTH && head.isChunked) continue;
    if (head.isNamed(index, CONTENT_TYPE)) isGrpc = startsWith(head, index, GRPC);
    addField(head, index, fields);
  }
  if (isGrpc) fields.add(TE, 0, TE.length, TRAILERS, 0, TRAILERS.length);
}

/** Fills the list with trailer lines as `ChunkedDecoder.trailers` has them. */
export function trailerFields(lines: Uint8Array, fields: FieldList): void {
  fields.clear();
  let at = 0;
  while (at < lines.length) {
    const start = at;
    while (lines[at] !== 58) at++;
    const nameEnd = at;
    let end = lines.indexOf(13, nameEnd);
    at = end + 2;
    let from = nameEnd + 1;
    while (from < end && isBlank(lines[from]!)) from++;
    while (end > from && isBlank(lines[end - 1]!)) end--;
    addLower(lines, start, nameEnd, lines, from, end, fields);
  }
}

function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9;
}

function addField(head: MessageHead, index: number, fields: FieldList): void {
  if (head.ids[index] === TRAILER && !head.isChunked) return;
  const { bytes } = head;
  const start = head.nameStart(index);
  addLower(bytes, start, head.nameEnd(index), bytes, head.valueStart(index), head.valueEnd(index), fields);
}

/** Adds a field with its name in lower case (RFC 9113 8.2). */
function addLower(
  name: Uint8Array,
  nameStart: number,
  nameEnd: number,
  from: Uint8Array,
  valueStart: number,
  valueEnd: number,
  fields: FieldList,
): void {
  fields.reserve(nameEnd - nameStart + valueEnd - valueStart);
  const { bytes } = fields;
  let at = fields.length;
  for (let i = nameStart; i < nameEnd; i++) bytes[at++] = LOWER[name[i]!]!;
  const value = at;
  fields.commit(value, copyBytes(from, valueStart, valueEnd, bytes, at), 0);
}

function startsWith(head: MessageHead, index: number, wanted: Uint8Array): boolean {
  const start = head.valueStart(index);
  if (head.valueEnd(index) - start < wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (LOWER[head.bytes[start + i]!] !== wanted[i]) return false;
  return true;
}
