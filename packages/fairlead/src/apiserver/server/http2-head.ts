// Hot path: heads of requests and answers, between the codec's bytes and the pipeline's text.
import type { IncomingHttpHeaders } from 'node:http';
import type { FieldList } from '../../wire/http2/field-list.ts';
import type { MessageShape } from '../../wire/http2/message-rules.ts';
import type { ApiAnswer } from './api-request.ts';

/** What a request's head says. */
export interface Http2RequestHead {
  readonly method: string;
  /** Path and query; undefined for CONNECT. */
  readonly target: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Of these the first counts, as for HTTP/1.1 in Node. */
const singleValued: ReadonlySet<string> = new Set(['authorization', 'content-length', 'content-type', 'user-agent']);

/** Reads the head of a well-formed request. Repeated headers are joined as Node does it. */
export function readRequestHead(fields: FieldList, shape: MessageShape): Http2RequestHead {
  const { bytes, length, count } = fields;
  // One text, and cuts of it: cheaper than a text from bytes for each name and value.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
  const headers: Record<string, string> = {};
  for (let index = 0; index < count; index++) {
    const start = fields.start(index);
    if (bytes[start] === 58) continue;
    const value = fields.value(index);
    const name = text.slice(start, value);
    const content = text.slice(value, fields.end(index));
    const before = Object.hasOwn(headers, name) ? headers[name]! : undefined;
    if (before === undefined) headers[name] = content;
    else if (!singleValued.has(name)) headers[name] = `${before}${name === 'cookie' ? '; ' : ', '}${content}`;
  }
  const { method, path } = shape;
  return {
    method: text.slice(fields.value(method), fields.end(method)),
    target: path < 0 ? undefined : text.slice(fields.value(path), fields.end(path)),
    headers,
  };
}

/** Fills a list with the head of an answer; `length` of its body, `undefined` for a stream. */
export function writeAnswerHead(fields: FieldList, answer: ApiAnswer, length: number | undefined, date: string): void {
  fields.clear();
  fields.addText(':status', String(answer.status));
  for (const name in answer.headers) {
    const value = answer.headers[name]!;
    if (typeof value === 'string') fields.addText(name.toLowerCase(), value);
    else for (const one of value) fields.addText(name.toLowerCase(), one);
  }
  if (length !== undefined) fields.addText('content-length', String(length));
  fields.addText('date', date);
}
