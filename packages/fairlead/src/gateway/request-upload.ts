// Hot path for uploads: a request's body on its way from the client to its tries.
import type { Connection } from '../reactor/reactor.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { FilterRun } from './filters/filter-run.ts';
import { MirrorCopy } from './mirror-copy.ts';
import type { ProxyCore } from './proxy-core.ts';
import { RequestBody } from './request-body.ts';
import { fillRequestFields } from './request-fields.ts';
import type { RequestTries } from './request-tries.ts';
import { type ClientIdentity, writeRequestHead } from './request-writer.ts';
import type { RequestTrace } from './tracing/request-trace.ts';
import type { StartResult } from './upstream-attempt.ts';

/** Whose requests they are. */
export interface Uploader {
  readonly identity: ClientIdentity;
  readonly wantsUpgrade: boolean;
  readonly isHead: boolean;
}

/** A request that has found its route and backend. */
export interface RoutedRequest {
  readonly head: RequestHead;
  readonly route: CompiledRoute;
  /** What takes the place of the target's path. */
  readonly path: Buffer | undefined;
  readonly run: FilterRun | undefined;
  readonly trace: RequestTrace | undefined;
}

/** The requests of a client connection on their way to endpoints, one after the other. */
export class RequestUpload {
  readonly body: RequestBody = new RequestBody();
  readonly #core: ProxyCore;
  readonly #connection: Connection;
  readonly #tries: RequestTries;
  /** Copies of the present request, until they are whole. */
  #mirrors: MirrorCopy | undefined = undefined;

  constructor(core: ProxyCore, connection: Connection, tries: RequestTries) {
    this.#core = core;
    this.#connection = connection;
    this.#tries = tries;
  }

  /**
   * Makes the request that the endpoint gets, of a head and what the input holds of its body; the tries remember it.
   * @returns what to {@link start} with; negative if the body is refused.
   */
  begin(client: Uploader, request: RoutedRequest, start: number, end: number): number {
    const { http2, reactor } = this.#core;
    const { head, route, path, run, trace } = request;
    const { identity, wantsUpgrade, isHead } = client;
    if (this.#fill(request, identity)) {
      this.#tries.noteMessage(http2.fields, this.body.isDone && (run?.content?.length ?? 0) === 0);
      return 0;
    }
    const { bytes } = reactor.output;
    let at = writeRequestHead(head, bytes, route, identity, path, wantsUpgrade, run?.requestChange, trace);
    at = this.#encode(start, end, at);
    if (at < 0) return at;
    this.#tries.noteHead(bytes, at);
    if (run !== undefined) this.#startMirrors(run, at, isHead);
    return at;
  }

  /** Makes the request as a message, of a stream for an endpoint of HTTP/2; false where it must go as HTTP/1.1. */
  #fill({ head, route, path, run, trace }: RoutedRequest, identity: ClientIdentity): boolean {
    if (!head.isPacked || this.#tries.backend?.protocol !== 'h2c' || trace !== undefined) return false;
    if (run !== undefined && run.mirrors.length > 0) return false;
    const { http2, reactor } = this.#core;
    return fillRequestFields(head, http2.fields, route, identity, path, run?.requestChange, reactor.output.bytes);
  }

  /** Begins the first try of the request that {@link begin} made. `content`: what was gathered before, as a whole. */
  start(length: number, content: Buffer | undefined): StartResult | 'waiting' {
    const result = this.#tries.start();
    if (result === 'started') {
      if (this.#tries.isMessage) this.#tries.sendMessage();
      else this.#tries.upstream!.connection.write(this.#core.reactor.output, 0, length);
    } else if (result !== 'waiting') return result;
    this.#sendGathered(content);
    return result;
  }

  /** Keeps bytes that nobody takes yet; the kernel keeps the rest. */
  hold(start: number, end: number): void {
    if (start < end) this.#connection.retain(start, end);
    this.#connection.pauseReading();
  }

  /** Appends body bytes to the output and keeps what follows the body; negative if it is refused. */
  #encode(start: number, end: number, at: number): number {
    const { input, output } = this.#core.reactor;
    const result = this.body.encode(input.bytes, start, end, output.bytes, at);
    if (this.body.isDone && this.body.position < end) this.hold(this.body.position, end);
    return result;
  }

  /** Sends body bytes on; negative if they are refused. */
  pass(start: number, end: number): number {
    const { input, output } = this.#core.reactor;
    // The common case of an upload needs no copy.
    if (this.body.takeWhole(end - start)) {
      this.#tries.write(input, start, end);
      this.#mirrors?.append(input.bytes, start, end);
    } else {
      const at = this.#encode(start, end, 0);
      if (at < 0) return at;
      this.#tries.write(output, 0, at);
      this.#mirrors?.append(output.bytes, 0, at);
    }
    if (this.#mirrors !== undefined) this.#endMirrors();
    this.slowDown();
    return 0;
  }

  /** Sends content of a stream on; negative if it is refused. */
  passContent(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): number {
    const result = this.body.takeContent(end - start, isLast);
    if (result < 0) return result;
    if (this.#tries.isMessage) this.#tries.writeContent(bytes, start, end, isLast, trailers);
    else {
      const { output } = this.#core.reactor;
      const at = this.body.frameContent(bytes, start, end, trailers, output.bytes, 0);
      this.#tries.write(output, 0, at);
      this.#mirrors?.append(output.bytes, 0, at);
    }
    if (this.#mirrors !== undefined) this.#endMirrors();
    this.slowDown();
    return 0;
  }

  /** Begins the copies that the request's filters asked for, with the `length` bytes that the output holds of it. */
  #startMirrors({ mirrors, requester, content }: FilterRun, length: number, isHead: boolean): void {
    if (mirrors.length === 0) return;
    const head = { identity: requester.identity, trace: requester.trace, isHead };
    this.#mirrors = new MirrorCopy([...mirrors], head, this.#core.reactor.output.bytes, length);
    if (content !== undefined) this.#mirrors.append(content, 0, content.length);
    this.#endMirrors();
  }

  #sendGathered(content: Buffer | undefined): void {
    const { output } = this.#core.reactor;
    if (this.#tries.isMessage) {
      if (content !== undefined && content.length > 0) {
        this.#tries.writeContent(content, 0, content.length, true, undefined);
      }
    } else {
      for (let at = 0; content !== undefined && at < content.length; at += output.length) {
        const piece = content.subarray(at, at + output.length);
        output.bytes.set(piece);
        this.#tries.write(output, 0, piece.length);
      }
    }
    this.slowDown();
  }

  /** Sends the copies once they are whole. */
  #endMirrors(): void {
    if (!this.body.isDone) return;
    this.#mirrors?.send();
    this.#mirrors = undefined;
  }

  /** Lets the client wait while the endpoint takes its time. */
  slowDown(): void {
    if (this.#tries.upstream?.connection.isCongested !== true) return;
    this.body.noteHeldBack();
    this.#connection.pauseReading();
  }
}
