import type { ErrorPagesFilter, RoutePage } from '../../routing/route-filters.ts';
import type { CompiledRoute } from '../compiled-route.ts';
import type { CompiledFilter, Verdict } from '../filters/filter.ts';
import type { FilterRun } from '../filters/filter-run.ts';
import type { FilterServices } from '../filters/filter-services.ts';
import { type SubAnswer, subRequestRoute } from '../sub-request.ts';
import { choosePage, type ErrorPage } from './page-choice.ts';

/** Who made an answer: the gateway itself, or an endpoint. */
export type AnswerFrom = 'gateway' | 'endpoint';

/** A service that makes pages has this long; then the client gets the status in words. */
const PAGE_MS = 2_000;
const PAGE_MAX_BYTES = 1024 * 1024;
const ACCEPT = Buffer.from('accept');

/** Puts pages in the place of error answers. Runs before the filters whose answers it may replace. */
export class ErrorPages implements CompiledFilter {
  readonly #filter: ErrorPagesFilter;
  readonly #services: FilterServices;
  readonly #route: CompiledRoute | undefined;

  constructor(filter: ErrorPagesFilter, services: FilterServices) {
    const { source } = filter;
    this.#filter = filter;
    this.#services = services;
    this.#route =
      source.type === 'service'
        ? subRequestRoute(services.backend(source.backend), { connectMs: PAGE_MS, timeoutMs: PAGE_MS })
        : undefined;
  }

  onRequest(run: FilterRun): Verdict {
    // What a page may depend on is not there any more once the answer has come.
    const accept = run.header(ACCEPT) ?? '';
    run.errorPage = new PendingPage(this, accept, this.#route === undefined ? '' : run.target, run);
    return 'pass';
  }

  /** Whether this status, answered by the gateway itself or by an endpoint, gets a page. */
  covers(status: number, from: AnswerFrom): boolean {
    const { of, statuses } = this.#filter;
    return (of === 'both' || of === from) && statuses.some(([first, last]) => status >= first && status <= last);
  }

  /** The page itself; `done` follows when it has to be asked for. */
  find(
    status: number,
    request: { readonly accept: string; readonly target: string; readonly run: FilterRun },
    done: (page: ErrorPage | undefined) => void,
  ): ErrorPage | undefined | (() => void) {
    const { source, namespace, ingress } = this.#filter;
    if (source.type === 'pages') {
      const pages: readonly RoutePage[] = this.#services.pages(source.pages) ?? [];
      return choosePage(pages, status, request.accept);
    }
    const lines = [
      `GET ${source.target} HTTP/1.1`,
      `host: ${source.host}`,
      `x-code: ${status}`,
      `x-format: ${request.accept}`,
      `x-original-uri: ${request.target}`,
      `x-namespace: ${namespace}`,
      `x-ingress-name: ${ingress}`,
    ];
    const begun = this.#services.ask({
      route: this.#route!,
      bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
      isHead: false,
      isIdempotent: true,
      identity: request.run.requester.identity,
      trace: request.run.requester.trace,
      name: 'error page',
      timeoutMs: PAGE_MS,
      bodyMaxBytes: PAGE_MAX_BYTES,
      keepsBody: () => true,
      done: (answer) => done(pageOf(answer)),
    });
    return typeof begun === 'string' ? undefined : begun;
  }
}

/** The page that one request may need. Used at most once, so that a page that fails does not ask for another. */
export class PendingPage {
  readonly #pages: ErrorPages;
  readonly #accept: string;
  readonly #target: string;
  readonly #run: FilterRun;
  #isUsed = false;
  #cancel: (() => void) | undefined = undefined;

  constructor(pages: ErrorPages, accept: string, target: string, run: FilterRun) {
    this.#pages = pages;
    this.#accept = accept;
    this.#target = target;
    this.#run = run;
  }

  covers(status: number, from: AnswerFrom): boolean {
    return !this.#isUsed && this.#pages.covers(status, from);
  }

  /** `waiting`: `done` follows, unless cancelled. Undefined: there is no page after all. */
  find(status: number, done: (page: ErrorPage | undefined) => void): ErrorPage | undefined | 'waiting' {
    this.#isUsed = true;
    const request = { accept: this.#accept, target: this.#target, run: this.#run };
    const found = this.#pages.find(status, request, (page) => {
      this.#cancel = undefined;
      done(page);
    });
    if (typeof found !== 'function') return found;
    this.#cancel = found;
    return 'waiting';
  }

  /** Nobody waits for it any more. Idempotent. */
  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/** What a service answered, whatever its status: that of the answer stays the error's own. */
function pageOf(answer: SubAnswer): ErrorPage | undefined {
  if (!answer.ok || answer.body.length === 0) return undefined;
  const field = (wanted: string): string | undefined => answer.fields.find(([name]) => name === wanted)?.[1];
  // It was not asked to encode anything.
  if ((field('content-encoding') ?? 'identity') !== 'identity') return undefined;
  return { contentType: field('content-type') ?? 'application/octet-stream', body: answer.body, varies: false };
}
