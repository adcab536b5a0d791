import { matchesLabels, requirementsOfSelector } from '../../label-selector.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import type { LabelSelector } from '../../types.ts';
import { type FieldCause, forbidden, invalid, notSupported, quoted, required } from '../field-cause.ts';
import {
  checkDnsLabel,
  checkGivenChoice,
  checkImmutable,
  checkNonNegative,
  type JsonObject,
  numberIn,
  objectIn,
  textIn,
} from './fields.ts';
import { validateLabelSelector } from './label-selector.ts';
import { validatePodTemplate } from './pod.ts';

const PERCENT_ERROR =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** Checks a Deployment. */
export function validateDeployment(deployment: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(deployment, 'spec');
  const causes = validateReplicasAndTemplate(spec, selectorOfDeployment);
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
  const causes = validateReplicasAndTemplate(spec, selectorOfDeployment);
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
  return [...causes, ...validateTemplate(spec.template, empty ? undefined : ({ matchLabels } as LabelSelector))];
}

/** How a kind words a selector that is empty, and one that cannot be used. */
interface SelectorWords {
  readonly empty: string;
  /** Absent: nothing is said. */
  readonly unusable?: string;
}

const selectorOfDeployment: SelectorWords = {
  empty: 'empty selector is invalid for deployment',
  unusable: ': invalid label selector',
};

function validateReplicasAndTemplate(spec: JsonObject, words: SelectorWords): FieldCause[] {
  const causes = checkNonNegative(spec.replicas, 'spec.replicas');
  const { selector } = spec;
  if (!isJsonObject(selector)) {
    causes.push(required('spec.selector'));
    return [...causes, ...validateTemplate(objectIn(spec, 'template'), {})];
  }
  causes.push(...validateLabelSelector(selector, 'spec.selector'));
  const empty =
    Object.keys(objectIn(selector, 'matchLabels')).length === 0 &&
    !(Array.isArray(selector.matchExpressions) && selector.matchExpressions.length > 0);
  if (empty) causes.push(invalid('spec.selector', selector, words.empty));
  if (!isUsable(selector)) {
    if (words.unusable !== undefined) {
      const message = `Invalid value: ${quoted(selector)}${words.unusable}`;
      causes.push({ reason: 'FieldValueInvalid', field: 'spec.selector', message });
    }
    return [...causes, ...validateTemplate(objectIn(spec, 'template'), undefined)];
  }
  return [...causes, ...validateTemplate(objectIn(spec, 'template'), empty ? undefined : (selector as LabelSelector))];
}

/** Whether keys, operators and values of a selector can be worked with at all. */
function isUsable(selector: JsonObject): boolean {
  return validateLabelSelector(selector, '').length === 0 && requirementsOfSelector(selector as LabelSelector).ok;
}

/** `{}` is the selector that was not given, which no template matches. */
function validateTemplate(template: JsonObject, selector: LabelSelector | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  const metadata = objectIn(template, 'metadata');
  const labels = objectIn(metadata, 'labels');
  const parsed = selector === undefined ? undefined : requirementsOfSelector(selector);
  const matches =
    parsed?.ok === true &&
    Object.keys(selector ?? {}).length > 0 &&
    matchesLabels(parsed.requirements, labels as Record<string, string>);
  if (parsed?.ok === true && !matches) {
    const shown = metadata.labels === undefined ? null : labels;
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
      return [notSupported(field, goStrategy(strategy, ['MaxUnavailable', 'MaxSurge']), ['Recreate', 'RollingUpdate'])];
  }
}

/** A strategy by the names it has inside a server. */
function goStrategy(strategy: JsonObject, names: readonly string[]): object {
  const { type = '', rollingUpdate } = strategy;
  const field = (name: string): unknown =>
    objectIn(strategy, 'rollingUpdate')[`${name.charAt(0).toLowerCase()}${name.slice(1)}`] ?? null;
  const rolling = rollingUpdate === undefined ? null : Object.fromEntries(names.map((name) => [name, field(name)]));
  return { Type: type, RollingUpdate: rolling };
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
  const causes = validateReplicasAndTemplate(spec, {
    empty: 'empty selector is invalid for statefulset',
    unusable: '',
  });
  const policy = textIn(spec, 'podManagementPolicy');
  const policies = ['OrderedReady', 'Parallel'];
  if (!policies.includes(policy)) {
    const text = `must be '${policies.join("' or '")}'`;
    causes.push(invalid('spec.podManagementPolicy', policy, text));
  }
  const strategy = objectIn(spec, 'updateStrategy');
  if (strategy.type !== 'OnDelete' && strategy.type !== 'RollingUpdate') {
    const shown = goStrategy(strategy, ['Partition', 'MaxUnavailable']);
    causes.push(invalid('spec.updateStrategy', shown, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  if (strategy.type === 'OnDelete' && strategy.rollingUpdate !== undefined) {
    const text = "only allowed for updateStrategy 'RollingUpdate'";
    causes.push(invalid('spec.updateStrategy.rollingUpdate', strategy.rollingUpdate, text));
  }
  causes.push(...validateRetention(spec));
  const start = objectIn(spec, 'ordinals').start;
  const partition = objectIn(strategy, 'rollingUpdate').partition;
  causes.push(...checkNonNegative(partition, 'spec.updateStrategy.rollingUpdate.partition'));
  causes.push(...checkNonNegative(start, 'spec.ordinals.start'));
  const service = textIn(spec, 'serviceName');
  if (old === undefined && service !== '') causes.push(...checkDnsLabel(service, 'spec.serviceName'));
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

function validateRetention(spec: JsonObject): FieldCause[] {
  const retention = objectIn(spec, 'persistentVolumeClaimRetentionPolicy');
  return ['whenDeleted', 'whenScaled'].flatMap((name) => {
    const field = `spec.persistentVolumeClaimRetentionPolicy.${name}`;
    return retention[name] === undefined ? [] : checkGivenChoice(retention[name], field, ['Retain', 'Delete']);
  });
}

/** Checks a DaemonSet. */
export function validateDaemonSet(daemonSet: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(daemonSet, 'spec');
  const causes = validateReplicasAndTemplate(spec, { empty: 'empty selector is invalid for daemonset' });
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
    const shown = goStrategy(strategy, ['MaxUnavailable', 'MaxSurge']);
    causes.push(notSupported(field, shown, ['RollingUpdate', 'OnDelete']));
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
