import { type AnnotationReader, fieldOf } from './annotation-reader.ts';
import { type Reading, readDuration, readList, readWord } from './annotation-values.ts';
import type { BackendRef } from './compile-ingress.ts';
import { type CredentialClaim, credentialKey } from './read-credentials.ts';
import { readServiceUrl } from './read-forward-auth.ts';
import { keysFrom, readClaim, readKeys, readObjectName, readWords } from './read-token-auth.ts';
import { JWT_ALGORITHMS, type OidcFilter, type RouteFilter } from './route-filters.ts';

const LEEWAY_S = 60;
const SESSION_MAX_MS = 12 * 3_600_000;
const CALLBACK_PATH = '/oauth2/callback';
const LOGOUT_PATH = '/oauth2/logout';
/** Not that of `sticky`. */
const COOKIE = 'fairlead-login';
/** Without one of them nobody could log in. */
const NEEDED = [
  'oidc-issuer',
  'oidc-client-id',
  'oidc-secret',
  'oidc-authorization-url',
  'oidc-token-url',
  'oidc-keys',
] as const;

/** A login, and what it needs. */
export interface OidcReading {
  readonly filter: RouteFilter;
  readonly claims: readonly (CredentialClaim | undefined)[];
  readonly backends: readonly BackendRef[];
}

/** Reads `fairlead.dev/oidc-…`. What is wrong or missing closes the routes. */
export function readOidc(reader: AnnotationReader, namespace: string): OidcReading | undefined {
  const issuer = reader.read('oidc-issuer', readUrl);
  const clientId = reader.read('oidc-client-id', readWords);
  const secret = reader.read('oidc-secret', (text) => readObjectName(text, 'Secret'));
  const authorizationUrl = reader.read('oidc-authorization-url', readUrl);
  const tokenUrl = reader.read('oidc-token-url', (text) => readServiceUrl(text, namespace, 'oidc-token-url'));
  const keys = reader.read('oidc-keys', readKeys);
  const algorithms = reader.read('oidc-algorithms', (text) => readList(text, (each) => readWord(each, JWT_ALGORITHMS)));
  const scopes = reader.read('oidc-scopes', (text) => readList(text, readWords));
  const callbackPath = reader.read('oidc-callback-path', readPath);
  const logoutPath = reader.read('oidc-logout-path', readPath);
  const endSessionUrl = reader.read('oidc-end-session-url', readUrl);
  const cookie = reader.read('oidc-cookie', readCookieName);
  const sessionMs = reader.read('oidc-session', readDuration);
  const claimHeaders = reader.read('oidc-claims-to-headers', (text) => readList(text, readClaim));
  const needed = { issuer, clientId, secret, authorizationUrl, tokenUrl, keys };
  const rest = { algorithms, scopes, callbackPath, logoutPath, endSessionUrl, cookie, sessionMs, claimHeaders };
  const isAsked = [...Object.values(needed), ...Object.values(rest)].some((value) => value !== undefined);
  if (!isAsked) return undefined;
  for (const name of NEEDED) if (reader.text(name) === undefined) reader.problem(name, 'is missing: nobody can log in');
  if (
    issuer === undefined ||
    issuer === 'wrong' ||
    clientId === undefined ||
    clientId === 'wrong' ||
    secret === undefined ||
    secret === 'wrong' ||
    authorizationUrl === undefined ||
    authorizationUrl === 'wrong' ||
    tokenUrl === undefined ||
    tokenUrl === 'wrong' ||
    keys === undefined ||
    keys === 'wrong' ||
    algorithms === 'wrong' ||
    scopes === 'wrong' ||
    callbackPath === 'wrong' ||
    logoutPath === 'wrong' ||
    endSessionUrl === 'wrong' ||
    cookie === 'wrong' ||
    sessionMs === 'wrong' ||
    claimHeaders === 'wrong'
  ) {
    return { filter: { type: 'closed', what: 'oidc' }, claims: [], backends: [] };
  }
  const claim: CredentialClaim = {
    type: 'oidc',
    kind: 'secret',
    object: `${namespace}/${secret}`,
    field: fieldOf('oidc-secret'),
  };
  const keySet = keysFrom(keys, namespace, 'oidc-keys');
  const filter: OidcFilter = {
    type: 'oidc',
    issuer,
    clientId,
    credentials: credentialKey(claim),
    authorizationUrl,
    token: { backend: tokenUrl.backend.key, host: tokenUrl.host, target: tokenUrl.target },
    keys: keySet.place,
    algorithms: algorithms ?? ['RS256', 'ES256', 'EdDSA'],
    leewayS: LEEWAY_S,
    scopes: [...new Set(['openid', ...(scopes ?? [])])],
    callbackPath: callbackPath ?? CALLBACK_PATH,
    logoutPath: logoutPath ?? LOGOUT_PATH,
    ...(endSessionUrl === undefined ? {} : { endSessionUrl }),
    cookie: cookie ?? COOKIE,
    sessionMaxS: Math.floor((sessionMs ?? SESSION_MAX_MS) / 1000),
    claimHeaders: claimHeaders ?? [],
  };
  return { filter, claims: [claim, keySet.claim], backends: [tokenUrl.backend] };
}

function readUrl(text: string): Reading<string> {
  return /^https?:\/\/[^\s/?#"<>\\^`{|}]+(\/[^\s#"<>\\^`{|}]*)?$/.test(text) && /^[\x21-\x7e]+$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not like https://HOST/PATH` };
}

function readPath(text: string): Reading<string> {
  return /^(\/[-._~A-Za-z0-9]+)+$/.test(text) && !/\/\.\.?(\/|$)/.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not a path of letters, digits, '-', '.', '_' and '~'` };
}

function readCookieName(text: string): Reading<string> {
  return /^[-.\w]{1,60}$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not a name of letters, digits, '-', '.' and '_'` };
}
