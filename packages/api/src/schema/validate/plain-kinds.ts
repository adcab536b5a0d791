import { parseCidr } from '../../ip.ts';
import { jsonEqual } from '../../own-property.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import {
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
  for (const [index, finalizer] of stringsIn(objectIn(namespace, 'spec'), 'finalizers').entries()) {
    const field = `spec.finalizers[${index}]`;
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
  for (const [index, taint] of objectsIn(spec, 'taints').entries()) {
    const field = `spec.taints[${index}]`;
    causes.push(...checkQualifiedName(textIn(taint, 'key'), `${field}.key`));
    const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
    const effect = textIn(taint, 'effect');
    if (effect === '') causes.push(required(`${field}.effect`));
    else if (!effects.includes(effect)) causes.push(notSupported(`${field}.effect`, effect, effects));
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
  for (const [index, cidr] of ranges.entries()) {
    if (ranges.indexOf(cidr) < index) causes.push(duplicate(`spec.podCIDRs[${index}]`, cidr));
  }
  const before = old === undefined ? [] : stringsIn(objectIn(old, 'spec'), 'podCIDRs');
  if (before.length > 0 && !jsonEqual(before, stringsIn(spec, 'podCIDRs'))) {
    causes.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
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

/** Checks an Event of the core group: it lives beside the object it is about. */
export function validateEvent(event: JsonObject): FieldCause[] {
  const about = textIn(objectIn(event, 'involvedObject'), 'namespace');
  const namespace = textIn(objectIn(event, 'metadata'), 'namespace');
  if (namespace === about || (about === '' && namespace === 'default')) return [];
  return [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
}

/** Checks an Event of events.k8s.io, where the newer fields are required. */
export function validateNewEvent(event: JsonObject, old: JsonObject | undefined): FieldCause[] {
  if (old !== undefined) return [];
  const causes: FieldCause[] = [];
  if (textIn(event, 'eventTime') === '') causes.push(required('eventTime'));
  const controller = textIn(event, 'reportingController');
  causes.push(
    ...(controller === '' ? [required('reportingController')] : checkQualifiedName(controller, 'reportingController')),
  );
  for (const name of ['reportingInstance', 'action', 'reason']) {
    if (textIn(event, name) === '') causes.push(required(name));
  }
  const type = textIn(event, 'type');
  if (type !== 'Normal' && type !== 'Warning') causes.push(invalid('type', type, 'has invalid value'));
  return causes;
}
