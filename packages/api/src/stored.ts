import type { ObjectMeta } from './types.ts';

/** Metadata that every object read from a server carries. */
export interface StoredMeta extends ObjectMeta {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
}

/** An object as a server returns it: metadata is complete. */
export type Stored<T> = T & { metadata: StoredMeta };

/** `namespace/name`, or `name` for cluster-scoped objects. */
export type ObjectKey = string;

/** The key of an object, as used by collections, work queues and programs. */
export function objectKey(object: { readonly metadata?: ObjectMeta | undefined }): ObjectKey {
  const { namespace, name } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? (name ?? '') : `${namespace}/${name ?? ''}`;
}

/** Splits an object key; the namespace is empty for cluster-scoped objects. */
export function splitObjectKey(key: ObjectKey): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
