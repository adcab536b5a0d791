import { createHash, createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import type { JwtAlgorithm } from '../../../routing/route-filters.ts';

/** A public key that signatures are checked with. */
export interface VerificationKey {
  /** `kid`; undefined: the key has none. */
  readonly id: string | undefined;
  /** What it may be used for: as its type and curve say, and its own `alg` if it has one. */
  readonly algorithms: ReadonlySet<JwtAlgorithm>;
  readonly key: KeyObject;
}

/** The keys of a JSON Web Key Set. */
export interface KeySet {
  /** Tells two sets apart. */
  readonly digest: string;
  readonly keys: readonly VerificationKey[];
}

/** More keys of one set are not read: each one without `kid` is tried. */
const KEYS_MAX = 100;
/** RFC 7518 3.3: shorter ones must not be used. Longer ones than the second number take too long to use. */
const RSA_BITS = [2048, 8192] as const;

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
/** RFC 7518 3.4, 8037 3.1: an algorithm belongs to one curve. */
const CURVES: Readonly<Record<string, JwtAlgorithm>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
  Ed448: 'EdDSA',
};

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a JSON Web Key Set (RFC 7517). Keys that are not for checking signatures, of unknown types, weak or broken are
 * left out, as section 5 asks; secret ones (`oct`) always: what everybody can read must not sign. An unreadable set is
 * one without keys.
 */
export function readKeySet(text: string): KeySet {
  const digest = createHash('sha256').update(text).digest('base64');
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return { digest, keys: [] };
  }
  const list = isRecord(set) && Array.isArray(set.keys) ? (set.keys as readonly unknown[]) : [];
  const keys = list.slice(0, KEYS_MAX).flatMap((each) => (isRecord(each) ? (readKey(each) ?? []) : []));
  return { digest, keys };
}

function readKey(jwk: JsonObject): VerificationKey | undefined {
  const { kty, use, alg, kid, crv, key_ops: operations } = jwk;
  if (use !== undefined && use !== 'sig') return undefined;
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  const suited = kty === 'RSA' ? RSA : (kty === 'EC' || kty === 'OKP') && typeof crv === 'string' ? [CURVES[crv]] : [];
  const algorithms = new Set(
    suited.filter((name): name is JwtAlgorithm => name !== undefined && (alg === undefined || alg === name)),
  );
  if (algorithms.size === 0) return undefined;
  const key = importKey(jwk);
  if (key === undefined) return undefined;
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (kty === 'RSA' && (bits === undefined || bits < RSA_BITS[0] || bits > RSA_BITS[1])) return undefined;
  return { id: kid, algorithms, key };
}

/** Takes the public members only. */
function importKey({ kty, crv, x, y, n, e }: JsonObject): KeyObject | undefined {
  try {
    return createPublicKey({ key: { kty, crv, x, y, n, e } as webcrypto.JsonWebKey, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Keys that may have made a signature. With a `kid`, those of that name or without one. */
export function findKeys(set: KeySet, algorithm: JwtAlgorithm, id: string | undefined): readonly VerificationKey[] {
  const fitting = set.keys.filter(({ algorithms }) => algorithms.has(algorithm));
  if (id === undefined) return fitting;
  const named = fitting.filter((key) => key.id === id);
  return named.length > 0 ? named : fitting.filter((key) => key.id === undefined);
}
