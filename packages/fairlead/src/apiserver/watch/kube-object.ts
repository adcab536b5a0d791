/** Metadata of any object, loosely typed: the schema engine has checked the field types. */
export interface KubeMeta {
  name?: string | undefined;
  generateName?: string | undefined;
  namespace?: string | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  generation?: number | undefined;
  creationTimestamp?: string | undefined;
  deletionTimestamp?: string | undefined;
  deletionGracePeriodSeconds?: number | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  ownerReferences?: Record<string, unknown>[] | undefined;
  finalizers?: string[] | undefined;
  managedFields?: unknown[] | undefined;
  [field: string]: unknown;
}

/** Any object of the API: what all kinds have in common. */
export interface KubeObject {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata: KubeMeta;
  [field: string]: unknown;
}

/** A JSON object seen as a record, or `undefined` for anything else. */
export function recordOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
