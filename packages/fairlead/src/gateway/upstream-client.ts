import type { Connection } from '../reactor/reactor.ts';
import type { ResponseFraming, ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { ResponseEncoder } from './compression/response-encoder.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import type { ClientIdentity } from './request-writer.ts';
import type { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts';

/** Where an answer's bytes go. */
export type AnswerSink = Pick<Connection, 'write' | 'writeBytes' | 'isCongested' | 'pauseReading'>;

/** Takes the content of an answer as such. */
export interface AnswerStream {
  /** Sends content, and with its last piece the trailers. */
  sendContent(bytes: Uint8Array, start: number, end: number, isLast: boolean, trailers: FieldList | undefined): void;
}

/** Who a request at an endpoint is made for: a client's connection, or the gateway itself (`SubRequest`). */
export interface UpstreamClient {
  /** The request's method is HEAD: its answer has no body. */
  readonly isHead: boolean;
  /** The body is wanted without chunks, up to its end. */
  readonly isHttp10: boolean;
  /** The request asks for an upgrade that may be passed on. */
  readonly wantsUpgrade: boolean;
  readonly identity: Pick<ClientIdentity, 'preamble'>;
  readonly connection: AnswerSink;
  /** Takes answers as messages, their heads by {@link sendHead}; undefined: they are written as HTTP/1.1 ({@link writeHead}). */
  readonly answers: AnswerStream | undefined;
  /** Something moved: the idle time starts again. */
  noteActivity(): void;
  /** A 1xx other than 101. */
  sendInterim(head: ResponseHead): void;
  /** Whether a final answer counts; else its try is over and another one runs. */
  takesAnswer(upstream: UpstreamConnection, status: number): boolean;
  /** Whether something else goes to the client in its place; then the try is over, and its connection kept if `isReusable`. */
  replacesAnswer(head: ResponseHead, isReusable: boolean): boolean;
  /** Sees the final head before it is written; returns what compresses its content, if anything does. */
  beginAnswer(from: EndpointRuntime, head: ResponseHead, framing: ResponseFraming): ResponseEncoder | undefined;
  /** Writes the final head into the reactor's output; returns its length. The upstream sends it with the body. */
  writeHead(head: ResponseHead, chunked: boolean, closes: boolean): number;
  /** Sends the final head to {@link answers}. `isEmpty`: nothing follows. */
  sendHead(head: ResponseHead, isEmpty: boolean): void;
  /** Turns both connections into a tunnel after 101; false if nobody asked for it. */
  startTunnel(head: ResponseHead): boolean;
  /** The upstream ended its half of a tunnel. */
  onTunnelEnd(): void;
  onResponseComplete(upstreamReusable: boolean): void;
  onUpstreamFailed(upstream: UpstreamConnection, failure: UpstreamFailure): void;
  /** The upstream takes more of the request, or a new try has begun. */
  onUpstreamDrained(): void;
  /** No try can be made (any more). */
  onTriesFailed(reason: 'no-endpoint' | 'overflow'): void;
}
