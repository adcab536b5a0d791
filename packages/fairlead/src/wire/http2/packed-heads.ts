// Hot path: a checked message becomes the head that routes, filters and logs read, without text in between.
import { EXPECT, TE } from '../http1/field-id.ts';
import { copyBytes } from '../http1/head-writer.ts';
import { PATCH, POST, PUT, type RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { FieldList } from './field-list.ts';
import type { MessageShape } from './message-rules.ts';

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
const HOST = text('host');
const COOKIE = text('cookie');
const CONTENT_LENGTH = text('content-length');
const ZERO = text('0');
const SCHEMES = [text('http'), text('https')];

/**
 * Takes a request over that passed `checkMessage`. Its fields stay where they are, so the head is valid as long as the
 * list; what HTTP/1.1 has in another form is written behind them: Host from `:authority` (RFC 9113 8.3.1), cookies in
 * one (8.2.3), a length of 0 where a method with content has none. TE and Expect end here.
 *
 * @param hasContent DATA may follow; without a length the head is as that of a chunked message.
 * @returns 0, or the status to answer with: 501 for CONNECT, 400 for `:scheme` other than http(s), and what the rules of
 * HTTP/1.1 say of everything else.
 */
export function loadRequestHead(
  head: RequestHead,
  fields: FieldList,
  shape: MessageShape,
  hasContent: boolean,
): number {
  if (shape.path < 0 || shape.protocol >= 0) return 501;
  if (!isHttpScheme(fields, shape.scheme)) return 400;
  // Room for all that may be written behind the fields: nothing may move once ranges are noted.
  fields.reserve(fields.length + HOST.length + COOKIE.length + CONTENT_LENGTH.length + 2 * fields.count);
  const { bytes } = fields;
  let free = fields.length;
  head.beginPacked(bytes);
  const { method, path } = shape;
  let status = head.setPackedLine(fields.value(method), fields.end(method), fields.value(path), fields.end(path));
  if (status !== 0) return status;
  const authority = shape.authority >= 0 ? shape.authority : shape.host;
  const name = free;
  free = copyBytes(HOST, 0, HOST.length, bytes, free);
  status = head.addPacked(name, free, fields.value(authority), fields.end(authority));
  let [firstCookie, cookies] = [-1, 0];
  for (let index = 0; index < fields.count && status === 0; index++) {
    const start = fields.start(index);
    if (bytes[start] === 58 || index === shape.host) continue;
    const value = fields.value(index);
    if (value - start === COOKIE.length && fields.isNamed(index, COOKIE)) {
      if (cookies++ === 0) firstCookie = index;
      continue;
    }
    status = head.addPacked(start, value, value, fields.end(index));
    const id = head.ids[head.fieldCount - 1];
    if (id === TE || id === EXPECT) head.dropped[head.fieldCount - 1] = 1;
  }
  if (status === 0 && cookies > 0) {
    const value = cookies === 1 ? fields.value(firstCookie) : free;
    free = cookies === 1 ? free : joinCookies(fields, firstCookie, bytes, free);
    const end = cookies === 1 ? fields.end(firstCookie) : free;
    status = head.addPacked(fields.start(firstCookie), fields.value(firstCookie), value, end);
  }
  head.expectField = -1;
  if (shape.contentLength < 0) {
    head.isChunked = hasContent;
    const needsLength = !hasContent && (head.method === POST || head.method === PUT || head.method === PATCH);
    if (needsLength && status === 0) {
      const nameEnd = copyBytes(CONTENT_LENGTH, 0, CONTENT_LENGTH.length, bytes, free);
      status = head.addPacked(free, nameEnd, nameEnd, copyBytes(ZERO, 0, 1, bytes, nameEnd));
    }
  }
  return status === 0 ? head.endPacked() : status;
}

function joinCookies(fields: FieldList, first: number, to: Uint8Array, at: number): number {
  for (let index = first; index < fields.count; index++) {
    if (!fields.isNamed(index, COOKIE)) continue;
    if (index > first) {
      to[at++] = 59;
      to[at++] = 32;
    }
    at = copyBytes(fields.bytes, fields.value(index), fields.end(index), to, at);
  }
  // Behind an empty last one; no value ends so (RFC 9113 8.2.1).
  return to[at - 1] === 32 ? at - 1 : at;
}

function isHttpScheme(fields: FieldList, index: number): boolean {
  const start = fields.value(index);
  const length = fields.end(index) - start;
  for (const scheme of SCHEMES) {
    if (scheme.length !== length) continue;
    let i = 0;
    while (i < length && scheme[i] === fields.bytes[start + i]) i++;
    if (i === length) return true;
  }
  return false;
}

/** What follows a response's head: nothing by its nature (HEAD, 204, 304), no bytes, or some; or it is interim. */
export type ResponseContent = 'none' | 'empty' | 'some' | 'interim';

/**
 * Takes a response over that passed `checkMessage`; the head is valid as long as the list. So framed that its content
 * can follow: as that of a chunked message where its length is unknown.
 *
 * @param dropsLength a declared length stays behind, so that trailers have a place.
 * @returns 0, or 502 for more fields than a head may have.
 */
export function loadResponseHead(
  head: ResponseHead,
  fields: FieldList,
  shape: MessageShape,
  content: ResponseContent,
  dropsLength: boolean,
): number {
  fields.reserve(CONTENT_LENGTH.length + 1);
  const { bytes } = fields;
  head.beginPacked(bytes);
  head.status = shape.status;
  const hasLength = shape.contentLength >= 0 && !dropsLength;
  for (let index = 0; index < fields.count; index++) {
    const start = fields.start(index);
    if (bytes[start] === 58) continue;
    const value = fields.value(index);
    if (dropsLength && fields.isNamed(index, CONTENT_LENGTH)) continue;
    if (head.addPacked(start, value, value, fields.end(index)) !== 0) return 502;
  }
  if (hasLength) return 0;
  if (content === 'some') head.isChunked = true;
  else if (content === 'empty') {
    const nameEnd = copyBytes(CONTENT_LENGTH, 0, CONTENT_LENGTH.length, bytes, fields.length);
    if (head.addPacked(fields.length, nameEnd, nameEnd, copyBytes(ZERO, 0, 1, bytes, nameEnd)) !== 0) return 502;
  }
  return 0;
}
