// Hot path: what an HTTP/2 connection sends, and the windows in both directions.
import { ClosedStreams, ENDED, RESET_BY_PEER, RESET_BY_US } from './closed-streams.ts';
import type { Http2Events } from './events.ts';
import type { FieldList } from './field-list.ts';
import { FloodGuard } from './flood-guard.ts';
import * as write from './frame-writer.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import type { OutputBuffer } from './output-buffer.ts';
import * as h2 from './protocol.ts';
import { type Http2Options, PeerSettings, settingsOf } from './settings.ts';
import { Http2Stream } from './stream.ts';

/** Payload of the PING that follows the first GOAWAY of a drain. */
export const DRAIN_PING: Uint8Array = Buffer.from('drain\0\0\0', 'latin1');

/** The sending half of a connection, and the streams. Everything to send is appended to `out` by every call. */
export abstract class Http2Outbound<Owner> {
  readonly role: 'client' | 'server';
  readonly peer: PeerSettings;
  readonly streams: Map<number, Http2Stream<Owner>> = new Map();
  /** Where commands and answers are written. The owner may exchange it between calls. */
  out: OutputBuffer;
  /** Bytes that the peer lets us send on the whole connection. */
  sendWindow: number = h2.DEFAULT_WINDOW_BYTES;
  /** Bytes that the peer may still send. */
  receiveWindow: number = h2.DEFAULT_WINDOW_BYTES;
  /** The peer's SETTINGS have come. */
  isReady: boolean = false;
  /** A rule was broken; nothing more is read or sent. */
  isFailed: boolean = false;
  /** The peer sent GOAWAY, or we did: no new streams. */
  isGoingAway: boolean = false;
  protected readonly options: Http2Options;
  protected readonly events: Http2Events<Owner>;
  protected readonly encoder: HpackEncoder = new HpackEncoder();
  protected readonly guard: FloodGuard = new FloodGuard();
  protected readonly closed: ClosedStreams = new ClosedStreams();
  protected readonly blocked: Set<Http2Stream<Owner>> = new Set();
  /** Highest stream id that the peer opened. */
  protected lastPeerId: number = 0;
  /** Peer streams above this one are ignored (after the final GOAWAY). */
  protected acceptedId: number = h2.MAX_31_BITS;
  protected nextOwnId: number;
  #unreturned = 0;
  /** Streams start with the protocol's window until our settings are acknowledged. */
  protected receiveInitial: number;
  protected drainStep: 'none' | 'announced' | 'final' = 'none';
  // The DATA frame being read; undefined when its content is dropped.
  protected dataStream: Http2Stream<Owner> | undefined = undefined;

  constructor(role: 'client' | 'server', options: Http2Options, events: Http2Events<Owner>, out: OutputBuffer) {
    this.role = role;
    this.peer = new PeerSettings(role === 'client' ? 'server' : 'client');
    this.out = out;
    this.options = options;
    this.events = events;
    this.nextOwnId = role === 'client' ? 1 : 2;
    this.receiveInitial = Math.max(options.streamWindowBytes, h2.DEFAULT_WINDOW_BYTES);
  }

  /** Sends the preface and settings. Call once, first. */
  start(): void {
    if (this.role === 'client') {
      this.out.reserve(h2.PREFACE.length);
      this.out.bytes.set(h2.PREFACE, this.out.length);
      this.out.length += h2.PREFACE.length;
    }
    write.appendSettings(this.out, settingsOf(this.options, this.role));
    const more = this.options.connectionWindowBytes - h2.DEFAULT_WINDOW_BYTES;
    if (more > 0) {
      write.appendWindowUpdate(this.out, 0, more);
      this.receiveWindow += more;
    }
  }

  /** The drain has come to its end: both GOAWAY frames are out and no stream is left. */
  get isDrained(): boolean {
    return this.drainStep === 'final' && this.streams.size === 0;
  }

  /** Whether {@link openStream} would succeed now. */
  get canOpenStream(): boolean {
    return (
      !this.isGoingAway &&
      !this.isFailed &&
      this.streams.size < this.peer.maxConcurrentStreams &&
      this.nextOwnId <= h2.MAX_31_BITS
    );
  }

  // Commands.

  /** Opens a stream with a request. Undefined if {@link canOpenStream} is false. */
  openStream(fields: FieldList, endStream: boolean, isHeadRequest: boolean): Http2Stream<Owner> | undefined {
    if (!this.canOpenStream) return undefined;
    const stream = this.newStream(this.nextOwnId);
    this.nextOwnId += 2;
    stream.isHeadRequest = isHeadRequest;
    this.sendHeaders(stream, fields, endStream);
    return stream;
  }

  /** Sends a head, an interim head or trailers. */
  sendHeaders(stream: Http2Stream<Owner>, fields: FieldList, endStream: boolean): void {
    if (stream.isGone || stream.localEnded || this.isFailed) return;
    const { out } = this;
    const head = out.length;
    out.reserve(h2.FRAME_HEADER_BYTES + HpackEncoder.roomFor(fields));
    const begin = head + h2.FRAME_HEADER_BYTES;
    let end = this.encoder.encode(fields, out.bytes, begin);
    const max = this.peer.maxFrameBytes;
    const flags = endStream ? h2.END_STREAM : 0;
    if (end - begin <= max) {
      write.writeFrameHeader(out.bytes, head, end - begin, h2.HEADERS, flags | h2.END_HEADERS, stream.id);
    } else {
      // Opens gaps for the headers of CONTINUATION frames, from the last to the first.
      const frames = Math.ceil((end - begin) / max);
      out.length = end;
      out.reserve((frames - 1) * h2.FRAME_HEADER_BYTES);
      const { bytes } = out;
      for (let frame = frames - 1; frame >= 0; frame--) {
        const from = begin + frame * max;
        const length = Math.min(max, end - from);
        const to = from + frame * h2.FRAME_HEADER_BYTES;
        bytes.copyWithin(to, from, from + length);
        const own = (frame === 0 ? flags : 0) | (frame === frames - 1 ? h2.END_HEADERS : 0);
        const type = frame === 0 ? h2.HEADERS : h2.CONTINUATION;
        write.writeFrameHeader(bytes, to - h2.FRAME_HEADER_BYTES, length, type, own, stream.id);
      }
      end += (frames - 1) * h2.FRAME_HEADER_BYTES;
    }
    out.length = end;
    stream.headSent = true;
    if (endStream) this.#endLocally(stream);
  }

  /**
   * Sends as much of `[start, end)` as the windows allow, and END_STREAM behind the last byte if asked for.
   * @returns bytes taken. If fewer than given, {@link Http2Events.onWritable} follows.
   */
  sendData(stream: Http2Stream<Owner>, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
    if (stream.isGone || stream.localEnded || this.isFailed) return end - start;
    const window = Math.max(0, Math.min(stream.sendWindow, this.sendWindow));
    const take = Math.min(end - start, window);
    const isWhole = take === end - start;
    if (take > 0 || (isWhole && endStream)) this.#writeData(stream, bytes, start, start + take, isWhole && endStream);
    if (isWhole) {
      if (endStream) this.#endLocally(stream);
      return take;
    }
    stream.isBlocked = true;
    this.blocked.add(stream);
    return take;
  }

  #writeData(stream: Http2Stream<Owner>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const { out } = this;
    const max = this.peer.maxFrameBytes;
    let at = start;
    do {
      const length = Math.min(max, end - at);
      out.reserve(h2.FRAME_HEADER_BYTES + length);
      const flags = endStream && at + length === end ? h2.END_STREAM : 0;
      const to = write.writeFrameHeader(out.bytes, out.length, length, h2.DATA, flags, stream.id);
      if (length > 64) out.bytes.set(bytes.subarray(at, at + length), to);
      else for (let i = 0; i < length; i++) out.bytes[to + i] = bytes[at + i]!;
      out.length = to + length;
      at += length;
      this.guard.reasonsForUpdates++;
    } while (at < end);
    stream.sendWindow -= end - start;
    this.sendWindow -= end - start;
  }

  /** Returns window to the peer for content that was dealt with. */
  consume(stream: Http2Stream<Owner>, bytes: number): void {
    if (stream.isGone) return;
    stream.unconsumed -= bytes;
    this.returnConnectionWindow(bytes);
    if (stream.remoteEnded) return;
    stream.unreturned += bytes;
    if (stream.unreturned * 2 < this.options.streamWindowBytes) return;
    write.appendWindowUpdate(this.out, stream.id, stream.unreturned);
    stream.receiveWindow += stream.unreturned;
    stream.unreturned = 0;
  }

  protected returnConnectionWindow(bytes: number): void {
    this.#unreturned += bytes;
    if (this.#unreturned * 2 < this.options.connectionWindowBytes || this.isFailed) return;
    write.appendWindowUpdate(this.out, 0, this.#unreturned);
    this.receiveWindow += this.#unreturned;
    this.#unreturned = 0;
  }

  /** Ends a stream early. No event follows. */
  reset(stream: Http2Stream<Owner>, code: number): void {
    if (stream.isGone || this.isFailed) return;
    write.appendReset(this.out, stream.id, code);
    this.forget(stream, RESET_BY_US);
  }

  /** Asks for a sign of life; its answer comes as nothing but activity. */
  ping(payload: Uint8Array): void {
    if (!this.isFailed) write.appendPing(this.out, false, payload, 0);
  }

  /**
   * Begins a graceful end (RFC 9113 6.8): GOAWAY that excludes nothing and a PING; once that is
   * answered, all requests sent before the client knew have arrived, and the final GOAWAY follows.
   */
  drain(): void {
    if (this.drainStep !== 'none' || this.isFailed) return;
    this.drainStep = 'announced';
    write.appendGoaway(this.out, h2.MAX_31_BITS, h2.NO_ERROR, '');
    write.appendPing(this.out, false, DRAIN_PING, 0);
  }

  /** The second step of {@link drain}, for a peer that does not answer the PING. */
  finishDrain(): void {
    if (this.drainStep === 'final' || this.isFailed) return;
    this.drainStep = 'final';
    this.isGoingAway = true;
    this.acceptedId = this.lastPeerId;
    write.appendGoaway(this.out, this.lastPeerId, h2.NO_ERROR, '');
  }

  /** Ends the connection with an error: GOAWAY, then every stream is gone. */
  fail(code: number, reason: string): void {
    if (this.isFailed) return;
    write.appendGoaway(this.out, this.lastPeerId, code, reason);
    this.isFailed = true;
    this.stopReading();
    this.abandonStreams(code);
    this.events.onConnectionError(code, reason);
  }

  /** Reports every stream as reset: the connection is lost. */
  abandonStreams(code: number): void {
    this.isGoingAway = true;
    for (const stream of [...this.streams.values()]) {
      this.forget(stream, RESET_BY_PEER);
      this.events.onReset(stream, code);
    }
  }

  /** Whether a stream that has no object was never opened. */
  protected isIdle(streamId: number): boolean {
    const isOwn = (streamId & 1) === (this.nextOwnId & 1);
    return isOwn ? streamId >= this.nextOwnId : streamId > this.lastPeerId;
  }

  /** A stream error (RFC 9113 5.4.2), on a stream that may have no object. */
  protected streamError(streamId: number, code: number): void {
    if (!this.guard.onReset()) {
      this.fail(h2.ENHANCE_YOUR_CALM, 'too many stream errors');
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined && this.isIdle(streamId)) {
      // An idle stream cannot be reset.
      this.fail(code, 'error on an idle stream');
      return;
    }
    write.appendReset(this.out, streamId, code);
    if (stream === undefined) {
      this.closed.add(streamId, RESET_BY_US);
      return;
    }
    this.forget(stream, RESET_BY_US);
    this.events.onReset(stream, code);
  }

  protected newStream(id: number): Http2Stream<Owner> {
    const stream = new Http2Stream<Owner>(id, this.peer.initialWindowBytes, this.receiveInitial);
    this.streams.set(id, stream);
    this.guard.reasonsForUpdates++;
    return stream;
  }

  #endLocally(stream: Http2Stream<Owner>): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.forget(stream, ENDED);
  }

  /** The stream is over; content that nobody will consume goes back to the connection's window. */
  protected forget(stream: Http2Stream<Owner>, how: number): void {
    if (stream.isGone) return;
    stream.isGone = true;
    stream.localEnded = true;
    stream.remoteEnded = true;
    this.streams.delete(stream.id);
    this.blocked.delete(stream);
    this.closed.add(stream.id, how);
    if (this.dataStream === stream && how !== ENDED) this.dataStream = undefined;
    this.returnConnectionWindow(stream.unconsumed);
    stream.unconsumed = 0;
  }

  /** Nothing more is read. */
  protected abstract stopReading(): void;
}
