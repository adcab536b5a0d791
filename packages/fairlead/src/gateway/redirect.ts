import type { RouteAction } from '../routing/route-table.ts';

/** What of the request a redirect may keep. */
export interface RedirectRequest {
  readonly scheme: 'http' | 'https';
  /** Host without port. */
  readonly host: string;
  /** Port of the listener. */
  readonly port: number;
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Replaces a matched prefix (without trailing slash) of a path; both results begin with a slash. */
export function replacePrefix(path: string, matchedPrefix: string, replacement: string): string {
  const rest = path.slice(matchedPrefix.length);
  const base = replacement.replace(/\/+$/, '');
  if (rest === '' || rest === '/') return `${base}${rest}` === '' ? '/' : `${base}${rest}`;
  return `${base}${rest}`;
}

/**
 * Location of a redirect (Gateway API RequestRedirect): the port is the one given; else the
 * well-known one of a changed scheme; else the listener's. Well-known ports are not written.
 */
export function redirectLocation(
  action: Extract<RouteAction, { type: 'redirect' }>,
  matchedPrefix: string,
  request: RedirectRequest,
): string {
  const scheme = action.scheme ?? request.scheme;
  const host = action.hostname ?? request.host;
  const wellKnown = scheme === 'http' || scheme === 'https' ? DEFAULT_PORTS[scheme] : undefined;
  const port = action.port ?? (action.scheme === undefined ? request.port : wellKnown);
  let path = request.path;
  if (action.path?.type === 'full') path = action.path.value;
  else if (action.path?.type === 'prefix') path = replacePrefix(request.path, matchedPrefix, action.path.value);
  const suffix = port === undefined || port === wellKnown ? '' : `:${port}`;
  return `${scheme}://${host}${suffix}${path}${request.query}`;
}
