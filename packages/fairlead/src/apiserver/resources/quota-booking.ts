import { formatQuantity, parseQuantity, type QuantityFormat } from '@fairlead/api/quantity';
import { type Amounts, amountsOf } from '@fairlead/api/quota/pod-resources';
import { quotaTakes } from '@fairlead/api/quota/scopes';
import { unnamedResources, usageOf } from '@fairlead/api/quota/usage';
import type { RestContext } from '../rest/rest-context.ts';
import { forbidden } from '../server/status-error.ts';
import type { StorageEntry, StorageWrite } from '../storage/storage.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { StoredObject, storedValue } from '../watch/stored-object.ts';
import { type Companion, noCompanion } from './companion.ts';
import type { ServedResource } from './served-resources.ts';

/** Resources no quota counts. */
const uncounted: ReadonlySet<string> = new Set(['events']);

/**
 * Books what a write uses more than before in the quotas of its namespace (admission plugin ResourceQuota). The
 * bookings are committed with the object, so quotas hold under any concurrency. Quotas bind once their controller
 * has written their status.
 * @throws StatusError 403 when a quota would be exceeded, or cannot tell
 */
export function bookQuotas(
  context: RestContext,
  resource: ServedResource,
  object: KubeObject,
  old: KubeObject | undefined,
): Companion {
  const isCounted = resource.namespaced && resource.custom === undefined && !uncounted.has(resource.plural);
  const customCounted = resource.namespaced && resource.custom !== undefined;
  // Of updates only those of Services change what is used.
  if (!(isCounted || customCounted) || (old !== undefined && resource.plural !== 'services')) return noCompanion;
  const { prefix } = context.served.find('', 'v1', 'resourcequotas')!;
  const cache = context.cache.resource(prefix);
  if (cache.size === 0) return noCompanion;
  const quotas = cache.list(object.metadata.namespace ?? '');
  if (quotas.length === 0) return noCompanion;
  const booking = new QuotaBooking(resource, object, old, quotas);
  booking.book();
  return booking;
}

class QuotaBooking implements Companion {
  readonly #resource: ServedResource;
  readonly #object: KubeObject;
  readonly #old: KubeObject | undefined;
  readonly #quotas: Map<string, StoredObject>;
  #writes: StorageWrite[] = [];

  constructor(
    resource: ServedResource,
    object: KubeObject,
    old: KubeObject | undefined,
    quotas: readonly StoredObject[],
  ) {
    this.#resource = resource;
    this.#object = object;
    this.#old = old;
    this.#quotas = new Map(quotas.map((quota) => [quota.key, quota]));
  }

  book(): void {
    this.#writes = [];
    for (const stored of this.#quotas.values()) {
      if (!quotaTakes(stored.object, this.#resource, this.#object)) continue;
      const next = this.#charged(stored.object);
      if (next === undefined) continue;
      this.#writes.push({ key: stored.key, expect: stored.modRevision, value: storedValue(next), decoded: next });
    }
  }

  writes(): readonly StorageWrite[] {
    return this.#writes;
  }

  lost(key: string, current: StorageEntry | undefined): undefined {
    if (!this.#quotas.has(key)) return;
    if (current === undefined) this.#quotas.delete(key);
    else this.#quotas.set(key, new StoredObject(current));
    this.book();
  }

  close(): void {}

  /** The quota with the use booked; `undefined` when nothing of it is touched. */
  #charged(quota: KubeObject): KubeObject | undefined {
    const status = recordOf(quota.status) ?? {};
    const hard = amountsOf(status.hard);
    const used = amountsOf(status.used);
    const after = usageOf(this.#resource, this.#object);
    const before: Amounts = this.#old === undefined ? new Map() : usageOf(this.#resource, this.#old);
    const name = quota.metadata.name ?? '';
    if (this.#resource.kind === 'Pod' && this.#old === undefined) this.#checkContainers(name, [...hard.keys()]);
    const bounded = [...hard.keys()].filter((one) => after.has(one) || before.has(one)).sort();
    if (bounded.length === 0) return undefined;
    const unknown = bounded.filter((one) => !used.has(one));
    if (unknown.length > 0) this.#refuse(`status unknown for quota: ${name}, resources: ${unknown.join(',')}`);
    const exceeded: string[] = [];
    const next: Record<string, unknown> = { ...recordOf(status.used) };
    let changed = false;
    const more = (one: string): bigint => (after.get(one) ?? 0n) - (before.get(one) ?? 0n);
    for (const one of bounded) {
      const sum = used.get(one)! + more(one);
      if (more(one) > 0n && sum > hard.get(one)!) exceeded.push(one);
      if (more(one) === 0n) continue;
      changed = true;
      next[one] = this.#text(status, one, sum < 0n ? 0n : sum);
    }
    if (exceeded.length > 0) {
      const list = (value: (one: string) => string): string => exceeded.map((one) => `${one}=${value(one)}`).join(',');
      const shown = (map: unknown) => (one: string) => String(recordOf(map)?.[one]);
      this.#refuse(
        `exceeded quota: ${name}, requested: ${list((one) => this.#text(status, one, more(one)))}, used: ${list(shown(status.used))}, limited: ${list(shown(status.hard))}`,
      );
    }
    return changed ? { ...quota, status: { ...status, used: next } } : undefined;
  }

  /** Where processor time or memory is bounded, every container must say what it needs. */
  #checkContainers(quota: string, bounded: readonly string[]): void {
    const missing = unnamedResources(this.#object, bounded);
    if (missing.size === 0) return;
    const list = [...missing].map(([resource, containers]) => `${resource} for: ${containers.join(',')}`).join('; ');
    this.#refuse(`failed quota: ${quota}: must specify ${list}`);
  }

  #refuse(why: string): never {
    throw forbidden(this.#resource, this.#object.metadata.name ?? '', why);
  }

  /** An amount in the form in which the bound is written. */
  #text(status: Readonly<Record<string, unknown>>, resource: string, nano: bigint): string {
    const format: QuantityFormat = parseQuantity(String(recordOf(status.hard)?.[resource] ?? ''))?.format ?? 'decimal';
    return formatQuantity({ nano, format });
  }
}
