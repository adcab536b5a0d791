import { byteLength, dns1123LabelErrors, labelValueErrors, qualifiedNameErrors } from '../../names.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { type FieldCause, forbidden, invalid, required, tooLong } from '../field-cause.ts';
import { type JsonObject, objectsIn, stringsIn, textIn } from './fields.ts';

/** Total size of an object's annotations, keys included. */
const ANNOTATIONS_MAX_BYTES = 262_144;
const FINALIZER_STANDARD = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

/** Complaints about a name of some kind. */
export type NameRule = (name: string) => readonly string[];

/** Checks labels, or anything else with the form of labels (selectors). */
export function validateLabels(labels: unknown, field: string): FieldCause[] {
  if (!isJsonObject(labels)) return [];
  const causes: FieldCause[] = [];
  for (const [key, value] of Object.entries(labels)) {
    for (const error of qualifiedNameErrors(key)) causes.push(invalid(field, key, error));
    for (const error of labelValueErrors(String(value))) causes.push(invalid(field, value, error));
  }
  return causes;
}

/** Checks the keys and the total size of annotations. */
export function validateAnnotations(annotations: unknown, field: string): FieldCause[] {
  if (!isJsonObject(annotations)) return [];
  const causes: FieldCause[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    // Upper case is allowed in annotation keys, prefixes included.
    for (const error of qualifiedNameErrors(key.toLowerCase())) causes.push(invalid(field, key, error));
    size += byteLength(key) + byteLength(String(value));
  }
  if (size > ANNOTATIONS_MAX_BYTES) causes.push(tooLong(field, ANNOTATIONS_MAX_BYTES));
  return causes;
}

/** Checks the metadata of an object on its own. */
export function validateMetadata(object: JsonObject, nameRule: NameRule, namespaced: boolean): FieldCause[] {
  const meta = isJsonObject(object.metadata) ? object.metadata : {};
  const causes: FieldCause[] = [];
  const generateName = textIn(meta, 'generateName');
  if (generateName !== '') {
    // What the server will append makes a final dash legal.
    const probe =
      generateName.length > 1 && generateName.endsWith('-') ? `${generateName.slice(0, -2)}a` : generateName;
    for (const error of nameRule(probe)) causes.push(invalid('metadata.generateName', generateName, error));
  }
  const name = textIn(meta, 'name');
  if (name === '') causes.push(required('metadata.name', 'name or generateName is required'));
  else for (const error of nameRule(name)) causes.push(invalid('metadata.name', name, error));
  const namespace = textIn(meta, 'namespace');
  if (namespaced) {
    if (namespace !== '') {
      for (const error of dns1123LabelErrors(namespace)) causes.push(invalid('metadata.namespace', namespace, error));
    }
  } else if (namespace !== '') {
    causes.push(forbidden('metadata.namespace', 'not allowed on this type'));
  }
  causes.push(...validateLabels(meta.labels, 'metadata.labels'));
  causes.push(...validateAnnotations(meta.annotations, 'metadata.annotations'));
  causes.push(...validateOwnerReferences(meta));
  causes.push(...validateFinalizers(meta));
  return causes;
}

function validateOwnerReferences(meta: JsonObject): FieldCause[] {
  const field = 'metadata.ownerReferences';
  const causes: FieldCause[] = [];
  let controller = '';
  for (const reference of objectsIn(meta, 'ownerReferences')) {
    if (textIn(reference, 'apiVersion') === '')
      causes.push(invalid(`${field}.apiVersion`, '', 'version must not be empty'));
    for (const name of ['kind', 'name', 'uid']) {
      if (textIn(reference, name) === '') causes.push(invalid(`${field}.${name}`, '', 'must not be empty'));
    }
    if (reference.apiVersion === 'v1' && reference.kind === 'Event') {
      causes.push(invalid(field, reference, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (reference.controller !== true) continue;
    const title = `${textIn(reference, 'kind')}/${textIn(reference, 'name')}`;
    if (controller !== '') {
      const text = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${title}`;
      causes.push(invalid(field, meta.ownerReferences, text));
    }
    controller = title;
  }
  return causes;
}

function validateFinalizers(meta: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [index, finalizer] of stringsIn(meta, 'finalizers').entries()) {
    for (const error of qualifiedNameErrors(finalizer)) causes.push(invalid('metadata.finalizers', finalizer, error));
    if (!finalizer.includes('/') && !FINALIZER_STANDARD.has(finalizer)) {
      const field = `metadata.finalizers[${index}]`;
      causes.push(invalid(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
    }
  }
  const list = stringsIn(meta, 'finalizers');
  if (list.includes('orphan') && list.includes('foregroundDeletion')) {
    causes.push(invalid('metadata.finalizers', list, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return causes;
}

/**
 * Checks a change of metadata. A server runs these rules twice, once for every
 * kind and once for the kind at hand, and lists what it finds twice; so does this.
 */
export function validateMetadataUpdate(object: JsonObject, old: JsonObject): FieldCause[] {
  const meta = isJsonObject(object.metadata) ? object.metadata : {};
  const before = isJsonObject(old.metadata) ? old.metadata : {};
  const causes: FieldCause[] = [];
  if (textIn(before, 'deletionTimestamp') !== '') {
    const had = new Set(stringsIn(before, 'finalizers'));
    const added = stringsIn(meta, 'finalizers').filter((finalizer) => !had.has(finalizer));
    if (added.length > 0) {
      const list = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
      const text = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
      causes.push(forbidden('metadata.finalizers', text));
    }
  }
  for (const name of ['name', 'namespace', 'uid', 'creationTimestamp']) {
    const value = meta[name];
    if (value !== undefined && value !== before[name])
      causes.push(invalid(`metadata.${name}`, value, 'field is immutable'));
  }
  for (const name of ['deletionTimestamp', 'deletionGracePeriodSeconds']) {
    const value = meta[name];
    if (value !== undefined && before[name] !== undefined && !jsonEqual(value, before[name])) {
      causes.push(invalid(`metadata.${name}`, value, 'field is immutable'));
    }
  }
  return [...causes, ...causes];
}
