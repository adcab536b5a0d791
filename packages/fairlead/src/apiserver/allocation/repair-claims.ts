import type { Log } from '../../sys/role.ts';
import type { RestContext } from '../rest/rest-context.ts';
import type { StorageWrite } from '../storage/storage.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { addressPrefix, claimsOf, claimValue, isOurClaim, portPrefix } from './claims.ts';

/** What a repair did: claims written, and claims of nobody removed. */
export interface Repair {
  readonly made: number;
  readonly removed: number;
}

/**
 * Brings the claims in line with the stored Services: makes missing ones, as a store of an older
 * version has none, and removes those whose Service does not hold them. What clients made stays.
 * A claim and its Service are one transaction, so a claim without one is never about to get it.
 */
export async function repairClaims(context: RestContext): Promise<Repair> {
  const services = context.cache.resource(context.served.find('', 'v1', 'services')!.prefix);
  const wanted = new Map<string, KubeObject>();
  for (const { value } of services.list('')) {
    // Parsed for this one look, so that the decoded form does not stay in memory.
    const service = JSON.parse(value) as KubeObject;
    for (const key of claimsOf(service)) if (!wanted.has(key)) wanted.set(key, service);
  }
  const writes: StorageWrite[] = [];
  let made = 0;
  for (const prefix of [addressPrefix, portPrefix]) {
    const claims = context.cache.resource(prefix);
    for (const [key, service] of wanted) {
      if (!key.startsWith(prefix) || claims.get(key) !== undefined) continue;
      writes.push({ key, expect: 0, ...claimValue(key, service, context.clock) });
      made++;
    }
    for (const { key, object, modRevision } of claims.list('')) {
      if (!wanted.has(key) && isOurClaim(key, object)) writes.push({ key, expect: modRevision, value: undefined });
    }
  }
  // Each by itself: one that somebody else changed meanwhile must not hold up the others.
  await Promise.all(writes.map((write) => context.storage.commit(write)));
  return { made, removed: writes.length - made };
}

/** How often claims are compared with the Services, in milliseconds. */
const repairEveryMs = 180_000;

/** Repairs from time to time, as claims can be deleted by hand. Returns the stopper. */
export function repairRegularly(context: RestContext, log: Log): () => void {
  let cancel: () => void = () => {};
  const round = (): void => {
    cancel = context.clock.after(repairEveryMs, () => {
      repairClaims(context).then(
        ({ made, removed }) => {
          if (made + removed > 0) log('warn', 'repaired claims of Services', { made, removed });
        },
        (error: unknown) => log('error', 'repair of claims failed', { error: String(error) }),
      );
      round();
    });
  };
  round();
  return () => cancel();
}
