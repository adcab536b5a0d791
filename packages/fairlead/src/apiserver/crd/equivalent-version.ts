import type { ServedResource } from '../resources/served-resources.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { StoredObject } from '../watch/stored-object.ts';

/** An object of one version of a resource in another version of the same resource. */
export async function inVersion(from: ServedResource, to: ServedResource, object: KubeObject): Promise<KubeObject> {
  if (to.custom !== undefined) return to.custom.inVersion(object);
  const kept = from.form === undefined ? object : from.form.toStorage(object);
  if (to.form === undefined) return kept;
  const stored = new StoredObject({ key: '', value: JSON.stringify(kept), createRevision: 0, modRevision: 0 });
  return to.form.view(stored).object;
}
