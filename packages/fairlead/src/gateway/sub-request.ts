import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { BackendRuntime } from './backend-runtime.ts';
import { CompiledRoute } from './compiled-route.ts';
import type { ProxyCore } from './proxy-core.ts';
import { RequestTries } from './request-tries.ts';
import type { ClientIdentity } from './request-writer.ts';
import type { RequestTrace } from './tracing/request-trace.ts';
import type { AnswerSink, UpstreamClient } from './upstream-client.ts';
import type { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts';

/** What the gateway asks a backend of its own accord. */
export interface SubRequestOptions {
  /** Made by {@link subRequestRoute}. */
  readonly route: CompiledRoute;
  /** The whole request in HTTP/1.1, well-formed; kept until the end. */
  readonly bytes: Uint8Array;
  readonly isHead: boolean;
  /** It may be sent again over another connection. */
  readonly isIdempotent: boolean;
  /** Of the client that it is for, as endpoints that want a PROXY protocol header are told. */
  readonly identity: Pick<ClientIdentity, 'preamble'>;
  /** Of the request that it is for, to be taken as a part of; undefined where nothing is traced. */
  readonly trace: RequestTrace | undefined;
  /** What its spans are called. */
  readonly name: string;
  /** From the start to the end of the answer, milliseconds. */
  readonly timeoutMs: number;
  /** Most bytes of the answer's body that are read, to keep the connection; then it is closed. */
  readonly bodyMaxBytes: number;
  /** Whether the body of an answer with this status is wanted; a longer one is none. Default: of no answer. */
  readonly keepsBody?: (status: number) => boolean;
  /** Called once, unless cancelled; never by {@link startSubRequest} itself. */
  readonly done: (answer: SubAnswer) => void;
}

/** What came of it. The body is empty unless it was to be kept. */
export type SubAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly fields: readonly SubAnswerField[];
      readonly body: Buffer;
    }
  | { readonly ok: false; readonly reason: SubFailure };

/** A field of an answer: lower-case name, value as Latin-1. */
export type SubAnswerField = readonly [name: string, value: string];

/** Why there is no answer. `failed`: no connection, or none that held. */
export type SubFailure = 'no-endpoint' | 'overflow' | 'timeout' | 'failed';

/** The route of sub-requests to one backend, with the retries of an ordinary route. */
export function subRequestRoute(
  backend: BackendRuntime,
  times: { readonly connectMs: number; readonly timeoutMs: number },
): CompiledRoute {
  return new CompiledRoute(
    {
      source: { kind: 'Gateway', namespace: '', name: backend.key, field: '' },
      match: { path: { type: 'prefix', value: '/' }, headers: [], query: [] },
      action: { type: 'forward', backends: [{ backend: backend.key, weight: 1 }] },
      timeouts: { requestMs: times.timeoutMs, connectMs: times.connectMs, idleMs: times.timeoutMs },
    },
    () => backend,
  );
}

/**
 * Sends a request over the pools, limits and balancing that clients' requests use. Returns how to give up, or why
 * it could not begin.
 */
export function startSubRequest(core: ProxyCore, options: SubRequestOptions): (() => void) | SubFailure {
  const request = new SubRequest(core, options);
  const result = request.start();
  return result === 'started' ? () => request.cancel() : result;
}

/** A request of the gateway's own. It knows no client connection: HTTP versions of clients do not matter to it. */
class SubRequest implements UpstreamClient {
  readonly isHead: boolean;
  readonly isHttp10 = true;
  readonly wantsUpgrade = false;
  readonly identity: SubRequestOptions['identity'];
  readonly connection: AnswerSink;
  readonly answers = undefined;
  readonly #core: ProxyCore;
  readonly #options: SubRequestOptions;
  readonly #tries: RequestTries;
  #answer: Extract<SubAnswer, { ok: true }> | undefined = undefined;
  #bodyBytes = 0;
  readonly #body: Buffer[] = [];
  #isOver = false;
  #cancelTimer: () => void = () => {};

  constructor(core: ProxyCore, options: SubRequestOptions) {
    this.#core = core;
    this.#options = options;
    this.isHead = options.isHead;
    this.identity = options.identity;
    this.#tries = new RequestTries(core, this);
    this.connection = {
      isCongested: false,
      pauseReading() {},
      write: (from, start, end) => this.#takeBody(from.bytes, start, end),
      writeBytes: (bytes) => this.#takeBody(bytes, 0, bytes.length),
    };
  }

  start(): 'started' | SubFailure {
    const { route, isIdempotent, timeoutMs, name } = this.#options;
    const trace = this.#options.trace?.question(name);
    const bytes = trace === undefined ? this.#options.bytes : trace.dress(this.#options.bytes);
    const backend = route.backends[0];
    if (backend === undefined || !backend.hasEndpoints) return 'no-endpoint';
    const tries = this.#tries;
    tries.trace = trace;
    if (!tries.begin(route, backend, undefined, undefined, isIdempotent)) {
      tries.end();
      return 'overflow';
    }
    tries.noteHead(bytes, bytes.length);
    const result = tries.start();
    if (result === 'no-endpoint' || result === 'overflow') {
      tries.end();
      return result;
    }
    this.#cancelTimer = this.#core.reactor.after(timeoutMs, () => {
      tries.recordLocalFailure();
      this.#finish({ ok: false, reason: 'timeout' });
    });
    if (result === 'started') tries.upstream!.connection.writeBytes(bytes);
    return 'started';
  }

  /** Nobody wants the answer any more. Idempotent. */
  cancel(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#tries.end();
  }

  #finish(answer: SubAnswer): void {
    if (this.#isOver) return;
    this.cancel();
    this.#options.done(answer);
  }

  takesAnswer(upstream: UpstreamConnection, status: number): boolean {
    return this.#tries.takesAnswer(upstream, status);
  }

  writeHead(head: ResponseHead): number {
    this.#answer = { ok: true, status: head.status, fields: fieldsOf(head), body: NO_BODY };
    return 0;
  }

  #takeBody(bytes: Uint8Array, start: number, end: number): void {
    const { bodyMaxBytes, keepsBody } = this.#options;
    this.#bodyBytes += end - start;
    const keeps = this.#answer !== undefined && keepsBody?.(this.#answer.status) === true;
    if (this.#bodyBytes > bodyMaxBytes && this.#answer !== undefined) {
      // Unless the body counts, what was asked for is in the head.
      this.#finish(keeps ? { ok: false, reason: 'failed' } : this.#answer);
    } else if (keeps) this.#body.push(Buffer.from(bytes.subarray(start, end)));
  }

  onResponseComplete(upstreamReusable: boolean): void {
    if (this.#isOver) return;
    this.#tries.release(upstreamReusable);
    this.#finish({ ...this.#answer!, body: Buffer.concat(this.#body) });
  }

  onUpstreamFailed(upstream: UpstreamConnection, failure: UpstreamFailure): void {
    if (this.#isOver) return;
    if (this.#answer !== undefined) this.#tries.recordLocalFailure();
    else if (this.#tries.onFailure(upstream, failure) === 'waiting') return;
    const isTimeout = failure === 'connect-timeout' || failure === 'try-timeout';
    this.#finish({ ok: false, reason: isTimeout ? 'timeout' : 'failed' });
  }

  onTriesFailed(reason: 'no-endpoint' | 'overflow'): void {
    this.#finish({ ok: false, reason });
  }

  /** Nobody asked for another protocol. */
  startTunnel(): boolean {
    return false;
  }

  replacesAnswer(): boolean {
    return false;
  }

  /** Nobody is there who could want it compressed. */
  beginAnswer(): undefined {}

  sendHead(): void {}
  sendInterim(): void {}
  noteActivity(): void {}
  onTunnelEnd(): void {}
  onUpstreamDrained(): void {}
}

const NO_BODY = Buffer.alloc(0);

function fieldsOf(head: ResponseHead): SubAnswerField[] {
  const text = (start: number, end: number): string => Buffer.from(head.bytes.subarray(start, end)).toString('latin1');
  const fields: SubAnswerField[] = [];
  for (let index = 0; index < head.fieldCount; index++) {
    if (head.dropped[index] === 1) continue;
    const name = text(head.nameStart(index), head.nameEnd(index)).toLowerCase();
    fields.push([name, text(head.valueStart(index), head.valueEnd(index))]);
  }
  return fields;
}
