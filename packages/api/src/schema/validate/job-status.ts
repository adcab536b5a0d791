import { jsonEqual } from '../../own-property.ts';
import { duplicate, type FieldCause, invalid, required } from '../field-cause.ts';
import { goValue } from '../go-form/go-form.ts';
import { checkNonNegative, type JsonObject, numberIn, objectIn, objectsIn, stringsIn, textIn } from './fields.ts';
import { commonJobIndex, readJobIndexes } from './job-indexes.ts';

const TERMINAL = ['Failed', 'Complete', 'FailureTarget'];
const CONDITIONS = 'status.conditions';

/**
 * Checks a status of a Job that is written by itself: a finished Job stays finished, with its times and without active Pods.
 * What did not change is not held against the writer.
 */
export function validateJobStatus(job: JsonObject, oldJob: JsonObject): FieldCause[] {
  const [now, before] = [stateOf(job), stateOf(oldJob)];
  return [
    ...countCauses(now.status),
    ...finishCauses(now, before),
    ...indexCauses(objectIn(job, 'spec'), now, before),
    ...podCauses(now, before),
    ...conditionCauses(objectIn(job, 'spec'), now),
    ...changeCauses(objectIn(job, 'spec'), now, before),
  ];
}

interface JobState {
  readonly status: JsonObject;
  /** Types of the conditions that hold. */
  readonly holds: ReadonlySet<string>;
  readonly isFinished: boolean;
}

function stateOf(job: JsonObject): JobState {
  const status = objectIn(job, 'status');
  const held = objectsIn(status, 'conditions').filter((condition) => condition.status === 'True');
  const holds = new Set(held.map((condition) => textIn(condition, 'type')));
  return { status, holds, isFinished: holds.has('Complete') || holds.has('Failed') };
}

function differs(now: JobState, before: JobState, ...names: readonly string[]): boolean {
  return names.some((name) => !jsonEqual(now.status[name] ?? null, before.status[name] ?? null));
}

function turned(now: JobState, before: JobState, ...types: readonly string[]): boolean {
  return types.some((type) => now.holds.has(type) !== before.holds.has(type));
}

/** A cause that shows no value. */
function wrong(field: string, text: string): FieldCause {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${text}` };
}

function countCauses(status: JsonObject): FieldCause[] {
  const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'];
  const causes = counts.flatMap((name) => checkNonNegative(status[name], `status.${name}`));
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed']) {
    for (const [index, uid] of stringsIn(objectIn(status, 'uncountedTerminatedPods'), list).entries()) {
      const field = `status.uncountedTerminatedPods.${list}[${index}]`;
      if (uid === '') causes.push(invalid(field, uid, 'must not be empty'));
      else if (seen.has(uid)) causes.push(duplicate(field, uid));
      seen.add(uid);
    }
  }
  return causes;
}

function finishCauses(now: JobState, before: JobState): FieldCause[] {
  const causes: FieldCause[] = [];
  const { status, holds } = now;
  const { startTime, completionTime } = status as { startTime?: string; completionTime?: string };
  const isComplete = holds.has('Complete');
  if (turned(now, before, 'Complete', 'Failed') && isComplete && holds.has('Failed')) {
    causes.push(wrong(CONDITIONS, 'cannot set Complete=True and Failed=true conditions'));
  }
  if (turned(now, before, 'Complete', 'FailureTarget') && isComplete && holds.has('FailureTarget')) {
    causes.push(wrong(CONDITIONS, 'cannot set Complete=True and FailureTarget=true conditions'));
  }
  const field = 'status.completionTime';
  if (turned(now, before, 'Complete') || differs(now, before, 'completionTime')) {
    if (completionTime !== undefined && !isComplete) {
      causes.push(invalid(field, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
    }
    if (completionTime === undefined && isComplete) {
      causes.push(required(field, 'completionTime is required for Complete jobs'));
    }
  }
  if (differs(now, before, 'startTime', 'completionTime') && startTime !== undefined && completionTime !== undefined) {
    if (completionTime < startTime)
      causes.push(invalid(field, completionTime, 'must be equal to or after `startTime`'));
  }
  if ((turned(now, before, 'Failed') || differs(now, before, 'failedIndexes')) && holds.has('Failed')) {
    if (!holds.has('FailureTarget')) {
      causes.push(wrong(CONDITIONS, 'cannot set Failed=True condition without the FailureTarget=true condition'));
    }
  }
  if (turned(now, before, 'Complete', 'SuccessCriteriaMet') && isComplete && !holds.has('SuccessCriteriaMet')) {
    causes.push(wrong(CONDITIONS, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
  }
  return causes;
}

function indexCauses(spec: JsonObject, now: JobState, before: JobState): FieldCause[] {
  const { status, isFinished } = now;
  const finishes = isFinished !== before.isFinished;
  const causes: FieldCause[] = [];
  const active = numberIn(status, 'active') ?? 0;
  if ((finishes || differs(now, before, 'active')) && active > 0 && isFinished) {
    causes.push(invalid('status.active', active, 'active>0 is invalid for finished job'));
  }
  const isEmpty = spec.suspend === true && spec.completions === 0;
  if ((finishes || differs(now, before, 'startTime')) && !isEmpty && status.startTime === undefined && isFinished) {
    causes.push(required('status.startTime', 'startTime is required for finished job'));
  }
  const uncounted = objectIn(status, 'uncountedTerminatedPods');
  const isCounted = ['succeeded', 'failed'].every((list) => stringsIn(uncounted, list).length === 0);
  if ((finishes || differs(now, before, 'uncountedTerminatedPods')) && isFinished && !isCounted) {
    const shown = goValue('UncountedTerminatedPods', uncounted);
    causes.push(invalid('status.uncountedTerminatedPods', shown, 'must be empty for finished job'));
  }
  const completions = numberIn(spec, 'completions');
  const [completed, failed] = [textIn(status, 'completedIndexes'), status.failedIndexes as string | undefined];
  const [newCompleted, newFailed] = [differs(now, before, 'completedIndexes'), differs(now, before, 'failedIndexes')];
  const [completedField, failedField] = ['status.completedIndexes', 'status.failedIndexes'];
  if (newCompleted && completions !== undefined) {
    const read = readJobIndexes(completed, completions);
    if (!read.ok) causes.push(invalid(completedField, completed, `error parsing completedIndexes: ${read.error}`));
  }
  const perIndex = spec.backoffLimitPerIndex !== undefined;
  if (newFailed && completions !== undefined && perIndex && failed !== undefined) {
    const read = readJobIndexes(failed, completions);
    if (!read.ok) causes.push(invalid(failedField, failed, `error parsing failedIndexes: ${read.error}`));
  }
  if (newCompleted && completed !== '' && spec.completionMode !== 'Indexed') {
    const text = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    causes.push(invalid(completedField, completed, text));
  }
  if (newFailed && !perIndex && failed !== undefined) {
    causes.push(invalid(failedField, failed, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'));
  }
  if ((newCompleted || newFailed) && completions !== undefined && failed !== undefined) {
    const common = commonJobIndex(completed, failed, completions);
    if (common !== undefined) {
      causes.push(invalid(failedField, failed, `failedIndexes and completedIndexes overlap at index: ${common}`));
    }
  }
  return causes;
}

function podCauses(now: JobState, before: JobState): FieldCause[] {
  const { status, isFinished } = now;
  const causes: FieldCause[] = [];
  const [terminating, ready] = [numberIn(status, 'terminating') ?? 0, numberIn(status, 'ready')];
  if ((isFinished !== before.isFinished || differs(now, before, 'terminating')) && terminating > 0 && isFinished) {
    causes.push(invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  }
  if (differs(now, before, 'ready', 'active') && ready !== undefined && ready > (numberIn(status, 'active') ?? 0)) {
    causes.push(invalid('status.ready', ready, 'cannot set more ready pods than active'));
  }
  return causes;
}

function conditionCauses(spec: JsonObject, { holds }: JobState): FieldCause[] {
  const causes: FieldCause[] = [];
  const isMet = holds.has('SuccessCriteriaMet');
  if (isMet && holds.has('Failed')) {
    causes.push(wrong(CONDITIONS, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'));
  }
  if (isMet && holds.has('FailureTarget')) {
    causes.push(wrong(CONDITIONS, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  }
  if (spec.successPolicy !== undefined && !isMet && holds.has('Complete')) {
    causes.push(
      wrong(CONDITIONS, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'),
    );
  }
  return causes;
}

function changeCauses(spec: JsonObject, now: JobState, before: JobState): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const type of TERMINAL) {
    if (before.holds.has(type) && !now.holds.has(type)) {
      causes.push(wrong(CONDITIONS, `cannot disable the terminal ${type}=True condition`));
    }
  }
  const shrinks = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  for (const name of shrinks ? ['failed'] : ['failed', 'succeeded']) {
    const count = numberIn(now.status, name) ?? 0;
    if (count < (numberIn(before.status, name) ?? 0)) {
      causes.push(invalid(`status.${name}`, count, `cannot decrease the ${name} counter`));
    }
  }
  const { completionTime } = now.status;
  if (completionTime !== undefined && before.status.completionTime !== undefined) {
    if (completionTime !== before.status.completionTime) {
      causes.push(invalid('status.completionTime', completionTime, 'field is immutable'));
    }
  }
  const isResumed = objectsIn(now.status, 'conditions').some(
    ({ type, status }) => type === 'Suspended' && status === 'False',
  );
  const resumes = before.holds.has('Suspended') && isResumed;
  if (before.status.startTime !== undefined && differs(now, before, 'startTime') && spec.suspend !== true && !resumes) {
    causes.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'));
  }
  const isMet = now.holds.has('SuccessCriteriaMet');
  if (before.holds.has('SuccessCriteriaMet') && !isMet) {
    causes.push(wrong(CONDITIONS, 'cannot disable the SuccessCriteriaMet=True condition'));
  }
  if (before.holds.has('Complete') && !before.holds.has('SuccessCriteriaMet') && isMet) {
    const text = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions';
    causes.push(wrong(CONDITIONS, text));
  }
  return causes;
}
