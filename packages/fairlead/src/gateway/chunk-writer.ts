// Hot path: content that comes without framing, as chunks of HTTP/1.1.
import { writeChunkSize } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { writeHttp1Lines } from '../wire/http2/to-http1.ts';

const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');
const CRLF = Buffer.from('\r\n', 'latin1');

/** Writes content as one chunk; returns its end. */
export function writeChunk(bytes: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  at = writeChunkSize(to, at, end - start);
  at = copyBytes(bytes, start, end, to, at);
  to[at] = 13;
  to[at + 1] = 10;
  return at + 2;
}

/** Writes the end of a chunked body; returns its end. */
export function writeEnd(trailers: FieldList | undefined, to: Uint8Array, at: number): number {
  at = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, to, at);
  if (trailers !== undefined) at = writeHttp1Lines(trailers, to, at);
  return copyBytes(CRLF, 0, 2, to, at);
}
