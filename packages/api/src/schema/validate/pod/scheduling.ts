import { labelValueErrors } from '../../../names.ts';
import { duplicate, type FieldCause, invalid, notSupported, required } from '../../field-cause.ts';
import { checkQualifiedName, type JsonObject, numberIn, objectsIn, textIn } from '../fields.ts';
import { validateLabelSelector } from '../label-selector.ts';
import { validateLabelKeys } from './affinity.ts';
import { givenObject } from './pod-context.ts';

const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway'];
const NODE_POLICIES = ['Honor', 'Ignore'];
const NOT_POSITIVE = 'must be greater than zero';

/** Checks how a Pod's replicas spread over nodes. */
export function validateTopologySpread(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const constraints = objectsIn(spec, 'topologySpreadConstraints');
  for (const [index, constraint] of constraints.entries()) {
    const place = `${field}[${index}]`;
    const skew = numberIn(constraint, 'maxSkew') ?? 0;
    const key = textIn(constraint, 'topologyKey');
    const action = textIn(constraint, 'whenUnsatisfiable');
    if (skew <= 0) causes.push(invalid(`${place}.maxSkew`, skew, NOT_POSITIVE));
    if (key === '') causes.push(required(`${place}.topologyKey`, 'can not be empty'));
    if (!ACTIONS.includes(action)) causes.push(notSupported(`${place}.whenUnsatisfiable`, action, ACTIONS));
    const again = constraints
      .slice(index + 1)
      .some((other) => textIn(other, 'topologyKey') === key && textIn(other, 'whenUnsatisfiable') === action);
    if (again) causes.push(duplicate(`${place}.{topologyKey, whenUnsatisfiable}`, `{${key}, ${action}}`));
    const domains = numberIn(constraint, 'minDomains');
    if (domains !== undefined) {
      if (domains <= 0) causes.push(invalid(`${place}.minDomains`, domains, NOT_POSITIVE));
      if (action !== 'DoNotSchedule') {
        const text = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`;
        causes.push(invalid(`${place}.minDomains`, domains, text));
      }
    }
    for (const name of ['nodeAffinityPolicy', 'nodeTaintsPolicy']) {
      const policy = constraint[name];
      if (policy === undefined || NODE_POLICIES.includes(String(policy))) continue;
      causes.push(notSupported(`${place}.${name}`, policy, NODE_POLICIES));
    }
    causes.push(...validateLabelKeys(constraint, place));
    const selector = givenObject(constraint, 'labelSelector');
    if (selector !== undefined) causes.push(...validateLabelSelector(selector, `${place}.labelSelector`));
  }
  return causes;
}

/** Checks which taints of nodes a Pod bears. */
export function validateTolerations(tolerations: readonly JsonObject[], field: string): FieldCause[] {
  return tolerations.flatMap((toleration, index) => {
    const place = `${field}[${index}]`;
    const key = textIn(toleration, 'key');
    const value = textIn(toleration, 'value');
    const effect = textIn(toleration, 'effect');
    const operator = textIn(toleration, 'operator');
    const causes = key === '' ? [] : checkQualifiedName(key, `${place}.key`);
    if (key === '' && operator !== 'Exists') {
      const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      causes.push(invalid(`${place}.operator`, operator, text));
    }
    if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
      causes.push(invalid(`${place}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    causes.push(...operatorCauses(operator, value, `${place}.operator`));
    if (effect !== '' && !TAINT_EFFECTS.includes(effect)) {
      causes.push(notSupported(`${place}.effect`, effect, TAINT_EFFECTS));
    }
    return causes;
  });
}

function operatorCauses(operator: string, value: string, field: string): FieldCause[] {
  switch (operator) {
    case 'Equal':
    case '': {
      const errors = labelValueErrors(value);
      return errors.length === 0 ? [] : [invalid(field, value, errors.join(';'))];
    }
    case 'Exists':
      return value === '' ? [] : [invalid(field, value, "value must be empty when `operator` is 'Exists'")];
    default:
      return [notSupported(field, operator, ['Equal', 'Exists'])];
  }
}

/** Checks what holds a Pod back from being scheduled. */
export function validateSchedulingGates(spec: JsonObject, field: string): FieldCause[] {
  const seen = new Set<string>();
  return objectsIn(spec, 'schedulingGates').flatMap((gate, index) => {
    const name = textIn(gate, 'name');
    const causes = checkQualifiedName(name, `${field}[${index}]`);
    if (seen.has(name)) causes.push(duplicate(`${field}[${index}]`, name));
    seen.add(name);
    return causes;
  });
}
