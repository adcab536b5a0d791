// Hot path: every request with a ServiceAccount token passes through here.
import type { RestContext } from '../rest/rest-context.ts';
import type { UserInfo } from '../server/api-request.ts';
import type { TokenAuthenticator } from '../server/authenticate.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import { legacyIssuer, type TokenClaims, type TokenIssuer, tokenIssuerUrl } from './token-issuer.ts';

/** Audiences of the API server itself. */
export const apiAudiences: readonly string[] = [tokenIssuerUrl];

/** How long a token outlives the deletion mark of what it is bound to, in milliseconds. */
const deletionLeewayMs = 60_000;

/** Accepts ServiceAccount tokens whose account, and whatever they are bound to, still exists. */
export function serviceAccountTokens(context: RestContext, issuer: TokenIssuer): TokenAuthenticator {
  return (token, wanted) => {
    const claims = issuer.verify(token);
    if (claims === undefined) return undefined;
    const given = claims.iss === legacyIssuer ? apiAudiences : audiencesOf(claims);
    const audiences = wanted.filter((audience) => given.includes(audience));
    if (audiences.length === 0) return undefined;
    const user = claims.iss === legacyIssuer ? legacyUser(context, claims, token) : boundUser(context, claims);
    return user === undefined ? undefined : { user, audiences };
  };
}

/** The audiences a token names. */
export function audiencesOf(claims: TokenClaims): readonly string[] {
  return Array.isArray(claims.aud) ? claims.aud.map(String) : [String(claims.aud ?? '')];
}

function boundUser(context: RestContext, claims: TokenClaims): UserInfo | undefined {
  const own = recordOf(claims['kubernetes.io']);
  const account = recordOf(own?.serviceaccount);
  const namespace = String(own?.namespace ?? '');
  const stored = alive(context, 'serviceaccounts', namespace, account);
  if (stored === undefined) return undefined;
  const extra: Record<string, readonly string[]> = {};
  if (typeof claims.jti === 'string') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`];
  for (const [part, plural] of [
    ['node', 'nodes'],
    ['pod', 'pods'],
    ['secret', 'secrets'],
  ] as const) {
    const reference = recordOf(own?.[part]);
    if (reference === undefined) continue;
    // A Pod's token names the node for information only.
    const informative = part === 'node' && own?.pod !== undefined;
    if (!informative && alive(context, plural, part === 'node' ? '' : namespace, reference) === undefined) {
      return undefined;
    }
    if (part === 'secret') continue;
    extra[`authentication.kubernetes.io/${part}-name`] = [String(reference.name)];
    extra[`authentication.kubernetes.io/${part}-uid`] = [String(reference.uid)];
  }
  return { ...accountUser(namespace, stored), extra };
}

/** A token that lives in a Secret dies with it, or when the Secret no longer holds it. */
function legacyUser(context: RestContext, claims: TokenClaims, token: string): UserInfo | undefined {
  const text = (name: string): string => String(claims[`${legacyIssuer}/${name}`] ?? '');
  const namespace = text('namespace');
  const secret = lookUp(context, 'secrets', namespace, text('secret.name'));
  const held = recordOf(secret?.data)?.token;
  if (typeof held !== 'string' || Buffer.from(held, 'base64').toString('utf8') !== token) return undefined;
  const reference = { name: text('service-account.name'), uid: text('service-account.uid') };
  const stored = alive(context, 'serviceaccounts', namespace, reference);
  return stored === undefined ? undefined : accountUser(namespace, stored);
}

function accountUser(namespace: string, account: KubeObject): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${account.metadata.name ?? ''}`,
    ...(account.metadata.uid === undefined ? {} : { uid: account.metadata.uid }),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
  };
}

/** The object of a reference by name and uid, unless it is gone or has been going for a while. */
function alive(
  context: RestContext,
  plural: string,
  namespace: string,
  reference: Record<string, unknown> | undefined,
): KubeObject | undefined {
  const stored = lookUp(context, plural, namespace, String(reference?.name ?? ''));
  if (stored === undefined || stored.metadata.uid !== reference?.uid) return undefined;
  const deleted = stored.metadata.deletionTimestamp;
  if (deleted !== undefined && Date.parse(deleted) + deletionLeewayMs < context.clock.now()) return undefined;
  return stored;
}

/** A stored object of the core group. */
export function lookUp(context: RestContext, plural: string, namespace: string, name: string): KubeObject | undefined {
  const { prefix } = context.served.find('', 'v1', plural)!;
  return context.cache.resource(prefix).get(storeKey(prefix, namespace, name))?.object;
}
