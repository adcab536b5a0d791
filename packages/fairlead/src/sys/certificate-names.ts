/** Names of which a peer's certificate must bear one: exactly so, without wildcards (RFC 5280 4.2.1.6). */
export interface CertificateNames {
  /** DNS names, lower-case. */
  readonly dns: readonly string[];
  /** URIs, e.g. `spiffe://cluster.local/ns/shop/sa/web`. */
  readonly uris: readonly string[];
}

const SEQUENCE = 0x30;
const BOOLEAN = 0x01;
const OCTET_STRING = 0x04;
/** tbsCertificate.extensions, [3] EXPLICIT. */
const EXTENSIONS = 0xa3;
/** GeneralName: [2] dNSName and [6] uniformResourceIdentifier, IMPLICIT IA5String. */
const DNS_NAME = 0x82;
const URI = 0x86;
/** OBJECT IDENTIFIER 2.5.29.17 with its tag. */
const SUBJECT_ALT_NAME = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x11]);

/** One element of DER (X.690 8.1), as a range of its content. */
interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** The element at `at`; undefined if it does not fit before `limit`, or has a form that DER forbids. */
function elementAt(der: Uint8Array, at: number, limit: number): Element | undefined {
  if (at + 2 > limit) return undefined;
  const tag = der[at]!;
  // Tags of several bytes have no place in a certificate.
  if ((tag & 0x1f) === 0x1f) return undefined;
  let length = der[at + 1]!;
  let start = at + 2;
  if (length >= 0x80) {
    const bytes = length & 0x7f;
    if (bytes === 0 || bytes > 3 || start + bytes > limit) return undefined;
    length = 0;
    for (let i = 0; i < bytes; i++) length = length * 256 + der[start + i]!;
    start += bytes;
  }
  return start + length > limit ? undefined : { tag, start, end: start + length };
}

/** The elements of `[start, end)`; undefined if any is broken. */
function elementsOf(der: Uint8Array, { start, end }: Element): Element[] | undefined {
  const found: Element[] = [];
  for (let at = start; at < end; ) {
    const element = elementAt(der, at, end);
    if (element === undefined) return undefined;
    found.push(element);
    at = element.end;
  }
  return found;
}

/**
 * DNS names (lower-case) and URIs of a certificate's subjectAltName, read from its DER: a printed form could be
 * made to look like two names. Empty for a certificate that cannot be read or has none.
 */
export function alternativeNames(der: Uint8Array): CertificateNames {
  const names = namesElement(der);
  const dns: string[] = [];
  const uris: string[] = [];
  for (const { tag, start, end } of (names === undefined ? undefined : elementsOf(der, names)) ?? []) {
    const text = Buffer.from(der.subarray(start, end)).toString('latin1');
    if (tag === DNS_NAME) dns.push(text.toLowerCase());
    else if (tag === URI) uris.push(text);
  }
  return { dns, uris };
}

/**
 * Certificate ─ tbsCertificate ─ [3] ─ SEQUENCE of extensions ─ { id, critical?, OCTET STRING { GeneralNames } }.
 */
function namesElement(der: Uint8Array): Element | undefined {
  const certificate = elementAt(der, 0, der.length);
  const tbs = certificate === undefined ? undefined : elementAt(der, certificate.start, certificate.end);
  if (certificate?.tag !== SEQUENCE || tbs?.tag !== SEQUENCE) return undefined;
  const wrapper = elementsOf(der, tbs)?.find(({ tag }) => tag === EXTENSIONS);
  const list = wrapper === undefined ? undefined : elementAt(der, wrapper.start, wrapper.end);
  for (const extension of (list === undefined ? undefined : elementsOf(der, list)) ?? []) {
    const [id, ...rest] = elementsOf(der, extension) ?? [];
    if (id === undefined || !SUBJECT_ALT_NAME.equals(der.subarray(extension.start, id.end))) continue;
    const value = rest.find(({ tag }) => tag !== BOOLEAN);
    if (value?.tag !== OCTET_STRING) return undefined;
    const names = elementAt(der, value.start, value.end);
    return names?.tag === SEQUENCE ? names : undefined;
  }
  return undefined;
}

/** Whether a certificate bears one of the names. */
export function bearsName(der: Uint8Array, wanted: CertificateNames): boolean {
  const { dns, uris } = alternativeNames(der);
  return wanted.dns.some((name) => dns.includes(name)) || wanted.uris.some((uri) => uris.includes(uri));
}

/** Says that none of the wanted names is on a certificate. */
export function namesProblem({ dns, uris }: CertificateNames): string {
  return `the certificate bears none of ${[...dns, ...uris].join(', ')}`;
}
