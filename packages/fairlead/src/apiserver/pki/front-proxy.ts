import { join } from 'node:path';
import type { Clock } from '../../sys/clock.ts';
import { CertificateAuthority, type KeyPair, newAuthority } from './certificate-authority.ts';
import { readIfPresent, writeFileSafely } from './data-key.ts';

/** Name in the certificate by which extension servers know this server. */
export const frontProxyName = 'front-proxy-client';

/** What this server shows to extension servers, and who has signed it. */
export interface FrontProxy {
  /** PEM. */
  readonly authority: string;
  readonly client: KeyPair;
}

/**
 * The identity under which requests of users are passed on: of an authority of its own, because whoever holds such a
 * certificate speaks for everybody. Kept in a folder; `agree` gives all servers of one store the same authority.
 */
export async function openFrontProxy(
  folder: string,
  clock: Clock,
  agree: ((name: string, proposal: () => string) => Promise<string>) | undefined,
): Promise<FrontProxy> {
  if (agree !== undefined) await shareAuthority(folder, clock, agree);
  const authority = CertificateAuthority.open(folder, clock);
  const client = authority.pair('client', { commonName: frontProxyName, organizations: [] });
  return { authority: authority.certificate, client };
}

async function shareAuthority(
  folder: string,
  clock: Clock,
  agree: (name: string, proposal: () => string) => Promise<string>,
): Promise<void> {
  const [certificate, key] = ['ca.crt', 'ca.key'].map((file) => readIfPresent(join(folder, file)));
  const text = await agree('front-proxy', () =>
    JSON.stringify(certificate !== undefined && key !== undefined ? { certificate, key } : newAuthority(clock)),
  );
  const shared = JSON.parse(text) as KeyPair;
  if (shared.key === key && shared.certificate === certificate) return;
  // The key before its certificate: a certificate alone would be refused.
  writeFileSafely(join(folder, 'ca.key'), shared.key);
  writeFileSafely(join(folder, 'ca.crt'), shared.certificate, 0o644);
}
