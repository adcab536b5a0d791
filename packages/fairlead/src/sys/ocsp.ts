import { timeOf } from './native-values.ts';
import * as ssl from './openssl.ts';
import * as native from './openssl-revocation.ts';

/** What a responder says of a certificate. */
export interface OcspStatus {
  readonly status: 'good' | 'revoked' | 'unknown';
  /** Unix ms. */
  readonly thisUpdateMs: number;
  /** Unix ms; undefined: the responder always has newer information. */
  readonly nextUpdateMs: number | undefined;
}

/** What was read, or why it cannot be used. */
export type OcspResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

const NO_PASSPHRASE = new ssl.NativeText('');
const STATUSES = ['good', 'revoked', 'unknown'] as const;
/** Statuses of a response that is none (RFC 6960 4.2.1). */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'malformed request',
  2: 'internal error',
  3: 'try later',
  5: 'signature required',
  6: 'unauthorized',
};

/**
 * A request for the status of the first certificate of a PEM chain (RFC 6960 4.1), which must hold its issuer too.
 */
export function createOcspRequest(chain: string): OcspResult<Buffer> {
  return withPair(chain, (leaf, issuer) => {
    const request = native.requestNew();
    const id = native.certificateId(0, leaf, issuer);
    // The request takes over the id.
    native.requestAddId(request, id);
    const length = native.requestToDer(request, 0);
    const der = new ssl.NativeText(new Uint8Array(Math.max(length, 1)));
    const out = new ssl.NativeText(new Uint8Array(8));
    out.bytes.writeBigUInt64LE(BigInt(der.address), 0);
    native.requestToDer(request, out.address);
    native.requestFree(request);
    return length > 0
      ? { ok: true, value: der.bytes.subarray(0, length) }
      : { ok: false, problem: `no request: ${ssl.takeErrorText()}` };
  });
}

/**
 * Reads a response about the first certificate of a PEM chain: signed by its issuer, or by a responder that the issuer
 * authorised (RFC 6960 4.2.2.2). Whether it is of today is for the caller to judge.
 */
export function readOcspResponse(der: Uint8Array, chain: string): OcspResult<OcspStatus> {
  return withPair(chain, (leaf, issuer) => {
    const memory = new ssl.NativeText(der);
    const start = new ssl.NativeText(new Uint8Array(8));
    start.bytes.writeBigUInt64LE(BigInt(memory.address), 0);
    const response = native.responseFromDer(0, start.address, memory.length);
    if (response === 0) return { ok: false, problem: 'not an OCSP response' };
    try {
      const refusal = native.responseStatus(response);
      if (refusal !== 0) return { ok: false, problem: `the responder says: ${REFUSALS[refusal] ?? refusal}` };
      const basic = native.responseBasic(response);
      if (basic === 0) return { ok: false, problem: 'not a basic OCSP response' };
      try {
        return isSignedFor(basic, issuer) ? readStatus(basic, leaf, issuer) : unsigned();
      } finally {
        native.basicFree(basic);
      }
    } finally {
      native.responseFree(response);
    }
  });
}

function unsigned(): OcspResult<never> {
  return { ok: false, problem: `signature: ${ssl.takeErrorText()}` };
}

function isSignedFor(basic: number, issuer: number): boolean {
  const store = ssl.storeNew();
  ssl.storeAddCertificate(store, issuer);
  // The issuer may itself be no root.
  native.storeSetFlags(store, native.X509_V_FLAG_PARTIAL_CHAIN);
  const others = native.stackNew();
  native.stackPush(others, issuer);
  const verified = native.basicVerify(basic, others, store, native.OCSP_TRUSTOTHER);
  native.stackFree(others);
  native.storeFree(store);
  return verified === 1;
}

function readStatus(basic: number, leaf: number, issuer: number): OcspResult<OcspStatus> {
  const id = native.certificateId(0, leaf, issuer);
  // status:int at 0, thisUpdate* at 8, nextUpdate* at 16.
  const out = new ssl.NativeText(new Uint8Array(24));
  const found = native.findStatus(basic, id, out.address, 0, 0, out.address + 8, out.address + 16);
  native.certificateIdFree(id);
  if (found !== 1) return { ok: false, problem: 'it is about another certificate' };
  const status = STATUSES[out.bytes.readInt32LE(0)];
  const thisUpdateMs = timeOf(Number(out.bytes.readBigUInt64LE(8)));
  const nextUpdateMs = timeOf(Number(out.bytes.readBigUInt64LE(16)));
  if (status === undefined || thisUpdateMs === undefined || Number.isNaN(thisUpdateMs) || Number.isNaN(nextUpdateMs)) {
    return { ok: false, problem: 'its times cannot be read' };
  }
  return { ok: true, value: { status, thisUpdateMs, nextUpdateMs } };
}

/** Calls `work` with the first certificate of a chain and its issuer, which is the second. */
function withPair<T>(chain: string, work: (leaf: number, issuer: number) => OcspResult<T>): OcspResult<T> {
  ssl.clearErrors();
  const pem = new ssl.NativeText(chain);
  const bio = ssl.bioFromMemory(pem.address, pem.length);
  const leaf = ssl.pemReadCertificate(bio, 0, 0, NO_PASSPHRASE.address);
  const issuer = leaf === 0 ? 0 : ssl.pemReadCertificate(bio, 0, 0, NO_PASSPHRASE.address);
  ssl.bioFree(bio);
  try {
    if (issuer === 0) return { ok: false, problem: 'the chain does not hold the issuer of its first certificate' };
    return work(leaf, issuer);
  } finally {
    if (leaf !== 0) ssl.certificateFree(leaf);
    if (issuer !== 0) ssl.certificateFree(issuer);
    ssl.clearErrors();
    // Read after the last use, so that the memory outlives it.
    pem.bytes.fill(0);
  }
}
