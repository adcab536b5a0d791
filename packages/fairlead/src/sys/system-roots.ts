import { existsSync, readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';

/** Where distributions keep the bundle of the CAs they trust: Debian, Fedora, SUSE, Alpine and others. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

let roots: string | undefined;

/**
 * PEM bundle of the CAs that this machine trusts: the file that SSL_CERT_FILE names, that of the distribution, or
 * else the list inside Node. Read once.
 */
export function systemRoots(): string {
  roots ??= readRoots(process.env.SSL_CERT_FILE);
  return roots;
}

function readRoots(named: string | undefined): string {
  const file = [named ?? '', ...BUNDLES].find((path) => path !== '' && existsSync(path));
  return file === undefined ? rootCertificates.join('\n') : readFileSync(file, 'utf8');
}
