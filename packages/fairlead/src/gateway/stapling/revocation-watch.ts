import type { RouteCertificate } from '../../routing/route-table.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { tlsContexts } from '../../sys/tls-contexts.ts';

const HOUR_MS = 3_600_000;
/** So long before a list expires it is told. */
const EARLY_MS = 24 * HOUR_MS;

/** Tells in the log of revocation lists of client certificates that have expired, or soon will: then nobody gets in. */
export class RevocationWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lists = new Map<string, { readonly expiresMs: number; told: 'nothing' | 'soon' | 'expired' }>();
  #cancel: () => void;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#cancel = clock.after(HOUR_MS, () => this.#look());
  }

  update(changes: readonly (readonly [string, RouteCertificate | undefined])[]): void {
    for (const [key, certificate] of changes) {
      const auth = certificate?.clientAuth;
      const revoked = auth === undefined || auth === 'refuse' ? undefined : auth.revoked;
      const expiresMs =
        revoked === undefined ? undefined : tlsContexts.revocationExpiry?.(Buffer.from(revoked, 'base64'));
      if (expiresMs === undefined) this.#lists.delete(key);
      else this.#lists.set(key, { expiresMs, told: 'nothing' });
    }
    this.#tell();
  }

  #look(): void {
    this.#tell();
    this.#cancel = this.#clock.after(HOUR_MS, () => this.#look());
  }

  #tell(): void {
    const now = this.#clock.now();
    for (const [certificate, list] of this.#lists) {
      const state = now >= list.expiresMs ? 'expired' : now >= list.expiresMs - EARLY_MS ? 'soon' : 'nothing';
      if (state === list.told || state === 'nothing') continue;
      list.told = state;
      const until = new Date(list.expiresMs).toISOString();
      if (state === 'soon') this.#log('warn', 'a revocation list of clients expires soon', { certificate, until });
      else this.#log('error', 'a revocation list of clients has expired: nobody gets in', { certificate, until });
    }
  }

  stop(): void {
    this.#cancel();
  }
}
