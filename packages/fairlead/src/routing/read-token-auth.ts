import { type AnnotationReader, fieldOf } from './annotation-reader.ts';
import { type Reading, readDuration, readList, readWord } from './annotation-values.ts';
import { type CredentialClaim, credentialKey, jwksProblem } from './read-credentials.ts';
import { readIdentityName } from './read-forward-auth.ts';
import {
  type ApiKeyFilter,
  JWT_ALGORITHMS,
  type JwtFilter,
  type RouteFilter,
  type TokenPlace,
} from './route-filters.ts';

/** A filter, and the object that its secrets or keys are in. */
export interface ClaimingFilter {
  readonly filter: RouteFilter;
  readonly claim: CredentialClaim | undefined;
}

const LEEWAY_S = 60;
const LEEWAY_MAX_S = 600;
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Reads `fairlead.dev/api-key-…`. What is wrong closes the routes. */
export function readApiKey(reader: AnnotationReader, namespace: string): ClaimingFilter | undefined {
  const name = reader.read('api-key-secret', (text) => readObjectName(text, 'Secret'));
  const from = reader.read('api-key-from', (text) => readList(text, readPlace));
  const clientHeader = reader.read('api-key-client-header', readIdentityName);
  if (name === undefined) return undefined;
  if (name === 'wrong' || from === 'wrong' || clientHeader === 'wrong') return closed('api-key');
  const claim: CredentialClaim = {
    type: 'api-keys',
    kind: 'secret',
    object: `${namespace}/${name}`,
    field: fieldOf('api-key-secret'),
  };
  const filter: ApiKeyFilter = {
    type: 'api-key',
    credentials: credentialKey(claim),
    from: from ?? [{ type: 'header', name: 'x-api-key' }],
    ...(clientHeader === undefined ? {} : { clientHeader }),
  };
  return { filter, claim };
}

/** Reads `fairlead.dev/jwt-…`. What is wrong closes the routes: each of them narrows who gets in. */
export function readJwt(reader: AnnotationReader, namespace: string): ClaimingFilter | undefined {
  const keys = reader.read('jwt-keys', readKeys);
  const issuer = reader.read('jwt-issuer', readWords);
  const audiences = reader.read('jwt-audiences', (text) => readList(text, readWords));
  const algorithms = reader.read('jwt-algorithms', (text) => readList(text, (each) => readWord(each, JWT_ALGORITHMS)));
  const from = reader.read('jwt-from', (text) => readList(text, readPlace));
  const claims = reader.read('jwt-claims-to-headers', (text) => readList(text, readClaim));
  const leeway = reader.read('jwt-leeway', readLeeway);
  if (keys === undefined) return undefined;
  if (
    keys === 'wrong' ||
    issuer === 'wrong' ||
    audiences === 'wrong' ||
    algorithms === 'wrong' ||
    from === 'wrong' ||
    claims === 'wrong' ||
    leeway === 'wrong'
  ) {
    return closed('jwt');
  }
  const { claim, place } = keysFrom(keys, namespace, 'jwt-keys');
  const filter: JwtFilter = {
    type: 'jwt',
    keys: place,
    ...(issuer === undefined ? {} : { issuer }),
    audiences: audiences ?? [],
    algorithms: algorithms ?? ['RS256', 'ES256', 'EdDSA'],
    from: from ?? [{ type: 'header', name: 'authorization' }],
    claimHeaders: claims ?? [],
    leewayS: leeway ?? LEEWAY_S,
  };
  return { filter, claim };
}

/** What claims the keys of an object of the namespace, and where they will be. */
export function keysFrom(
  keys: Keys,
  namespace: string,
  annotation: string,
): { readonly claim: CredentialClaim | undefined; readonly place: JwtFilter['keys'] } {
  if (keys.type !== 'object') return { claim: undefined, place: keys };
  const object = `${namespace}/${keys.name}`;
  const claim: CredentialClaim = { type: 'jwks', kind: keys.kind, object, field: fieldOf(annotation) };
  return { claim, place: { type: 'object', credentials: credentialKey(claim) } };
}

function closed(what: string): ClaimingFilter {
  return { filter: { type: 'closed', what }, claim: undefined };
}

/** The name of an object of the Ingress's own namespace. */
export function readObjectName(text: string, kind: string): Reading<string> {
  return OBJECT_NAME.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not the name of a ${kind} of this namespace` };
}

/** Where keys of tokens are said to be. */
export type Keys =
  | Exclude<JwtFilter['keys'], { type: 'object' }>
  | { readonly type: 'object'; readonly kind: 'secret' | 'configmap'; readonly name: string };

/** `https://…/jwks.json`, `secret NAME`, `configmap NAME`, or the keys themselves. */
export function readKeys(text: string): Reading<Keys> {
  if (text.startsWith('{')) {
    const problem = jwksProblem(text);
    return problem === undefined
      ? { ok: true, value: { type: 'inline', jwks: text } }
      : { ok: false, message: problem };
  }
  const [, kind, name = ''] = /^(secret|configmap) +(\S+)$/.exec(text) ?? [];
  if (kind !== undefined) {
    const result = readObjectName(name, kind === 'secret' ? 'Secret' : 'ConfigMap');
    return result.ok
      ? { ok: true, value: { type: 'object', kind: kind as 'secret' | 'configmap', name } }
      : { ok: false, message: result.message };
  }
  const url = /^(https?):\/\/([a-z0-9][-a-z0-9.]*|\[[0-9a-f:]+\])(:\d{1,5})?(\/[\x21-\x22\x24-\x7e]*)?$/i.exec(text);
  if (url === null) {
    return { ok: false, message: `'${text}' is none of https://…, secret NAME, configmap NAME, {"keys":[…]}` };
  }
  // Whoever answers for the keys says who gets in: outside of the cluster's own names he must prove who he is.
  if (url[1]!.toLowerCase() === 'http' && !/^[^.]+\.[^.]+\.svc(\.cluster\.local)?$/i.test(url[2]!)) {
    return { ok: false, message: `'${text}': keys come by https, or from a Service (http://NAME.NAMESPACE.svc/…)` };
  }
  return { ok: true, value: { type: 'url', url: text } };
}

/** One word of printable ASCII. */
export function readWords(text: string): Reading<string> {
  return /^[\x21-\x7e]{1,500}$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not one word of printable ASCII` };
}

/** `header X-Token`, `cookie session`, `query access_token`. */
function readPlace(text: string): Reading<TokenPlace> {
  const [, type, name = ''] = /^(header|cookie|query) +(\S+)$/.exec(text) ?? [];
  if (type === undefined || (type !== 'query' && !TOKEN.test(name))) {
    return { ok: false, message: `'${text}' is none of header NAME, cookie NAME, query NAME` };
  }
  return {
    ok: true,
    value: type === 'header' ? { type, name: name.toLowerCase() } : { type: type as 'cookie' | 'query', name },
  };
}

/** `sub=X-User`, `realm_access.roles=X-Roles`. */
export function readClaim(text: string): Reading<readonly [claim: string, header: string]> {
  const [, claim = '', header = ''] = /^([^\s=]+)=(\S+)$/.exec(text) ?? [];
  const name = readIdentityName(header);
  if (claim === '') return { ok: false, message: `'${text}' is not CLAIM=HEADER` };
  return name.ok ? { ok: true, value: [claim, name.value] } : name;
}

function readLeeway(text: string): Reading<number> {
  const ms = text === '0s' ? ({ ok: true, value: 0 } as const) : readDuration(text);
  if (!ms.ok) return ms;
  return ms.value <= LEEWAY_MAX_S * 1000
    ? { ok: true, value: Math.floor(ms.value / 1000) }
    : { ok: false, message: `'${text}' is more than ${LEEWAY_MAX_S}s` };
}
