import type { RestContext } from '../rest/rest-context.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { ServedResource } from './served-resources.ts';

const defaultMarks = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
] as const;
const olderClass = 'volume.beta.kubernetes.io/storage-class';
const protections: Readonly<Record<string, string>> = {
  PersistentVolume: 'kubernetes.io/pv-protection',
  PersistentVolumeClaim: 'kubernetes.io/pvc-protection',
};

/**
 * What the admission plugins StorageObjectInUseProtection and DefaultStorageClass do: new volumes and claims stay while
 * they are in use, and a claim that names no class gets the default one. Changes `object`.
 */
export function admitStorage(context: RestContext, resource: ServedResource, object: KubeObject): void {
  const protection = resource.group === '' ? protections[resource.kind] : undefined;
  if (protection === undefined) return;
  const present = object.metadata.finalizers ?? [];
  if (!present.includes(protection)) object.metadata.finalizers = [...present, protection];
  if (resource.kind !== 'PersistentVolumeClaim') return;
  const spec = recordOf(object.spec) ?? {};
  if (spec.storageClassName !== undefined || object.metadata.annotations?.[olderClass] !== undefined) return;
  const name = defaultClass(context)?.metadata.name;
  if (name !== undefined) object.spec = { ...spec, storageClassName: name };
}

/** Of the classes that are marked as default the newest one, of several of one second the first by name. */
function defaultClass(context: RestContext): KubeObject | undefined {
  const resource = context.served.find('storage.k8s.io', 'v1', 'storageclasses');
  if (resource === undefined) return undefined;
  const madeAt = ({ metadata }: KubeObject): string => metadata.creationTimestamp ?? '';
  return context.cache
    .resource(resource.prefix)
    .list('')
    .map(({ object }) => object)
    .filter(({ metadata }) => defaultMarks.some((mark) => metadata.annotations?.[mark] === 'true'))
    .sort((a, b) => {
      if (madeAt(a) !== madeAt(b)) return madeAt(a) > madeAt(b) ? -1 : 1;
      return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
    })[0];
}
