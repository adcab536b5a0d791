// Hot path: every request with a ServiceAccount token is checked here.
import { createHash, createPrivateKey, createPublicKey, createSign, createVerify, type KeyObject } from 'node:crypto';
import type { Clock } from '../../sys/clock.ts';
import { recordOf } from '../watch/kube-object.ts';

/** Issuer and default audience of ServiceAccount tokens. */
export const tokenIssuerUrl = 'https://kubernetes.default.svc';
/** Issuer of tokens that live in Secrets and never expire. */
export const legacyIssuer = 'kubernetes/serviceaccount';

/** The payload of a token: RFC 7519 claims and the private ones of Kubernetes. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** Signatures remembered as good; verifying one costs about 40 µs. */
const rememberedTokens = 1024;

/** Signs and verifies tokens: JWTs with RS256 (RFC 7515, 7519). Knows nothing of accounts. */
export class TokenIssuer {
  readonly #loadKey: () => Promise<string>;
  readonly #clock: Clock;
  readonly #verified = new Map<string, TokenClaims>();
  #key: Promise<KeyObject> | undefined;
  #publicKey: KeyObject | undefined;
  #keyId = '';

  /** `loadKey` gives the PEM of an RSA key; it is called on first use. */
  constructor(loadKey: () => Promise<string>, clock: Clock) {
    this.#loadKey = loadKey;
    this.#clock = clock;
  }

  /** Now, in seconds since 1970 as tokens count. */
  nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  async sign(claims: TokenClaims): Promise<string> {
    const key = await this.#load();
    const head = base64Json({ alg: 'RS256', kid: this.#keyId, typ: 'JWT' });
    const payload = `${head}.${base64Json(claims)}`;
    return `${payload}.${createSign('RSA-SHA256').update(payload).sign(key).toString('base64url')}`;
  }

  /** Loads the key so that tokens of an earlier run are accepted. */
  async load(): Promise<void> {
    await this.#load();
  }

  /** The claims of a token of ours that is valid now; `undefined` for any other. */
  verify(token: string): TokenClaims | undefined {
    const claims = this.#verified.get(token) ?? this.#verifySignature(token);
    if (claims === undefined) return undefined;
    const now = this.#clock.now() / 1000;
    if (claims.iss === tokenIssuerUrl) {
      // A token is for use from its birth on; clocks of one cluster may differ a little.
      if (!(Number(claims.exp) > now) || Number(claims.nbf ?? 0) > now + 10) return undefined;
    } else if (claims.iss !== legacyIssuer) return undefined;
    return claims;
  }

  /** The public key as a set of JSON web keys (RFC 7517). */
  async keySet(): Promise<object> {
    await this.#load();
    const { n, e } = this.#publicKey!.export({ format: 'jwk' });
    return { keys: [{ use: 'sig', kty: 'RSA', kid: this.#keyId, alg: 'RS256', n, e }] };
  }

  #load(): Promise<KeyObject> {
    this.#key ??= this.#loadKey().then((pem) => {
      const key = createPrivateKey(pem);
      this.#publicKey = createPublicKey(key);
      const der = this.#publicKey.export({ type: 'spki', format: 'der' });
      this.#keyId = createHash('sha256').update(der).digest('base64url');
      return key;
    });
    return this.#key;
  }

  #verifySignature(token: string): TokenClaims | undefined {
    const [head, payload, signature, more] = token.split('.');
    if (head === undefined || payload === undefined || signature === undefined || more !== undefined) return undefined;
    if (this.#publicKey === undefined) return undefined;
    try {
      if (recordOf(parsed(head))?.alg !== 'RS256') return undefined;
      const verifier = createVerify('RSA-SHA256').update(`${head}.${payload}`);
      if (!verifier.verify(this.#publicKey, Buffer.from(signature, 'base64url'))) return undefined;
      const claims = recordOf(parsed(payload));
      if (claims === undefined) return undefined;
      if (this.#verified.size >= rememberedTokens) this.#verified.delete(this.#verified.keys().next().value!);
      this.#verified.set(token, claims);
      return claims;
    } catch {
      return undefined;
    }
  }
}

function base64Json(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function parsed(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as unknown;
}
