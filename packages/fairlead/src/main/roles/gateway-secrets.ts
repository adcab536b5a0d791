import { randomBytes } from 'node:crypto';
import { type Secret, type Stored, secrets } from '@fairlead/api';
import { type ApiClient, isAlreadyExists, isConflict, startInformer } from '@fairlead/client';
import { lastingIdentity, type TicketKey, ticketKeys, ticketKeysJson } from '../../gateway/kept-secrets.ts';
import type { RunningGateway } from '../../gateway/start.ts';
import { ROTATE_MS } from '../../gateway/ticket-keys.ts';
import { readIdentity } from '../../routing/read-tls-secret.ts';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { TICKET_KEY_BYTES } from '../../sys/ticket-key.ts';
import type { TlsIdentity } from '../../sys/tls-context.ts';

/** A Secret by name. */
export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** What following a Secret needs. */
export interface SecretAccess {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Type of the Secret that {@link shareSecrets} makes. */
const SECRET_TYPE = 'fairlead.dev/gateway-secrets';
/** The Secret's field with the ticket keys: JSON, base64 within. */
const TICKETS = 'ticket-keys.json';
/** The next key is announced so long before its time, so that all gateways read its tickets when the first is made. */
const ANNOUNCE_MS = ROTATE_MS / 8;
/** Gateways announce at different times within this, so that one of them does it for all. */
const SPREAD_MS = 10 * 60_000;
const RETRY_MS = 5_000;

/**
 * Shares the default certificate and the ticket keys with all gateways that name the same Secret, so that clients resume
 * their sessions at any of them. The Secret is made where there is none; whoever is first announces the next key, and
 * writes lose against newer ones. Without the API each goes on with what it has, and with keys of its own once those have
 * served their time. What is broken is left alone, and told.
 */
export function shareSecrets(
  { client, clock, random, log }: SecretAccess,
  where: SecretName,
  gateway: Pick<RunningGateway, 'secrets' | 'adoptSecrets'>,
): Running {
  const key = `${where.namespace}/${where.name}`;
  const informer = startInformer(
    client,
    secrets,
    { namespace: where.namespace, fieldSelector: `metadata.name=${where.name}` },
    { clock, log },
  );
  let cancel = (): void => {};
  let isStopped = false;
  let told: string | undefined;
  let working: Promise<void> = Promise.resolve();
  const later = (ms: number): void => {
    cancel();
    if (!isStopped) cancel = clock.after(ms, review);
  };

  async function look(): Promise<void> {
    if (isStopped || !informer.hasSynced) return;
    const found = informer.get(key);
    if (found === undefined) {
      await client.create(secrets, { metadata: where, type: SECRET_TYPE, data: dataOf(gateway.secrets()) });
      return;
    }
    const now = clock.now();
    const shared = readShared(found, now);
    gateway.adoptSecrets(shared);
    told = undefined;
    const [youngest] = shared.tickets;
    const announceAt = (youngest?.madeMs ?? 0) + ROTATE_MS - ANNOUNCE_MS;
    if (shared.identity !== undefined && now < announceAt) {
      later(announceAt - now + random() * SPREAD_MS);
      return;
    }
    const { identity, tickets } = gateway.secrets();
    const kept = shared.tickets.filter(({ madeMs }) => now < madeMs + 3 * ROTATE_MS);
    const next = now < announceAt ? [] : [nextKey(youngest, tickets, now)];
    const data = { ...found.data, ...dataOf({ identity: shared.identity ?? identity, tickets: [...next, ...kept] }) };
    await client.update(secrets, { ...found, data });
  }

  function review(): void {
    working = working.then(look).catch((error: Error) => {
      // Somebody else was first: the watch brings what is there now.
      if (isStopped || isConflict(error) || isAlreadyExists(error)) return;
      if (told !== error.message) log('warn', 'gateway secrets not shared', { secret: key, error: error.message });
      told = error.message;
      later(RETRY_MS);
    });
  }

  const unsubscribe = informer.subscribe(review);
  void informer.synced.then(review);
  return {
    async stop() {
      isStopped = true;
      cancel();
      unsubscribe();
      informer.stop();
      await working;
    },
  };
}

/** The key after the youngest; the gateway's own present one where that has served its time already. */
function nextKey(youngest: TicketKey | undefined, own: readonly TicketKey[], now: number): TicketKey {
  const begins = (youngest?.madeMs ?? 0) + ROTATE_MS;
  const present = own.find(({ madeMs }) => madeMs <= now);
  if (begins <= now && present !== undefined) return present;
  return { bytes: randomBytes(TICKET_KEY_BYTES), madeMs: begins };
}

function dataOf({ identity, tickets }: { identity: TlsIdentity; tickets: readonly TicketKey[] }): Secret['data'] {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    'tls.crt': base64(identity.certificate),
    'tls.key': base64(identity.privateKey),
    [TICKETS]: base64(JSON.stringify(ticketKeysJson(tickets))),
  };
}

/** @throws Error for what cannot be used. */
function readShared(
  secret: Stored<Secret>,
  now: number,
): { identity: TlsIdentity | undefined; tickets: readonly TicketKey[] } {
  const identity = readIdentity(secret);
  if (!identity.ok) throw new Error(identity.problem);
  const json: unknown = JSON.parse(Buffer.from(secret.data?.[TICKETS] ?? '', 'base64').toString());
  const tickets = ticketKeys(json, now).toSorted((a, b) => b.madeMs - a.madeMs);
  return { identity: lastingIdentity(identity.value, now), tickets };
}

/**
 * Shows the certificate of a Secret (type kubernetes.io/tls) to clients that ask for no host with one of its own. One that
 * turns unusable or goes leaves the last good one in place.
 */
export function followDefaultCertificate(
  { client, clock, log }: Omit<SecretAccess, 'random'>,
  where: SecretName,
  gateway: Pick<RunningGateway, 'setDefaultCertificate'>,
): Running {
  const informer = startInformer(
    client,
    secrets,
    { namespace: where.namespace, fieldSelector: `metadata.name=${where.name}` },
    { clock, log },
  );
  const key = `${where.namespace}/${where.name}`;
  const warn = (problem: string): void => log('warn', 'default certificate not usable', { secret: key, problem });
  const look = (): void => {
    const found = informer.get(key);
    if (found === undefined) {
      if (informer.hasSynced) warn('does not exist');
      return;
    }
    const identity = readIdentity(found);
    if (identity.ok) gateway.setDefaultCertificate(identity.value);
    else warn(identity.problem);
  };
  const unsubscribe = informer.subscribe(look);
  void informer.synced.then(() => {
    if (informer.get(key) === undefined) look();
  });
  return {
    async stop() {
      unsubscribe();
      informer.stop();
    },
  };
}
