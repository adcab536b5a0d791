import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { bits, boolean, der, integer, octets, oid, sequence, set, time, utf8 } from './der.ts';

/** What a certificate says (RFC 5280), as far as this authority writes certificates. */
export interface CertificateContent {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly use: 'authority' | 'server' | 'client';
  /** Names and addresses of a server. */
  readonly hosts: readonly string[];
  /** What a request for a certificate asks for, in place of names, hosts and use. */
  readonly requested?: RequestedContent;
}

/** Parts of a certificate that stand as they were asked for. */
export interface RequestedContent {
  /** The subject, in DER. */
  readonly subject: Uint8Array;
  /** The value of the extension subjectAltName, in DER; absent: none. */
  readonly alternativeNames?: Uint8Array | undefined;
  /** Bits of keyUsage from the first on: digitalSignature is 0x80. */
  readonly keyUsage: number;
  /** Object identifiers of extended key usages. */
  readonly purposes: readonly string[];
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

/** A new EC P-256 key. */
export function newKey(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/**
 * Signs a certificate for a public key. `issuer` is absent for the self-signed authority.
 *
 * Own code because the X.509 library costs a quarter of the start budget to load; node:crypto
 * parses and checks what this writes.
 */
export function signCertificate(
  content: CertificateContent,
  publicKey: KeyObject,
  signingKey: KeyObject,
  issuer?: X509Certificate,
): string {
  const subject = content.requested?.subject ?? distinguishedName(content);
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x01;
  const tbs = sequence(
    der(0xa0, integer(Buffer.of(2))),
    integer(serial),
    ecdsaWithSha256,
    issuer === undefined ? subject : subjectOf(issuer),
    sequence(time(content.notBeforeMs), time(content.notAfterMs)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(content, publicKey, issuer))),
  );
  const signature = sign('sha256', tbs, signingKey);
  const certificate = sequence(tbs, ecdsaWithSha256, bits(signature));
  return new X509Certificate(certificate).toString();
}

function extensions(content: CertificateContent, publicKey: KeyObject, issuer: X509Certificate | undefined): Buffer[] {
  const authority = content.use === 'authority';
  const { requested } = content;
  const list = [
    // basicConstraints
    extension('2.5.29.19', true, authority ? sequence(boolean(true)) : sequence()),
    // subjectKeyIdentifier
    extension('2.5.29.14', false, octets(keyIdentifier(publicKey))),
  ];
  // keyUsage: keyCertSign, cRLSign and digitalSignature for the authority, else what is asked for, or digitalSignature
  const keyUsage = authority ? 0x86 : (requested?.keyUsage ?? 0x80);
  if (keyUsage !== 0) list.splice(1, 0, extension('2.5.29.15', true, keyUsageBits(keyUsage)));
  if (issuer !== undefined) {
    const identifier = keyIdentifier(issuer.publicKey);
    list.push(extension('2.5.29.35', false, sequence(der(0x80, identifier))));
  }
  if (!authority) {
    const purpose = content.use === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2';
    const purposes = requested?.purposes ?? [purpose];
    if (purposes.length > 0) list.push(extension('2.5.29.37', false, sequence(...purposes.map(oid))));
  }
  if (requested?.alternativeNames !== undefined) {
    list.push(extension('2.5.29.17', false, requested.alternativeNames));
  } else if (content.hosts.length > 0) {
    list.push(extension('2.5.29.17', false, sequence(...content.hosts.map(alternativeName))));
  }
  return list;
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value));
}

/** A bit string without the zeros at its end, as DER wants named bits. */
function keyUsageBits(mask: number): Buffer {
  let unused = 0;
  while (unused < 7 && (mask & (1 << unused)) === 0) unused++;
  return bits(Buffer.of(mask), unused);
}

/** The last 20 bytes of the point stand for the key; any unique value will do (RFC 5280 4.2.1.2). */
function keyIdentifier(key: KeyObject): Buffer {
  const spki = createPublicKey(key.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' });
  return spki.subarray(spki.length - 20);
}

function distinguishedName(content: CertificateContent): Buffer {
  const attribute = (id: string, value: string): Buffer => set(sequence(oid(id), utf8(value)));
  return sequence(
    ...content.organizations.map((organization) => attribute('2.5.4.10', organization)),
    attribute('2.5.4.3', content.commonName),
  );
}

/** The encoded subject of a certificate of this authority: a common name alone. */
function subjectOf(issuer: X509Certificate): Buffer {
  const name = issuer.subject.split('\n').find((line) => line.startsWith('CN='));
  return sequence(set(sequence(oid('2.5.4.3'), utf8((name ?? 'CN=').slice(3)))));
}

function alternativeName(host: string): Buffer {
  if (isIPv4(host)) return der(0x87, Buffer.from(host.split('.').map(Number)));
  if (isIPv6(host)) return der(0x87, ipv6Bytes(host));
  return der(0x82, Buffer.from(host));
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  const bytes = Buffer.alloc(16);
  for (const [index, word] of all.entries()) bytes.writeUInt16BE(word, index * 2);
  return bytes;
}
