import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Log } from '../sys/role.ts';
import { TICKET_KEY_BYTES } from '../sys/ticket-key.ts';
import type { TlsIdentity } from '../sys/tls-context.ts';

/** A key of session tickets. */
export interface TicketKey {
  readonly bytes: Uint8Array;
  /** When it begins to make tickets, ms since the epoch: when it was made, or later, if others must learn of it before. */
  readonly madeMs: number;
}

/** How far ahead a key may be announced. */
const ANNOUNCED_MS = 8 * 3600 * 1000;

/** What a gateway takes over from its predecessor, so that clients notice no restart. */
export interface KeptSecrets {
  /** The default certificate. */
  readonly identity: TlsIdentity | undefined;
  /** The youngest first, announced ones included. */
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
    if (typeof certificate !== 'string' || typeof privateKey !== 'string') throw new Error('other fields');
    return { identity: lastingIdentity({ certificate, privateKey }, nowMs), tickets: ticketKeys(tickets, nowMs) };
  } catch (error) {
    log('warn', 'gateway secrets are broken; new ones are made', { path, error: String(error) });
    return NOTHING;
  }
}

/**
 * The certificate if it lasts long enough to be shown.
 * @throws Error if it is none.
 */
export function lastingIdentity(identity: TlsIdentity, nowMs: number): TlsIdentity | undefined {
  const { validToDate } = new X509Certificate(identity.certificate);
  return validToDate.getTime() > nowMs + IDENTITY_LEFT_MS ? identity : undefined;
}

/**
 * Ticket keys as {@link ticketKeysJson} writes them; those of another length or from a far future are left out.
 * @throws Error if it is no list.
 */
export function ticketKeys(json: unknown, nowMs: number): readonly TicketKey[] {
  if (!Array.isArray(json)) throw new Error('other fields');
  return json
    .map((entry: { key?: unknown; madeMs?: unknown }) => ({
      bytes: new Uint8Array(Buffer.from(String(entry.key), 'base64')),
      madeMs: Number(entry.madeMs),
    }))
    .filter(({ bytes, madeMs }) => bytes.length === TICKET_KEY_BYTES && madeMs <= nowMs + ANNOUNCED_MS);
}

/** Ticket keys as plain data. */
export function ticketKeysJson(tickets: readonly TicketKey[]): readonly { key: string; madeMs: number }[] {
  return tickets.map(({ bytes, madeMs }) => ({ key: Buffer.from(bytes).toString('base64'), madeMs }));
}

/** Replaces the file as a whole, readable for its owner only; its folder must exist. A failure is logged: the secrets then end with the process. */
export function writeKeptSecrets(path: string, secrets: KeptSecrets & { identity: TlsIdentity }, log: Log): void {
  const tickets = ticketKeysJson(secrets.tickets);
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
