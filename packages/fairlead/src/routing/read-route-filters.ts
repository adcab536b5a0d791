import { parseCidr, parseIp } from '@fairlead/api';
import { AnnotationReader, fieldOf } from './annotation-reader.ts';
import {
  type Reading,
  readBytes,
  readCount,
  readDuration,
  readList,
  readShare,
  readWord,
} from './annotation-values.ts';
import type { ObjectClaim } from './claim-table.ts';
import type { BackendRef } from './compile-ingress.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';
import { readCompression } from './read-compression.ts';
import type { CredentialClaim } from './read-credentials.ts';
import { readErrorPages } from './read-error-pages.ts';
import { readForwardAuth } from './read-forward-auth.ts';
import { readMirrors } from './read-mirrors.ts';
import { readOidc } from './read-oidc.ts';
import { type IngressRedirects, readRedirects } from './read-redirects.ts';
import { readHeaderTexts } from './read-route-edits.ts';
import { readStickiness } from './read-stickiness.ts';
import { type ClaimingFilter, readApiKey, readJwt, readObjectName } from './read-token-auth.ts';
import type { CorsFilter, FaultFilter, RateLimitFilter, RouteFilter } from './route-filters.ts';

/** What the annotations of an Ingress say about the filters of its routes. */
export interface FilterAnnotations {
  /** In the order in which they run. */
  readonly filters: readonly RouteFilter[];
  /** What they need of Secrets and ConfigMaps. */
  readonly credentials: readonly CredentialClaim[];
  readonly pages: readonly ObjectClaim[];
  /** Who they ask or send copies to. */
  readonly backends: readonly BackendRef[];
  readonly redirects: IngressRedirects;
  readonly problems: readonly AnnotationProblem[];
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Requests that faults hold up at one time. */
const FAULTS_MAX = 1000;
const RATE_MAX = 1_000_000;
const INFLATED_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads the filter annotations of an Ingress. Order of the filters: error pages and compression (for the answers of the others too), redirects (nobody shows a password where it does
 * not belong), who may come (addresses), CORS (a preflight carries no credentials), rates (before passwords, so that
 * nobody tries many), bodies and their compression, faults, authentication (what is cheap first), heads, copies. A wrong value counts
 * as absent, except where that would open what was to be closed: such routes answer 503.
 */
export function readRouteFilters(
  annotations: Readonly<Record<string, string>> | undefined,
  namespace: string,
  ingress: string,
  key: string = ingress,
): FilterAnnotations {
  const reader = new AnnotationReader(annotations ?? {});
  const redirects = readRedirects(reader);
  const claiming = [readUsers(reader, namespace), readApiKey(reader, namespace), readJwt(reader, namespace)];
  const oidc = readOidc(reader, namespace);
  const forwardAuth = readForwardAuth(reader, namespace);
  const mirrors = readMirrors(reader, namespace);
  const errorPages = readErrorPages(reader, namespace, ingress);
  const filters = [
    errorPages?.filter,
    readCompression(reader),
    ...redirects.filters,
    readAccess(reader),
    readCors(reader),
    readRate(reader, ingress),
    readBodyLimit(reader),
    readInflation(reader),
    readFault(reader),
    ...claiming.map((each) => each?.filter),
    oidc?.filter,
    forwardAuth?.filter,
    readStickiness(reader, key),
    readHeaderTexts(reader),
    ...mirrors.filters,
  ].filter((filter) => filter !== undefined);
  return {
    filters,
    credentials: [...claiming.map((each) => each?.claim), ...(oidc?.claims ?? [])].filter(
      (claim) => claim !== undefined,
    ),
    pages: errorPages?.claim === undefined ? [] : [errorPages.claim],
    backends: [
      ...(oidc?.backends ?? []),
      ...(forwardAuth?.backends ?? []),
      ...mirrors.backends,
      ...(errorPages?.backend === undefined ? [] : [errorPages.backend]),
    ],
    redirects,
    problems: reader.problems,
  };
}

function readAccess(reader: AnnotationReader): RouteFilter | undefined {
  const allow = reader.read('allow-source-range', readCidrs);
  const deny = reader.read('deny-source-range', readCidrs);
  if (allow === 'wrong' || deny === 'wrong') return { type: 'closed', what: 'source ranges' };
  return allow === undefined && deny === undefined
    ? undefined
    : { type: 'access', allow: allow ?? [], deny: deny ?? [] };
}

function readCors(reader: AnnotationReader): CorsFilter | undefined {
  const origins = reader.optional('cors-allow-origin', (text) => readList(text, readOrigin));
  const methods = reader.optional('cors-allow-methods', (text) => readList(text.toUpperCase(), readToken));
  const headers = reader.optional(
    'cors-allow-headers',
    (text): Reading<readonly string[] | '*'> =>
      text === '*' ? { ok: true, value: '*' } : readList(text.toLowerCase(), readToken),
  );
  const exposed = reader.optional('cors-expose-headers', (text) => readList(text, readToken));
  const maxAgeS = reader.optional('cors-max-age', readDuration);
  const credentials = reader.optional('cors-allow-credentials', (text) => readWord(text, ['true', 'false'] as const));
  if (origins === undefined) return undefined;
  if (credentials === 'true' && origins.includes('*')) {
    reader.problem('cors-allow-credentials', 'needs origins by name: any site could act for its visitors');
  }
  return {
    type: 'cors',
    origins,
    methods: methods ?? ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    headers: headers ?? '*',
    exposed: exposed ?? [],
    credentials: credentials === 'true' && !origins.includes('*'),
    maxAgeS: Math.floor((maxAgeS ?? 600_000) / 1000),
  };
}

function readRate(reader: AnnotationReader, ingress: string): RateLimitFilter | undefined {
  const rate = reader.optional('rate-limit', readRequests);
  const burst = reader.optional('rate-limit-burst', (text) => readCount(text, 1, RATE_MAX));
  const per = reader.optional('rate-limit-by', readRateKey);
  if (rate === undefined) return undefined;
  return {
    type: 'rate-limit',
    name: ingress,
    per: per ?? 'client',
    ...rate,
    burst: burst ?? Math.max(1, rate.requests),
  };
}

function readBodyLimit(reader: AnnotationReader): RouteFilter | undefined {
  const maxBytes = reader.optional('max-body-size', readBytes);
  return maxBytes === undefined ? undefined : { type: 'body-limit', maxBytes };
}

function readInflation(reader: AnnotationReader): RouteFilter | undefined {
  const maxBytes = reader.optional('request-decompression', readInflatedBytes);
  return maxBytes === undefined ? undefined : { type: 'inflate', maxBytes };
}

function readFault(reader: AnnotationReader): FaultFilter | undefined {
  const delay = reader.optional('fault-delay', (text) => readFaultOf(text, readDuration));
  const abort = reader.optional('fault-abort', (text) => readFaultOf(text, (each) => readCount(each, 400, 599)));
  const header = reader.optional('fault-header', readFaultHeader);
  if (delay === undefined && abort === undefined) return undefined;
  // Without its condition a fault would hit everybody.
  if (header === undefined && reader.text('fault-header') !== undefined) return undefined;
  return {
    type: 'fault',
    ...(delay === undefined ? {} : { delay: { share: delay.share, ms: delay.value } }),
    ...(abort === undefined ? {} : { abort: { share: abort.share, status: abort.value } }),
    ...(header === undefined ? {} : { header }),
    maxActive: FAULTS_MAX,
  };
}

function readUsers(reader: AnnotationReader, namespace: string): ClaimingFilter | undefined {
  const name = reader.read('basic-auth-secret', (text) => readObjectName(text, 'Secret'));
  if (name === undefined) return undefined;
  if (name === 'wrong') return { filter: { type: 'closed', what: 'basic-auth-secret' }, claim: undefined };
  const realm = reader.optional('basic-auth-realm', (text) =>
    /^[ -~]{1,200}$/.test(text) ? { ok: true, value: text } : { ok: false, message: 'is not printable ASCII' },
  );
  const credentials = `${namespace}/${name}`;
  return {
    filter: { type: 'basic-auth', realm: realm ?? 'Authentication required', credentials },
    claim: { type: 'users', kind: 'secret', object: credentials, field: fieldOf('basic-auth-secret') },
  };
}

// Values.

function readCidrs(text: string): Reading<string[]> {
  return readList(text, (part) =>
    parseCidr(part) !== undefined || parseIp(part) !== undefined
      ? { ok: true, value: part }
      : { ok: false, message: `'${part}' is neither an address nor a range like 10.0.0.0/8` },
  );
}

/** Each such request keeps so much in memory. */
function readInflatedBytes(text: string): Reading<number> {
  const bytes = readBytes(text);
  if (!bytes.ok || (bytes.value > 0 && bytes.value <= INFLATED_MAX_BYTES)) return bytes;
  return { ok: false, message: `'${text}' is not a size from 1 byte to 16m` };
}

function readToken(text: string): Reading<string> {
  return TOKEN.test(text) && text !== '*'
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not a token of RFC 9110` };
}

function readOrigin(text: string): Reading<string> {
  const lower = text.toLowerCase();
  const host = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
  return lower === '*' || new RegExp(`^[a-z][-+.a-z0-9]*://(\\*\\.)?${host}(:\\d{1,5})?$`).test(lower)
    ? { ok: true, value: lower }
    : { ok: false, message: `'${text}' is not *, https://a.example or https://*.a.example` };
}

const WINDOWS_MS = { second: 1000, minute: 60_000, hour: 3_600_000 } as const;

/** `100/minute`. */
function readRequests(text: string): Reading<Pick<RateLimitFilter, 'requests' | 'windowMs'>> {
  const match = /^(\d{1,7})\/(second|minute|hour)$/.exec(text);
  const requests = Number(match?.[1] ?? 0);
  if (match === null || requests < 1 || requests > RATE_MAX) {
    return { ok: false, message: `'${text}' is not like 10/second, 100/minute or 1000/hour` };
  }
  return { ok: true, value: { requests, windowMs: WINDOWS_MS[match[2] as keyof typeof WINDOWS_MS] } };
}

function readRateKey(text: string): Reading<RateLimitFilter['per']> {
  if (text === 'route' || text === 'client') return { ok: true, value: text };
  const header = /^header (\S+)$/.exec(text)?.[1];
  return header !== undefined && TOKEN.test(header)
    ? { ok: true, value: { header: header.toLowerCase() } }
    : { ok: false, message: `'${text}' is neither route, client nor 'header NAME'` };
}

/** `10% 250ms`: a share of the requests and what happens to them. */
function readFaultOf<T>(
  text: string,
  read: (text: string) => Reading<T>,
): Reading<{ readonly share: number; readonly value: T }> {
  const [percent = '', what = '', ...more] = text.split(/\s+/);
  const share = readShare(percent);
  if (!share.ok) return share;
  const value = read(what);
  if (!value.ok) return value;
  if (more.length > 0) return { ok: false, message: `'${more.join(' ')}' is too much` };
  return { ok: true, value: { share: share.value, value: value.value } };
}

/** `x-fault` or `x-fault=yes`. */
function readFaultHeader(text: string): Reading<NonNullable<FaultFilter['header']>> {
  const [name = '', ...rest] = text.split('=');
  if (!TOKEN.test(name)) return { ok: false, message: `'${name}' is not a header name` };
  return {
    ok: true,
    value: { name: name.toLowerCase(), ...(rest.length === 0 ? {} : { value: rest.join('=') }) },
  };
}
