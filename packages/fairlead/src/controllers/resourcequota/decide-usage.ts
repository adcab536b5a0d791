import type { ResourceQuota, ResourceQuotaStatus, Stored } from '@fairlead/api';
import { formatQuantity, parseQuantity } from '@fairlead/api';
import { amountsOf } from '@fairlead/api/quota/pod-resources';
import { quotaTakes } from '@fairlead/api/quota/scopes';
import { type CountedResource, usageOf } from '@fairlead/api/quota/usage';

/** Objects of a namespace, by resource. */
export type CountedObjects = readonly (readonly [resource: CountedResource, objects: readonly object[]])[];

/** The status of a quota: its bounds, and what the objects of its namespace use of them. */
export function decideUsage(quota: Stored<ResourceQuota>, objects: CountedObjects): ResourceQuotaStatus {
  const hard = quota.spec?.hard ?? {};
  const sums = new Map<string, bigint>(Object.keys(hard).map((name) => [name, 0n]));
  for (const [resource, list] of objects) {
    for (const object of list) {
      const subject = object as Readonly<Record<string, unknown>>;
      if (!quotaTakes(quota as unknown as Readonly<Record<string, unknown>>, resource, subject)) continue;
      for (const [name, amount] of usageOf(resource, subject)) {
        const sum = sums.get(name);
        if (sum !== undefined) sums.set(name, sum + amount);
      }
    }
  }
  const used = Object.fromEntries(
    [...sums].map(([name, nano]) => {
      const format = parseQuantity(String(hard[name] ?? ''))?.format ?? 'decimal';
      return [name, formatQuantity({ nano, format })];
    }),
  );
  return { hard: { ...hard }, used };
}

/** True when a status would give back what the present one holds: the objects may not be seen yet. */
export function givesBack(present: ResourceQuotaStatus | undefined, next: ResourceQuotaStatus): boolean {
  const before = amountsOf(present?.used);
  const after = amountsOf(next.used);
  return [...before].some(([name, amount]) => (after.get(name) ?? amount) < amount);
}

/** Whether a bound needs objects of a resource to be counted. */
export function isBoundBy(name: string, { group, plural }: CountedResource): boolean {
  if (name.startsWith('count/')) return name === `count/${plural}${group === '' ? '' : `.${group}`}`;
  if (group !== '') return false;
  if (plural === 'services') return name === 'services' || name.startsWith('services.');
  if (plural !== 'pods') return name === plural;
  return name === 'pods' || /^(requests\.|limits\.|cpu$|memory$|ephemeral-storage$|hugepages-)/.test(name);
}
