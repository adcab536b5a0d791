import { isJsonObject } from '../../own-property.ts';
import type { LabelSelector } from '../../types.ts';
import { type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import { checkGivenChoice, checkImmutable, checkNonNegative, type JsonObject, numberIn, objectIn } from './fields.ts';
import { validateLabelSelector } from './label-selector.ts';
import {
  checkAtMost100Percent,
  checkIntOrPercent,
  goStrategy,
  isZero,
  type TemplateWords,
  validateSelectorAndTemplate,
  validateTemplate,
} from './workload-template.ts';

const ofDeployment: TemplateWords = {
  kind: 'deployment',
  deadlineOf: 'ReplicaSet',
  unusable: ': invalid label selector',
};
const ofController: TemplateWords = { kind: 'replicationcontroller', deadlineOf: 'ReplicationController' };

/** Checks a Deployment. */
export function validateDeployment(deployment: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(deployment, 'spec');
  const causes = validateReplicasAndTemplate(spec);
  causes.push(...validateStrategy(objectIn(spec, 'strategy')));
  causes.push(...checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'));
  causes.push(...checkNonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'));
  const deadline = numberIn(spec, 'progressDeadlineSeconds');
  if (deadline !== undefined) {
    const field = 'spec.progressDeadlineSeconds';
    causes.push(...checkNonNegative(deadline, field));
    if (deadline <= (numberIn(spec, 'minReadySeconds') ?? 0)) {
      causes.push(invalid(field, deadline, 'must be greater than minReadySeconds'));
    }
  }
  if (old !== undefined) causes.push(...checkImmutable(spec.selector, objectIn(old, 'spec').selector, 'spec.selector'));
  return causes;
}

/** Checks a ReplicaSet. */
export function validateReplicaSet(replicaSet: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(replicaSet, 'spec');
  const causes = validateReplicasAndTemplate(spec);
  causes.push(...checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'));
  if (old !== undefined) causes.push(...checkImmutable(spec.selector, objectIn(old, 'spec').selector, 'spec.selector'));
  return causes;
}

/** Checks a ReplicationController, whose selector is a map of labels. */
export function validateReplicationController(controller: JsonObject): FieldCause[] {
  const spec = objectIn(controller, 'spec');
  const causes = checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds');
  const matchLabels = objectIn(spec, 'selector');
  const empty = Object.keys(matchLabels).length === 0;
  if (empty) causes.push(required('spec.selector'));
  causes.push(...checkNonNegative(spec.replicas, 'spec.replicas'));
  if (!isJsonObject(spec.template)) return [...causes, required('spec.template')];
  return [
    ...causes,
    ...validateTemplate(spec.template, empty ? undefined : ({ matchLabels } as LabelSelector), ofController),
  ];
}

function validateReplicasAndTemplate(spec: JsonObject): FieldCause[] {
  return [...checkNonNegative(spec.replicas, 'spec.replicas'), ...validateSelectorAndTemplate(spec, ofDeployment)];
}

function validateStrategy(strategy: JsonObject): FieldCause[] {
  const field = 'spec.strategy';
  const rolling = strategy.rollingUpdate;
  switch (strategy.type) {
    case 'Recreate':
      if (rolling === undefined) return [];
      return [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
    case 'RollingUpdate':
      if (!isJsonObject(rolling))
        return [required(`${field}.rollingUpdate`, 'this should be defaulted and never be nil')];
      return validateRollingUpdate(rolling, `${field}.rollingUpdate`);
    default:
      return [notSupported(field, goStrategy(strategy, ['MaxUnavailable', 'MaxSurge']), ['Recreate', 'RollingUpdate'])];
  }
}

function validateRollingUpdate(rolling: JsonObject, field: string): FieldCause[] {
  const { maxSurge = 0, maxUnavailable = 0 } = rolling;
  const causes = [
    ...checkIntOrPercent(maxUnavailable, `${field}.maxUnavailable`),
    ...checkIntOrPercent(maxSurge, `${field}.maxSurge`),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    causes.push(invalid(`${field}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  causes.push(...checkAtMost100Percent(maxUnavailable, `${field}.maxUnavailable`));
  return causes;
}

/** Checks a PodDisruptionBudget. */
export function validatePodDisruptionBudget(budget: JsonObject): FieldCause[] {
  const spec = objectIn(budget, 'spec');
  const causes: FieldCause[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    causes.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const name of ['minAvailable', 'maxUnavailable']) {
    if (spec[name] !== undefined) causes.push(...checkIntOrPercent(spec[name], `spec.${name}`));
  }
  if (spec.unhealthyPodEvictionPolicy !== undefined) {
    const policies = ['AlwaysAllow', 'IfHealthyBudget'];
    const field = 'spec.unhealthyPodEvictionPolicy';
    causes.push(...checkGivenChoice(spec.unhealthyPodEvictionPolicy, field, policies));
  }
  if (isJsonObject(spec.selector)) causes.push(...validateLabelSelector(spec.selector, 'spec.selector'));
  return causes;
}

/** Checks a ControllerRevision: its data never changes. */
export function validateControllerRevision(revision: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes = checkNonNegative(revision.revision, 'revision');
  if (revision.data === undefined || revision.data === null) causes.push(required('data', 'data is mandatory'));
  if (old !== undefined) causes.push(...checkImmutable(revision.data, old.data, 'data'));
  return causes;
}
