import { jsonEqual } from '@fairlead/api';
import type { RestContext } from '../rest/rest-context.ts';
import { forbidden } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import type { ServedResource } from './served-resources.ts';

/**
 * What the admission plugin RuntimeClass does (KEP-585, KEP-688): a new Pod gets the overhead of the class it names,
 * and goes only where the class is known. Changes `object`. @throws StatusError 403
 */
export function admitRuntimeClass(context: RestContext, resource: ServedResource, object: KubeObject): void {
  if (resource.kind !== 'Pod' || resource.group !== '') return;
  const spec = { ...recordOf(object.spec) };
  const name = typeof spec.runtimeClassName === 'string' ? spec.runtimeClassName : '';
  const refuse = (why: string): never => {
    throw forbidden(resource, object.metadata.name ?? '', why);
  };
  const { prefix } = context.served.find('node.k8s.io', 'v1', 'runtimeclasses')!;
  const found = name === '' ? undefined : context.cache.resource(prefix).get(storeKey(prefix, '', name))?.object;
  if (name !== '' && found === undefined) refuse(`pod rejected: RuntimeClass "${name}" not found`);
  const wanted = recordOf(recordOf(found?.overhead)?.podFixed);
  const given = recordOf(spec.overhead);
  if (given !== undefined && Object.keys(given).length > 0) {
    if (wanted === undefined)
      refuse('pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    else if (!jsonEqual(given, wanted)) {
      refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    }
  }
  if (found === undefined) return;
  if (wanted !== undefined) spec.overhead = wanted;
  const scheduling = recordOf(found.scheduling);
  const selector = recordOf(scheduling?.nodeSelector) ?? {};
  const own = recordOf(spec.nodeSelector) ?? {};
  for (const [key, value] of Object.entries(selector)) {
    if (own[key] !== undefined && own[key] !== value) {
      const conflict = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${String(value)}; pod.spec.nodeSelector[${key}] = ${String(own[key])}`;
      refuse(conflict);
    }
  }
  if (Object.keys(selector).length > 0) spec.nodeSelector = { ...own, ...selector };
  const tolerations = Array.isArray(spec.tolerations) ? (spec.tolerations as unknown[]) : [];
  const added = Array.isArray(scheduling?.tolerations) ? (scheduling.tolerations as unknown[]) : [];
  const missing = added.filter((one) => !tolerations.some((present) => jsonEqual(present, one)));
  if (missing.length > 0) spec.tolerations = [...tolerations, ...missing];
  object.spec = spec;
}
