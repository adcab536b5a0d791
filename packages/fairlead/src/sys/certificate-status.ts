import { X509Certificate } from 'node:crypto';

/** TLS feature extension (RFC 7633) with status_request: 1.3.6.1.5.5.7.1.24, its value SEQUENCE { 5 }. */
const MUST_STAPLE = Buffer.from('06082b0601050507011804053003020105', 'hex');

/** Whether a certificate (the first of a PEM chain) demands that its OCSP response is stapled. */
export function demandsStaple(chain: string): boolean {
  return new X509Certificate(chain).raw.includes(MUST_STAPLE);
}

/** URL of its OCSP responder in clear text, as it should be (RFC 6960 A.1); undefined without one. */
export function responderOf(chain: string): string | undefined {
  const line = new X509Certificate(chain).infoAccess?.split('\n').find((each) => each.startsWith('OCSP - URI:'));
  const url = line?.slice('OCSP - URI:'.length).trim() ?? '';
  return url.startsWith('http://') && URL.canParse(url) ? url : undefined;
}
