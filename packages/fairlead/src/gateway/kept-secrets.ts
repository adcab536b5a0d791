import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Log } from '../sys/role.ts';
import { TICKET_KEY_BYTES } from '../sys/ticket-key.ts';
import type { TlsIdentity } from '../sys/tls-context.ts';

/** A key of session tickets and when it was made, ms since the epoch. */
export interface TicketKey {
  readonly bytes: Uint8Array;
  readonly madeMs: number;
}

/** What a gateway takes over from its predecessor, so that clients notice no restart. */
export interface KeptSecrets {
  /** The default certificate. */
  readonly identity: TlsIdentity | undefined;
  /** The youngest first. */
  readonly tickets: readonly TicketKey[];
}

const NOTHING: KeptSecrets = { identity: undefined, tickets: [] };
/** A certificate that ends within this is made anew. */
const IDENTITY_LEFT_MS = 30 * 86_400_000;

/**
 * Reads the secrets of a file that {@link writeKeptSecrets} wrote. What is missing, broken, from the
 * future or about to expire is left out, and made anew by whoever asks.
 */
export function readKeptSecrets(path: string, nowMs: number, log: Log): KeptSecrets {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log('warn', 'gateway secrets not read', { path, error: String(error) });
    return NOTHING;
  }
  try {
    const { certificate, privateKey, tickets } = JSON.parse(text) as Record<string, unknown>;
    if (typeof certificate !== 'string' || typeof privateKey !== 'string' || !Array.isArray(tickets))
      throw new Error('other fields');
    const keys = tickets.map((entry: { key?: unknown; madeMs?: unknown }) => ({
      bytes: new Uint8Array(Buffer.from(String(entry.key), 'base64')),
      madeMs: Number(entry.madeMs),
    }));
    const { validToDate } = new X509Certificate(certificate);
    return {
      identity: validToDate.getTime() > nowMs + IDENTITY_LEFT_MS ? { certificate, privateKey } : undefined,
      tickets: keys.filter(({ bytes, madeMs }) => bytes.length === TICKET_KEY_BYTES && madeMs <= nowMs),
    };
  } catch (error) {
    log('warn', 'gateway secrets are broken; new ones are made', { path, error: String(error) });
    return NOTHING;
  }
}

/** Replaces the file as a whole, readable for its owner only; its folder must exist. A failure is logged: the secrets then end with the process. */
export function writeKeptSecrets(path: string, secrets: KeptSecrets & { identity: TlsIdentity }, log: Log): void {
  const tickets = secrets.tickets.map(({ bytes, madeMs }) => ({ key: Buffer.from(bytes).toString('base64'), madeMs }));
  const { certificate, privateKey } = secrets.identity;
  try {
    const next = `${path}.new`;
    writeFileSync(next, `${JSON.stringify({ certificate, privateKey, tickets })}\n`, { mode: 0o600 });
    // The mode above does not touch a file that an earlier attempt left behind.
    chmodSync(next, 0o600);
    renameSync(next, path);
  } catch (error) {
    log('warn', 'gateway secrets not kept', { path, error: String(error) });
  }
}
