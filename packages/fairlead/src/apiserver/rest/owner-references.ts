import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { sameJson } from './strategy.ts';

/** Removes references that are there twice, with a remark, as a server does. Changes `object`. */
export function dropDoubleOwners(object: KubeObject, warnings: string[]): void {
  const { ownerReferences } = object.metadata;
  if (!Array.isArray(ownerReferences) || ownerReferences.length < 2) return;
  const kept: Record<string, unknown>[] = [];
  const doubles = new Set<string>();
  for (const reference of ownerReferences) {
    if (kept.some((one) => sameJson(one, reference))) doubles.add(String(recordOf(reference)?.uid ?? ''));
    else kept.push(reference);
  }
  if (doubles.size === 0) return;
  object.metadata.ownerReferences = kept;
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...doubles].join(', ')}`,
  );
}
