import type { OidcFilter } from '../../../routing/route-filters.ts';
import { isFieldValue } from '../head-change.ts';
import { claimText } from '../jwt/token.ts';
import type { Grant } from './provider.ts';

/** Who is logged in, as the cookie says. Times are Unix seconds. */
export interface OidcSession {
  readonly subject: string;
  /** What endpoints are told: lower-case header and value. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Until then nobody is asked. */
  readonly freshUntilS: number;
  /** However often it is renewed. */
  readonly endS: number;
  readonly refreshToken?: string;
}

/** A login under way, as its cookie says. */
export interface PendingLogin {
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE (RFC 7636). */
  readonly verifier: string;
  /** Path and query that the browser wanted. */
  readonly target: string;
  readonly endS: number;
}

/** The session that a grant begins, or goes on with. */
export function sessionOf(
  { claims, refreshToken, lifeS }: Grant,
  { claimHeaders, sessionMaxS }: Pick<OidcFilter, 'claimHeaders' | 'sessionMaxS'>,
  nowS: number,
  before?: OidcSession,
): OidcSession {
  const endS = before?.endS ?? Math.floor(nowS + sessionMaxS);
  // Providers that do not rotate it send it once.
  const refresh = refreshToken ?? before?.refreshToken;
  const headers = claimHeaders.flatMap(([claim, name]): (readonly [string, string])[] => {
    const value = claimText(claims, claim);
    return value === undefined || !isFieldValue(value) ? [] : [[name, value]];
  });
  return {
    subject: String(claims.sub),
    headers,
    freshUntilS: Math.min(endS, Math.floor(nowS + Math.max(0, lifeS))),
    endS,
    ...(refresh === undefined ? {} : { refreshToken: refresh }),
  };
}
