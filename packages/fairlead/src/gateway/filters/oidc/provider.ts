import type { OidcFilter } from '../../../routing/route-filters.ts';
import type { CompiledRoute } from '../../compiled-route.ts';
import { type SubAnswer, subRequestRoute } from '../../sub-request.ts';
import type { FilterRequester } from '../filter-run.ts';
import type { FilterServices } from '../filter-services.ts';
import { findKeys, type KeySet, readKeySet, type VerificationKey } from '../jwt/key-set.ts';
import { type Claims, checkClaims, type ParsedToken, parseToken } from '../jwt/token.ts';

const CONNECT_MS = 2_000;
const TIMEOUT_MS = 10_000;
const ANSWER_MAX_BYTES = 64 * 1024;
/** Keys tried for a token that names none. */
const TRIES_MAX = 8;

/** What a provider vouches for. */
export interface Grant {
  readonly claims: Claims;
  readonly refreshToken: string | undefined;
  /** How long it counts. */
  readonly lifeS: number;
}

/** `refused`: the provider, or its token, says no. `unavailable`: nobody can tell now. */
export type GrantResult =
  | { readonly ok: true; readonly grant: Grant }
  | { readonly ok: false; readonly reason: 'refused' | 'unavailable' };

/** What is demanded of an ID token beside its signature. */
export interface Demands {
  /** Of the login; undefined: of a renewal, whose token need not have one. */
  readonly nonce?: string;
  /** Whose session it is. */
  readonly subject?: string;
}

const REFUSED: GrantResult = { ok: false, reason: 'refused' };
const UNAVAILABLE: GrantResult = { ok: false, reason: 'unavailable' };

/** The token endpoint of an OpenID provider, and the checks of what it answers (OpenID Connect Core 1.0, 3.1.3). */
export class Provider {
  readonly #filter: OidcFilter;
  readonly #services: FilterServices;
  readonly #route: CompiledRoute;
  readonly #inline: KeySet | undefined;

  constructor(filter: OidcFilter, services: FilterServices) {
    this.#filter = filter;
    this.#services = services;
    const times = { connectMs: CONNECT_MS, timeoutMs: TIMEOUT_MS };
    this.#route = subRequestRoute(services.backend(filter.token.backend), times);
    this.#inline = filter.keys.type === 'inline' ? readKeySet(filter.keys.jwks) : undefined;
  }

  /** Asks for tokens, on behalf of a requester; `done` follows, unless what is returned was called. */
  redeem(
    form: Readonly<Record<string, string>>,
    clientSecret: string,
    demands: Demands,
    { identity, trace }: Pick<FilterRequester, 'identity' | 'trace'>,
    done: (result: GrantResult) => void,
  ): () => void {
    let cancel: () => void = () => {};
    const begun = this.#services.ask({
      route: this.#route,
      bytes: this.#request(form, clientSecret),
      isHead: false,
      // A code is good for once.
      isIdempotent: false,
      identity,
      trace,
      name: 'redeem',
      timeoutMs: TIMEOUT_MS,
      bodyMaxBytes: ANSWER_MAX_BYTES,
      keepsBody: (status) => status === 200,
      done: (answer) => {
        cancel = this.#check(answer, demands, done);
      },
    });
    if (typeof begun === 'function') cancel = begun;
    else cancel = this.#services.after(0, () => done(UNAVAILABLE));
    return () => cancel();
  }

  /** RFC 6749 4.1.3; the client says who it is by Basic (2.3.1), whose parts are written as in forms. */
  #request(form: Readonly<Record<string, string>>, clientSecret: string): Buffer {
    const { token, clientId } = this.#filter;
    const formText = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
    const basic = Buffer.from(`${formText(clientId)}:${formText(clientSecret)}`).toString('base64');
    const body = new URLSearchParams(form).toString();
    const lines = [
      `POST ${token.target} HTTP/1.1`,
      `host: ${token.host}`,
      `authorization: Basic ${basic}`,
      'content-type: application/x-www-form-urlencoded',
      'accept: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');
  }

  #check(answer: SubAnswer, demands: Demands, done: (result: GrantResult) => void): () => void {
    const finish = (result: GrantResult): (() => void) => {
      done(result);
      return () => {};
    };
    if (!answer.ok) return finish(UNAVAILABLE);
    // RFC 6749 5.2
    if (answer.status === 400 || answer.status === 401) return finish(REFUSED);
    const tokens = answer.status === 200 ? readJson(answer.body) : undefined;
    if (tokens === undefined) return finish(UNAVAILABLE);
    const { id_token: text, refresh_token: refresh, expires_in: expiresIn } = tokens;
    if (typeof text !== 'string') return finish(REFUSED);
    const token = parseToken(text, this.#filter.algorithms);
    if (typeof token === 'string' || !this.#isOurs(token.claims, demands)) return finish(REFUSED);
    const exp = token.claims.exp as number;
    const lifeS = Number.isFinite(Number(expiresIn)) ? Number(expiresIn) : exp - this.#nowS();
    const refreshToken = typeof refresh === 'string' && refresh !== '' ? refresh : undefined;
    const grant: Grant = { claims: token.claims, refreshToken, lifeS };
    return this.#verify(token, (verdict) =>
      done(verdict === 'good' ? { ok: true, grant } : verdict === 'bad' ? REFUSED : UNAVAILABLE),
    );
  }

  #nowS(): number {
    return this.#services.clock.now() / 1000;
  }

  /** Core 3.1.3.7, 12.2. */
  #isOurs(claims: Claims, { nonce, subject }: Demands): boolean {
    const { issuer, clientId, leewayS } = this.#filter;
    if (checkClaims(claims, { issuer, audiences: [clientId], leewayS }, this.#nowS()) !== undefined) return false;
    const { sub, azp, aud, nonce: told } = claims;
    if (typeof sub !== 'string' || sub === '' || (subject !== undefined && sub !== subject)) return false;
    if (azp === undefined ? Array.isArray(aud) && aud.length > 1 : azp !== clientId) return false;
    return nonce === undefined || told === nonce;
  }

  #keys(): KeySet | undefined {
    const { keys } = this.#filter;
    if (keys.type === 'inline') return this.#inline;
    return keys.type === 'object' ? this.#services.keySet(keys.credentials) : this.#services.fetchedKeys.get(keys.url);
  }

  #verify(token: ParsedToken, done: (verdict: 'good' | 'bad' | 'unknown') => void): () => void {
    const { keys } = this.#filter;
    const known = this.#keys();
    const found = known === undefined ? [] : findKeys(known, token.algorithm, token.keyId);
    if (found.length > 0 || keys.type !== 'url') return this.#try(token, found, known !== undefined, done);
    // A provider may have changed its keys a moment ago.
    let cancel: (() => void) | undefined;
    const refresh = this.#services.fetchedKeys.refresh(keys.url, () => {
      const now = this.#keys();
      cancel = this.#try(
        token,
        now === undefined ? [] : findKeys(now, token.algorithm, token.keyId),
        now !== undefined,
        done,
      );
    });
    if (refresh === undefined) done(known === undefined ? 'unknown' : 'bad');
    return () => (cancel ?? refresh)?.();
  }

  /** One key after the other, outside of this thread. */
  #try(
    token: ParsedToken,
    keys: readonly VerificationKey[],
    areKnown: boolean,
    done: (verdict: 'good' | 'bad' | 'unknown') => void,
  ): () => void {
    const { algorithm, signed: data, signature } = token;
    let cancel: (() => void) | undefined;
    const next = (index: number): void => {
      const key = index < TRIES_MAX ? keys[index] : undefined;
      if (key === undefined) {
        done(areKnown ? 'bad' : 'unknown');
        return;
      }
      cancel = this.#services.verifySignature({ algorithm, key: key.key, data, signature }, (isGood) =>
        isGood ? done('good') : next(index + 1),
      );
      if (cancel === undefined) done('unknown');
    };
    next(0);
    return () => cancel?.();
  }
}

function readJson(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
