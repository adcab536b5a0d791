import type { HttpsRedirectFilter, RedirectFilter } from '../../routing/route-filters.ts';
import type { CompiledFilter, FilterAnswer, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';
import { fillText } from './request-values.ts';

/** Sends clients that came in plain text, also to a trusted proxy in front, to HTTPS. */
export class HttpsRedirect implements CompiledFilter {
  readonly #filter: HttpsRedirectFilter;

  constructor(filter: HttpsRedirectFilter) {
    this.#filter = filter;
  }

  onRequest(run: FilterRun): Verdict {
    // Without a name (HTTP/1.0) there is nowhere to go.
    if (run.scheme === 'https' || run.hostName === '') return 'pass';
    const { port, status } = this.#filter;
    // Behind a proxy its port counts, and it has the usual one.
    const suffix = port === undefined || port === 443 || run.requester.identity.told !== undefined ? '' : `:${port}`;
    return redirectTo(status, `https://${run.hostName}${suffix}${run.target}`);
  }
}

/** Sends clients elsewhere. */
export class Redirect implements CompiledFilter {
  readonly #filter: RedirectFilter;

  constructor(filter: RedirectFilter) {
    this.#filter = filter;
  }

  onRequest(run: FilterRun): Verdict {
    const { status, location, path } = this.#filter;
    if (path !== undefined && run.path !== path) return 'pass';
    return redirectTo(status, fillText(location, run));
  }
}

function redirectTo(status: number, location: string): FilterAnswer {
  return { status, body: '', reason: 'redirect', fields: [['location', location]] };
}
