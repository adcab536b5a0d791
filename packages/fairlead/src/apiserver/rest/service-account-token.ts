import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  type KeyObject,
  randomUUID,
} from 'node:crypto';
import type { Clock } from '../../sys/clock.ts';
import type { ApiAnswer, ApiRequest, UserInfo } from '../server/api-request.ts';
import type { TokenAuthenticator } from '../server/authenticate.ts';
import { negotiate } from '../server/media-type.ts';
import { invalid, notFound, StatusError } from '../server/status-error.ts';
import { recordOf } from '../watch/kube-object.ts';
import { type ObjectCache, storeKey } from '../watch/object-cache.ts';
import { decodeBody, fieldValidation } from './decode-body.ts';
import { textAnswer } from './represent.ts';
import type { RestContext, RestRequest } from './rest-context.ts';
import { existing } from './write-object.ts';

/** Issuer and default audience of ServiceAccount tokens. */
export const tokenIssuerUrl = 'https://kubernetes.default.svc';
const leastSeconds = 600;
const defaultSeconds = 3600;
const group = 'authentication.k8s.io';
const requestType = {
  apiVersion: `${group}/v1`,
  kind: 'TokenRequest',
  typeId: 'authentication.v1.TokenRequest',
} as const;

/** Issues and checks ServiceAccount tokens: JWTs signed with RS256 (RFC 7515, 7519). */
export class TokenIssuer {
  readonly #loadKey: () => Promise<string>;
  readonly #clock: Clock;
  #key: Promise<KeyObject> | undefined;
  #publicKey: KeyObject | undefined;

  /** `loadKey` gives the PEM of an RSA key; it is called on first use. */
  constructor(loadKey: () => Promise<string>, clock: Clock) {
    this.#loadKey = loadKey;
    this.#clock = clock;
  }

  /** POST serviceaccounts/NAME/token. */
  async answer(context: RestContext, target: RestRequest, name: string): Promise<ApiAnswer> {
    const { request, namespace, warnings } = target;
    const representation = negotiate(request.headers.accept, true);
    const body = decodeBody(request, requestType, fieldValidation(request.query, 'CreateOptions'), warnings);
    const account = existing(context, target, name).object;
    const spec = recordOf(body.spec) ?? {};
    const seconds = typeof spec.expirationSeconds === 'number' ? spec.expirationSeconds : defaultSeconds;
    if (seconds < leastSeconds) {
      throw invalid({ group, kind: 'TokenRequest' }, '', [
        {
          reason: 'FieldValueInvalid',
          field: 'spec.expirationSeconds',
          message: `Invalid value: ${seconds}: may not specify a duration less than 10 minutes`,
        },
      ]);
    }
    const bound = recordOf(spec.boundObjectRef);
    const pod = bound === undefined ? undefined : boundPod(context, namespace, String(bound.name ?? ''));
    const given = Array.isArray(spec.audiences) ? spec.audiences.map(String) : [];
    const audiences = given.length === 0 ? [tokenIssuerUrl] : given;
    const now = Math.floor(this.#clock.now() / 1000);
    const token = await this.#sign({
      aud: audiences,
      exp: now + seconds,
      iat: now,
      iss: tokenIssuerUrl,
      jti: randomUUID(),
      'kubernetes.io': {
        namespace,
        serviceaccount: { name, uid: account.metadata.uid },
        ...(pod === undefined ? {} : { pod }),
      },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`,
    });
    const text = JSON.stringify({
      kind: 'TokenRequest',
      apiVersion: `${group}/v1`,
      metadata: {
        name,
        namespace,
        uid: account.metadata.uid,
        creationTimestamp: `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`,
      },
      spec: { audiences, expirationSeconds: seconds, boundObjectRef: bound ?? null },
      status: { token, expirationTimestamp: `${new Date((now + seconds) * 1000).toISOString().slice(0, 19)}Z` },
    });
    return textAnswer(201, representation, text);
  }

  /** Accepts tokens for the API server whose ServiceAccount still exists. */
  authenticator(context: RestContext): TokenAuthenticator {
    return (token) => {
      const claims = this.#verify(token);
      if (claims === undefined) return undefined;
      const own = recordOf(claims['kubernetes.io']);
      const account = recordOf(own?.serviceaccount);
      const namespace = String(own?.namespace ?? '');
      const accounts = context.served.find('', 'v1', 'serviceaccounts')!;
      const stored = lookUp(context.cache, accounts.prefix, namespace, String(account?.name ?? ''));
      if (stored?.uid === undefined || stored.uid !== account?.uid) return undefined;
      const user: UserInfo = {
        name: String(claims.sub),
        uid: stored.uid,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
      };
      return user;
    };
  }

  /** The OpenID discovery documents (RFC 8414), or `undefined` for any other path. */
  async openIdAnswer(request: ApiRequest): Promise<ApiAnswer | undefined> {
    if (request.path === '/.well-known/openid-configuration') {
      const text = JSON.stringify({
        issuer: tokenIssuerUrl,
        jwks_uri: `${tokenIssuerUrl}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
      return { status: 200, headers: { 'content-type': 'application/json' }, body: text };
    }
    if (request.path !== '/openid/v1/jwks') return undefined;
    const accept = String(request.headers.accept ?? '*/*');
    if (!accept.includes('*/*') && !accept.includes('application/jwk-set+json')) {
      throw new StatusError(
        406,
        'NotAcceptable',
        'only the following media types are accepted: application/jwk-set+json',
      );
    }
    await this.load();
    const { n, e } = this.#publicKey!.export({ format: 'jwk' });
    const kid = createHash('sha256').update(String(n)).digest('base64url');
    const text = JSON.stringify({ keys: [{ use: 'sig', kty: 'RSA', kid, alg: 'RS256', n, e }] });
    return { status: 200, headers: { 'content-type': 'application/jwk-set+json' }, body: text };
  }

  async #sign(claims: object): Promise<string> {
    this.#key ??= this.#loadKey().then(createPrivateKey);
    const key = await this.#key;
    this.#publicKey ??= createPublicKey(key);
    const head = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'JWT' })).toString('base64url');
    const payload = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${payload}.${createSign('RSA-SHA256').update(payload).sign(key).toString('base64url')}`;
  }

  /** Loads the key so that tokens of an earlier run are accepted. */
  async load(): Promise<void> {
    this.#key ??= this.#loadKey().then(createPrivateKey);
    this.#publicKey = createPublicKey(await this.#key);
  }

  #verify(token: string): Record<string, unknown> | undefined {
    const [head, payload, signature, more] = token.split('.');
    if (head === undefined || payload === undefined || signature === undefined || more !== undefined) return undefined;
    if (this.#publicKey === undefined) return undefined;
    try {
      const header = recordOf(JSON.parse(Buffer.from(head, 'base64url').toString('utf8')));
      if (header?.alg !== 'RS256') return undefined;
      const verifier = createVerify('RSA-SHA256').update(`${head}.${payload}`);
      if (!verifier.verify(this.#publicKey, Buffer.from(signature, 'base64url'))) return undefined;
      const claims = recordOf(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
      const now = this.#clock.now() / 1000;
      const audiences = claims?.aud;
      if (claims === undefined || claims.iss !== tokenIssuerUrl || !(Number(claims.exp) > now)) return undefined;
      return Array.isArray(audiences) && audiences.includes(tokenIssuerUrl) ? claims : undefined;
    } catch {
      return undefined;
    }
  }
}

function boundPod(context: RestContext, namespace: string, name: string): { name: string; uid: string | undefined } {
  const pods = context.served.find('', 'v1', 'pods')!;
  const pod = lookUp(context.cache, pods.prefix, namespace, name);
  if (pod === undefined) throw notFound(pods, name);
  return { name, uid: pod.uid };
}

function lookUp(
  cache: ObjectCache,
  prefix: string,
  namespace: string,
  name: string,
): { readonly uid: string | undefined } | undefined {
  const stored = cache.resource(prefix).get(storeKey(prefix, namespace, name));
  return stored === undefined ? undefined : { uid: stored.object.metadata.uid };
}
