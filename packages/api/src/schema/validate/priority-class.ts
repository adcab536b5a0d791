import { type FieldCause, forbidden, notSupported, required } from '../field-cause.ts';
import { checkImmutable, type JsonObject, numberIn, objectIn, textIn } from './fields.ts';

/** Values above this one belong to the system. */
const USER_PRIORITY_MAX = 1_000_000_000;
/** Priority classes of the system and their values. */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

/** Checks a PriorityClass; its value and policy never change. */
export function validatePriorityClass(priority: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  const name = textIn(objectIn(priority, 'metadata'), 'name');
  const value = numberIn(priority, 'value') ?? 0;
  if (name.startsWith('system-')) {
    const why = unknownSystemPriority(name, value, priority.globalDefault === true);
    const text = "priority class names with 'system-' prefix are reserved for system use only. error: ";
    if (why !== undefined) causes.push(forbidden('metadata.name', text + why));
  } else if (value > USER_PRIORITY_MAX) {
    causes.push(forbidden('value', `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`));
  }
  const policy = priority.preemptionPolicy;
  const policies = ['PreemptLowerPriority', 'Never'];
  if (policy === '') causes.push(required('preemptionPolicy'));
  else if (policy !== undefined && !policies.includes(String(policy))) {
    causes.push(notSupported('preemptionPolicy', policy, policies));
  }
  if (old !== undefined) {
    if (value !== (numberIn(old, 'value') ?? 0)) causes.push(forbidden('value', 'may not be changed in an update.'));
    causes.push(...checkImmutable(policy, old.preemptionPolicy, 'preemptionPolicy'));
  }
  return causes;
}

function unknownSystemPriority(name: string, value: number, isDefault: boolean): string | undefined {
  const known = SYSTEM_PRIORITIES[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`;
  return isDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
