import { labelValueErrors } from '@fairlead/api';
import { type Json, listOf, objectOf, textOf } from './json-fields.ts';

const deprecatedLabels: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
]);

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

/** What a server remarks about old labels of nodes that a Pod spec asks for. */
export function nodeLabelWarnings(spec: Json, field: string): string[] {
  const warnings: string[] = [];
  for (const key of Object.keys(objectOf(spec, 'nodeSelector'))) {
    const text = deprecatedLabels.get(key);
    if (text !== undefined) warnings.push(`${field}.nodeSelector[${key}]: ${text}`);
  }
  const affinity = objectOf(objectOf(spec, 'affinity'), 'nodeAffinity');
  const place = `${field}.affinity.nodeAffinity`;
  for (const [index, term] of listOf(objectOf(affinity, required), 'nodeSelectorTerms').entries()) {
    warnings.push(...nodeTermWarnings(term, `${place}.${required}.nodeSelectorTerms[${index}]`, false));
  }
  for (const [index, term] of listOf(affinity, preferred).entries()) {
    const preference = objectOf(term, 'preference');
    warnings.push(...nodeTermWarnings(preference, `${place}.${preferred}[${index}].preference`, true));
  }
  for (const [index, constraint] of listOf(spec, 'topologySpreadConstraints').entries()) {
    const own = `${field}.topologySpreadConstraints[${index}]`;
    const key = textOf(constraint, 'topologyKey');
    const text = deprecatedLabels.get(key);
    if (text !== undefined) warnings.push(`${own}.topologyKey: ${key} is ${text}`);
    if (constraint.labelSelector === undefined) warnings.push(`${own}.labelSelector: ${matchesNothing}`);
  }
  return warnings;
}

/** What an absent label selector means. */
export const matchesNothing = 'a null labelSelector results in matching no pod';

/** Remarks about one term of a node selector; where terms are only wishes, values are checked here. */
export function nodeTermWarnings(term: Json, field: string, checksValues: boolean): string[] {
  return listOf(term, 'matchExpressions').flatMap((expression, index) => {
    const place = `${field}.matchExpressions[${index}]`;
    const key = textOf(expression, 'key');
    const text = deprecatedLabels.get(key);
    const warnings = text === undefined ? [] : [`${place}.key: ${key} is ${text}`];
    const values = checksValues && Array.isArray(expression.values) ? (expression.values as unknown[]) : [];
    for (const [at, value] of values.entries()) {
      for (const error of labelValueErrors(String(value))) {
        warnings.push(`${place}.values[${at}]: ${String(value)} is invalid, ${error}`);
      }
    }
    return warnings;
  });
}
