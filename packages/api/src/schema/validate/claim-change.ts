import { jsonEqual } from '../../own-property.ts';
import { compareQuantities } from '../../quantity.ts';
import { missingDataSource } from '../data-sources.ts';
import { type FieldCause, forbidden, invalid } from '../field-cause.ts';
import { goDifference } from '../go-form/go-form.ts';
import { checkImmutable, type JsonObject, objectIn, textIn } from './fields.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const IMMUTABLE =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

/**
 * Checks what changed of a PersistentVolumeClaim: its volume and its class come once, and a bound claim asks for more or
 * for other attributes.
 */
export function validateClaimChange(claim: JsonObject, oldClaim: JsonObject): FieldCause[] {
  const spec = objectIn(claim, 'spec');
  const stored = objectIn(oldClaim, 'spec');
  // Stored before both forms were kept.
  const old = { ...stored, ...missingDataSource(stored) };
  const status = objectIn(oldClaim, 'status');
  const kept = textIn(old, 'volumeName') === '' ? { ...old, volumeName: spec.volumeName } : old;
  const fixed: Record<string, unknown> = { ...spec };
  const causes = classCauses(claim, oldClaim, fixed);
  if (objectIn(claim, 'status').phase === 'Bound' || status.phase === 'Bound') {
    const resources = objectIn(spec, 'resources');
    if (resources.requests !== undefined) {
      const storage = objectIn(objectIn(old, 'resources'), 'requests').storage ?? '0';
      fixed.resources = { ...resources, requests: { ...objectIn(resources, 'requests'), storage } };
    }
    fixed.volumeAttributesClassName = old.volumeAttributesClassName;
  }
  if (!jsonEqual(given(fixed), given(kept))) {
    causes.push(forbidden('spec', `${IMMUTABLE}\n${goDifference('PersistentVolumeClaimSpec', kept, fixed)}`));
  }
  const amount = amountOf(spec);
  const there = String(objectIn(status, 'capacity').storage ?? '0');
  if (compareQuantities(amount, amountOf(old)) < 0 && compareQuantities(amount, there) <= 0) {
    causes.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  }
  return [
    ...causes,
    ...checkImmutable(spec.volumeMode, old.volumeMode, 'volumeMode'),
    ...attributeCauses(spec, status),
  ];
}

/** A class comes once, also from the annotation of before 1.6, which stays; `fixed` is the spec with it as it was. */
function classCauses(claim: JsonObject, oldClaim: JsonObject, fixed: Record<string, unknown>): FieldCause[] {
  const [annotation, oldAnnotation] = [claim, oldClaim].map(
    (object) => objectIn(objectIn(object, 'metadata'), 'annotations')[CLASS_ANNOTATION],
  );
  const oldClass = objectIn(oldClaim, 'spec').storageClassName;
  const comes = fixed.storageClassName !== undefined && oldClass === undefined;
  if (comes && fixed.storageClassName === oldAnnotation && (annotation ?? oldAnnotation) === oldAnnotation) {
    delete fixed.storageClassName;
    return [];
  }
  if (comes && oldAnnotation === undefined) delete fixed.storageClassName;
  if ((annotation ?? '') === (oldAnnotation ?? '')) return [];
  return [invalid(`metadata.annotations.${CLASS_ANNOTATION}`, annotation ?? '', 'field is immutable')];
}

function attributeCauses(spec: JsonObject, status: JsonObject): FieldCause[] {
  if (status.currentVolumeAttributesClassName === undefined) return [];
  const name = spec.volumeAttributesClassName;
  if (name !== undefined && name !== '') return [];
  const text = `update to ${name === undefined ? 'nil' : 'empty string'} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  return [forbidden('spec.volumeAttributesClassName', text)];
}

function amountOf(spec: JsonObject): string {
  return String(objectIn(objectIn(spec, 'resources'), 'requests').storage ?? '0');
}

function given(spec: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined));
}
