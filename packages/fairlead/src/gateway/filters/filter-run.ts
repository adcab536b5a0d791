import type { CompressionCoding } from '../../sys/compressor.ts';
import { compressWhole } from '../../sys/whole-content.ts';
import type { RequestHead } from '../../wire/http1/request-head.ts';
import type { ResponseHead } from '../../wire/http1/response-head.ts';
import type { CompiledEdit } from '../compiled-route.ts';
import type { Compression } from '../compression/compression.ts';
import type { AnswerFrom, PendingPage } from '../error-pages/error-pages.ts';
import { type ErrorPage, keptFields } from '../error-pages/page-choice.ts';
import { errorBody } from '../local-response.ts';
import { type ClientIdentity, dropEdited } from '../request-writer.ts';
import type { StickySession } from '../stickiness/sticky-session.ts';
import type { RequestTrace } from '../tracing/request-trace.ts';
import { fieldText } from './field-text.ts';
import type { CompiledFilter, FilterAnswer, FinalVerdict, PendingVerdict, Verdict } from './filter.ts';
import { isPending } from './filter.ts';
import { HeadChange } from './head-change.ts';

/** Fields of an answer that another service wrote: it is encoded already, or must stay as it is. */
const IS_FIXED = /^(content-encoding|cache-control:[^\r]*no-transform)/im;

/** Content that is longer than a filter takes. */
export const TOO_LARGE: FilterAnswer = { status: 413, body: errorBody(413), reason: 'too-large', fields: [] };

/** What filters need of the connection that the request came on. */
export interface FilterRequester {
  readonly identity: ClientIdentity;
  readonly scheme: 'http' | 'https';
  /** Port that the client connected to. */
  readonly port: number;
  /** Undefined where nothing is traced. */
  readonly trace: RequestTrace | undefined;
}

/** A copy of the request that shall be sent to another backend. */
export interface WantedMirror {
  /** `bytes`: the request as the backend gets it, in HTTP/1.1. Undefined: its body is too long to be copied. */
  send(bytes: Buffer | undefined, head: MirroredHead): void;
  readonly bodyMaxBytes: number;
}

/** What a mirror must know of the request it sends. */
export interface MirroredHead extends Pick<FilterRequester, 'identity' | 'trace'> {
  readonly isHead: boolean;
}

/**
 * One request on its way through the filters of its route. A filter that needs time stops it; the request is
 * read again later, and the run goes on behind that filter. Made once per client connection that meets filters.
 */
export class FilterRun {
  /** What is done to the request before it goes on. */
  readonly requestChange: HeadChange = new HeadChange();
  /** What is done to the answer, the gateway's own ones included. */
  readonly responseChange: HeadChange = new HeadChange();
  readonly requester: FilterRequester;
  /** Longest body; Infinity: no limit. */
  bodyMaxBytes: number = Infinity;
  /** Set where the route's answers are compressed, with the coding that the client wants. */
  compression: Compression | undefined = undefined;
  coding: CompressionCoding | undefined = undefined;
  /** Who gets a copy once the request goes on. */
  readonly mirrors: WantedMirror[] = [];
  /** Set where clients stay with their endpoint. */
  session: StickySession | undefined = undefined;
  /** Set where error answers get pages. */
  errorPage: PendingPage | undefined = undefined;
  /** The whole content of the request, once a filter has asked for it; it goes on as it is then. */
  content: Buffer | undefined = undefined;
  /** Set while the content is to be gathered, for a verdict. */
  gathers: { readonly verdict: PendingVerdict; readonly maxBytes: number } | undefined = undefined;
  #head: RequestHead | undefined = undefined;
  #path: Uint8Array | undefined = undefined;
  #filters: readonly CompiledFilter[] = [];
  #next = 0;
  #giveUp: (() => void) | undefined = undefined;
  #verdict: FinalVerdict | undefined = undefined;

  constructor(requester: FilterRequester) {
    this.requester = requester;
  }

  /** A new request. */
  start(filters: readonly CompiledFilter[]): void {
    this.requestChange.clear();
    this.responseChange.clear();
    this.bodyMaxBytes = Infinity;
    this.compression = undefined;
    this.mirrors.length = 0;
    this.session = undefined;
    this.errorPage = undefined;
    this.content = undefined;
    this.gathers = undefined;
    this.#filters = filters;
    this.#next = 0;
    this.#verdict = undefined;
  }

  /**
   * Goes on with the filters, with the request's head at hand. `waiting`: `onDecided` follows, and the
   * caller shall show the head again then.
   */
  advance(head: RequestHead, path: Uint8Array | undefined, onDecided: () => void): 'waiting' | FinalVerdict {
    const result = this.#advance(head, path, onDecided);
    if (typeof result === 'object') for (const [name, value] of result.fields) this.responseChange.add(name, value);
    return result;
  }

  #advance(head: RequestHead, path: Uint8Array | undefined, onDecided: () => void): 'waiting' | FinalVerdict {
    this.#head = head;
    this.#path = path;
    const late = this.#verdict;
    this.#verdict = undefined;
    if (late !== undefined && late !== 'pass') return late;
    let verdict: Verdict = this.gathers?.verdict ?? 'pass';
    this.gathers = undefined;
    for (;;) {
      const result = isPending(verdict) ? this.#begin(verdict, head, onDecided) : verdict;
      if (result !== 'pass') return result;
      if (this.#next >= this.#filters.length) return 'pass';
      verdict = this.#filters[this.#next++]!.onRequest(this);
    }
  }

  #begin(verdict: PendingVerdict, head: RequestHead, onDecided: () => void): 'waiting' | FinalVerdict {
    const { bodyMaxBytes } = verdict;
    if (bodyMaxBytes !== undefined) {
      if ((this.content?.length ?? head.contentLength) > bodyMaxBytes) return TOO_LARGE;
      if (this.content === undefined && (head.isChunked || head.contentLength > 0)) {
        this.gathers = { verdict, maxBytes: Math.min(bodyMaxBytes, this.bodyMaxBytes) };
        return 'waiting';
      }
    }
    const begun = verdict.begin((decided) => {
      this.#giveUp = undefined;
      this.#verdict = decided;
      onDecided();
    });
    if (begun === 'pass' || typeof begun === 'object') return begun;
    this.#giveUp = begun;
    return 'waiting';
  }

  /** Ends the wait for content; the run goes on with {@link advance}. An answer: it cannot be had. */
  noteGathered(content: Buffer | FilterAnswer): void {
    if (Buffer.isBuffer(content)) this.content = content;
    else {
      this.gathers = undefined;
      this.#verdict = content;
    }
  }

  /** The client is gone, or out of time. Idempotent. */
  cancel(): void {
    // A connection that waits for its next request must not keep it.
    this.content = undefined;
    this.gathers = undefined;
    this.errorPage?.cancel();
    this.#giveUp?.();
    this.#giveUp = undefined;
  }

  /** Whether a page takes the place of an endpoint's answer. What it says beside its content is kept, and edited as it would have been. */
  replaces(head: ResponseHead, edit: CompiledEdit | undefined): boolean {
    if (this.errorPage?.covers(head.status, 'endpoint') !== true) return false;
    this.responseChange.applyDrops(head);
    if (edit !== undefined) dropEdited(head, edit);
    for (const field of keptFields(head)) this.responseChange.add(...field);
    if (edit !== undefined) this.responseChange.addLines(edit.lines);
    return true;
  }

  /** Calls `send` with the page of an error answer, now or, `waiting`, later; `none`: it has none, and nothing was called. */
  findPage(status: number, from: AnswerFrom, send: (page: ErrorPage | undefined) => void): 'none' | 'sent' | 'waiting' {
    const { errorPage } = this;
    if (errorPage?.covers(status, from) !== true) return 'none';
    const page = errorPage.find(status, send);
    if (page === 'waiting') return 'waiting';
    send(page);
    return 'sent';
  }

  /** Compresses an answer of the gateway's own, where those of its route are. */
  encodeOwn(contentType: string, body: Buffer): { readonly coding: string; readonly body: Buffer } | undefined {
    const { compression, coding, responseChange } = this;
    if (compression?.coversOwn(contentType, body.length) !== true || IS_FIXED.test(responseChange.text))
      return undefined;
    responseChange.add('vary', 'accept-encoding');
    if (coding === undefined) return undefined;
    return { coding, body: compressWhole(coding, compression.levelOf(coding), body) };
  }

  // For filters. Valid while they are asked.

  get head(): RequestHead {
    return this.#head!;
  }

  get method(): string {
    return this.#text(this.head.methodStart, this.head.methodEnd);
  }

  /** How the client came, as a trusted proxy in front says. */
  get scheme(): 'http' | 'https' {
    const { identity, scheme } = this.requester;
    return identity.told?.(this.head).scheme ?? scheme;
  }

  /** Host field, with its port. */
  get host(): string {
    const { head } = this;
    return head.hostField < 0
      ? this.#text(head.hostStart, head.hostEnd)
      : this.#text(head.valueStart(head.hostField) - head.base, head.valueEnd(head.hostField) - head.base);
  }

  /** Path, normalised as it was matched, with the query. */
  get target(): string {
    const { head } = this;
    const path =
      this.#path === undefined ? this.#text(head.pathStart, head.pathEnd) : Buffer.from(this.#path).toString('latin1');
    return path + this.#text(head.pathEnd, head.targetEnd);
  }

  /** Path, normalised as it was matched. */
  get path(): string {
    const { target } = this;
    const query = target.indexOf('?');
    return query < 0 ? target : target.slice(0, query);
  }

  /** Query with its question mark, or empty. */
  get query(): string {
    return this.#text(this.head.pathEnd, this.head.targetEnd);
  }

  /** Host without port. */
  get hostName(): string {
    return this.#text(this.head.hostStart, this.head.hostEnd);
  }

  /** Values of a field, in order, joined with `, `; undefined without it. The name is lower-case. */
  header(name: Uint8Array): string | undefined {
    return fieldText(this.head, name);
  }

  /** Where the request comes from, trusted proxies left out. */
  clientAddress(): string {
    const { identity } = this.requester;
    return identity.told?.(this.head).address ?? identity.address;
  }

  #text(start: number, end: number): string {
    const { bytes, base } = this.head;
    return Buffer.from(bytes.subarray(base + start, base + end)).toString('latin1');
  }
}
