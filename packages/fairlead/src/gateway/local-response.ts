import { nodeHttp } from '../sys/node-http.ts';
import type { ErrorPage } from './error-pages/page-choice.ts';
import type { FilterReason } from './filters/filter.ts';

/** Why the gateway answers itself; goes to the access log. */
export type LocalReason =
  | 'bad-request'
  | 'misdirected'
  | 'no-route'
  | 'ambiguous'
  | 'no-endpoint'
  | 'respond'
  | 'upstream-connect'
  | 'upstream-timeout'
  | 'upstream-reset'
  | 'upstream-malformed'
  | 'request-timeout'
  /** The client went away. */
  | 'client-reset'
  | FilterReason;

/** An answer of the gateway's own. */
export interface OwnAnswer {
  readonly status: number;
  /** Plain text, or a page. */
  readonly body: string | ErrorPage;
  /** For the access log; undefined: an endpoint's answer that a page replaces. */
  readonly reason: LocalReason | undefined;
  readonly location?: string;
}

/** What filters do to an answer of the gateway's own. */
export interface OwnAnswerChange {
  /** Its content as the client wants it encoded; undefined: as it is. Notes in {@link responseChange} what it depends on. */
  encodeOwn(contentType: string, body: Buffer): { readonly coding: string; readonly body: Buffer } | undefined;
  /** Further lines of the head, each with its CRLF. */
  readonly responseChange: { readonly text: string };
}

/** The reason for each way an upstream fails. */
export const FAILURE_REASONS = {
  connect: 'upstream-connect',
  'connect-timeout': 'upstream-timeout',
  'try-timeout': 'upstream-timeout',
  refused: 'upstream-reset',
  reset: 'upstream-reset',
  malformed: 'upstream-malformed',
} as const;

/** Builds a response of the gateway's own. The one place where an error becomes an HTTP answer. */
export function localResponse(
  answer: OwnAnswer,
  options: {
    /** What the filters of its route do to it, if it has any. */
    readonly change: OwnAnswerChange | undefined;
    readonly toHead: boolean;
    readonly close: boolean;
    readonly keepAliveHttp10: boolean;
    readonly nowMs: number;
  },
): Buffer {
  const { status, location } = answer;
  const page = typeof answer.body === 'string' ? undefined : answer.body;
  const plain = page?.body ?? Buffer.from(answer.body as string);
  const contentType = page?.contentType ?? 'text/plain; charset=utf-8';
  const encoded = options.change?.encodeOwn(contentType, plain);
  const body = encoded?.body ?? plain;
  const lines = [`HTTP/1.1 ${status} ${nodeHttp.STATUS_CODES[status] ?? 'Unknown'}`];
  lines.push(`date: ${new Date(options.nowMs).toUTCString()}`);
  if (location !== undefined) lines.push(`location: ${location}`);
  if (status !== 204 && status !== 304) {
    lines.push(`content-type: ${contentType}`, `content-length: ${body.length}`);
    if (encoded !== undefined) lines.push(`content-encoding: ${encoded.coding}`);
    if (page?.varies === true) lines.push('vary: accept');
  }
  if (options.close) lines.push('connection: close');
  else if (options.keepAliveHttp10) lines.push('connection: keep-alive');
  const head = Buffer.from(`${lines.join('\r\n')}\r\n${options.change?.responseChange.text ?? ''}\r\n`, 'latin1');
  return options.toHead || status === 204 || status === 304 ? head : Buffer.concat([head, body]);
}

/** Body of an error answer: the status in words. */
export function errorBody(status: number, detail?: string): string {
  const phrase = `${status} ${nodeHttp.STATUS_CODES[status] ?? 'Error'}`;
  return detail === undefined ? `${phrase}\n` : `${phrase}: ${detail}\n`;
}

/** Answers that are always the same. */
export const OWN: Readonly<Record<'noEndpoints' | 'tooMany', OwnAnswer>> = {
  noEndpoints: { status: 503, body: errorBody(503, 'no endpoints'), reason: 'no-endpoint' },
  tooMany: { status: 503, body: errorBody(503, 'too many requests'), reason: 'overflow' },
};
