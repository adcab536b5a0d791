import type { FieldCause } from '@fairlead/api/schema';
import { sameJson } from '../rest/strategy.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { defaultFlowSchemas, defaultPriorityLevels } from './default-flows.ts';

/** Mistakes of a flow schema or priority level that every cluster has as it is: its specification is fixed. */
export function mandatoryFlowCauses(object: KubeObject): FieldCause[] {
  const { name = '' } = object.metadata;
  const all = object.kind === 'FlowSchema' ? defaultFlowSchemas : defaultPriorityLevels;
  const fixed = all.find((one) => one.mandatory && one.name === name);
  if (fixed === undefined || sameFlowSpec(object, name, fixed.spec)) return [];
  const free = object.kind === 'FlowSchema' || name !== 'exempt' ? '' : " except the 'spec.exempt' field";
  const message = `Invalid value: ${JSON.stringify(object.spec)}: spec of '${name}'${free} must equal the fixed value`;
  return [{ reason: 'FieldValueInvalid', field: 'spec', message }];
}

/** Whether an object says what its default says. How many places the level `exempt` has is free. */
export function sameFlowSpec(object: KubeObject, name: string, spec: unknown): boolean {
  const given = recordOf(object.spec) ?? {};
  if (name !== 'exempt' || given.exempt === undefined) return sameJson(given, spec);
  return sameJson({ ...given, exempt: undefined }, { ...recordOf(spec), exempt: undefined });
}
