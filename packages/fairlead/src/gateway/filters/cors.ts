import type { CorsFilter } from '../../routing/route-filters.ts';
import * as request from '../../wire/http1/request-head.ts';
import type { CompiledFilter, FilterAnswer, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';
import { isFieldValue } from './head-change.ts';

const ORIGIN = Buffer.from('origin');
const REQUEST_METHOD = Buffer.from('access-control-request-method');
const REQUEST_HEADERS = Buffer.from('access-control-request-headers');
/** What an endpoint says about it itself is replaced: two answers would be none (Fetch 3.2.5). */
const ANSWERED = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-max-age',
].map((name) => Buffer.from(name));
const TOKENS = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*$/;

/** Answers preflights, and tells browsers which origins may read the answers of a route. */
export class Cors implements CompiledFilter {
  readonly #filter: CorsFilter;
  readonly #isAllowed: (origin: string) => boolean;
  /** Every origin gets the same answer, so caches need not tell them apart. */
  readonly #sameForAll: boolean;

  constructor(filter: CorsFilter) {
    this.#filter = filter;
    this.#isAllowed = originMatcher(filter.origins);
    this.#sameForAll = filter.origins.includes('*') && !filter.credentials;
  }

  onRequest(run: FilterRun): Verdict {
    const { responseChange: change } = run;
    for (const name of ANSWERED) change.drop(name);
    if (!this.#sameForAll) change.add('vary', 'origin');
    const origin = run.header(ORIGIN);
    if (origin === undefined) return 'pass';
    const method = run.head.method === request.OPTIONS ? run.header(REQUEST_METHOD) : undefined;
    if (method !== undefined) return this.#preflight(run, origin, method);
    if (this.#isAllowed(origin)) for (const [name, value] of this.#allow(origin)) change.add(name, value);
    return 'pass';
  }

  #allow(origin: string): [name: string, value: string][] {
    const { credentials, exposed } = this.#filter;
    const fields: [string, string][] = [['access-control-allow-origin', this.#sameForAll ? '*' : origin]];
    if (credentials) fields.push(['access-control-allow-credentials', 'true']);
    if (exposed.length > 0) fields.push(['access-control-expose-headers', exposed.join(', ')]);
    return fields;
  }

  /** A refused preflight is an answer without permission: the browser does the refusing. */
  #preflight(run: FilterRun, origin: string, method: string): FilterAnswer {
    const { methods, headers, maxAgeS, credentials } = this.#filter;
    const asked = run.header(REQUEST_HEADERS);
    const fields: [string, string][] = [];
    if (headers === '*') fields.push(['vary', 'access-control-request-headers']);
    if (this.#isAllowed(origin) && methods.includes(method)) {
      fields.push(['access-control-allow-origin', this.#sameForAll ? '*' : origin]);
      if (credentials) fields.push(['access-control-allow-credentials', 'true']);
      fields.push(['access-control-allow-methods', methods.join(', ')]);
      if (headers !== '*') {
        if (headers.length > 0) fields.push(['access-control-allow-headers', headers.join(', ')]);
      } else if (asked !== undefined && TOKENS.test(asked)) fields.push(['access-control-allow-headers', asked]);
      fields.push(['access-control-max-age', String(maxAgeS)]);
    }
    return { status: 204, body: '', reason: 'preflight', fields };
  }
}

/** Compiles origin patterns. An origin is matched whole, scheme and port included. */
function originMatcher(patterns: readonly string[]): (origin: string) => boolean {
  const exact = new Set(patterns);
  const any = exact.has('*');
  const wild = patterns.flatMap((pattern) => {
    const star = pattern.indexOf('://*.');
    return star < 0 ? [] : [{ scheme: pattern.slice(0, star + 3), parent: pattern.slice(star + 4) }];
  });
  return (origin) => {
    // What comes back in a field must be fit for one; "null" is no origin that anybody could own.
    if (!isFieldValue(origin) || origin === 'null') return any && origin === 'null';
    if (any) return true;
    const lower = origin.toLowerCase();
    if (exact.has(lower)) return true;
    return wild.some(({ scheme, parent }) => {
      const labels = lower.slice(scheme.length, -parent.length);
      return lower.startsWith(scheme) && lower.endsWith(parent) && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(labels);
    });
  };
}
