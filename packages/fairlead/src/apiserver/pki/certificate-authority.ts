import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../sys/clock.ts';
import { ApiServerError } from '../api-server-error.ts';
import { newKey, type RequestedContent, signCertificate } from './certificate.ts';
import { readIfPresent, writeFileSafely } from './data-key.ts';

const dayMs = 86_400_000;
const caDays = 3650;
const leafDays = 365;
/** A certificate is reissued when less than this is left. */
const renewWithinDays = 30;

/** A certificate and its key in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** What a leaf certificate says. */
export interface LeafSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Names and addresses of a server; absent for a client. */
  readonly hosts?: readonly string[];
}

/**
 * The cluster's own certificate authority (EC P-256), kept in a folder.
 *
 * Everything issued under a file name is read back on the next start.
 */
export class CertificateAuthority {
  readonly certificate: string;
  readonly #key: string;
  readonly #folder: string;
  readonly #clock: Clock;

  private constructor(folder: string, pair: KeyPair, clock: Clock) {
    this.certificate = pair.certificate;
    this.#key = pair.key;
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Reads the authority from a folder or makes a new one. */
  static open(folder: string, clock: Clock): CertificateAuthority {
    const certificate = readIfPresent(join(folder, 'ca.crt'));
    const key = readIfPresent(join(folder, 'ca.key'));
    if ((certificate === undefined) !== (key === undefined)) {
      throw new ApiServerError('KeyMaterial', `${folder} holds only one of ca.crt and ca.key`);
    }
    if (certificate !== undefined && key !== undefined) {
      checkPair(folder, certificate, key);
      return new CertificateAuthority(folder, { certificate, key }, clock);
    }
    const pair = newAuthority(clock);
    // The key first: a certificate without its key would be refused.
    writeFileSafely(join(folder, 'ca.key'), pair.key);
    writeFileSafely(join(folder, 'ca.crt'), pair.certificate, 0o644);
    return new CertificateAuthority(folder, pair, clock);
  }

  /** The stored pair of a file name, reissued when the subject changed or the end is near. */
  pair(file: string, subject: LeafSubject): KeyPair {
    const certificate = readIfPresent(join(this.#folder, `${file}.crt`));
    const key = readIfPresent(join(this.#folder, `${file}.key`));
    if (certificate !== undefined && key !== undefined && this.#stillGood(certificate, key, subject)) {
      return { certificate, key };
    }
    const pair = this.issue(subject);
    writeFileSafely(join(this.#folder, `${file}.key`), pair.key);
    writeFileSafely(join(this.#folder, `${file}.crt`), pair.certificate, 0o644);
    return pair;
  }

  /** Issues a certificate that is not kept. */
  issue(subject: LeafSubject): KeyPair {
    const now = this.#clock.now();
    const { privateKey, publicKey } = newKey();
    const certificate = signCertificate(
      {
        commonName: subject.commonName,
        organizations: subject.organizations,
        notBeforeMs: now - 5 * 60_000,
        notAfterMs: now + leafDays * dayMs,
        use: subject.hosts === undefined ? 'client' : 'server',
        hosts: subject.hosts ?? [],
      },
      publicKey,
      createPrivateKey(this.#key),
      new X509Certificate(this.certificate),
    );
    return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  /** Signs what a request asks for; it ends with the authority at the latest. PEM. */
  signRequested(requested: RequestedContent, publicKey: KeyObject, lifetimeMs: number): string {
    const now = this.#clock.now();
    const issuer = new X509Certificate(this.certificate);
    const notAfterMs = Math.min(now + lifetimeMs, Date.parse(issuer.validTo));
    const content = {
      commonName: '',
      organizations: [],
      hosts: [],
      use: 'client',
      notBeforeMs: now - 5 * 60_000,
      notAfterMs,
      requested,
    } as const;
    return signCertificate(content, publicKey, createPrivateKey(this.#key), issuer);
  }

  #stillGood(certificate: string, key: string, subject: LeafSubject): boolean {
    try {
      const parsed = new X509Certificate(certificate);
      if (!parsed.checkIssued(new X509Certificate(this.certificate))) return false;
      if (!parsed.checkPrivateKey(createPrivateKey(key))) return false;
      if (Date.parse(parsed.validTo) - this.#clock.now() < renewWithinDays * dayMs) return false;
      const lines = parsed.subject.split('\n');
      if (!lines.includes(`CN=${subject.commonName}`)) return false;
      if (!subject.organizations.every((organization) => lines.includes(`O=${organization}`))) return false;
      return (subject.hosts ?? []).every((host) =>
        isAddress(host) ? parsed.checkIP(host) !== undefined : parsed.checkHost(host) !== undefined,
      );
    } catch {
      return false;
    }
  }
}

/** A new authority that is not kept anywhere yet. */
export function newAuthority(clock: Clock): KeyPair {
  const now = clock.now();
  const { privateKey, publicKey } = newKey();
  const certificate = signCertificate(
    {
      commonName: `fairlead-ca@${Math.floor(now / 1000)}`,
      organizations: [],
      notBeforeMs: now - 5 * 60_000,
      notAfterMs: now + caDays * dayMs,
      use: 'authority',
      hosts: [],
    },
    publicKey,
    privateKey,
  );
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function checkPair(folder: string, certificate: string, key: string): void {
  try {
    if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) return;
  } catch (error) {
    throw new ApiServerError('KeyMaterial', `ca.crt or ca.key in ${folder} cannot be read`, error);
  }
  throw new ApiServerError('KeyMaterial', `ca.crt and ca.key in ${folder} do not belong together`);
}

function isAddress(host: string): boolean {
  return /^[0-9.]+$/.test(host) || host.includes(':');
}
