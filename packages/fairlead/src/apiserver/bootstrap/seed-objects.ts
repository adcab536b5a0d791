import { randomUUID } from 'node:crypto';
import { applyKindDefaults } from '../crd/kind-rules.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import { type RestContext, timestamp } from '../rest/rest-context.ts';
import type { StorageWrite } from '../storage/storage.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import { storedValue } from '../watch/stored-object.ts';

/** A write of an object that the server itself has made. */
export type SeededObject = StorageWrite;

/**
 * The write that stores a new cluster-scoped object of the server's own, complete with its status. It passes no
 * admission and costs a tenth of a request, of which a start needs some forty; it fails where the object is there.
 */
export function seedObject(context: RestContext, resource: ServedResource, content: KubeObject): SeededObject {
  const object: KubeObject = {
    kind: resource.kind,
    apiVersion: resource.apiVersion,
    ...content,
    metadata: {
      ...content.metadata,
      uid: randomUUID(),
      creationTimestamp: timestamp(context.clock),
    },
  };
  applyKindDefaults(resource, object);
  const key = storeKey(resource.prefix, '', object.metadata.name ?? '');
  return { key, expect: 0, value: storedValue(object), decoded: object };
}
