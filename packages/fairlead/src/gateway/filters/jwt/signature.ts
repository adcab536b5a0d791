import { constants, type KeyObject, verify } from 'node:crypto';
import type { JwtAlgorithm } from '../../../routing/route-filters.ts';

/** A signature to check. */
export interface SignatureQuestion {
  readonly algorithm: JwtAlgorithm;
  readonly key: KeyObject;
  /** What was signed. */
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

const HASHES: Readonly<Record<JwtAlgorithm, string | undefined>> = {
  RS256: 'sha256',
  RS384: 'sha384',
  RS512: 'sha512',
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
  EdDSA: undefined,
};

/**
 * Algorithms that take more than half a millisecond (ES384 0.6, ES512 1.5; the others 0.03 to 0.2): they are checked
 * outside of the thread that serves.
 */
export const DEAR_ALGORITHMS: ReadonlySet<JwtAlgorithm> = new Set<JwtAlgorithm>(['ES384', 'ES512']);

/** Checks a signature (RFC 7518 3.3 to 3.5, 8037 3.1) here and now. A key of another kind fits none. */
export function isSigned(question: SignatureQuestion): boolean {
  const { algorithm, data, signature } = question;
  if (!isWhole(question)) return false;
  try {
    return verify(HASHES[algorithm], data, verifier(question), signature);
  } catch {
    return false;
  }
}

/** The same on the thread pool of the process. */
export function isSignedSoon(question: SignatureQuestion): Promise<boolean> {
  const { algorithm, data, signature } = question;
  if (!isWhole(question)) return Promise.resolve(false);
  return new Promise((resolve) => {
    verify(HASHES[algorithm], data, verifier(question), signature, (error, good) => resolve(error === null && good));
  });
}

/** An RSA signature is as long as the modulus (RFC 8017 8.1.2, step 1); for PSS OpenSSL does not look. */
function isWhole({ algorithm, key, signature }: SignatureQuestion): boolean {
  if (!algorithm.startsWith('PS')) return true;
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return signature.length === Math.ceil(bits / 8);
}

function verifier({ algorithm, key }: SignatureQuestion): Parameters<typeof verify>[2] {
  if (algorithm.startsWith('PS')) {
    // The salt is as long as the hash (RFC 7518 3.5).
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  if (algorithm.startsWith('RS')) return { key, padding: constants.RSA_PKCS1_PADDING };
  return algorithm.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' } : { key };
}
