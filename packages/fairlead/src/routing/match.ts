import { compileRegex } from '../regex/linear-regex.ts';
import type { NamedMatch, PathMatch, Route, RouteMatch, RouteTable, VirtualHost } from './route-table.ts';

/** What routing looks at in a request. */
export interface RouteRequest {
  readonly listener: string;
  /** Value of `Host` or `:authority`, as received; undefined for an HTTP/1.0 request without one. */
  readonly host: string | undefined;
  readonly method: string;
  /** Origin-form target, query included, after the proxy's path normalisation. */
  readonly target: string;
  /** Lower-case names; repeated fields are joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The route of a request, and the host that it is in. */
export interface RouteHit {
  readonly host: VirtualHost;
  readonly route: Route;
}

/**
 * The reference matcher: plain strings, used by tests and `explain`. The gateway's byte matcher
 * must give the same answers. Undefined means 404.
 *
 * Hostnames from the most specific: exact, `*.` plus the parent domain, `*`. A hostname none of
 * whose routes match hands the request to the next one, so a rule without host (or a default
 * backend) serves "all traffic" as the Ingress API says, also of hosts that others have rules for.
 */
export function matchRoute(table: RouteTable, request: RouteRequest): RouteHit | undefined {
  const { path, query } = splitTarget(request.target);
  for (const hostname of hostCandidates(request.host)) {
    const host = table.hosts.get(`${request.listener}|${hostname}`);
    const route = host?.routes.find((candidate) => matchesRequest(candidate.match, request, path, query));
    if (host !== undefined && route !== undefined) return { host, route };
  }
  return undefined;
}

/** Hostname without port, brackets of IPv6 kept, lower-case, one trailing dot removed. */
export function normalizeHost(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') + 1 : host.indexOf(':');
  const name = (end > 0 ? host.slice(0, end) : host).toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** Names to look up for a Host value, most specific first. `*.` covers exactly one label. */
export function hostCandidates(host: string | undefined): readonly string[] {
  if (host === undefined || host === '') return ['*'];
  const name = normalizeHost(host);
  const dot = name.indexOf('.');
  return dot > 0 && !name.startsWith('[') ? [name, `*${name.slice(dot)}`, '*'] : [name, '*'];
}

/** Case-sensitive. A prefix has no trailing slash (except `/` itself) and matches whole elements. */
export function matchesPath(match: PathMatch, path: string): boolean {
  switch (match.type) {
    case 'exact':
      return path === match.value;
    case 'prefix':
      if (match.value === '/') return true;
      return path.startsWith(match.value) && (path.length === match.value.length || path[match.value.length] === '/');
    case 'regex':
      return matchesRegex(match.value, path);
  }
}

/** A pattern that is refused matches nothing. */
function matchesRegex(pattern: string, text: string): boolean {
  const result = compileRegex(pattern);
  return result.ok && result.regex.testText(text);
}

function matchesRequest(
  match: RouteMatch,
  request: RouteRequest,
  path: string,
  query: ReadonlyMap<string, string>,
): boolean {
  return (
    matchesPath(match.path, path) &&
    (match.method === undefined || match.method === request.method) &&
    match.headers.every((header) => matchesValue(header, request.headers.get(header.name))) &&
    match.query.every((parameter) => matchesValue(parameter, query.get(parameter.name)))
  );
}

function matchesValue(match: NamedMatch, value: string | undefined): boolean {
  if (value === undefined) return false;
  switch (match.type) {
    case 'present':
      return true;
    case 'exact':
      return value === match.value;
    case 'regex':
      return matchesRegex(match.value, value);
  }
}

/** The first value of a repeated query parameter counts (Gateway API). */
function splitTarget(target: string): { readonly path: string; readonly query: ReadonlyMap<string, string> } {
  const mark = target.indexOf('?');
  if (mark < 0) return { path: target, query: new Map() };
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(target.slice(mark + 1))) if (!query.has(name)) query.set(name, value);
  return { path: target.slice(0, mark), query };
}
