import type { CompressFilter } from '../../routing/route-filters.ts';
import { CONTENT_LENGTH } from '../../wire/http1/field-id.ts';
import type { ResponseFraming, ResponseHead } from '../../wire/http1/response-head.ts';
import { fieldText } from '../filters/field-text.ts';

const name = (text: string): Buffer => Buffer.from(text, 'latin1');
const CONTENT_TYPE = name('content-type');
const CONTENT_ENCODING = name('content-encoding');
const CONTENT_RANGE = name('content-range');
const CACHE_CONTROL = name('cache-control');
const VARY = name('vary');
const ETAG = name('etag');
/** What is said of the bytes as they were: ranges of them, and sums over them (RFC 9530, RFC 3230). */
const OF_THE_BYTES = [
  'accept-ranges',
  'content-encoding',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
].map(name);
const NO_TRANSFORM = /(^|[\s,])no-transform([\s,;]|$)/i;

/** Whether media types are among those of a filter: whole ones, `text/*` and `*+json`. */
export function typeMatcher(types: readonly string[]): (contentType: string) => boolean {
  const exact = new Set(types);
  const trees = types.filter((type) => type.endsWith('/*')).map((type) => type.slice(0, -1));
  const suffixes = types.filter((type) => type.startsWith('*+')).map((type) => type.slice(1));
  return (contentType) => {
    const semicolon = contentType.indexOf(';');
    const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
    if (exact.has(type)) return true;
    return trees.some((tree) => type.startsWith(tree)) || suffixes.some((suffix) => type.endsWith(suffix));
  };
}

/** Whether Cache-Control forbids to change content (RFC 9111 5.2.1.6, 5.2.2.6). */
export function forbidsTransform(cacheControl: string | undefined): boolean {
  return cacheControl !== undefined && NO_TRANSFORM.test(cacheControl);
}

/** Whether an answer of its kind is compressed for clients who want that: then caches must tell clients apart. */
export function isCompressible(
  head: ResponseHead,
  filter: Pick<CompressFilter, 'minBytes'>,
  isOfType: (contentType: string) => boolean,
): boolean {
  const { status } = head;
  if (status < 200 || status === 204 || status === 206 || status === 304) return false;
  if (head.contentLength >= 0 && head.contentLength < filter.minBytes) return false;
  const contentType = fieldText(head, CONTENT_TYPE);
  if (contentType === undefined || !isOfType(contentType)) return false;
  const coding = fieldText(head, CONTENT_ENCODING);
  if (coding !== undefined && coding.toLowerCase() !== 'identity') return false;
  return fieldText(head, CONTENT_RANGE) === undefined && !forbidsTransform(fieldText(head, CACHE_CONTROL));
}

/** Whether there is content that could be compressed; a HEAD answer has none. */
export function hasContent(head: ResponseHead, framing: ResponseFraming): boolean {
  return framing !== 'none' && head.contentLength !== 0;
}

/** Events must not wait for more of them. */
export function isEventStream(head: ResponseHead): boolean {
  return /^\s*text\/event-stream\s*(;|$)/i.test(fieldText(head, CONTENT_TYPE) ?? '');
}

type AddField = (name: string, value: string) => void;

/** Says that the answer depends on Accept-Encoding, once, in one field with what it depended on before. */
export function mergeVary(head: ResponseHead, add: AddField): void {
  const vary = fieldText(head, VARY);
  if (vary !== undefined && /(^|[\s,])(accept-encoding|\*)([\s,]|$)/i.test(vary)) return;
  head.dropNamed(VARY);
  add('vary', vary === undefined || vary === '' ? 'accept-encoding' : `${vary}, accept-encoding`);
}

/** Changes a head to that of compressed content. A strong entity tag names other bytes now (RFC 9110 8.8.1). */
export function describeCoding(head: ResponseHead, coding: string, add: AddField): void {
  for (const field of OF_THE_BYTES) head.dropNamed(field);
  for (let index = 0; index < head.fieldCount; index++) {
    if (head.ids[index] === CONTENT_LENGTH) head.dropped[index] = 1;
  }
  add('content-encoding', coding);
  const tag = fieldText(head, ETAG);
  if (tag === undefined || tag.startsWith('W/')) return;
  head.dropNamed(ETAG);
  add('etag', `W/${tag}`);
}
