import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** The `autoscaling/v1` Scale of a built-in workload. */
export function scaleOf(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const spec = recordOf(object.spec) ?? {};
  const status = recordOf(object.status) ?? {};
  const replicas = spec.replicas;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 || replicas === undefined ? {} : { replicas },
    status: { replicas: status.replicas ?? 0, selector: selectorText(object.kind, spec.selector) },
  };
}

/** The object with another number of replicas; `version` is the caller's precondition, if any. */
export function withReplicas(object: KubeObject, replicas: number, version: string | undefined): KubeObject {
  return {
    ...object,
    metadata: { ...object.metadata, resourceVersion: version },
    spec: { ...recordOf(object.spec), replicas },
  };
}

/** A label selector object as text: `app=web,tier in (a,b)`. That of a ReplicationController is a map of labels. */
function selectorText(kind: string | undefined, selector: unknown): string {
  const { matchLabels, matchExpressions } =
    (kind === 'ReplicationController' ? { matchLabels: selector } : recordOf(selector)) ?? {};
  const terms = Object.entries(recordOf(matchLabels) ?? {}).map(([key, value]) => `${key}=${String(value)}`);
  for (const expression of Array.isArray(matchExpressions) ? (matchExpressions as unknown[]) : []) {
    const { key, operator, values } = recordOf(expression) ?? {};
    const list = Array.isArray(values) ? values.map(String).sort().join(',') : '';
    if (operator === 'In') terms.push(`${String(key)} in (${list})`);
    else if (operator === 'NotIn') terms.push(`${String(key)} notin (${list})`);
    else if (operator === 'Exists') terms.push(String(key));
    else if (operator === 'DoesNotExist') terms.push(`!${String(key)}`);
  }
  return terms.sort().join(',');
}
