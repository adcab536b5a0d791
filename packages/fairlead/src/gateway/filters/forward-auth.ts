import type { ForwardAuthFilter } from '../../routing/route-filters.ts';
import type { CompiledRoute } from '../compiled-route.ts';
import { errorBody } from '../local-response.ts';
import { type SubAnswer, type SubAnswerField, subRequestRoute } from '../sub-request.ts';
import { AuthQuestion } from './auth-question.ts';
import type { CompiledFilter, FilterAnswer, FinalVerdict, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';
import type { FilterServices } from './filter-services.ts';
import { fillText, originalUrl } from './request-values.ts';
import { VerdictCache } from './verdict-cache.ts';

const CONNECT_MS = 2_000;
/** Longer bodies of answers cost the connection, and a refusal that is one its content. */
const ANSWER_MAX_BYTES = 64 * 1024;
const UNAVAILABLE: FilterAnswer = {
  status: 503,
  body: errorBody(503, 'authorization is not available'),
  reason: 'auth-failed',
  fields: [],
};
/**
 * Asks a service about each request, with its content where that is wanted: 2xx lets it pass, a refusal is answered to the client,
 * everything else is 503. Headers that the service may set are taken away from clients.
 */
export class ForwardAuth implements CompiledFilter {
  readonly #filter: ForwardAuthFilter;
  readonly #services: FilterServices;
  readonly #route: CompiledRoute;
  readonly #cache: VerdictCache | undefined;
  readonly #question: AuthQuestion;
  readonly #responseHeaders: readonly Buffer[];

  constructor(filter: ForwardAuthFilter, services: FilterServices) {
    const { backend, timeoutMs, responseHeaders, cache } = filter;
    this.#filter = filter;
    this.#services = services;
    this.#route = subRequestRoute(services.backend(backend), { connectMs: CONNECT_MS, timeoutMs });
    this.#cache = cache === undefined ? undefined : new VerdictCache(JSON.stringify(filter), cache, services.clock);
    this.#question = new AuthQuestion(filter);
    this.#responseHeaders = responseHeaders.map((name) => Buffer.from(name));
  }

  onRequest(run: FilterRun): Verdict {
    const head = this.#question.head(run);
    const { bodyMaxBytes } = this.#filter;
    const dependsOnBody = bodyMaxBytes !== undefined && (run.head.isChunked || run.head.contentLength > 0);
    const key = dependsOnBody ? undefined : this.#cache?.keyOf(run);
    const signIn = this.#signInLocation(run);
    for (const name of this.#responseHeaders) run.requestChange.dropAlike(name);
    const known = key === undefined ? undefined : this.#cache?.find(key);
    if (known !== undefined) return this.#pass(run, known);
    const isHead = this.#question.methodOf(run) === 'HEAD';
    return {
      ...(bodyMaxBytes === undefined ? {} : { bodyMaxBytes }),
      begin: (done) => {
        const begun = this.#services.ask({
          route: this.#route,
          bytes: this.#question.bytes(head, bodyMaxBytes === undefined ? undefined : run.content),
          isHead,
          isIdempotent: true,
          identity: run.requester.identity,
          trace: run.requester.trace,
          name: 'authorize',
          timeoutMs: this.#filter.timeoutMs,
          bodyMaxBytes: ANSWER_MAX_BYTES,
          keepsBody: this.#passesOn,
          done: (answer) => done(this.#verdict(run, answer, signIn, key)),
        });
        return typeof begun === 'string' ? UNAVAILABLE : begun;
      },
    };
  }

  #signInLocation(run: FilterRun): string | undefined {
    const { signIn, signInParameter } = this.#filter;
    if (signIn === undefined) return undefined;
    const page = fillText(signIn, run);
    if (signInParameter === undefined) return page;
    return `${page}${page.includes('?') ? '&' : '?'}${signInParameter}=${encodeURIComponent(originalUrl(run))}`;
  }

  /** Whether an answer of the service is the client's, as it is. */
  readonly #passesOn = (status: number): boolean =>
    this.#filter.refusal === 'answer' && status >= 300 && status < 500 && status !== 304;

  #verdict(run: FilterRun, answer: SubAnswer, signIn: string | undefined, key: string | undefined): FinalVerdict {
    if (!answer.ok) return UNAVAILABLE;
    const { status, fields } = answer;
    const cookies = this.#filter.passesCookies ? fields.filter(([name]) => name === 'set-cookie') : [];
    if (status >= 200 && status < 300) {
      const { responseHeaders, clientHeaders = [] } = this.#filter;
      const told = [...cookies, ...fields.filter(([name]) => clientHeaders.includes(name))];
      for (const [name, value] of told) run.responseChange.add(name, value);
      const identity = fields.filter(([name]) => responseHeaders.includes(name));
      if (key !== undefined) this.#cache?.remember(key, identity);
      return this.#pass(run, identity);
    }
    if (status === 401 && signIn !== undefined) {
      return { status: 302, body: '', reason: 'unauthenticated', fields: [['location', signIn], ...cookies] };
    }
    const reason = status === 401 ? 'unauthenticated' : 'auth-denied';
    if (this.#passesOn(status)) return { status, reason, ...wholeAnswer(answer) };
    if (status !== 401 && status !== 403) return UNAVAILABLE;
    const told = [...fields.filter(([name]) => name === 'www-authenticate'), ...cookies];
    return { status, body: errorBody(status), reason, fields: told };
  }

  /** Lets a request pass as who the service says. A header that does not fit would make somebody else of it. */
  #pass(run: FilterRun, identity: readonly SubAnswerField[]): FinalVerdict {
    return identity.every(([name, value]) => run.requestChange.add(name, value)) ? 'pass' : UNAVAILABLE;
  }
}

/** What is written anew for the client's connection. */
const FRAME = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'content-type',
  'trailer',
  'upgrade',
  'date',
  'alt-svc',
]);

/** A refusal as the service wrote it. */
function wholeAnswer({ fields, body }: Extract<SubAnswer, { ok: true }>): Pick<FilterAnswer, 'body' | 'fields'> {
  const contentType = fields.find(([name]) => name === 'content-type')?.[1] ?? 'application/octet-stream';
  return {
    body: body.length === 0 ? '' : { contentType, body, varies: false },
    fields: fields.filter(([name]) => !FRAME.has(name)),
  };
}
