import { toAutoscalingV1, toAutoscalingV2 } from '@fairlead/api/autoscaling-forms';
import type { KubeObject } from '../watch/kube-object.ts';
import { StoredObject, storedValue } from '../watch/stored-object.ts';

/** A built-in version whose objects are stored in the form of another version of their kind. */
export interface OtherForm {
  /** The stored object in the form of this version. */
  view(stored: StoredObject): StoredObject;
  /** An object of this version in the form that is stored. */
  toStorage(object: KubeObject): KubeObject;
}

type Convert = (object: KubeObject) => Record<string, unknown>;

/** A form made by two functions; the shown form of a stored object is made once. */
function otherForm(fromStored: Convert, toStored: Convert): OtherForm {
  const views = new WeakMap<StoredObject, StoredObject>();
  return {
    view(stored) {
      let view = views.get(stored);
      if (view === undefined) {
        const { key, createRevision, modRevision } = stored;
        const shown = fromStored(stored.object) as KubeObject;
        // What is shown without being stored has no version.
        const value = modRevision === 0 ? JSON.stringify(shown) : storedValue(shown);
        view = new StoredObject({ key, createRevision, modRevision, value });
        views.set(stored, view);
      }
      return view;
    },
    toStorage: (object) => toStored(object) as KubeObject,
  };
}

/** Versions that are stored in another form, by `group/version/plural`. */
export const otherForms: ReadonlyMap<string, OtherForm> = new Map([
  ['autoscaling/v1/horizontalpodautoscalers', otherForm(toAutoscalingV1, toAutoscalingV2)],
]);
