// Hot path where traces are on: one object per client connection, reused.
import type { Span, SpanAttribute } from '../../telemetry/span.ts';
import { copyBytes } from '../../wire/http1/head-writer.ts';
import type { RequestHead } from '../../wire/http1/request-head.ts';
import type { ExchangeRecord } from '../exchange-record.ts';
import { fieldText } from '../filters/field-text.ts';
import { NOT_GRPC } from '../grpc-status.ts';
import { type ParentContext, readB3, readTraceContext } from './trace-context.ts';
import type { Tracing } from './tracing.ts';

const name = (text: string): Buffer => Buffer.from(text, 'latin1');
const TRACEPARENT = name('traceparent');
const TRACESTATE = name('tracestate');
const B3 = name('b3');
const B3_TRACE = name('x-b3-traceid');
const B3_SPAN = name('x-b3-spanid');
const B3_PARENT = name('x-b3-parentspanid');
const B3_SAMPLED = name('x-b3-sampled');
const B3_FLAGS = name('x-b3-flags');
const OF_W3C = [TRACEPARENT, TRACESTATE];
const OF_B3 = [B3, B3_TRACE, B3_SPAN, B3_PARENT, B3_SAMPLED, B3_FLAGS];
/** Methods that may be names of spans (RFC 9110, RFC 5789): others could be of any number. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);

/** Room for the fields that a request gets, but for `tracestate`. */
const FIELDS_MAX_BYTES = 256;

/** One try of a request, as a span that goes on. */
export class TrySpan {
  readonly spanId: string;
  readonly startMs: number;
  readonly endpoint: string;
  readonly backend: string;
  /** Of its answer; 0: none yet. */
  status: number = 0;
  /** Of a gRPC call that has ended; below 0 otherwise. */
  grpcStatus: number = NOT_GRPC;
  readonly #trace: RequestTrace;

  constructor(trace: RequestTrace, spanId: string, startMs: number, endpoint: string, backend: string) {
    this.#trace = trace;
    this.spanId = spanId;
    this.startMs = startMs;
    this.endpoint = endpoint;
    this.backend = backend;
  }

  /** The try is over. */
  end(): void {
    this.#trace.endTry(this);
  }
}

/** The trace of the request in progress: one span of a server, and one of a client for each try. */
export class RequestTrace {
  traceId: string = '';
  spanId: string = '';
  /** Spans are recorded, and callees told so. */
  isSampled: boolean = false;
  readonly #tracing: Tracing;
  /** What its tries are called. */
  readonly #tryName: string;
  #parentId = '';
  #traceState = '';
  /** Id of the try that the head was written for. */
  #writtenId: string | undefined = undefined;
  /** Where the try's id stands in the head, to be replaced for other tries. */
  #places: number[] = [];
  #tries = 0;
  /** From monotonic to Unix ms; one for all spans of a request, so that none seems to begin before its parent. */
  #offsetMs = 0;

  constructor(tracing: Tracing, tryName = 'try') {
    this.#tracing = tracing;
    this.#tryName = tryName;
  }

  /** What the gateway asks by itself for this request, as a part of its trace that may outlive it. */
  question(name: string): RequestTrace {
    const trace = new RequestTrace(this.#tracing, name);
    trace.traceId = this.traceId;
    trace.spanId = this.spanId;
    trace.isSampled = this.isSampled;
    trace.#traceState = this.#traceState;
    trace.#offsetMs = this.#offsetMs;
    return trace;
  }

  /** A request of HTTP/1.1 with our fields, and without those that it has; for the first try. */
  dress(request: Uint8Array): Buffer {
    const end = Buffer.from(request.buffer, request.byteOffset, request.length).indexOf('\r\n\r\n') + 2;
    const names = this.#tracing.rules.b3
      ? /^(?:traceparent|tracestate|b3|x-b3-[a-z]+)[ \t]*:/i
      : /^trace(?:parent|state)[ \t]*:/i;
    const lines = Buffer.from(request.subarray(0, end)).toString('latin1').split('\r\n');
    const head = lines.filter((line) => !names.test(line)).join('\r\n');
    const dressed = Buffer.alloc(request.length + FIELDS_MAX_BYTES + this.#traceState.length);
    const at = this.write(dressed, dressed.write(head, 'latin1'));
    dressed.set(request.subarray(end), at);
    return dressed.subarray(0, at + request.length - end);
  }

  /** Forgets the request before. */
  reset(): void {
    this.traceId = '';
  }

  /** A request begins, with what its caller says. */
  start(head: RequestHead): void {
    this.#begin(this.#parentOf(head));
  }

  #begin(parent: ParentContext | undefined): void {
    const tracing = this.#tracing;
    this.traceId = parent?.traceId ?? tracing.newId(16);
    this.spanId = tracing.newId(8);
    this.isSampled = parent?.isSampled ?? tracing.decide();
    this.#parentId = parent?.spanId ?? '';
    this.#traceState = parent?.traceState ?? '';
    this.#writtenId = undefined;
    this.#tries = 0;
    this.#offsetMs = tracing.clock.now() - tracing.clock.monotonicMs();
  }

  #parentOf(head: RequestHead): ParentContext | undefined {
    const parent = readTraceContext(fieldText(head, TRACEPARENT), fieldText(head, TRACESTATE));
    if (parent !== undefined || !this.#tracing.rules.b3) return parent;
    return readB3({
      single: fieldText(head, B3),
      traceId: fieldText(head, B3_TRACE),
      spanId: fieldText(head, B3_SPAN),
      sampled: fieldText(head, B3_SAMPLED),
      flags: fieldText(head, B3_FLAGS),
    });
  }

  /** Marks the caller's fields: the endpoint gets ours. */
  applyDrops(head: RequestHead): void {
    for (const field of OF_W3C) head.dropNamed(field);
    if (this.#tracing.rules.b3) for (const field of OF_B3) head.dropNamed(field);
  }

  /** Writes our fields behind the head in `to`, which begins at 0; returns the end. */
  write(to: Uint8Array, at: number): number {
    const id = this.#tracing.newId(8);
    const flag = this.isSampled ? '01' : '00';
    this.#writtenId = id;
    let lines = `traceparent: 00-${this.traceId}-`;
    this.#places = [at + lines.length];
    lines += `${id}-${flag}\r\n`;
    if (this.#traceState !== '') lines += `tracestate: ${this.#traceState}\r\n`;
    if (this.#tracing.rules.b3) {
      lines += `b3: ${this.traceId}-`;
      this.#places.push(at + lines.length);
      lines += `${id}-${this.isSampled ? '1' : '0'}-${this.spanId}\r\n`;
    }
    const bytes = Buffer.from(lines, 'latin1');
    return copyBytes(bytes, 0, bytes.length, to, at);
  }

  /** A try begins; undefined where nothing is recorded. */
  startTry(endpoint: string, backend: string, nowMs: number): TrySpan | undefined {
    if (!this.isSampled) return undefined;
    const spanId = this.#writtenId ?? this.#tracing.newId(8);
    this.#writtenId = undefined;
    return new TrySpan(this, spanId, nowMs, endpoint, backend);
  }

  /** Puts the id of another try into the head that is sent again. */
  rename(head: Uint8Array, span: TrySpan): void {
    const id = Buffer.from(span.spanId, 'latin1');
    for (const place of this.#places) copyBytes(id, 0, id.length, head, place);
  }

  /** A try is over; called by it. */
  endTry(span: TrySpan): void {
    const [address, port] = splitLabel(span.endpoint);
    const attributes: SpanAttribute[] = [
      ['server.address', address],
      ['server.port', port],
      ['fairlead.backend', span.backend],
    ];
    if (span.status > 0) attributes.push(['http.response.status_code', span.status]);
    if (this.#tries > 0) attributes.push(['http.request.resend_count', this.#tries]);
    this.#tries++;
    if (span.grpcStatus >= 0) attributes.push(['rpc.grpc.status_code', span.grpcStatus]);
    const error = errorOf(span);
    if (error !== undefined) attributes.push(['error.type', error]);
    this.#add({
      spanId: span.spanId,
      parentId: this.spanId,
      name: this.#tryName,
      kind: 'client',
      startMs: span.startMs,
      attributes,
      error,
    });
  }

  /** The exchange is over. */
  end(exchange: ExchangeRecord): void {
    // The head could not be read, so no caller is known.
    if (this.traceId === '') this.#begin(undefined);
    if (!this.isSampled) return;
    const { request, status, route, reason, client, identity, startedMs } = exchange;
    const question = request.target.indexOf('?');
    const attributes: SpanAttribute[] = [
      ['http.request.method', METHODS.has(request.method) ? request.method : '_OTHER'],
      ['url.path', question < 0 ? request.target : request.target.slice(0, question)],
      ['url.scheme', exchange.isTls ? 'https' : 'http'],
      ['server.address', request.host],
      ['client.address', client],
      ['network.peer.address', identity.address],
      ['network.protocol.version', exchange.protocol.slice('HTTP/'.length)],
    ];
    if (status > 0) attributes.push(['http.response.status_code', status]);
    if (route !== undefined) attributes.push(['fairlead.route', route.label]);
    const backend = exchange.tries.backend?.key;
    if (backend !== undefined) attributes.push(['fairlead.backend', backend]);
    if (reason !== undefined) attributes.push(['fairlead.reason', reason]);
    // As the conventions say, a client's mistake is no error of a server.
    const error = status >= 500 || status === 0 ? (reason ?? String(status)) : undefined;
    if (error !== undefined) attributes.push(['error.type', error]);
    const method = METHODS.has(request.method) ? request.method : 'HTTP';
    this.#add({
      spanId: this.spanId,
      parentId: this.#parentId,
      name: method,
      kind: 'server',
      startMs: startedMs,
      attributes,
      error,
    });
  }

  /** Times are monotonic here, and Unix from here on. */
  #add(span: Omit<Span, 'traceId' | 'traceState' | 'endMs'>): void {
    const tracing = this.#tracing;
    const startMs = span.startMs + this.#offsetMs;
    const endMs = tracing.clock.monotonicMs() + this.#offsetMs;
    tracing.add({ ...span, traceId: this.traceId, traceState: this.#traceState, startMs, endMs });
  }
}

/** For a client each code but OK is an error. */
function errorOf({ status, grpcStatus }: TrySpan): string | undefined {
  if (status === 0) return 'no answer';
  if (status >= 400) return String(status);
  return grpcStatus > 0 ? `grpc ${grpcStatus}` : undefined;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`. */
function splitLabel(label: string): [address: string, port: number] {
  const colon = label.lastIndexOf(':');
  return [label.slice(0, colon).replace(/^\[|\]$/g, ''), Number(label.slice(colon + 1))];
}
