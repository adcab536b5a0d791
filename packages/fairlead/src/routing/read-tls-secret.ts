import { X509Certificate } from 'node:crypto';
import type { Secret } from '@fairlead/api';
import type { TlsIdentity } from '../sys/tls-context.ts';
import { tlsContexts } from '../sys/tls-contexts.ts';

/** What a Secret holds, or why it cannot be used. */
export type TlsSecretResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** `tls.crt` and `tls.key` of a Secret (type kubernetes.io/tls), tried on the TLS library that will use them. */
export function readIdentity(secret: Secret): TlsSecretResult<TlsIdentity> {
  const certificate = text(secret, 'tls.crt');
  const privateKey = text(secret, 'tls.key');
  if (certificate === undefined || privateKey === undefined) {
    const missing = [certificate === undefined ? 'tls.crt' : '', privateKey === undefined ? 'tls.key' : ''];
    return { ok: false, problem: `has no ${missing.filter((name) => name !== '').join(' and no ')}` };
  }
  const identity = { certificate, privateKey };
  const tried = tlsContexts.server({ identity });
  if (!tried.ok) return { ok: false, problem: tried.problem };
  tried.context.free();
  return { ok: true, value: identity };
}

/** `ca.crt` of a Secret: a PEM bundle. */
export function readCaBundle(secret: Secret): TlsSecretResult<string> {
  return readCaText(text(secret, 'ca.crt'));
}

/** A PEM bundle, tried on the TLS library that will use it. */
export function readCaText(ca: string | undefined): TlsSecretResult<string> {
  if (ca === undefined || ca === '') return { ok: false, problem: 'has no ca.crt' };
  const tried = tlsContexts.client({ verify: { ca } });
  if (!tried.ok) return { ok: false, problem: `ca.crt: ${tried.problem}` };
  tried.context.free();
  return { ok: true, value: ca };
}

/** `ca.crl` of a Secret, in base64: revocation lists in PEM or DER; undefined without one. */
export function readRevocationList(secret: Secret, ca: string): TlsSecretResult<string> | undefined {
  const revoked = secret.data?.['ca.crl'] ?? '';
  if (revoked === '') return undefined;
  const problem = tlsContexts.revocationProblem({ ca, mode: 'require', revoked });
  return problem === undefined ? { ok: true, value: revoked } : { ok: false, problem: `ca.crl: ${problem}` };
}

/** `tls.ocsp-staple` of a Secret, in base64: an OCSP response in DER about its certificate; undefined without one. */
export function readStaple(secret: Secret, chain: string): TlsSecretResult<string> | undefined {
  const staple = secret.data?.['tls.ocsp-staple'] ?? '';
  if (staple === '') return undefined;
  const read = tlsContexts.readStaple?.(Buffer.from(staple, 'base64'), chain);
  if (read === undefined) return { ok: false, problem: 'stapling needs FFI' };
  if (!read.ok) return read;
  return read.value.status === 'good'
    ? { ok: true, value: staple }
    : { ok: false, problem: `it calls the certificate ${read.value.status}` };
}

/** The hosts that a certificate does not name. */
export function uncoveredHosts(certificate: string, hosts: readonly string[]): string[] {
  const leaf = new X509Certificate(certificate);
  return hosts.filter((host) => host !== '*' && leaf.checkHost(host.replace('*', 'any-label')) === undefined);
}

function text(secret: Secret, name: string): string | undefined {
  const value = secret.data?.[name];
  return value === undefined || value === '' ? undefined : Buffer.from(value, 'base64').toString('utf8');
}
