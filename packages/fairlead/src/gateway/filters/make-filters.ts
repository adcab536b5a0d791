import type { BodyLimitFilter, RouteFilter } from '../../routing/route-filters.ts';
import { Compression } from '../compression/compression.ts';
import { ErrorPages } from '../error-pages/error-pages.ts';
import { errorBody } from '../local-response.ts';
import { Stickiness } from '../stickiness/stickiness.ts';
import { AccessList } from './access-list.ts';
import { ApiKey } from './api-key.ts';
import { BasicAuth } from './basic-auth.ts';
import { Cors } from './cors.ts';
import { Fault } from './fault.ts';
import type { CompiledFilter, FilterAnswer } from './filter.ts';
import { TOO_LARGE } from './filter-run.ts';
import type { FilterServices } from './filter-services.ts';
import { ForwardAuth } from './forward-auth.ts';
import { HeaderTexts } from './header-text.ts';
import { Jwt } from './jwt/jwt.ts';
import { Mirror } from './mirror.ts';
import { OidcLogin } from './oidc/oidc-login.ts';
import { RateLimit } from './rate-limit.ts';
import { HttpsRedirect, Redirect } from './redirects.ts';
import { RequestInflation } from './request-inflation.ts';

/** Makes the filters of a route ready to run; undefined when it has none. */
export function makeFilters(
  filters: readonly RouteFilter[] | undefined,
  services: FilterServices,
): readonly CompiledFilter[] | undefined {
  if (filters === undefined || filters.length === 0) return undefined;
  return filters.map((filter) => makeFilter(filter, services));
}

function makeFilter(filter: RouteFilter, services: FilterServices): CompiledFilter {
  switch (filter.type) {
    case 'closed':
      return CLOSED;
    case 'access':
      return new AccessList(filter);
    case 'cors':
      return new Cors(filter);
    case 'rate-limit':
      return new RateLimit(filter, services.rates, services.clock);
    case 'body-limit':
      return bodyLimit(filter);
    case 'inflate':
      return new RequestInflation(filter, services);
    case 'fault':
      return new Fault(filter, services.random, services.after);
    case 'error-pages':
      return new ErrorPages(filter, services);
    case 'sticky':
      return new Stickiness(filter);
    case 'compress':
      return new Compression(filter);
    case 'basic-auth':
      return new BasicAuth(filter, services);
    case 'api-key':
      return new ApiKey(filter, services);
    case 'jwt':
      return new Jwt(filter, services);
    case 'oidc':
      return new OidcLogin(filter, services);
    case 'https-redirect':
      return new HttpsRedirect(filter);
    case 'redirect':
      return new Redirect(filter);
    case 'header-text':
      return new HeaderTexts(filter);
    case 'forward-auth':
      return new ForwardAuth(filter, services);
    case 'mirror':
      return new Mirror(filter, services);
  }
}

const CLOSED_ANSWER: FilterAnswer = {
  status: 503,
  body: errorBody(503, 'access is not configured correctly'),
  reason: 'closed',
  fields: [],
};
const CLOSED: CompiledFilter = { onRequest: () => CLOSED_ANSWER };

/** Bodies of declared length are refused here, others once they exceed it. */
function bodyLimit({ maxBytes }: BodyLimitFilter): CompiledFilter {
  return {
    onRequest(run) {
      run.bodyMaxBytes = maxBytes;
      return run.head.contentLength > maxBytes ? TOO_LARGE : 'pass';
    },
  };
}
