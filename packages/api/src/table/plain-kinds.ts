import type { ConfigMap, Lease, Namespace, Secret, ServiceAccount } from '../types.ts';
import { ageOf, nameOf } from './cells.ts';

/** NAME STATUS AGE */
export function namespaceCells(namespace: Namespace, nowMs: number): unknown[] {
  return [nameOf(namespace), namespace.status?.phase ?? '', ageOf(namespace, nowMs)];
}

/** NAME DATA AGE */
export function configMapCells(configMap: ConfigMap, nowMs: number): unknown[] {
  const count = Object.keys(configMap.data ?? {}).length + Object.keys(configMap.binaryData ?? {}).length;
  return [nameOf(configMap), count, ageOf(configMap, nowMs)];
}

/** NAME TYPE DATA AGE */
export function secretCells(secret: Secret, nowMs: number): unknown[] {
  return [nameOf(secret), secret.type ?? '', Object.keys(secret.data ?? {}).length, ageOf(secret, nowMs)];
}

/** NAME SECRETS AGE */
export function serviceAccountCells(account: ServiceAccount, nowMs: number): unknown[] {
  return [nameOf(account), account.secrets?.length ?? 0, ageOf(account, nowMs)];
}

/** NAME HOLDER AGE */
export function leaseCells(lease: Lease, nowMs: number): unknown[] {
  return [nameOf(lease), lease.spec?.holderIdentity ?? '', ageOf(lease, nowMs)];
}
