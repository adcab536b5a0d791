// Hot path: one object per request over HTTP/2.
import type { FieldList } from '../../wire/http2/field-list.ts';
import type { MessageShape } from '../../wire/http2/message-rules.ts';
import { INTERNAL_ERROR, NO_ERROR } from '../../wire/http2/protocol.ts';
import type { Http2Stream } from '../../wire/http2/stream.ts';
import type { AnswerSink, ApiAnswer, UserInfo } from './api-request.ts';
import { Departure } from './departure.ts';
import { type Http2RequestHead, readRequestHead, writeAnswerHead } from './http2-head.ts';
import type { Http2Session } from './http2-session.ts';
import { ReceivedBody } from './request-front.ts';
import { StatusError, statusAnswer } from './status-error.ts';

/** So much of an answer goes out before other streams of the connection get their turn. */
const pieceBytes = 64 * 1024;
/** Whoever waits for room goes on when less than this is queued. */
const lowWaterBytes = 64 * 1024;
const nothing = Buffer.alloc(0);

/** One stream: collects the request, then is where its answer goes. */
export class Http2Exchange implements AnswerSink {
  readonly departure: Departure = new Departure();
  readonly #session: Http2Session;
  readonly #stream: Http2Stream<Http2Exchange>;
  readonly #head: Http2RequestHead;
  readonly #body = new ReceivedBody();
  #user: UserInfo | undefined;
  /** Nothing more of the request matters. */
  #answered = false;
  /** What windows or the socket have no room for yet. */
  readonly #queue: Uint8Array[] = [];
  /** Of the first piece of the queue, so much is sent. */
  #offset = 0;
  #queuedBytes = 0;
  #ended = false;
  #waiting: (() => void)[] | undefined;

  constructor(session: Http2Session, stream: Http2Stream<Http2Exchange>, fields: FieldList, shape: MessageShape) {
    this.#session = session;
    this.#stream = stream;
    this.#head = readRequestHead(fields, shape);
  }

  /** The head is complete. */
  begin(endStream: boolean): void {
    try {
      this.#user = this.#session.front.identify(this.#session.certificateUser, this.#head.headers);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#head.target === undefined) this.#answer({ status: 405, headers: {}, body: '' });
    else if (endStream) this.#carryOut();
    else if (this.#head.headers.expect?.toLowerCase() === '100-continue') this.#session.sendContinue(this.#stream);
  }

  /** A piece of the body, in memory that stays as it is. */
  receive(piece: Uint8Array): void {
    if (this.#answered) return;
    try {
      this.#body.add(piece);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** The request is complete. */
  finish(): void {
    if (!this.#answered) this.#carryOut();
  }

  /** The stream is gone before its proper end. */
  gone(): void {
    this.#answered = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#wake();
    this.departure.depart();
  }

  #refuse(error: unknown): void {
    if (!(error instanceof StatusError)) this.#session.reset(this.#stream, INTERNAL_ERROR);
    else this.#answer(statusAnswer(error));
  }

  #carryOut(): void {
    const { target = '/', method, headers } = this.#head;
    this.#answered = true;
    const { front, sourceAddress } = this.#session;
    const { bytes: body } = this.#body;
    const received = { method, target, headers, body, user: this.#user!, departure: this.departure, sourceAddress };
    front.answer(received).then(
      (answer) => this.#answer(answer),
      (error: unknown) => this.#refuse(error),
    );
  }

  #answer(answer: ApiAnswer): void {
    this.#answered = true;
    if (this.#stream.isGone) return;
    const { fields, date } = this.#session;
    const { stream } = answer;
    const isBodiless = this.#head.method === 'HEAD' || answer.status === 204 || answer.status === 304;
    if (stream === undefined) {
      const { body = '' } = answer;
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      writeAnswerHead(fields, answer, bytes.length, date);
      this.#session.sendHead(this.#stream, isBodiless || bytes.length === 0);
      if (!isBodiless && bytes.length > 0) this.#send(bytes, true);
      this.#stopReceiving();
      return;
    }
    writeAnswerHead(fields, answer, undefined, date);
    this.#session.sendHead(this.#stream, isBodiless);
    if (isBodiless) return;
    stream(this).catch(() => this.abort());
  }

  /** An answer that came before the request's end: nobody reads the rest (RFC 9113 8.1). */
  #stopReceiving(): void {
    if (!this.#stream.remoteEnded && this.#stream.localEnded) this.#session.reset(this.#stream, NO_ERROR);
  }

  // The answer's content.

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  write(chunk: Uint8Array): void {
    if (!this.#stream.isGone && !this.#ended && chunk.length > 0) this.#send(chunk, false);
  }

  async drained(): Promise<void> {
    if (this.#stream.isGone || this.#queuedBytes < lowWaterBytes) return;
    await new Promise<void>((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  end(): void {
    if (!this.#stream.isGone && !this.#ended) this.#send(nothing, true);
  }

  abort(): void {
    this.#session.reset(this.#stream, INTERNAL_ERROR);
    this.gone();
  }

  #send(bytes: Uint8Array, isLast: boolean): void {
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
    }
    if (isLast) this.#ended = true;
    // Behind a piece that waits, this one waits too.
    if (this.#queue.length <= 1 || isLast) this.resume();
    this.#session.flush();
  }

  /** Sends what waits, as far as the windows and the socket let it. */
  resume(): void {
    const { http2 } = this.#session;
    while (this.#queue.length > 0 && !this.#stream.isGone) {
      if (this.#session.isCongested) {
        this.#session.waitForDrain(this);
        break;
      }
      const next = this.#queue[0]!;
      const end = Math.min(next.length, this.#offset + pieceBytes);
      const isLast = this.#ended && this.#queue.length === 1 && end === next.length;
      const taken = http2.sendData(this.#stream, next, this.#offset, end, isLast);
      const isWhole = this.#offset + taken === next.length;
      const isBlocked = taken < end - this.#offset;
      this.#queuedBytes -= taken;
      this.#offset = isWhole ? 0 : this.#offset + taken;
      if (isWhole) this.#queue.shift();
      if (isBlocked) break;
      this.#session.flushLarge();
    }
    if (this.#queue.length === 0 && this.#ended && !this.#stream.localEnded) {
      http2.sendData(this.#stream, nothing, 0, 0, true);
    }
    if (this.#queuedBytes < lowWaterBytes) this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const resolve of waiting) resolve();
  }
}
