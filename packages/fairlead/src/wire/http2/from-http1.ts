// Hot path: carries messages from HTTP/1.1 to HTTP/2 by copying byte ranges.
import { equalsLower, LOWER } from '../http1/byte-class.ts';
import { CONTENT_LENGTH, HOST_FIELD, OTHER, TRAILER } from '../http1/field-id.ts';
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

/** By status, made when it is first needed. */
const STATUS_DIGITS: (Uint8Array | undefined)[] = new Array(600).fill(undefined);

function statusDigits(status: number): Uint8Array {
  STATUS_DIGITS[status] ??= text(String(status));
  return STATUS_DIGITS[status];
}

/** Fills the list with a response's head. Fields of the connection, marked by the parser, stay behind. */
export function responseFields(head: ResponseHead, fields: FieldList): void {
  fields.clear();
  const digits = statusDigits(head.status);
  fields.add(STATUS, 0, STATUS.length, digits, 0, digits.length);
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

function addPath(head: RequestHead, fields: FieldList, path: Uint8Array | undefined = undefined): void {
  const { bytes, base } = head;
  if (path !== undefined) {
    const query = head.targetEnd - head.pathEnd;
    fields.reserve(PATH.length + path.length + query);
    const value = copyBytes(PATH, 0, PATH.length, fields.bytes, fields.length);
    const end = copyBytes(path, 0, path.length, fields.bytes, value);
    fields.commit(value, copyBytes(bytes, base + head.pathEnd, base + head.targetEnd, fields.bytes, end), 0);
  } else if (head.pathStart === head.targetStart) {
    fields.add(PATH, 0, PATH.length, bytes, base + head.targetStart, base + head.targetEnd);
  } else if (head.pathStart === head.pathEnd) fields.add(PATH, 0, PATH.length, SLASH, 0, 1);
  else fields.add(PATH, 0, PATH.length, bytes, base + head.pathStart, base + head.targetEnd);
}

/**
 * Fills the list with a request's head, without what its end may need ({@link endRequestFields}).
 *
 * @param path what takes the place of the path in front of the query.
 * @param authority what takes the place of the Host field.
 * @returns -1 unless its content type begins with `application/grpc`; then the byte that follows there, or 0.
 */
export function requestFields(
  head: RequestHead,
  scheme: Uint8Array,
  fields: FieldList,
  path: Uint8Array | undefined = undefined,
  authority: Uint8Array | undefined = undefined,
): number {
  const { bytes, base, hostField } = head;
  fields.clear();
  fields.add(METHOD, 0, METHOD.length, bytes, base + head.methodStart, base + head.methodEnd);
  fields.add(SCHEME, 0, SCHEME.length, scheme, 0, scheme.length);
  addPath(head, fields, path);
  if (authority !== undefined) fields.add(AUTHORITY, 0, AUTHORITY.length, authority, 0, authority.length);
  else if (hostField >= 0) {
    fields.add(AUTHORITY, 0, AUTHORITY.length, bytes, head.valueStart(hostField), head.valueEnd(hostField));
  }
  let grpc = -1;
  for (let index = 0; index < head.fieldCount; index++) {
    const id = head.ids[index]!;
    if (head.dropped[index] !== 0 || id === HOST_FIELD) continue;
    // A chunked body had no length to trust.
    if (id === CONTENT_LENGTH && head.isChunked) continue;
    if (id === OTHER && head.isNamed(index, CONTENT_TYPE)) grpc = behindGrpc(head, index);
    addField(head, index, fields);
  }
  return grpc;
}

/** Ends a request's fields: gRPC gets the `te: trailers` that it demands (it is hop-by-hop in HTTP/1.1). */
export function endRequestFields(fields: FieldList, grpc: number): void {
  if (grpc >= 0) fields.add(TE, 0, TE.length, TRAILERS, 0, TRAILERS.length);
}

/** Fills the list with trailer lines as `ChunkedDecoder.trailers` has them. */
export function trailerFields(lines: Uint8Array, fields: FieldList): void {
  fields.clear();
  fields.addLines(lines);
}

function addField(head: MessageHead, index: number, fields: FieldList): void {
  if (head.ids[index] === TRAILER && !head.isChunked) return;
  const { bytes } = head;
  fields.addLower(bytes, head.nameStart(index), head.nameEnd(index), head.valueStart(index), head.valueEnd(index));
}

/** The byte behind `application/grpc` in a content type, 0 where it ends there; -1 for another type. */
function behindGrpc(head: MessageHead, index: number): number {
  const start = head.valueStart(index);
  const end = head.valueEnd(index);
  if (end - start < GRPC.length) return -1;
  for (let i = 0; i < GRPC.length; i++) if (LOWER[head.bytes[start + i]!] !== GRPC[i]) return -1;
  return end - start === GRPC.length ? 0 : head.bytes[start + GRPC.length]!;
}
