// Hot path: content of answers to gRPC-Web, and of WebSockets over HTTP/2.
import { writeChunkSize } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { http1RoomFor, writeHttp1Lines } from '../wire/http2/to-http1.ts';
import { GrpcWebExchange } from './grpc-web.ts';

const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');

/** Longest trailers in a frame of gRPC-Web: in base64, they still fit into the input buffer. */
const TRAILERS_MAX_BYTES = 32 * 1024;
const NOTHING = Buffer.alloc(0);

/** Trailers as lines; undefined for too long ones. */
export function trailerLines(trailers: FieldList | undefined): Uint8Array | undefined {
  if (trailers === undefined) return NOTHING;
  const room = Buffer.allocUnsafe(http1RoomFor(trailers));
  const length = writeHttp1Lines(trailers, room, 0);
  return length > TRAILERS_MAX_BYTES ? undefined : room.subarray(0, length);
}

/** Content of an answer of HTTP/2 in the form that HTTP/1.1 has for it; for callers of gRPC-Web also its trailers. */
export class Http1Content {
  readonly web: GrpcWebExchange = new GrpcWebExchange();
  /** The head announced chunks: the length was not known. */
  isChunked: boolean = false;

  /** Writes a piece, with the end and the trailers (lines) behind it if it is the last; returns where it ends in `to`. */
  write(
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: Uint8Array,
    to: Uint8Array,
    at: number,
  ): number {
    const isWeb = this.web.kind !== 'none';
    if (isWeb) {
      if (start < end) {
        const encoded = this.web.encode(bytes, start, end);
        at = this.#append(encoded, 0, encoded.length, to, at);
      }
      if (trailers.length > 0) {
        const frame = this.web.encodeTrailers(trailers);
        at = this.#append(frame, 0, frame.length, to, at);
      }
    } else at = this.#append(bytes, start, end, to, at);
    if (!isLast || !this.isChunked) return at;
    at = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, to, at);
    if (!isWeb) at = copyBytes(trailers, 0, trailers.length, to, at);
    to[at++] = 13;
    to[at++] = 10;
    return at;
  }

  #append(content: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
    if (start === end) return at;
    if (!this.isChunked) return copyBytes(content, start, end, to, at);
    at = writeChunkSize(to, at, end - start);
    at = copyBytes(content, start, end, to, at);
    to[at++] = 13;
    to[at++] = 10;
    return at;
  }
}
