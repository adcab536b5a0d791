import { toAutoscalingV1, toAutoscalingV2 } from '@fairlead/api/autoscaling-forms';
import type { InVersion } from '@fairlead/api/patch/apply/index';
import type { ServedResource, ServedResources } from '../resources/served-resources.ts';
import { managedTypeOf } from './managed-type-of.ts';

/** Kinds of several versions that differ in their fields, by group and plural: how to come to a version. */
const conversions: Readonly<Record<string, Readonly<Record<string, typeof toAutoscalingV1>>>> = {
  'autoscaling/horizontalpodautoscalers': { v1: toAutoscalingV1, v2: toAutoscalingV2 },
};

/**
 * Shows objects of a resource in the other versions of their kind, for managers that wrote those; `undefined` for a
 * resource of one version. Objects that a webhook converts are taken as they are: nobody can wait for it here.
 */
export function versionsOf(served: ServedResources, resource: ServedResource): InVersion {
  const { group, plural } = resource;
  return (object, apiVersion) => {
    const [wantedGroup = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const other = wantedGroup === group ? served.find(group, version ?? '', plural) : undefined;
    if (other === undefined) return undefined;
    const convert = object.apiVersion === apiVersion ? undefined : conversions[`${group}/${plural}`]?.[version ?? ''];
    const { structure } = managedTypeOf(other);
    return { structure, object: convert === undefined ? { ...object, apiVersion } : convert(object) };
  };
}
