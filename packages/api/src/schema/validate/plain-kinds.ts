import { parseCidr } from '../../ip.ts';
import { labelValueErrors } from '../../names.ts';
import { jsonEqual } from '../../own-property.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import {
  checkName,
  checkNonNegative,
  checkQualifiedName,
  type JsonObject,
  numberIn,
  objectIn,
  objectsIn,
  stringsIn,
  textIn,
} from './fields.ts';

/** Checks a Namespace's finalizers. */
export function validateNamespace(namespace: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  const phase = textIn(objectIn(namespace, 'status'), 'phase');
  const deleted = textIn(objectIn(namespace, 'metadata'), 'deletionTimestamp') !== '';
  const before = old === undefined ? phase : textIn(objectIn(old, 'status'), 'phase');
  if (phase !== before && phase !== (deleted ? 'Terminating' : 'Active')) {
    const why = deleted
      ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
      : "may only be 'Active' if `deletionTimestamp` is empty";
    causes.push(invalid('status.Phase', phase, why));
  }
  const field = 'spec.finalizers';
  for (const finalizer of stringsIn(objectIn(namespace, 'spec'), 'finalizers')) {
    causes.push(...checkQualifiedName(finalizer, field));
    if (!finalizer.includes('/') && finalizer !== 'kubernetes') {
      causes.push(invalid(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
    }
  }
  return causes;
}

/** Checks a Node's Pod ranges and taints. */
export function validateNode(node: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(node, 'spec');
  const causes: FieldCause[] = [];
  causes.push(...validateTaints(spec));
  for (const part of ['capacity', 'allocatable']) {
    for (const [name, amount] of Object.entries(objectIn(objectIn(node, 'status'), part))) {
      if (parseQuantity(String(amount)) === undefined || compareQuantities(String(amount), '0') >= 0) continue;
      causes.push(invalid(`status.${part}.${name}`, String(amount), 'must be greater than or equal to 0'));
    }
  }
  for (const [index, cidr] of stringsIn(spec, 'podCIDRs').entries()) {
    if (parseCidr(cidr) !== undefined) continue;
    causes.push(
      invalid(`spec.podCIDRs[${index}]`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'),
    );
  }
  const ranges = stringsIn(spec, 'podCIDRs');
  const families = new Set(ranges.map((cidr) => parseCidr(cidr)?.family));
  if (ranges.length > 2 || (ranges.length === 2 && families.size === 1)) {
    causes.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'));
  }
  const before = old === undefined ? [] : stringsIn(objectIn(old, 'spec'), 'podCIDRs');
  if (before.length > 0 && !jsonEqual(before, stringsIn(spec, 'podCIDRs'))) {
    causes.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  const provider = old === undefined ? '' : textIn(objectIn(old, 'spec'), 'providerID');
  if (provider !== '' && textIn(spec, 'providerID') !== provider) {
    causes.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return causes;
}

/** Taints, which a server looks for in the metadata. */
function validateTaints(spec: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
  const pairs = new Set<string>();
  for (const [index, taint] of objectsIn(spec, 'taints').entries()) {
    const field = `metadata.taints[${index}]`;
    const [key, value, effect] = [textIn(taint, 'key'), textIn(taint, 'value'), textIn(taint, 'effect')];
    causes.push(...checkQualifiedName(key, `${field}.key`), ...checkName(value, `${field}.value`, labelValueErrors));
    if (effect === '') causes.push(required(`${field}.effect`));
    else if (!effects.includes(effect)) causes.push(notSupported(`${field}.effect`, effect, effects));
    if (pairs.has(`${effect} ${key}`)) {
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: taint.timeAdded ?? null };
      const { reason, message } = duplicate(field, shown);
      causes.push({ reason, field, message: `${message}: taints must be unique by key and effect pair` });
    }
    pairs.add(`${effect} ${key}`);
  }
  return causes;
}

/** Checks a Lease. */
export function validateLease(lease: JsonObject): FieldCause[] {
  const spec = objectIn(lease, 'spec');
  const causes: FieldCause[] = [];
  const seconds = numberIn(spec, 'leaseDurationSeconds');
  if (seconds !== undefined && seconds <= 0) {
    causes.push(invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
  }
  causes.push(...checkNonNegative(spec.leaseTransitions, 'spec.leaseTransitions'));
  return causes;
}
