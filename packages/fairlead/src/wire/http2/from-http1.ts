// Hot path: carries messages from HTTP/1.1 to HTTP/2 by copying byte ranges.
import { LOWER } from '../http1/byte-class.ts';
import { CONTENT_LENGTH, HOST_FIELD, TRAILER } from '../http1/field-id.ts';
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

/** Fills the list with a request's head; gRPC gets the `te: trailers` that it demands (it is hop-by-hop in HTTP/1.1). */
export function requestFields(head: RequestHead, scheme: Uint8Array, fields: FieldList): void {
  const { bytes, base, hostField } = head;
  fields.clear();
  fields.add(METHOD, 0, METHOD.length, bytes, base + head.methodStart, base + head.methodEnd);
  fields.add(SCHEME, 0, SCHEME.length, scheme, 0, scheme.length);
  if (head.pathStart === head.targetStart) {
    fields.add(PATH, 0, PATH.length, bytes, base + head.targetStart, base + head.targetEnd);
  } else if (head.pathStart === head.pathEnd) fields.add(PATH, 0, PATH.length, SLASH, 0, 1);
  else fields.add(PATH, 0, PATH.length, bytes, base + head.pathStart, base + head.targetEnd);
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
  for (let i = valueStart; i < valueEnd; i++) bytes[at++] = from[i]!;
  fields.commit(value, at, 0);
}

function startsWith(head: MessageHead, index: number, wanted: Uint8Array): boolean {
  const start = head.valueStart(index);
  if (head.valueEnd(index) - start < wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (LOWER[head.bytes[start + i]!] !== wanted[i]) return false;
  return true;
}
