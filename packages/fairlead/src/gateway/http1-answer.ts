// Hot path: answers to gRPC-Web, and WebSockets over HTTP/2, told as bytes of HTTP/1.1.
import { writeChunkSize } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { MessageShape } from '../wire/http2/message-rules.ts';
import type { ResponseContent } from '../wire/http2/packed-heads.ts';
import { http1RoomFor, writeHttp1Lines, writeHttp1Response, writeHttp1Switch } from '../wire/http2/to-http1.ts';
import { GrpcWebExchange } from './grpc-web.ts';
import { webSocketAccept } from './websocket-handshake.ts';

const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');
const BAD_REQUEST = Buffer.from('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', 'latin1');

/** Longest trailers in a frame of gRPC-Web: in base64, they still fit into the input buffer. */
const TRAILERS_MAX_BYTES = 32 * 1024;
const NOTHING = Buffer.alloc(0);

/** Result of all writers here: what is to be told has no room, or is too long to be told. */
const NO_ROOM = -1;

/** Writes the answer to a request whose content is none; returns its end. */
export function writeBadRequest(to: Uint8Array, at: number): number {
  return copyBytes(BAD_REQUEST, 0, BAD_REQUEST.length, to, at);
}

/** Trailers as lines; undefined for too long ones. */
function trailerLines(trailers: FieldList | undefined): Uint8Array | undefined {
  if (trailers === undefined) return NOTHING;
  const room = Buffer.allocUnsafe(http1RoomFor(trailers));
  const length = writeHttp1Lines(trailers, room, 0);
  return length > TRAILERS_MAX_BYTES ? undefined : room.subarray(0, length);
}

/**
 * An answer of HTTP/2 in the form that HTTP/1.1 has for it; for callers of gRPC-Web the trailers are content. Each part
 * is written into `to` at `at`; what is returned is its end, or less than 0 if there is no room.
 */
export class Http1Answer {
  readonly web: GrpcWebExchange = new GrpcWebExchange();
  /** The head announced chunks: the length was not known. */
  isChunked: boolean = false;

  /** Writes the head of a final answer. */
  writeHead(
    fields: FieldList,
    shape: MessageShape,
    content: ResponseContent,
    dropsLength: boolean,
    to: Uint8Array,
    at: number,
  ): number {
    if (http1RoomFor(fields) > to.length - at) return NO_ROOM;
    this.isChunked = content === 'some' && (shape.contentLength < 0 || dropsLength);
    return writeHttp1Response(fields, shape, content, to, at, dropsLength);
  }

  /** Writes the 101 of a WebSocket that its endpoint has agreed to. `key`: of the client's request. */
  writeSwitch(fields: FieldList, key: Buffer, to: Uint8Array, at: number): number {
    if (http1RoomFor(fields) > to.length - at) return NO_ROOM;
    return writeHttp1Switch(fields, webSocketAccept(key), to, at);
  }

  /** Writes a piece of content, with the end and the trailers behind it if it is the last. */
  write(
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: FieldList | undefined,
    to: Uint8Array,
    at: number,
  ): number {
    const lines = trailerLines(trailers);
    // Without them the answer would look whole.
    if (lines === undefined) return NO_ROOM;
    const isWeb = this.web.kind !== 'none';
    if (isWeb) {
      if (start < end) {
        const encoded = this.web.encode(bytes, start, end);
        at = this.#append(encoded, 0, encoded.length, to, at);
      }
      if (lines.length > 0) {
        const frame = this.web.encodeTrailers(lines);
        at = this.#append(frame, 0, frame.length, to, at);
      }
    } else at = this.#append(bytes, start, end, to, at);
    if (!isLast || !this.isChunked) return at;
    at = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, to, at);
    if (!isWeb) at = copyBytes(lines, 0, lines.length, to, at);
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
