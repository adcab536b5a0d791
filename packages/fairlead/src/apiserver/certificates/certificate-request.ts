import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type DerElement, DerError, derElements, derParts, oidText } from '../pki/der-reader.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** A request for a certificate (PKCS #10, RFC 2986) whose signature is right. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** The subject, in DER. */
  readonly subject: Uint8Array;
  /** The value of the extension subjectAltName in DER, if it asks for one. */
  readonly alternativeNames: Uint8Array | undefined;
  /** Kinds of the names in it. */
  readonly nameKinds: ReadonlySet<NameKind>;
  readonly publicKey: KeyObject;
}

/** Kinds of alternative names that matter here. */
export type NameKind = 'email' | 'dns' | 'uri' | 'ip' | 'other';

/** A parsed request, or why it is none. */
export type ParsedRequest =
  | { readonly ok: true; readonly request: CertificateRequest }
  | { readonly ok: false; readonly reason: string };

const SEQUENCE = 0x30;
const extensionRequest = '1.2.840.113549.1.9.14';
const subjectAltName = '2.5.29.17';
const commonNameOid = '2.5.4.3';
const organizationOid = '2.5.4.10';

/** Hash of a signature algorithm; `null`: the algorithm has its own. */
const hashes: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
};
/** By the number of their context tag (RFC 5280 4.2.1.6). */
const nameKinds: Readonly<Record<number, NameKind>> = { 1: 'email', 2: 'dns', 6: 'uri', 7: 'ip' };

/** The bytes of `spec.request` of a CertificateSigningRequest. */
export function requestBytes(object: KubeObject): Buffer {
  return Buffer.from(String(recordOf(object.spec)?.request ?? ''), 'base64');
}

/** Reads a request in PEM and checks that its signer has the key. */
export function parseCertificateRequest(pem: Uint8Array): ParsedRequest {
  const text = Buffer.from(pem).toString('latin1');
  const [, type, body] = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/.exec(text) ?? [];
  if (type !== 'CERTIFICATE REQUEST') {
    return { ok: false, reason: 'PEM block type must be CERTIFICATE REQUEST' };
  }
  try {
    const [outer, ...trailing] = derElements(Buffer.from(body ?? '', 'base64'));
    if (trailing.length > 0) return { ok: false, reason: 'asn1: syntax error: trailing data' };
    const [info, algorithm, signature] = derParts(outer, SEQUENCE);
    const request = readInfo(derParts(info, SEQUENCE));
    const signed = isSignedBy(request.publicKey, info!.whole, algorithm, signature);
    return signed ? { ok: true, request } : { ok: false, reason: 'x509: signature of the request is not valid' };
  } catch (error) {
    const reason = error instanceof DerError ? error.message : (error as Error).message;
    return { ok: false, reason: `asn1: structure error: ${reason}` };
  }
}

function isSignedBy(
  key: KeyObject,
  info: Uint8Array,
  algorithm: DerElement | undefined,
  signature: DerElement | undefined,
): boolean {
  const hash = hashes[oidText(derParts(algorithm, SEQUENCE)[0]?.content ?? new Uint8Array())];
  if (hash === undefined) throw new DerError('unknown signature algorithm');
  if (signature?.tag !== 0x03) throw new DerError('no signature');
  return verify(hash, info, key, signature.content.subarray(1));
}

/** CertificationRequestInfo: version, subject, key, attributes. */
function readInfo([, subject, key, attributes]: readonly DerElement[]): CertificateRequest {
  if (subject === undefined || key === undefined) throw new DerError('truncated');
  const names = derParts(subject, SEQUENCE).flatMap((set) => derParts(set, 0x31).map(readAttribute));
  const texts = (oid: string): string[] => names.filter((name) => name.oid === oid).map(({ text }) => text);
  const alternativeNames = attributes?.tag === 0xa0 ? findAlternativeNames(attributes) : undefined;
  const kinds = alternativeNames === undefined ? [] : derParts(derElements(alternativeNames)[0], SEQUENCE);
  return {
    commonName: texts(commonNameOid).at(-1) ?? '',
    organizations: texts(organizationOid),
    subject: subject.whole,
    alternativeNames,
    nameKinds: new Set(kinds.map(({ tag }) => nameKinds[tag & 0x1f] ?? 'other')),
    publicKey: createPublicKey({ key: Buffer.from(key.whole), format: 'der', type: 'spki' }),
  };
}

function readAttribute(element: DerElement): { readonly oid: string; readonly text: string } {
  const [oid, value] = derParts(element, SEQUENCE);
  if (oid === undefined || value === undefined) throw new DerError('truncated');
  return { oid: oidText(oid.content), text: Buffer.from(value.content).toString('utf8') };
}

function findAlternativeNames(attributes: DerElement): Uint8Array | undefined {
  for (const attribute of derElements(attributes.content)) {
    const [oid, values] = derParts(attribute, SEQUENCE);
    if (oid === undefined || oidText(oid.content) !== extensionRequest) continue;
    for (const extension of derParts(derParts(values, 0x31)[0], SEQUENCE)) {
      const parts = derParts(extension, SEQUENCE);
      if (oidText(parts[0]?.content ?? new Uint8Array()) === subjectAltName) return parts.at(-1)!.content;
    }
  }
  return undefined;
}
