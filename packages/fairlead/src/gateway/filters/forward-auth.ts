import type { ForwardAuthFilter } from '../../routing/route-filters.ts';
import * as field from '../../wire/http1/field-id.ts';
import type { CompiledRoute } from '../compiled-route.ts';
import { errorBody } from '../local-response.ts';
import { type SubAnswer, type SubAnswerField, subRequestRoute } from '../sub-request.ts';
import type { CompiledFilter, FilterAnswer, FinalVerdict, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';
import type { FilterServices } from './filter-services.ts';
import { fillText, originalUrl } from './request-values.ts';
import { VerdictCache } from './verdict-cache.ts';

const CONNECT_MS = 2_000;
/** Bodies of answers are not used; longer ones cost the connection. */
const ANSWER_MAX_BYTES = 64 * 1024;
const UNAVAILABLE: FilterAnswer = {
  status: 503,
  body: errorBody(503, 'authorization is not available'),
  reason: 'auth-failed',
  fields: [],
};
/** Describe the request to the service: what a client says in their place is left out. */
const OURS = new Set([
  'host',
  'content-length',
  'expect',
  'x-original-url',
  'x-original-method',
  'x-forwarded-method',
  'x-forwarded-uri',
  'x-auth-request-redirect',
]);

/**
 * Asks a service about each request, without its body: 2xx lets it pass, 401 and 403 are answered to the client,
 * everything else is 503. Headers that the service may set are taken away from clients.
 */
export class ForwardAuth implements CompiledFilter {
  readonly #filter: ForwardAuthFilter;
  readonly #services: FilterServices;
  readonly #route: CompiledRoute;
  readonly #cache: VerdictCache | undefined;
  readonly #requestHeaders: readonly (readonly [name: string, bytes: Buffer])[];
  readonly #responseHeaders: readonly Buffer[];

  constructor(filter: ForwardAuthFilter, services: FilterServices) {
    const { backend, timeoutMs, requestHeaders, responseHeaders, cache } = filter;
    this.#filter = filter;
    this.#services = services;
    this.#route = subRequestRoute(services.backend(backend), { connectMs: CONNECT_MS, timeoutMs });
    this.#cache = cache === undefined ? undefined : new VerdictCache(JSON.stringify(filter), cache, services.clock);
    const names = requestHeaders === '*' ? [] : requestHeaders.filter((name) => !OURS.has(name));
    this.#requestHeaders = names.map((name) => [name, Buffer.from(name)]);
    this.#responseHeaders = responseHeaders.map((name) => Buffer.from(name));
  }

  onRequest(run: FilterRun): Verdict {
    const question = this.#question(run);
    const key = this.#cache?.keyOf(run);
    const signIn = this.#signInLocation(run);
    for (const name of this.#responseHeaders) run.requestChange.dropAlike(name);
    const known = key === undefined ? undefined : this.#cache?.find(key);
    if (known !== undefined) return this.#pass(run, known);
    const isHead = this.#filter.method === 'HEAD' || (this.#filter.method === 'same' && run.method === 'HEAD');
    return {
      begin: (done) => {
        const begun = this.#services.ask({
          route: this.#route,
          bytes: question,
          isHead,
          isIdempotent: true,
          identity: run.requester.identity,
          timeoutMs: this.#filter.timeoutMs,
          bodyMaxBytes: ANSWER_MAX_BYTES,
          done: (answer) => done(this.#verdict(run, answer, signIn, key)),
        });
        return typeof begun === 'string' ? UNAVAILABLE : begun;
      },
    };
  }

  /** The question in HTTP/1.1. */
  #question(run: FilterRun): Buffer {
    const { host, target, method: kind } = this.#filter;
    const method = kind === 'same' ? run.method : kind;
    const address = run.clientAddress();
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `host: ${host}`,
      `x-original-url: ${originalUrl(run)}`,
      `x-original-method: ${run.method}`,
      `x-auth-request-redirect: ${run.target}`,
      `x-forwarded-for: ${address}`,
      `x-real-ip: ${address}`,
      `x-forwarded-proto: ${run.scheme}`,
      `x-forwarded-host: ${run.host}`,
      `x-forwarded-uri: ${run.target}`,
      `x-forwarded-method: ${run.method}`,
    ];
    if (method !== 'GET' && method !== 'HEAD') lines.push('content-length: 0');
    for (const [name, bytes] of this.#requestHeaders) {
      const value = run.header(bytes);
      if (value !== undefined) lines.push(`${name}: ${value}`);
    }
    if (this.#filter.requestHeaders === '*') addAll(run, lines);
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  }

  #signInLocation(run: FilterRun): string | undefined {
    const { signIn, signInParameter } = this.#filter;
    if (signIn === undefined) return undefined;
    const page = fillText(signIn, run);
    if (signInParameter === undefined) return page;
    return `${page}${page.includes('?') ? '&' : '?'}${signInParameter}=${encodeURIComponent(originalUrl(run))}`;
  }

  #verdict(run: FilterRun, answer: SubAnswer, signIn: string | undefined, key: string | undefined): FinalVerdict {
    if (!answer.ok) return UNAVAILABLE;
    const { status, fields } = answer;
    const cookies = this.#filter.passesCookies ? fields.filter(([name]) => name === 'set-cookie') : [];
    if (status >= 200 && status < 300) {
      for (const [name, value] of cookies) run.responseChange.add(name, value);
      const identity = fields.filter(([name]) => this.#filter.responseHeaders.includes(name));
      if (key !== undefined) this.#cache?.remember(key, identity);
      return this.#pass(run, identity);
    }
    if (status !== 401 && status !== 403) return UNAVAILABLE;
    const told = [...fields.filter(([name]) => name === 'www-authenticate'), ...cookies];
    if (status === 401 && signIn !== undefined) {
      return { status: 302, body: '', reason: 'unauthenticated', fields: [['location', signIn], ...cookies] };
    }
    const reason = status === 401 ? 'unauthenticated' : 'auth-denied';
    return { status, body: errorBody(status), reason, fields: told };
  }

  /** Lets a request pass as who the service says. A header that does not fit would make somebody else of it. */
  #pass(run: FilterRun, identity: readonly SubAnswerField[]): FinalVerdict {
    return identity.every(([name, value]) => run.requestChange.add(name, value)) ? 'pass' : UNAVAILABLE;
  }
}

/** All fields that go from hop to hop, but for those of proxies. */
function addAll({ head }: FilterRun, lines: string[]): void {
  for (let index = 0; index < head.fieldCount; index++) {
    if (head.dropped[index] === 1 || head.ids[index]! >= field.FORWARDED) continue;
    const text = (start: number, end: number): string =>
      Buffer.from(head.bytes.subarray(start, end)).toString('latin1');
    const name = text(head.nameStart(index), head.nameEnd(index)).toLowerCase();
    if (!OURS.has(name)) lines.push(`${name}: ${text(head.valueStart(index), head.valueEnd(index))}`);
  }
}
