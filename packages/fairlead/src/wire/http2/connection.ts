// Hot path: the HTTP/2 state machine (RFC 9113), bytes in, events and bytes out.
import { ENDED, RESET_BY_PEER, RESET_BY_US } from './closed-streams.ts';
import type { Http2Events, Http2Scratch } from './events.ts';
import type { FieldList } from './field-list.ts';
import { BLOCK_MAX_BYTES, CONTINUATIONS_MAX } from './flood-guard.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import * as write from './frame-writer.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { checkMessage, REQUEST, RESPONSE, TRAILERS } from './message-rules.ts';
import { DRAIN_PING, Http2Outbound } from './outbound.ts';
import type { OutputBuffer } from './output-buffer.ts';
import * as h2 from './protocol.ts';
import type { Http2Options } from './settings.ts';
import type { Http2Stream } from './stream.ts';

/** One connection, as client or server. Everything to send is in `out` after every call. */
export class Http2Connection<Owner> extends Http2Outbound<Owner> implements FrameSink {
  readonly #scratch: Http2Scratch;
  readonly #reader: FrameReader;
  readonly #decoder = new HpackDecoder();
  #settingsAcked = false;
  #isFirstFrame = true;
  // The header block being collected; 0 for none.
  #blockStream = 0;
  #blockFlags = 0;
  #blockFrames = 0;
  #block: Uint8Array = EMPTY;
  #blockLength = 0;
  // The DATA frame being read.
  #dataEnds = false;
  /** Bytes of it not delivered yet; what stays at its end was padding. */
  #dataLeft = 0;
  /** It has brought content. */
  #dataHasContent = false;

  constructor(
    role: 'client' | 'server',
    options: Http2Options,
    events: Http2Events<Owner>,
    out: OutputBuffer,
    scratch: Http2Scratch,
  ) {
    super(role, options, events, out);
    this.#scratch = scratch;
    this.#reader = new FrameReader(this, role === 'server');
  }

  /** Reads input in any pieces. */
  feed(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    if (this.isFailed) return;
    this.guard.nowMs = nowMs;
    this.#reader.feed(bytes, start, end);
  }

  protected override stopReading(): void {
    this.#reader.stop();
  }

  // Input, from the frame reader.

  onFramingError(code: number, reason: string): void {
    this.fail(code, reason);
  }

  onFrameHeader(type: number, flags: number, streamId: number, length: number): boolean {
    if (this.#isFirstFrame) {
      this.#isFirstFrame = false;
      if (type !== h2.SETTINGS || (flags & h2.ACK) !== 0)
        return this.#refuse(h2.PROTOCOL_ERROR, 'first frame is not SETTINGS');
    }
    if (length > this.options.maxFrameBytes) return this.#refuse(h2.FRAME_SIZE_ERROR, 'frame too large');
    if (this.#blockStream !== 0 && (type !== h2.CONTINUATION || streamId !== this.#blockStream)) {
      return this.#refuse(h2.PROTOCOL_ERROR, 'frame within a header block');
    }
    if (type === h2.DATA) this.#beginData(flags, streamId, length);
    return !this.isFailed;
  }

  #refuse(code: number, reason: string): boolean {
    this.fail(code, reason);
    return false;
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    switch (type) {
      case h2.HEADERS:
        this.#onHeadersFrame(flags, streamId, bytes, start, end);
        return;
      case h2.CONTINUATION:
        if (this.#blockStream === 0) this.fail(h2.PROTOCOL_ERROR, 'CONTINUATION without HEADERS');
        else if (++this.#blockFrames > CONTINUATIONS_MAX)
          this.fail(h2.ENHANCE_YOUR_CALM, 'too many CONTINUATION frames');
        else this.#onBlockFragment((flags & h2.END_HEADERS) !== 0, bytes, start, end);
        return;
      case h2.PRIORITY:
        if (streamId === 0) this.fail(h2.PROTOCOL_ERROR, 'PRIORITY on stream 0');
        else if (length !== 5) this.streamError(streamId, h2.FRAME_SIZE_ERROR);
        else if ((write.read32(bytes, start) & h2.MAX_31_BITS) === streamId)
          this.streamError(streamId, h2.PROTOCOL_ERROR);
        else this.#countControl();
        return;
      case h2.RST_STREAM:
        if (streamId === 0) this.fail(h2.PROTOCOL_ERROR, 'RST_STREAM on stream 0');
        else if (length !== 4) this.fail(h2.FRAME_SIZE_ERROR, 'RST_STREAM of wrong length');
        else this.#onResetFrame(streamId, write.read32(bytes, start));
        return;
      case h2.SETTINGS:
        if (streamId !== 0) this.fail(h2.PROTOCOL_ERROR, 'SETTINGS on a stream');
        else if ((flags & h2.ACK) !== 0) {
          if (length !== 0) this.fail(h2.FRAME_SIZE_ERROR, 'SETTINGS ACK with content');
          else this.#onSettingsAck();
        } else if (length % 6 !== 0) this.fail(h2.FRAME_SIZE_ERROR, 'SETTINGS of wrong length');
        else this.#onSettings(bytes, start, end);
        return;
      case h2.PUSH_PROMISE:
        this.fail(h2.PROTOCOL_ERROR, 'PUSH_PROMISE although push is off');
        return;
      case h2.PING:
        if (streamId !== 0) this.fail(h2.PROTOCOL_ERROR, 'PING on a stream');
        else if (length !== 8) this.fail(h2.FRAME_SIZE_ERROR, 'PING of wrong length');
        else if ((flags & h2.ACK) !== 0) this.#onPong(bytes, start);
        else if (this.#countControl()) write.appendPing(this.out, true, bytes, start);
        return;
      case h2.GOAWAY:
        if (streamId !== 0) this.fail(h2.PROTOCOL_ERROR, 'GOAWAY on a stream');
        else if (length < 8) this.fail(h2.FRAME_SIZE_ERROR, 'GOAWAY of wrong length');
        else this.#onGoawayFrame(write.read32(bytes, start) & h2.MAX_31_BITS, write.read32(bytes, start + 4));
        return;
      case h2.WINDOW_UPDATE:
        if (length !== 4) this.fail(h2.FRAME_SIZE_ERROR, 'WINDOW_UPDATE of wrong length');
        else this.#onWindowUpdate(streamId, write.read32(bytes, start) & h2.MAX_31_BITS);
        return;
      default:
        // Unknown types are ignored (RFC 9113 5.5).
        this.#countControl();
    }
  }

  #countControl(): boolean {
    if (this.guard.onControl()) return true;
    this.fail(h2.ENHANCE_YOUR_CALM, 'too many control frames');
    return false;
  }

  // Content.

  #beginData(flags: number, streamId: number, length: number): void {
    if (streamId === 0 || this.isIdle(streamId)) {
      this.fail(h2.PROTOCOL_ERROR, 'DATA on a stream that is not open');
      return;
    }
    if (length > this.receiveWindow) {
      this.fail(h2.FLOW_CONTROL_ERROR, 'more DATA than the connection allows');
      return;
    }
    this.receiveWindow -= length;
    this.dataStream = undefined;
    this.#dataEnds = (flags & h2.END_STREAM) !== 0;
    const stream = this.streams.get(streamId);
    if (length === 0 && !this.#dataEnds && !this.#countControl()) return;
    if (stream === undefined || stream.remoteEnded) {
      this.returnConnectionWindow(length);
      if (stream !== undefined || this.closed.find(streamId) !== RESET_BY_US) {
        this.streamError(streamId, h2.STREAM_CLOSED);
      }
      return;
    }
    if (length > stream.receiveWindow || !stream.headReceived) {
      this.returnConnectionWindow(length);
      this.streamError(streamId, stream.headReceived ? h2.FLOW_CONTROL_ERROR : h2.PROTOCOL_ERROR);
      return;
    }
    stream.receiveWindow -= length;
    stream.unconsumed += length;
    this.dataStream = stream;
    this.#dataLeft = length;
    this.#dataHasContent = length === 0;
  }

  onDataPiece(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const stream = this.dataStream;
    if (stream === undefined) return;
    const length = end - start;
    this.#dataLeft -= length;
    if (length > 0) this.#dataHasContent = true;
    const endStream = isLast && this.#dataEnds;
    if (stream.contentLeft >= 0) {
      stream.contentLeft -= length;
      if (stream.contentLeft < 0 || (endStream && stream.contentLeft > 0)) {
        this.streamError(stream.id, h2.PROTOCOL_ERROR);
        return;
      }
    }
    if (isLast) {
      this.dataStream = undefined;
      if (this.#dataLeft > 0) this.consume(stream, this.#dataLeft);
      // Nothing but padding is as empty as nothing at all, which was counted when it began.
      if (!this.#dataHasContent && !endStream && !this.#countControl()) return;
    }
    if (length === 0 && !endStream) return;
    if (!endStream) {
      this.events.onData(stream, bytes, start, end, false);
      return;
    }
    stream.remoteEnded = true;
    this.events.onData(stream, bytes, start, end, true);
    if (stream.localEnded) this.forget(stream, ENDED);
  }

  // Header blocks.

  #onHeadersFrame(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId === 0) {
      this.fail(h2.PROTOCOL_ERROR, 'HEADERS on stream 0');
      return;
    }
    let from = start;
    let to = end;
    if ((flags & h2.PADDED) !== 0) {
      if (start === end) {
        this.fail(h2.FRAME_SIZE_ERROR, 'padded HEADERS without a pad length');
        return;
      }
      to -= bytes[from++]!;
    }
    let dependsOnItself = false;
    if ((flags & h2.PRIORITIZED) !== 0) {
      if (end - from < 5) {
        this.fail(h2.FRAME_SIZE_ERROR, 'HEADERS without its priority');
        return;
      }
      dependsOnItself = (write.read32(bytes, from) & h2.MAX_31_BITS) === streamId;
      from += 5;
    }
    if (to < from) {
      this.fail(h2.PROTOCOL_ERROR, 'padding longer than its frame');
      return;
    }
    this.#blockStream = streamId;
    this.#blockFlags = dependsOnItself ? flags | SELF_DEPENDENT : flags;
    this.#blockFrames = 0;
    this.#blockLength = 0;
    this.#onBlockFragment((flags & h2.END_HEADERS) !== 0, bytes, from, to);
  }

  #onBlockFragment(isLast: boolean, bytes: Uint8Array, start: number, end: number): void {
    if (isLast && this.#blockLength === 0) {
      this.#onBlock(bytes, start, end);
      return;
    }
    const length = this.#blockLength + end - start;
    if (length > BLOCK_MAX_BYTES) {
      this.fail(h2.ENHANCE_YOUR_CALM, 'header block too large');
      return;
    }
    if (length > this.#block.length) {
      const grown = new Uint8Array(Math.max(length, this.#block.length * 2));
      grown.set(this.#block.subarray(0, this.#blockLength));
      this.#block = grown;
    }
    this.#block.set(bytes.subarray(start, end), this.#blockLength);
    this.#blockLength = length;
    if (!isLast) return;
    const block = this.#block;
    this.#block = EMPTY;
    this.#onBlock(block, 0, length);
  }

  /** A whole block. It is decoded whatever becomes of its stream: the table depends on it. */
  #onBlock(bytes: Uint8Array, start: number, end: number): void {
    const streamId = this.#blockStream;
    const flags = this.#blockFlags;
    const { fields } = this.#scratch;
    this.#blockStream = 0;
    if (!this.#decoder.decode(bytes, start, end, fields)) {
      this.fail(h2.COMPRESSION_ERROR, 'malformed header block');
      return;
    }
    const endStream = (flags & h2.END_STREAM) !== 0;
    let stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (!this.#mayOpen(streamId)) return;
      stream = this.newStream(streamId);
      if (this.streams.size > this.options.maxConcurrentStreams) {
        this.streamError(streamId, h2.REFUSED_STREAM);
        return;
      }
    } else if (stream.remoteEnded) {
      this.streamError(streamId, h2.STREAM_CLOSED);
      return;
    }
    if ((flags & SELF_DEPENDENT) !== 0) this.streamError(streamId, h2.PROTOCOL_ERROR);
    else if (fields.isTooLarge) this.streamError(streamId, h2.ENHANCE_YOUR_CALM);
    else if (stream.headReceived) this.#onTrailerBlock(stream, fields, endStream);
    else this.#onHeadBlock(stream, fields, endStream);
  }

  /** Whether HEADERS may begin a stream; says so to the peer if not. */
  #mayOpen(streamId: number): boolean {
    if (!this.isIdle(streamId)) {
      const how = this.closed.find(streamId);
      // Ours crossed with the peer's frames: not its fault.
      if (how === RESET_BY_US) return false;
      if (how === RESET_BY_PEER) this.streamError(streamId, h2.STREAM_CLOSED);
      else if (how === ENDED) this.fail(h2.STREAM_CLOSED, 'HEADERS on a closed stream');
      else this.fail(h2.PROTOCOL_ERROR, 'stream id goes backwards');
      return false;
    }
    if (this.role === 'client' || (streamId & 1) === 0) {
      this.fail(h2.PROTOCOL_ERROR, 'stream id of the wrong side');
      return false;
    }
    // Sent before the client knew of our final GOAWAY, which tells it to try elsewhere.
    if (streamId > this.acceptedId) return false;
    this.lastPeerId = streamId;
    return true;
  }

  #onHeadBlock(stream: Http2Stream<Owner>, fields: FieldList, endStream: boolean): void {
    const { shape } = this.#scratch;
    const isRequest = this.role === 'server';
    const problem = checkMessage(fields, isRequest ? REQUEST : RESPONSE, this.options.allowsConnectProtocol, shape);
    if (problem !== undefined) {
      this.streamError(stream.id, h2.PROTOCOL_ERROR);
      return;
    }
    if (!isRequest && shape.status < 200) {
      if (endStream) this.streamError(stream.id, h2.PROTOCOL_ERROR);
      else if (this.#countControl()) this.events.onInterim(stream, fields, shape);
      return;
    }
    const isEmpty = !isRequest && (stream.isHeadRequest || shape.status === 204 || shape.status === 304);
    // A response without content may still declare a length (RFC 9110 8.6).
    if (!isEmpty) stream.contentLeft = shape.contentLength;
    else stream.contentLeft = 0;
    if (endStream && stream.contentLeft > 0) {
      this.streamError(stream.id, h2.PROTOCOL_ERROR);
      return;
    }
    stream.headReceived = true;
    if (endStream) stream.remoteEnded = true;
    this.events.onHead(stream, fields, shape, endStream);
    if (endStream && stream.localEnded) this.forget(stream, ENDED);
  }

  #onTrailerBlock(stream: Http2Stream<Owner>, fields: FieldList, endStream: boolean): void {
    const { shape } = this.#scratch;
    if (!endStream || stream.contentLeft > 0 || checkMessage(fields, TRAILERS, false, shape) !== undefined) {
      this.streamError(stream.id, h2.PROTOCOL_ERROR);
      return;
    }
    stream.remoteEnded = true;
    this.events.onTrailers(stream, fields);
    if (stream.localEnded) this.forget(stream, ENDED);
  }

  // Control.

  #onResetFrame(streamId: number, code: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fail(h2.PROTOCOL_ERROR, 'RST_STREAM on an idle stream');
      else this.#countControl();
      return;
    }
    if (!this.guard.onReset()) {
      this.fail(h2.ENHANCE_YOUR_CALM, 'too many streams reset');
      return;
    }
    this.forget(stream, RESET_BY_PEER);
    this.events.onReset(stream, code);
  }

  #onSettings(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#countControl()) return;
    const before = this.peer.initialWindowBytes;
    const error = this.peer.applyAll(bytes, start, end);
    if (error !== h2.NO_ERROR) {
      this.fail(error, 'invalid setting');
      return;
    }
    this.encoder.setMaxTableBytes(this.peer.headerTableBytes);
    const delta = this.peer.initialWindowBytes - before;
    for (const stream of this.streams.values()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > h2.MAX_31_BITS) {
        this.fail(h2.FLOW_CONTROL_ERROR, 'window beyond 2^31-1');
        return;
      }
    }
    write.appendSettingsAck(this.out);
    this.isReady = true;
    if (delta > 0) this.#unblock();
  }

  #onSettingsAck(): void {
    if (this.#settingsAcked) {
      this.#countControl();
      return;
    }
    this.#settingsAcked = true;
    // From here on the peer keeps to a smaller window.
    const delta = this.options.streamWindowBytes - this.receiveInitial;
    this.receiveInitial += delta;
    for (const stream of this.streams.values()) stream.receiveWindow += delta;
  }

  #onPong(bytes: Uint8Array, start: number): void {
    if (!this.#countControl() || this.drainStep !== 'announced') return;
    for (let i = 0; i < 8; i++) if (bytes[start + i] !== DRAIN_PING[i]) return;
    this.finishDrain();
  }

  #onGoawayFrame(lastStreamId: number, code: number): void {
    if (!this.#countControl()) return;
    this.isGoingAway = true;
    for (const stream of [...this.streams.values()]) {
      if (stream.id <= lastStreamId || (stream.id & 1) !== (this.nextOwnId & 1)) continue;
      this.forget(stream, RESET_BY_PEER);
      this.events.onReset(stream, h2.REFUSED_STREAM);
    }
    this.events.onGoaway(code);
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    if (!this.guard.onWindowUpdate()) {
      this.fail(h2.ENHANCE_YOUR_CALM, 'too many WINDOW_UPDATE frames');
      return;
    }
    if (streamId === 0) {
      if (increment === 0) this.fail(h2.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
      else if (this.sendWindow + increment > h2.MAX_31_BITS) this.fail(h2.FLOW_CONTROL_ERROR, 'window beyond 2^31-1');
      else {
        this.sendWindow += increment;
        this.#unblock();
      }
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fail(h2.PROTOCOL_ERROR, 'WINDOW_UPDATE on an idle stream');
      return;
    }
    if (increment === 0) this.streamError(streamId, h2.PROTOCOL_ERROR);
    else if (stream.sendWindow + increment > h2.MAX_31_BITS) this.streamError(streamId, h2.FLOW_CONTROL_ERROR);
    else {
      stream.sendWindow += increment;
      if (stream.isBlocked && this.sendWindow > 0) this.#wake(stream);
    }
  }

  /** Lets blocked streams send, in the order in which they stopped: whoever stops again queues behind the others. */
  #unblock(): void {
    for (const stream of [...this.blocked]) {
      if (this.sendWindow <= 0) return;
      if (stream.sendWindow > 0) this.#wake(stream);
    }
  }

  #wake(stream: Http2Stream<Owner>): void {
    if (stream.isGone) return;
    stream.isBlocked = false;
    this.blocked.delete(stream);
    this.events.onWritable(stream);
  }
}

const EMPTY = new Uint8Array(0);
/** Beside the frame's flags: the priority names its own stream. */
const SELF_DEPENDENT = 256;
