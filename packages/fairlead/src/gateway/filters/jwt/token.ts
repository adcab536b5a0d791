import { JWT_ALGORITHMS, type JwtAlgorithm, type JwtFilter } from '../../../routing/route-filters.ts';

/** Members of a token's payload (RFC 7519 4). */
export type Claims = Readonly<Record<string, unknown>>;

/** A token taken apart; nothing of it is proven. */
export interface ParsedToken {
  readonly algorithm: JwtAlgorithm;
  /** `kid`: which key is said to have signed it. */
  readonly keyId: string | undefined;
  readonly claims: Claims;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** Why a token is refused. */
export type TokenProblem = 'malformed' | 'algorithm' | 'expired' | 'not-yet' | 'issuer' | 'audience';

/** Longer tokens are no tokens. */
const TOKEN_MAX = 16 * 1024;
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/**
 * Takes a token in compact form apart (RFC 7515 3.1, 5.2, 7519 7.2). Of its header only `alg` and `kid` are heeded:
 * keys that it brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) are not, and extensions that must be understood
 * (`crit`) are not understood. `none` and symmetric algorithms are no algorithms here.
 */
export function parseToken(text: string, allowed: readonly JwtAlgorithm[]): ParsedToken | TokenProblem {
  const match = text.length <= TOKEN_MAX ? COMPACT.exec(text) : null;
  if (match === null) return 'malformed';
  const [, head = '', body = '', mark = ''] = match;
  const header = readJson(head);
  const claims = readJson(body);
  if (header === undefined || claims === undefined || 'crit' in header) return 'malformed';
  // A token within a token, or an encrypted one: nobody says which claims would count.
  if (header.cty !== undefined || header.enc !== undefined || header.zip !== undefined) return 'malformed';
  const algorithm = JWT_ALGORITHMS.find((name) => name === header.alg);
  if (algorithm === undefined || !allowed.includes(algorithm)) return 'algorithm';
  const { kid } = header;
  if (kid !== undefined && typeof kid !== 'string') return 'malformed';
  return {
    algorithm,
    keyId: kid,
    claims,
    signed: Buffer.from(`${head}.${body}`, 'latin1'),
    signature: Buffer.from(mark, 'base64url'),
  };
}

function readJson(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url')));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** Checks the claims of a token (RFC 7519 4.1) whose signature is good. Without an end it would be good for ever. */
export function checkClaims(
  claims: Claims,
  { issuer, audiences, leewayS }: Pick<JwtFilter, 'issuer' | 'audiences' | 'leewayS'>,
  nowS: number,
): TokenProblem | undefined {
  const { exp, nbf, iss, aud } = claims;
  if (!isTime(exp) || (nbf !== undefined && !isTime(nbf))) return 'malformed';
  if (nowS >= exp + leewayS) return 'expired';
  if (nbf !== undefined && nowS < nbf - leewayS) return 'not-yet';
  if (issuer !== undefined && iss !== issuer) return 'issuer';
  if (audiences.length === 0) return undefined;
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return named.some((each) => typeof each === 'string' && audiences.includes(each)) ? undefined : 'audience';
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/**
 * A claim as the value of a header: texts, numbers, truth values, and lists of those with commas between. By its whole
 * name, else nested by dots. Undefined for what has no such form, or could be read as something else.
 */
export function claimText(claims: Claims, name: string): string | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : nested(claims, name.split('.'));
  if (!Array.isArray(value)) return scalarText(value);
  const parts = value.map(scalarText);
  return parts.some((part) => part === undefined || part === '' || part.includes(',')) ? undefined : parts.join(',');
}

function nested(claims: Claims, path: readonly string[]): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // As UTF-8, byte by byte: fields have no other letters.
  return typeof value === 'string' ? Buffer.from(value).toString('latin1') : undefined;
}
