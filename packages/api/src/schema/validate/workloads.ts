import { matchesLabels, requirementsOfSelector } from '../../label-selector.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import type { LabelSelector } from '../../types.ts';
import { type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import { checkImmutable, checkNonNegative, type JsonObject, numberIn, objectIn, textIn } from './fields.ts';
import { validateLabelSelector } from './label-selector.ts';
import { validatePodTemplate } from './pod.ts';

const PERCENT_ERROR =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

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

function validateReplicasAndTemplate(spec: JsonObject): FieldCause[] {
  const causes = checkNonNegative(spec.replicas, 'spec.replicas');
  const { selector } = spec;
  if (!isJsonObject(selector)) {
    causes.push(required('spec.selector'));
    return [...causes, ...validateTemplate(objectIn(spec, 'template'), undefined)];
  }
  causes.push(...validateLabelSelector(selector, 'spec.selector'));
  const empty =
    Object.keys(objectIn(selector, 'matchLabels')).length === 0 &&
    !(Array.isArray(selector.matchExpressions) && selector.matchExpressions.length > 0);
  if (empty) causes.push(invalid('spec.selector', selector, 'empty selector is invalid for deployment'));
  return [...causes, ...validateTemplate(objectIn(spec, 'template'), empty ? undefined : (selector as LabelSelector))];
}

function validateTemplate(template: JsonObject, selector: LabelSelector | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  const labels = objectIn(objectIn(template, 'metadata'), 'labels');
  const parsed = selector === undefined ? undefined : requirementsOfSelector(selector);
  if (parsed?.ok === true && !matchesLabels(parsed.requirements, labels as Record<string, string>)) {
    const shown = Object.keys(labels).length === 0 ? null : labels;
    causes.push(invalid('spec.template.metadata.labels', shown, '`selector` does not match template `labels`'));
  }
  causes.push(...validatePodTemplate(template, 'spec.template'));
  const spec = objectIn(template, 'spec');
  const policy = textIn(spec, 'restartPolicy');
  if (policy === 'OnFailure' || policy === 'Never') {
    causes.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    causes.push(
      forbidden('spec.template.spec.activeDeadlineSeconds', 'activeDeadlineSeconds in ReplicaSet is not Supported'),
    );
  }
  return causes;
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
      return [notSupported(`${field}.type`, strategy.type ?? '', ['Recreate', 'RollingUpdate'])];
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
  if (
    typeof maxUnavailable === 'string' &&
    /^\d+%$/.test(maxUnavailable) &&
    Number.parseInt(maxUnavailable, 10) > 100
  ) {
    causes.push(invalid(`${field}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%'));
  }
  return causes;
}

function checkIntOrPercent(value: unknown, field: string): FieldCause[] {
  if (typeof value === 'number') return checkNonNegative(value, field);
  return /^\d+%$/.test(String(value)) ? [] : [invalid(field, value, PERCENT_ERROR)];
}

function isZero(value: unknown): boolean {
  return value === 0 || (typeof value === 'string' && /^0+%$/.test(value));
}

/** Fields of a StatefulSet's spec that may change. */
const STATEFUL_SET_MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

/** Checks a StatefulSet. */
export function validateStatefulSet(statefulSet: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(statefulSet, 'spec');
  const causes = validateReplicasAndTemplate(spec);
  const policy = textIn(spec, 'podManagementPolicy');
  const policies = ['OrderedReady', 'Parallel'];
  if (!policies.includes(policy)) {
    const text = `must be '${policies.join("' or '")}'`;
    causes.push(invalid('spec.podManagementPolicy', policy, text));
  }
  const strategy = objectIn(spec, 'updateStrategy');
  if (strategy.type !== 'OnDelete' && strategy.type !== 'RollingUpdate') {
    causes.push(invalid('spec.updateStrategy', strategy, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  if (strategy.type === 'OnDelete' && strategy.rollingUpdate !== undefined) {
    const text = "only allowed for updateStrategy 'RollingUpdate'";
    causes.push(invalid('spec.updateStrategy.rollingUpdate', strategy.rollingUpdate, text));
  }
  const partition = objectIn(strategy, 'rollingUpdate').partition;
  causes.push(...checkNonNegative(partition, 'spec.updateStrategy.rollingUpdate.partition'));
  causes.push(...checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'));
  causes.push(...checkNonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'));
  if (old === undefined) return causes;
  const before = objectIn(old, 'spec');
  const frozen = [...new Set([...Object.keys(spec), ...Object.keys(before)])].filter(
    (name) => !STATEFUL_SET_MUTABLE.includes(name),
  );
  if (frozen.some((name) => !jsonEqual(spec[name] ?? null, before[name] ?? null))) {
    const list = STATEFUL_SET_MUTABLE.map((name) => `'${name}'`);
    const text = `updates to statefulset spec for fields other than ${list.slice(0, -1).join(', ')} and ${list.at(-1)} are forbidden`;
    causes.push(forbidden('spec', text));
  }
  return causes;
}

/** Checks a DaemonSet. */
export function validateDaemonSet(daemonSet: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(daemonSet, 'spec');
  const causes = validateReplicasAndTemplate(spec);
  causes.push(...checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'));
  causes.push(...checkNonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'));
  const strategy = objectIn(spec, 'updateStrategy');
  const field = 'spec.updateStrategy';
  if (strategy.type === 'RollingUpdate') {
    const { maxSurge = 0, maxUnavailable = 0 } = objectIn(strategy, 'rollingUpdate');
    causes.push(...checkIntOrPercent(maxUnavailable, `${field}.rollingUpdate.maxUnavailable`));
    causes.push(...checkIntOrPercent(maxSurge, `${field}.rollingUpdate.maxSurge`));
    if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
      causes.push(
        invalid(`${field}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'),
      );
    } else if (isZero(maxUnavailable) && isZero(maxSurge)) {
      causes.push(required(`${field}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
    }
  } else if (strategy.type !== 'OnDelete') {
    causes.push(notSupported(`${field}.type`, strategy.type ?? '', ['RollingUpdate', 'OnDelete']));
  }
  if (old !== undefined) causes.push(...checkImmutable(spec.selector, objectIn(old, 'spec').selector, 'spec.selector'));
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
