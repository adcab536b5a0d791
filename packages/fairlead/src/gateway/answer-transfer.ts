// Hot path: the content of every answer, from the endpoint to the client.
import { INPUT_BASE } from '../reactor/reactor.ts';
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, ChunkedDecoder } from '../wire/http1/chunked.ts';
import { copyBytes } from '../wire/http1/head-writer.ts';
import type { ResponseFraming, ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { trailerFields } from '../wire/http2/from-http1.ts';
import { http1RoomFor, writeHttp1Lines } from '../wire/http2/to-http1.ts';
import { writeChunk, writeEnd } from './chunk-writer.ts';
import type { ResponseEncoder } from './compression/response-encoder.ts';
import type { ProxyCore } from './proxy-core.ts';
import type { AnswerStream, UpstreamClient } from './upstream-client.ts';

const LENGTH = 0;
const CHUNKED = 1;
const UNTIL_CLOSE = 2;
/** Content comes as such, from a stream. */
const STREAM = 3;

const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');
const CRLF = Buffer.from('\r\n', 'latin1');
const NOTHING = Buffer.alloc(0);

/** Where an answer stands. `overfull`: whole, and bytes follow that belong to nothing. */
export type TransferResult = 'more' | 'whole' | 'overfull' | 'malformed';

/**
 * Carries answers of one connection to their clients, one after the other:
 *
 *     endpoint                                                                 client
 *     bytes of HTTP/1.1 ── length, chunks, until the end ─┐   ┌─ bytes of HTTP/1.1, chunked anew
 *                                                         ├───┤
 *     stream of HTTP/2 ────────────────────── as it comes ┘   ├─ stream of HTTP/2 or HTTP/3
 *                                                             └─ compressor, then as bytes
 */
export class AnswerTransfer {
  readonly #core: ProxyCore;
  #phase = LENGTH;
  /** Content that must still come; Infinity where only its end says so. */
  #remaining = 0;
  /** The client gets the body chunked. */
  #encodeChunks = false;
  /** Takes the present answer as a message; undefined: it is written as HTTP/1.1. */
  #answers: AnswerStream | undefined = undefined;
  /** Compresses the present answer. */
  #encoder: ResponseEncoder | undefined = undefined;
  #chunks: ChunkedDecoder | undefined = undefined;

  constructor(core: ProxyCore) {
    this.#core = core;
  }

  /** The content ends with the connection. */
  get isUntilClose(): boolean {
    return this.#phase === UNTIL_CLOSE;
  }

  /** Whether all content has come if so many bytes of it have. */
  isWholeWith(length: number): boolean {
    return this.#phase === LENGTH && this.#remaining === length;
  }

  /** Begins with what a head says of its content. */
  begin(head: ResponseHead, framing: ResponseFraming): void {
    this.#phase = LENGTH;
    this.#remaining = framing === 'length' ? head.contentLength : 0;
    if (framing === 'none' || (framing === 'length' && this.#remaining === 0)) return;
    if (head.isPacked) {
      this.#phase = STREAM;
      if (framing !== 'length') this.#remaining = Infinity;
    } else if (framing === 'chunked') {
      this.#phase = CHUNKED;
      this.#chunks ??= new ChunkedDecoder();
      this.#chunks.reset();
    } else if (framing === 'until-close') this.#phase = UNTIL_CLOSE;
  }

  /** Sends the head, with the content that came with it: `[start, end)` of the input. */
  sendHead(
    client: UpstreamClient,
    head: ResponseHead,
    framing: ResponseFraming,
    encoder: ResponseEncoder | undefined,
    start: number,
    end: number,
  ): TransferResult {
    this.#encoder = encoder;
    this.#answers = encoder === undefined ? client.answers : undefined;
    if (this.#answers !== undefined) {
      client.sendHead(head, this.isWholeWith(0));
      return this.#phase === STREAM ? 'more' : this.onBytes(client, start, end, 0);
    }
    const unsized = framing === 'chunked' || framing === 'until-close' || encoder !== undefined;
    this.#encodeChunks = unsized && !client.isHttp10;
    // A HEAD answer keeps saying how the GET would be framed.
    const announceChunks = this.#encodeChunks || (head.isChunked && client.isHead && !client.isHttp10);
    const written = client.writeHead(head, announceChunks, unsized && client.isHttp10);
    if (this.#phase !== STREAM) return this.onBytes(client, start, end, written);
    client.connection.write(this.#core.reactor.output, 0, written);
    return 'more';
  }

  // From HTTP/1.1.

  /** Forwards body bytes of the input; the output buffer already holds `written` bytes of head. */
  onBytes(client: UpstreamClient, start: number, end: number, written: number): TransferResult {
    if (this.#encoder !== undefined) return this.#compress(this.#encoder, client, start, end, written);
    if (this.#answers !== undefined) return this.#tellBytes(this.#answers, start, end);
    switch (this.#phase) {
      case LENGTH: {
        const stop = this.#take(start, end);
        this.#forward(client, start, stop, written);
        return this.#result(stop, end);
      }
      case CHUNKED:
        return this.#forwardChunks(client, start, end, written);
      default:
        if (this.#encodeChunks && start < end) {
          const { output, input } = this.#core.reactor;
          client.connection.write(output, 0, writeChunk(input.bytes, start, end, output.bytes, written));
        } else this.#forward(client, start, end, written);
        return 'more';
    }
  }

  /** Counts what of the input belongs to a body with a length; returns its end. */
  #take(start: number, end: number): number {
    const stop = Math.min(end, start + this.#remaining);
    this.#remaining -= stop - start;
    return stop;
  }

  #result(stop: number, end: number): TransferResult {
    if (this.#remaining > 0) return 'more';
    return stop === end ? 'whole' : 'overfull';
  }

  /** Sends head (if any) and unencoded body, in one piece when there is a head. */
  #forward(client: UpstreamClient, start: number, end: number, written: number): void {
    const { output, input } = this.#core.reactor;
    if (written === 0) {
      client.connection.write(input, start, end);
      return;
    }
    const at = copyBytes(input.bytes, start, end, output.bytes, written);
    client.connection.write(output, 0, at);
  }

  #forwardChunks(client: UpstreamClient, start: number, end: number, written: number): TransferResult {
    const { output, input } = this.#core.reactor;
    const chunks = this.#chunks!;
    let position = start;
    let at = written;
    let event = CHUNK_DATA;
    for (;;) {
      event = chunks.next(input.bytes, position, end);
      position = chunks.position;
      if (event !== CHUNK_DATA) break;
      if (this.#encodeChunks) at = writeChunk(input.bytes, chunks.dataStart, chunks.dataEnd, output.bytes, at);
      else at = copyBytes(input.bytes, chunks.dataStart, chunks.dataEnd, output.bytes, at);
    }
    if (event === CHUNK_END && this.#encodeChunks) {
      const { trailers } = chunks;
      at = copyBytes(LAST_CHUNK, 0, LAST_CHUNK.length, output.bytes, at);
      at = copyBytes(trailers, 0, trailers.length, output.bytes, at);
      at = copyBytes(CRLF, 0, 2, output.bytes, at);
    }
    client.connection.write(output, 0, at);
    return chunkResult(event, position, end);
  }

  /** The same for a client that takes content as such. */
  #tellBytes(answers: AnswerStream, start: number, end: number): TransferResult {
    const { bytes } = this.#core.reactor.input;
    if (this.#phase === LENGTH) {
      const stop = this.#take(start, end);
      if (start < stop) answers.sendContent(bytes, start, stop, this.#remaining === 0, undefined);
      return this.#result(stop, end);
    }
    if (this.#phase === UNTIL_CLOSE) {
      if (start < end) answers.sendContent(bytes, start, end, false, undefined);
      return 'more';
    }
    const chunks = this.#chunks!;
    for (let position = start; ; ) {
      const event = chunks.next(bytes, position, end);
      position = chunks.position;
      if (event === CHUNK_DATA) answers.sendContent(bytes, chunks.dataStart, chunks.dataEnd, false, undefined);
      else {
        if (event === CHUNK_END) answers.sendContent(bytes, position, position, true, this.#fieldsOf(chunks.trailers));
        return chunkResult(event, position, end);
      }
    }
  }

  #fieldsOf(lines: Uint8Array): FieldList | undefined {
    if (lines.length === 0) return undefined;
    const { fields } = this.#core.http2;
    trailerFields(lines, fields);
    return fields;
  }

  /** The same through a compressor. */
  #compress(
    encoder: ResponseEncoder,
    client: UpstreamClient,
    start: number,
    end: number,
    written: number,
  ): TransferResult {
    const { output, input } = this.#core.reactor;
    if (this.#phase === LENGTH) {
      const stop = this.#take(start, end);
      const isLast = this.#remaining === 0;
      const at = isLast ? encoder.end(start, stop, NOTHING, written) : encoder.content(start, stop, written);
      client.connection.write(output, 0, at);
      return this.#result(stop, end);
    }
    if (this.#phase === UNTIL_CLOSE) {
      client.connection.write(output, 0, encoder.content(start, end, written));
      return 'more';
    }
    const chunks = this.#chunks!;
    let at = written;
    let position = start;
    let event = CHUNK_DATA;
    do {
      event = chunks.next(input.bytes, position, end);
      position = chunks.position;
      if (event === CHUNK_DATA) at = encoder.content(chunks.dataStart, chunks.dataEnd, at);
      else if (event === CHUNK_END) at = encoder.end(position, position, chunks.trailers, at);
    } while (event === CHUNK_DATA);
    client.connection.write(output, 0, at);
    return chunkResult(event, position, end);
  }

  /** The connection has ended, and the content with it ({@link isUntilClose}). */
  onEnd(client: UpstreamClient): TransferResult {
    const { output } = this.#core.reactor;
    if (this.#answers !== undefined) this.#answers.sendContent(NOTHING, 0, 0, true, undefined);
    else if (this.#encoder !== undefined) client.connection.write(output, 0, this.#encoder.end(0, 0, NOTHING, 0));
    else if (this.#encodeChunks) client.connection.write(output, 0, writeEnd(undefined, output.bytes, 0));
    return 'whole';
  }

  // From a stream.

  /** Forwards content of a stream, of any buffer; with the last of it its trailers, if it has any. */
  onContent(
    client: UpstreamClient,
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: FieldList | undefined,
  ): TransferResult {
    if (this.#answers !== undefined) {
      this.#answers.sendContent(bytes, start, end, isLast, trailers);
      return isLast ? 'whole' : 'more';
    }
    this.#remaining -= end - start;
    // HTTP/1.1 has no trailers behind a length, so nobody waits for them.
    const isWhole = isLast || this.#remaining === 0;
    const { output } = this.#core.reactor;
    let at = 0;
    if (this.#encoder !== undefined) at = this.#compressContent(this.#encoder, bytes, start, end, isWhole, trailers);
    else if (!this.#encodeChunks) at = copyBytes(bytes, start, end, output.bytes, 0);
    else {
      if (start < end) at = writeChunk(bytes, start, end, output.bytes, 0);
      if (isWhole) at = writeEnd(trailers, output.bytes, at);
    }
    client.connection.write(output, 0, at);
    return isWhole ? 'whole' : 'more';
  }

  #compressContent(
    encoder: ResponseEncoder,
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
    trailers: FieldList | undefined,
  ): number {
    // Compressors read the input buffer.
    const stop = copyBytes(bytes, start, end, this.#core.reactor.input.bytes, INPUT_BASE);
    if (!isLast) return encoder.content(INPUT_BASE, stop, 0);
    if (trailers === undefined) return encoder.end(INPUT_BASE, stop, NOTHING, 0);
    const lines = Buffer.allocUnsafe(http1RoomFor(trailers));
    return encoder.end(INPUT_BASE, stop, lines.subarray(0, writeHttp1Lines(trailers, lines, 0)), 0);
  }
}

function chunkResult(event: number, position: number, end: number): TransferResult {
  if (event === CHUNK_END) return position === end ? 'whole' : 'overfull';
  return event === CHUNK_ERROR ? 'malformed' : 'more';
}
