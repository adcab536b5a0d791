// Hot path: what clients send, from bytes of streams to events.
import type { FieldList } from '../http2/field-list.ts';
import { checkMessage, type MessageShape, REQUEST, TRAILERS } from '../http2/message-rules.ts';
import { FRAME_HEAD, NEED_MORE, PAYLOAD, SKIPPED } from './frame-reader.ts';
import * as h3 from './protocol.ts';
import { Http3Error } from './protocol.ts';
import { QpackDecoder } from './qpack-decoder.ts';
import { Http3Stream, Http3UniStream } from './stream.ts';
import { readVarint, varintLength, writeVarint } from './varint.ts';

/** Longest field section that is read, coded. */
const SECTION_MAX_BYTES = 60 * 1024;
const CONTROL_FRAME_MAX_BYTES = 4 * 1024;
/** Frames of unknown type, over the connection's life. */
const UNKNOWN_FRAMES_MAX = 1000;

/** What happens on a connection. Calls come from within the `receive` methods; ranges and lists end with the call. */
export interface Http3Events<Owner> {
  /** A request begins. It is well-formed. `endStream`: nothing follows. */
  onHead(stream: Http3Stream<Owner>, fields: FieldList, shape: MessageShape, endStream: boolean): void;
  onData(stream: Http3Stream<Owner>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  /** Trailers, and with them the end. */
  onTrailers(stream: Http3Stream<Owner>, fields: FieldList): void;
  /** The peer broke a rule of this exchange: reset the stream with the code. It is over. */
  onStreamError(stream: Http3Stream<Owner>, code: number): void;
}

/** What connections of one thread share, because no call outlives an event. */
export interface Http3Scratch {
  readonly fields: FieldList;
  readonly shape: MessageShape;
}

/**
 * The server's side of an HTTP/3 connection (RFC 9114) without I/O: bytes of streams in, events out. Neither
 * side uses a dynamic table (RFC 9204), and nothing is pushed.
 *
 * @throws Http3Error from the `receive` methods when the connection must end.
 */
export class Http3Connection<Owner> {
  readonly #events: Http3Events<Owner>;
  readonly #scratch: Http3Scratch;
  readonly #decoder = new QpackDecoder();
  /** Kinds of the critical streams that have been opened. */
  readonly #critical = new Set<number>();
  #settingsReceived = false;
  #unknownFrames = 0;
  /** Id of the last request stream. */
  #lastId = -4;
  #maxPushId = -1;

  constructor(events: Http3Events<Owner>, scratch: Http3Scratch) {
    this.#events = events;
    this.#scratch = scratch;
  }

  /** First bytes of our control stream. */
  static opening(maxFieldSectionBytes: number): Uint8Array {
    const to = new Uint8Array(24);
    let at = writeVarint(to, 0, h3.STREAM_CONTROL);
    at = writeVarint(to, at, h3.FRAME_SETTINGS);
    const length = at++;
    const start = at;
    at = writeVarint(to, writeVarint(to, at, h3.SETTING_QPACK_MAX_TABLE_CAPACITY), 0);
    at = writeVarint(to, writeVarint(to, at, h3.SETTING_QPACK_BLOCKED_STREAMS), 0);
    at = writeVarint(to, writeVarint(to, at, h3.SETTING_MAX_FIELD_SECTION_SIZE), maxFieldSectionBytes);
    to[length] = at - start;
    return to.subarray(0, at);
  }

  /** GOAWAY: streams from the next one on are not served. */
  goaway(): Uint8Array {
    const to = new Uint8Array(8);
    const at = writeVarint(to, 0, h3.FRAME_GOAWAY);
    const end = writeVarint(to, at + 1, Math.min(this.#lastId + 4, 2 ** 30 - 4));
    to[at] = end - at - 1;
    return to.subarray(0, end);
  }

  openRequest(id: number): Http3Stream<Owner> {
    this.#lastId = Math.max(this.#lastId, id);
    return new Http3Stream(id);
  }

  openUni(): Http3UniStream {
    return new Http3UniStream();
  }

  /** Bytes `[at, end)` of a request stream; `isLast`: the peer's end follows them. */
  receiveRequest(stream: Http3Stream<Owner>, input: Uint8Array, at: number, end: number, isLast: boolean): void {
    const { frames } = stream;
    while (!stream.remoteEnded) {
      const event = frames.next(input, at, end);
      at = frames.position;
      if (event === NEED_MORE) break;
      if (event === FRAME_HEAD) this.#beginRequestFrame(stream);
      else if (event === PAYLOAD) {
        const ends = isLast && at === end && frames.isBetweenFrames;
        if (!this.#onContent(stream, input, frames.start, frames.end, ends)) return;
        if (ends) return;
      } else if (event === SKIPPED) continue;
      else {
        const ends = isLast && at === end;
        if (!this.#onSection(stream, frames.bytes, frames.start, frames.end, ends)) return;
      }
    }
    if (isLast && !stream.remoteEnded) this.#onEnd(stream);
  }

  #beginRequestFrame(stream: Http3Stream<Owner>): void {
    const { frames } = stream;
    switch (frames.type) {
      case h3.FRAME_DATA:
        if (!stream.headReceived || stream.trailersReceived) {
          throw new Http3Error(h3.H3_FRAME_UNEXPECTED, 'DATA outside a message');
        }
        frames.take('pieces', 0);
        return;
      case h3.FRAME_HEADERS:
        if (stream.trailersReceived) throw new Http3Error(h3.H3_FRAME_UNEXPECTED, 'HEADERS behind trailers');
        frames.take('whole', SECTION_MAX_BYTES);
        return;
      case h3.FRAME_SETTINGS:
      case h3.FRAME_GOAWAY:
      case h3.FRAME_MAX_PUSH_ID:
      case h3.FRAME_CANCEL_PUSH:
      case h3.FRAME_PUSH_PROMISE:
        throw new Http3Error(h3.H3_FRAME_UNEXPECTED, 'frame that no request has');
      default:
        this.#skipUnknown(frames.type);
        frames.take('skip', 0);
    }
  }

  #skipUnknown(type: number): void {
    if (h3.isHttp2Frame(type)) throw new Http3Error(h3.H3_FRAME_UNEXPECTED, 'frame of HTTP/2');
    if (++this.#unknownFrames > UNKNOWN_FRAMES_MAX) throw new Http3Error(h3.H3_EXCESSIVE_LOAD, 'unknown frames');
  }

  #onSection(stream: Http3Stream<Owner>, bytes: Uint8Array, start: number, end: number, ends: boolean): boolean {
    const { fields, shape } = this.#scratch;
    if (!this.#decoder.decode(bytes, start, end, fields)) {
      throw new Http3Error(h3.QPACK_DECOMPRESSION_FAILED, 'malformed field section');
    }
    if (fields.isTooLarge) return this.#fail(stream, h3.H3_EXCESSIVE_LOAD);
    if (stream.headReceived) {
      if (checkMessage(fields, TRAILERS, false, shape) !== undefined) return this.#fail(stream, h3.H3_MESSAGE_ERROR);
      if (stream.contentLeft > 0) return this.#fail(stream, h3.H3_MESSAGE_ERROR);
      stream.trailersReceived = true;
      // The message is over, even if unknown frames should follow.
      stream.remoteEnded = true;
      this.#events.onTrailers(stream, fields);
      return false;
    }
    if (checkMessage(fields, REQUEST, false, shape) !== undefined) return this.#fail(stream, h3.H3_MESSAGE_ERROR);
    if (ends && shape.contentLength > 0) return this.#fail(stream, h3.H3_MESSAGE_ERROR);
    stream.headReceived = true;
    stream.contentLeft = shape.contentLength;
    stream.remoteEnded = ends;
    this.#events.onHead(stream, fields, shape, ends);
    return !ends;
  }

  /** False when the exchange is over. */
  #onContent(stream: Http3Stream<Owner>, bytes: Uint8Array, start: number, end: number, ends: boolean): boolean {
    if (stream.contentLeft >= 0) {
      stream.contentLeft -= end - start;
      if (stream.contentLeft < 0 || (ends && stream.contentLeft > 0)) return this.#fail(stream, h3.H3_MESSAGE_ERROR);
    }
    stream.remoteEnded = ends;
    if (end > start || ends) this.#events.onData(stream, bytes, start, end, ends);
    return true;
  }

  #onEnd(stream: Http3Stream<Owner>): void {
    if (!stream.frames.isBetweenFrames) throw new Http3Error(h3.H3_FRAME_ERROR, 'stream ended within a frame');
    if (!stream.headReceived) {
      this.#fail(stream, h3.H3_REQUEST_INCOMPLETE);
      return;
    }
    this.#onContent(stream, NOTHING, 0, 0, true);
  }

  #fail(stream: Http3Stream<Owner>, code: number): false {
    stream.remoteEnded = true;
    this.#events.onStreamError(stream, code);
    return false;
  }

  /** Bytes of a unidirectional stream of the peer. */
  receiveUni(stream: Http3UniStream, input: Uint8Array, at: number, end: number, isLast: boolean): void {
    while (stream.kind === -1 && at < end) {
      stream.typeBytes[stream.typeLength++] = input[at++]!;
      if (varintLength(stream.typeBytes[0]!) === stream.typeLength) this.#openKind(stream);
    }
    switch (stream.kind) {
      case h3.STREAM_CONTROL:
        this.#receiveControl(stream, input, at, end);
        break;
      case h3.STREAM_QPACK_ENCODER:
        // Of a table without room only its capacity can be set, to 0.
        for (; at < end; at++) {
          if (input[at] !== 0x20) throw new Http3Error(h3.QPACK_ENCODER_STREAM_ERROR, 'insertion without a table');
        }
        break;
      case h3.STREAM_QPACK_DECODER:
        this.#receiveDecoderStream(input, at, end);
    }
    if (isLast && stream.kind >= 0) throw new Http3Error(h3.H3_CLOSED_CRITICAL_STREAM, 'critical stream closed');
  }

  #openKind(stream: Http3UniStream): void {
    const kind = readVarint(stream.typeBytes, 0);
    switch (kind) {
      case h3.STREAM_CONTROL:
      case h3.STREAM_QPACK_ENCODER:
      case h3.STREAM_QPACK_DECODER:
        if (this.#critical.has(kind)) throw new Http3Error(h3.H3_STREAM_CREATION_ERROR, 'second critical stream');
        this.#critical.add(kind);
        stream.kind = kind;
        return;
      case h3.STREAM_PUSH:
        throw new Http3Error(h3.H3_STREAM_CREATION_ERROR, 'push stream from a client');
      default:
        stream.kind = -2;
    }
  }

  /** Cancellations of streams only: nothing of ours refers to a table, so nothing can be acknowledged. */
  #receiveDecoderStream(input: Uint8Array, at: number, end: number): void {
    for (let inside = this.#cancelOpen; at < end; at++) {
      const byte = input[at]!;
      if (!inside && (byte & 0xc0) !== 0x40) {
        throw new Http3Error(h3.QPACK_DECODER_STREAM_ERROR, 'acknowledgement of nothing');
      }
      inside = inside ? byte >= 128 : (byte & 63) === 63;
      this.#cancelOpen = inside;
    }
  }

  /** Within the integer of a stream cancellation. */
  #cancelOpen = false;

  #receiveControl(stream: Http3UniStream, input: Uint8Array, at: number, end: number): void {
    const { frames } = stream;
    for (;;) {
      const event = frames.next(input, at, end);
      at = frames.position;
      if (event === NEED_MORE) return;
      if (event === FRAME_HEAD) this.#beginControlFrame(stream);
      else if (event !== SKIPPED) this.#onControlFrame(frames.type, frames.bytes, frames.start, frames.end);
    }
  }

  #beginControlFrame({ frames }: Http3UniStream): void {
    const { type } = frames;
    if (!this.#settingsReceived && type !== h3.FRAME_SETTINGS) {
      throw new Http3Error(h3.H3_MISSING_SETTINGS, 'control stream without SETTINGS');
    }
    switch (type) {
      case h3.FRAME_SETTINGS:
        if (this.#settingsReceived) throw new Http3Error(h3.H3_FRAME_UNEXPECTED, 'second SETTINGS');
        this.#settingsReceived = true;
        frames.take('whole', CONTROL_FRAME_MAX_BYTES);
        return;
      case h3.FRAME_GOAWAY:
      case h3.FRAME_MAX_PUSH_ID:
      case h3.FRAME_CANCEL_PUSH:
        frames.take('whole', 8);
        return;
      case h3.FRAME_DATA:
      case h3.FRAME_HEADERS:
      case h3.FRAME_PUSH_PROMISE:
        throw new Http3Error(h3.H3_FRAME_UNEXPECTED, 'frame that no control stream has');
      default:
        this.#skipUnknown(type);
        frames.take('skip', 0);
    }
  }

  #onControlFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === h3.FRAME_SETTINGS) {
      this.#onSettings(bytes, start, end);
      return;
    }
    if (start >= end || start + varintLength(bytes[start]!) !== end) {
      throw new Http3Error(h3.H3_FRAME_ERROR, 'frame of the wrong length');
    }
    const id = readVarint(bytes, start);
    if (type === h3.FRAME_MAX_PUSH_ID) {
      if (id < this.#maxPushId) throw new Http3Error(h3.H3_ID_ERROR, 'MAX_PUSH_ID went back');
      this.#maxPushId = id;
    } else if (type === h3.FRAME_CANCEL_PUSH) throw new Http3Error(h3.H3_ID_ERROR, 'nothing was pushed');
  }

  #onSettings(bytes: Uint8Array, at: number, end: number): void {
    const seen = new Set<number>();
    while (at < end) {
      const value = at + varintLength(bytes[at]!);
      const after = value < end ? value + varintLength(bytes[value]!) : end + 1;
      if (after > end) throw new Http3Error(h3.H3_FRAME_ERROR, 'SETTINGS cut off');
      const id = readVarint(bytes, at);
      if (h3.isHttp2Setting(id)) throw new Http3Error(h3.H3_SETTINGS_ERROR, 'setting of HTTP/2');
      if (seen.has(id)) throw new Http3Error(h3.H3_SETTINGS_ERROR, 'setting twice');
      seen.add(id);
      at = after;
    }
  }
}

const NOTHING = new Uint8Array(0);
