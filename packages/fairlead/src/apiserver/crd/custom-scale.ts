import { jsonPathValues, parseJsonPath } from '@fairlead/api/crd/index';
import { isJsonNumber } from '@fairlead/api/json-number';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { ScalePaths } from './custom-kind.ts';

/** The `autoscaling/v1` Scale of a custom resource. */
export function customScaleOf(object: KubeObject, paths: ScalePaths): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = valueAt(object, paths.specReplicas);
  const selector = paths.labelSelector === undefined ? undefined : valueAt(object, paths.labelSelector);
  const current = valueAt(object, paths.statusReplicas);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: isJsonNumber(replicas) && replicas !== 0 ? { replicas } : {},
    status: {
      replicas: isJsonNumber(current) ? current : 0,
      ...(typeof selector === 'string' && selector !== '' ? { selector } : {}),
    },
  };
}

/** The object with another number of replicas; `version` is the caller's precondition, if any. */
export function withCustomReplicas(
  object: KubeObject,
  paths: ScalePaths,
  replicas: number,
  version: string | undefined,
): KubeObject {
  const copy = structuredClone(object);
  copy.metadata.resourceVersion = version;
  const steps = (parseJsonPath(paths.specReplicas) ?? []).filter((step) => typeof step === 'string');
  const last = steps.pop();
  let parent: Record<string, unknown> = copy;
  for (const step of steps) {
    const next = recordOf(parent[step]) ?? {};
    parent[step] = next;
    parent = next;
  }
  if (last !== undefined) parent[last] = replicas;
  return copy;
}

function valueAt(object: KubeObject, path: string): unknown {
  return jsonPathValues(object, parseJsonPath(path) ?? [])[0];
}
