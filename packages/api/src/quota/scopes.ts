import { isJsonNumber } from '../json-number.ts';
import { isJsonObject } from '../own-property.ts';
import { podResources } from './pod-resources.ts';
import type { CountedResource } from './usage.ts';

type Json = Readonly<Record<string, unknown>>;

/** Whether a quota counts an object: all its scopes take it. Scopes speak of Pods only. */
export function quotaTakes(quota: Json, resource: CountedResource, object: Json): boolean {
  const spec = isJsonObject(quota.spec) ? quota.spec : {};
  const scopes = Array.isArray(spec.scopes) ? spec.scopes.map(String) : [];
  const selector = isJsonObject(spec.scopeSelector) ? spec.scopeSelector.matchExpressions : undefined;
  const requirements = [
    ...scopes.map((scopeName) => ({ scopeName, operator: 'Exists', values: [] as unknown[] })),
    ...(Array.isArray(selector) ? selector.filter(isJsonObject) : []).map(({ scopeName, operator, values }) => ({
      scopeName: String(scopeName),
      operator: String(operator),
      values: Array.isArray(values) ? (values as unknown[]) : [],
    })),
  ];
  if (requirements.length === 0) return true;
  if (resource.group !== '' || resource.plural !== 'pods') return false;
  return requirements.every(({ scopeName, operator, values }) => inScope(object, scopeName, operator, values));
}

function inScope(pod: Json, scope: string, operator: string, values: readonly unknown[]): boolean {
  const spec = isJsonObject(pod.spec) ? pod.spec : {};
  switch (scope) {
    case 'Terminating':
      return isJsonNumber(spec.activeDeadlineSeconds);
    case 'NotTerminating':
      return !isJsonNumber(spec.activeDeadlineSeconds);
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'CrossNamespacePodAffinity':
      return namesOtherNamespaces(spec.affinity);
    case 'PriorityClass': {
      const name = typeof spec.priorityClassName === 'string' ? spec.priorityClassName : '';
      if (operator === 'Exists') return name !== '';
      if (operator === 'DoesNotExist') return name === '';
      return (operator === 'In') === values.includes(name);
    }
    default:
      return false;
  }
}

/** Without any request or limit of processor or memory. */
function isBestEffort(pod: Json): boolean {
  const requests = podResources(pod, 'requests');
  const limits = podResources(pod, 'limits');
  return ['cpu', 'memory'].every((name) => (requests.get(name) ?? 0n) === 0n && (limits.get(name) ?? 0n) === 0n);
}

function namesOtherNamespaces(affinity: unknown): boolean {
  if (!isJsonObject(affinity)) return false;
  const terms = [affinity.podAffinity, affinity.podAntiAffinity]
    .filter(isJsonObject)
    .flatMap((kind) => [
      ...list(kind.requiredDuringSchedulingIgnoredDuringExecution),
      ...list(kind.preferredDuringSchedulingIgnoredDuringExecution).map(({ podAffinityTerm }) =>
        isJsonObject(podAffinityTerm) ? podAffinityTerm : {},
      ),
    ]);
  return terms.some(
    ({ namespaces, namespaceSelector }) =>
      (Array.isArray(namespaces) && namespaces.length > 0) || namespaceSelector !== undefined,
  );
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
