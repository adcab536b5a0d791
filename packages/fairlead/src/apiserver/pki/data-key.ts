import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApiServerError } from '../api-server-error.ts';

/** Writes a file so that a crash leaves the old one or the new one; mode 0600 unless told. */
export function writeFileSafely(file: string, text: string, mode = 0o600): void {
  const draft = `${file}.new-${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(draft, text, { mode });
    renameSync(draft, file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ApiServerError('DataUnwritable', `cannot write ${file}: ${reason}`, error);
  }
}

/** Text of a file, or `undefined` when there is none. */
export function readIfPresent(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** The RSA key that signs ServiceAccount tokens, made on first use (about a tenth of a second). */
export function tokenKey(file: string): string {
  const present = readIfPresent(file);
  if (present !== undefined) return present;
  const privateKey = newTokenKey();
  writeFileSafely(file, privateKey);
  return privateKey;
}

/** A new key for ServiceAccount tokens, PEM. */
export function newTokenKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKey;
}
