// Hot path: from a request's head to its route.
import { looseReadings, normalizePath, pathIsPlain } from '../wire/http1/path.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { BackendRuntime } from './backend-runtime.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { METRIC } from './gateway-metrics.ts';
import type { HostIndex } from './host-index.ts';
import { errorBody, type OwnAnswer } from './local-response.ts';
import type { CompiledHost } from './program.ts';
import { redirectLocation } from './redirect.ts';
import type { ServerCertificate, ServerCertificates } from './server-certificates.ts';

/** Where a client connected to. */
export interface Frontend {
  readonly hosts: HostIndex<CompiledHost>;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly certificates: ServerCertificates;
  /** Line of a response's head that tells of HTTP/3 (RFC 7838), if it is served. */
  readonly altSvc: Buffer | undefined;
}

const ROOT_PATH = Buffer.from('/');

/**
 * The path that is matched and forwarded, where it differs from the target's own bytes;
 * undefined when it does not; `refused` when it is malformed.
 */
export function changedPath(head: RequestHead): Buffer | undefined | 'refused' {
  const start = head.base + head.pathStart;
  const end = head.base + head.pathEnd;
  if (start === end) return ROOT_PATH;
  if (head.pathNeedsCare && !pathIsPlain(head.bytes, start, end)) {
    const normal = normalizePath(head.bytes.subarray(start, end));
    return normal.ok ? normal.path : 'refused';
  }
  return head.pathStart === head.targetStart ? undefined : Buffer.from(head.bytes.subarray(start, end));
}

/** What becomes of requests without a route. */
const UNROUTED: Readonly<
  Record<'no-route' | 'misdirected' | 'ambiguous', { readonly status: number; readonly metric: number | undefined }>
> = {
  // Counted where it ends: it may have a page.
  'no-route': { status: 404, metric: undefined },
  misdirected: { status: 421, metric: METRIC.misdirected },
  ambiguous: { status: 400, metric: METRIC.badRequests },
};

/** Counts a request without a route; returns its answer. */
export function unrouted(reason: keyof typeof UNROUTED, metrics: Float64Array): OwnAnswer {
  const { status, metric } = UNROUTED[reason];
  if (metric !== undefined) metrics[metric]! += 1;
  return { status, body: errorBody(status), reason };
}

/** The route of a request, or why it has none. `ambiguous`: servers may read its path in ways that lead elsewhere. */
export function locate(
  head: RequestHead,
  frontend: Frontend,
  path: Buffer | undefined,
  certificate: ServerCertificate | undefined,
): CompiledRoute | keyof typeof UNROUTED {
  if (isMisdirected(head, frontend, certificate)) return 'misdirected';
  const route = findRoute(head, frontend, path);
  if (route === undefined) return unmatchedOf(head, frontend) ?? 'no-route';
  return head.pathNeedsCare && isAmbiguous(route, head, frontend, path) ? 'ambiguous' : route;
}

/**
 * Whether a more obliging reader of the path would find a route of another owner, or with other filters: a guard must not
 * be passed by a spelling. An exact path says itself how it is spelled.
 */
function isAmbiguous(route: CompiledRoute, head: RequestHead, frontend: Frontend, path: Buffer | undefined): boolean {
  if (route.isExact) return false;
  const readings = looseReadings(path?.toString('latin1') ?? textOf(head, head.pathStart, head.pathEnd));
  // Not refused, as normal paths are not.
  return (readings as readonly string[]).some((reading) => {
    const other = findRoute(head, frontend, Buffer.from(reading, 'latin1'));
    return other === undefined || (other !== route && !other.guardsLike(route));
  });
}

/** Whether the request belongs on another connection (421). */
function isMisdirected(head: RequestHead, frontend: Frontend, certificate: ServerCertificate | undefined): boolean {
  const { base } = head;
  return frontend.certificates.isMisdirected(certificate, head.bytes, base + head.hostStart, base + head.hostEnd);
}

/** The first matching route of the most specific host that has one. */
function findRoute(head: RequestHead, frontend: Frontend, path: Buffer | undefined): CompiledRoute | undefined {
  const { base } = head;
  const host = frontend.hosts.find(head.bytes, base + head.hostStart, base + head.hostEnd);
  if (host === undefined) return undefined;
  const bytes = path ?? head.bytes;
  const start = path === undefined ? base + head.pathStart : 0;
  const end = path === undefined ? base + head.pathEnd : path.length;
  const route = host.routes.find(head, bytes, start, end);
  if (route !== undefined || host === frontend.hosts.any) return route;
  // A hostname none of whose routes match hands the request on to the next one, as matchRoute() has it.
  const wildcard = frontend.hosts.findWildcard(head.bytes, base + head.hostStart, base + head.hostEnd);
  const second = wildcard === host ? undefined : wildcard?.routes.find(head, bytes, start, end);
  return second ?? frontend.hosts.any?.routes.find(head, bytes, start, end);
}

/** What the most specific host that has something for them has for requests without a route. */
function unmatchedOf(head: RequestHead, frontend: Frontend): CompiledRoute | undefined {
  const { bytes, base, hostStart, hostEnd } = head;
  const { hosts } = frontend;
  const wildcard = hosts.findWildcard(bytes, base + hostStart, base + hostEnd);
  return hosts.find(bytes, base + hostStart, base + hostEnd)?.unmatched ?? wildcard?.unmatched ?? hosts.any?.unmatched;
}

/** A backend of the route by weight; undefined if it has none. */
export function chooseBackend(route: CompiledRoute, random: () => number): BackendRuntime | undefined {
  const { backends, weightSums } = route;
  if (backends.length <= 1) return backends[0];
  const at = random() * weightSums[weightSums.length - 1]!;
  let index = 0;
  while (index < backends.length - 1 && at >= weightSums[index]!) index++;
  return backends[index];
}

/** The answer of a route without endpoints. */
export function directAnswer(
  action: Exclude<CompiledRoute['action'], { readonly type: 'forward' }>,
  route: CompiledRoute,
  head: RequestHead,
  frontend: Frontend,
  path: Buffer | undefined,
): OwnAnswer {
  if (action.type === 'respond') return { reason: 'respond', ...action };
  const location = redirectLocation(action, route.matchedPrefix, {
    scheme: frontend.scheme,
    host: textOf(head, head.hostStart, head.hostEnd),
    port: frontend.port,
    path: path?.toString('latin1') ?? textOf(head, head.pathStart, head.pathEnd),
    query: textOf(head, head.pathEnd, head.targetEnd),
  });
  return { status: action.status, body: '', reason: 'redirect', location };
}

/** Text of a range of the head. Allocates. */
export function textOf(head: RequestHead, start: number, end: number): string {
  return Buffer.from(head.bytes.subarray(head.base + start, head.base + end)).toString('latin1');
}

/** Whether the upgrade asked for may be passed on. `Upgrade: h2c` would let a client smuggle requests past the routes. */
export function wantsTunnel(head: RequestHead): boolean {
  if (!head.hasUpgradeToken || head.upgradeField < 0 || head.minorVersion === 0) return false;
  const start = head.valueStart(head.upgradeField) - head.base;
  return !/(^|,)\s*h2c/i.test(textOf(head, start, head.valueEnd(head.upgradeField) - head.base));
}

/** What the access log says about a request. */
export interface RequestDescription {
  readonly method: string;
  readonly host: string;
  readonly target: string;
}

/** A request that could not be read. */
export const NO_REQUEST: RequestDescription = { method: '', host: '', target: '' };

/** What the access log and error pages say of a request. Copies texts. */
export function describeRequest(head: RequestHead): RequestDescription {
  return {
    method: textOf(head, head.methodStart, head.methodEnd),
    host: textOf(head, head.hostStart, head.hostEnd),
    target: textOf(head, head.targetStart, head.targetEnd),
  };
}
