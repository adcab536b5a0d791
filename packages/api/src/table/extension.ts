import { isJsonObject } from '../own-property.ts';
import type { LabelSelector } from '../types.ts';
import { ageOf, nameOf } from './cells.ts';

type JsonObject = Readonly<Record<string, unknown>>;

const UNSET = '<unset>';

function specOf(object: JsonObject): JsonObject {
  return isJsonObject(object.spec) ? object.spec : {};
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

/** NAME WEBHOOKS AGE */
export function webhookConfigurationCells(configuration: JsonObject, nowMs: number): unknown[] {
  return [nameOf(configuration), lengthOf(configuration.webhooks), ageOf(configuration, nowMs)];
}

/** NAME VALIDATIONS PARAMKIND AGE */
export function admissionPolicyCells(policy: JsonObject, nowMs: number): unknown[] {
  const { validations, paramKind } = specOf(policy);
  const kind = isJsonObject(paramKind) ? `${String(paramKind.apiVersion)}/${String(paramKind.kind)}` : UNSET;
  return [nameOf(policy), lengthOf(validations), kind, ageOf(policy, nowMs)];
}

/** NAME POLICYNAME PARAMREF AGE */
export function admissionPolicyBindingCells(binding: JsonObject, nowMs: number): unknown[] {
  const { policyName, paramRef } = specOf(binding);
  return [nameOf(binding), policyName ?? '', paramRefText(paramRef), ageOf(binding, nowMs)];
}

function paramRefText(reference: unknown): string {
  if (!isJsonObject(reference)) return UNSET;
  const { name, namespace, selector } = reference;
  if (typeof name === 'string' && name !== '') {
    return `${typeof namespace === 'string' && namespace !== '' ? namespace : '*'}/${name}`;
  }
  return isJsonObject(selector) ? goSelectorText(selector as LabelSelector) : UNSET;
}

/** A selector as Go prints the struct: the real server never gave it a form of its own here. */
function goSelectorText({ matchLabels, matchExpressions }: LabelSelector): string {
  const labels = Object.entries(matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`);
  const requirements = (matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${requirements.join('')}},}`;
}

/** NAME CREATED AT */
export function customResourceDefinitionCells(definition: JsonObject): unknown[] {
  const metadata = isJsonObject(definition.metadata) ? definition.metadata : {};
  return [nameOf(definition), metadata.creationTimestamp ?? ''];
}
