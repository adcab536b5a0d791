import type { Connection } from '../../reactor/reactor.ts';
import { CONTENT_LENGTH } from '../../wire/http1/field-id.ts';
import type { RequestHead } from '../../wire/http1/request-head.ts';
import type { ResponseFraming, ResponseHead } from '../../wire/http1/response-head.ts';
import type { ClientConnection } from '../client-connection.ts';
import { describeCoding, hasContent, isEventStream, mergeVary } from '../compression/compressible.ts';
import { ResponseEncoder } from '../compression/response-encoder.ts';
import type { EndpointRuntime } from '../endpoint-runtime.ts';
import type { ExchangeRecord } from '../exchange-record.ts';
import { METRIC } from '../gateway-metrics.ts';
import { errorBody } from '../local-response.ts';
import type { ProxyCore } from '../proxy-core.ts';
import { BODY_TOO_LONG } from '../request-body.ts';
import type { RequestUpload } from '../request-upload.ts';
import { changedPath, type Frontend } from '../route-lookup.ts';
import type { CompiledFilter, FilterAnswer, FinalVerdict } from './filter.ts';
import { FilterRun, TOO_LARGE } from './filter-run.ts';

/** How long filters may take with one request, milliseconds. Beyond: 503. */
export const FILTERS_MAX_MS = 60_000;

/** Most content kept in a worker for filters that look at it, bytes. Beyond: 503. */
export const GATHERED_MAX_BYTES: number = 64 * 1024 * 1024;

/** Takes a verdict that took time. */
export type LateVerdict = (verdict: FinalVerdict, head: RequestHead, path: Buffer | undefined) => void;

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
const TOO_MUCH: FilterAnswer = {
  status: 503,
  body: errorBody(503, 'too many requests'),
  reason: 'overflow',
  fields: [],
};
const BAD_CONTENT: FilterAnswer = { status: 400, body: errorBody(400), reason: 'bad-content', fields: [] };

/** Makes a head that was kept say that the content is here as a whole. */
function presentContent(head: RequestHead, content: Buffer | undefined): void {
  if (content === undefined) return;
  for (let index = 0; index < head.fieldCount; index++) {
    if (head.ids[index] === CONTENT_LENGTH || index === head.expectField) head.dropped[index] = 1;
  }
  head.isChunked = false;
  head.contentLength = content.length;
}

/** The filters' part of a client connection: a run, the head of a request that waits for a verdict, and what compresses the answer. */
export class ExchangeFilters {
  readonly run: FilterRun;
  readonly #core: ProxyCore;
  readonly #upload: RequestUpload;
  readonly #connection: Connection;
  /** Of a request that waits; taken out of the worker's hands. */
  #keptHead: RequestHead | undefined = undefined;
  /** Of the content that a filter asked for, so far. */
  #gathered: Buffer[] | undefined = undefined;
  /** What {@link ProxyCore.gatheredBytes} has of it. */
  #gatheredBytes = 0;
  #onVerdict: LateVerdict = () => {};
  /** Of the answer under way. */
  #encoder: ResponseEncoder | undefined = undefined;

  constructor(
    core: ProxyCore,
    { identity, trace }: ExchangeRecord,
    { scheme, port }: Pick<Frontend, 'scheme' | 'port'>,
    upload: RequestUpload,
    connection: Connection,
  ) {
    this.#core = core;
    this.#upload = upload;
    this.#connection = connection;
    this.run = new FilterRun({ identity, scheme, port, trace });
  }

  /**
   * Shows a request with its head complete, the worker's shared one, to the filters of its route.
   * `waiting`: `onVerdict` follows, with the head again. What a filter wants in its answer is in the run.
   */
  begin(
    filters: readonly CompiledFilter[],
    head: RequestHead,
    path: Buffer | undefined,
    onVerdict: LateVerdict,
  ): 'waiting' | FinalVerdict {
    this.run.start(filters);
    this.#onVerdict = onVerdict;
    const result = this.run.advance(head, path, () => this.#goOn());
    if (result !== 'waiting') return result;
    this.#keptHead = this.#core.keepRequestHead();
    head.detach();
    this.#startGathering(head);
    return result;
  }

  /** Makes the head that was kept the worker's once more; it is valid in the present callback only. */
  #goOn(): void {
    const head = this.#keptHead!;
    const { run } = this;
    this.#keptHead = undefined;
    this.#core.swapRequestHead(head);
    // It was not refused the first time.
    const path = changedPath(head) as Buffer | undefined;
    presentContent(head, run.content);
    const result = run.advance(head, path, () => this.#goOn());
    if (result === 'waiting') {
      this.#keptHead = this.#core.keepRequestHead();
      this.#startGathering(head);
      return;
    }
    if (result === 'pass' && run.content !== undefined) {
      // A filter may have replaced it.
      presentContent(head, run.content);
      run.requestChange.add('content-length', String(run.content.length));
      this.#core.gatheredBytes += run.content.length - this.#gatheredBytes;
      this.#gatheredBytes = run.content.length;
    }
    this.#onVerdict(result, head, path);
  }

  get isGathering(): boolean {
    return this.#gathered !== undefined;
  }

  /** A client that asked whether to send its content at all is told to. */
  #startGathering(head: RequestHead): void {
    const { gathers } = this.run;
    if (gathers === undefined || this.#gathered !== undefined) return;
    this.#gathered = [];
    this.#upload.body.maxBytes = gathers.maxBytes;
    if (head.expectField >= 0 && head.minorVersion > 0) this.#connection.writeBytes(CONTINUE);
  }

  /** Bytes that arrive while the request waits: content for whoever asked for it, else for later. */
  hold(start: number, end: number): void {
    const gathered = this.#gathered;
    if (gathered === undefined) {
      this.#upload.hold(start, end);
      return;
    }
    const { body } = this.#upload;
    const { bytes } = this.#core.reactor.input;
    const result = body.decode(bytes, start, end, (from, to) => gathered.push(Buffer.from(bytes.subarray(from, to))));
    if (result === 0 && body.isDone && body.position < end) this.#upload.hold(body.position, end);
    this.#onGathered(gathered, end - start, result);
  }

  /** The same for content of a stream. */
  holdContent(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const gathered = this.#gathered;
    if (gathered === undefined) return;
    const result = this.#upload.body.takeContent(end - start, isLast);
    gathered.push(Buffer.from(bytes.subarray(start, end)));
    this.#onGathered(gathered, end - start, result);
  }

  /** `length` more bytes came. */
  #onGathered(gathered: readonly Buffer[], length: number, result: number): void {
    this.#gatheredBytes += length;
    this.#core.gatheredBytes += length;
    const isTooMuch = this.#core.gatheredBytes > GATHERED_MAX_BYTES;
    if (result === 0 && !this.#upload.body.isDone && !isTooMuch) return;
    this.#gathered = undefined;
    if (isTooMuch) this.run.noteGathered(TOO_MUCH);
    else if (result === 0) this.run.noteGathered(Buffer.concat(gathered));
    else this.run.noteGathered(result === BODY_TOO_LONG ? TOO_LARGE : BAD_CONTENT);
    this.#goOn();
  }

  /**
   * Sees the head that goes to the client, once, before it is written. Returns what compresses its content; undefined:
   * it goes on as it is.
   */
  onAnswer(
    from: EndpointRuntime,
    head: ResponseHead,
    framing: ResponseFraming,
    client: ClientConnection,
  ): ResponseEncoder | undefined {
    const { compression, coding, responseChange, session } = this.run;
    const told = session?.answerField(from);
    if (told !== undefined) responseChange.add(...told);
    if (compression === undefined || !compression.covers(head)) return undefined;
    const add = (name: string, value: string): boolean => responseChange.add(name, value);
    mergeVary(head, add);
    if (coding === undefined || !hasContent(head, framing)) return undefined;
    const core = this.#core;
    const pooled = core.compressors.take(coding, compression.levelOf(coding));
    if (pooled === undefined) {
      core.metrics[METRIC.compressionSkipped]! += 1;
      return undefined;
    }
    const flushesEach = isEventStream(head);
    describeCoding(head, coding, add);
    this.#encoder = new ResponseEncoder(core, pooled, client.connection, { chunked: !client.isHttp10, flushesEach });
    return this.#encoder;
  }

  /** Nothing is waited for any more. Idempotent. */
  end(): void {
    this.#encoder?.release();
    this.#encoder = undefined;
    this.run.cancel();
    this.#core.gatheredBytes -= this.#gatheredBytes;
    this.#gatheredBytes = 0;
    this.#gathered = undefined;
    if (this.#keptHead !== undefined) this.#core.returnRequestHead(this.#keptHead);
    this.#keptHead = undefined;
  }
}
