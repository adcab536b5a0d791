import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type BenchIdentity, type L7Job, runL7Bench } from './l7.ts';

/** A self-signed certificate made by the openssl command. */
function identity(folder: string, keyType: readonly string[]): BenchIdentity {
  const made = { certificate: join(folder, 'edge.crt'), privateKey: join(folder, 'edge.key') };
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', ...keyType, '-nodes', '-days', '30', '-subj', '/CN=shop.example'].concat([
      '-keyout',
      made.privateKey,
      '-out',
      made.certificate,
    ]),
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  return made;
}

const ecdsa = (folder: string): BenchIdentity => identity(folder, ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']);
const rsa = (folder: string): BenchIdentity => identity(folder, ['rsa:2048']);

const JOBS: readonly L7Job[] = [
  { title: 'HTTPS → HTTP/1.1, TLS 1.3, keep-alive GET, 64 connections', identity: ecdsa },
  { title: 'HTTPS, a full TLS 1.3 handshake per GET, ECDSA P-256', identity: ecdsa, reconnect: true },
  { title: 'HTTPS, a full TLS 1.3 handshake per GET, RSA 2048', identity: rsa, reconnect: true },
];

/** Termination of TLS against nginx and HAProxy, as {@link runL7Bench}. */
export async function runHttpsBench(): Promise<void> {
  for (const job of JOBS) await runL7Bench(job);
}
