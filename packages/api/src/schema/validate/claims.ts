import { jsonEqual } from '../../own-property.ts';
import { compareQuantities, parseQuantity } from '../../quantity.ts';
import { type FieldCause, forbidden, invalid, notSupported, required, tooLong } from '../field-cause.ts';
import { validateClaimChange } from './claim-change.ts';
import {
  checkDnsLabel,
  checkDnsSubdomain,
  checkGivenChoice,
  checkQualifiedName,
  type JsonObject,
  objectIn,
  stringsIn,
  textIn,
} from './fields.ts';
import { validateLabelSelector } from './label-selector.ts';
import { validateAnnotations, validateLabels } from './metadata.ts';

/** How a volume may be mounted, as messages list it. */
export const accessModes: readonly string[] = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
/** Most characters in keys and values of the parameters of a StorageClass. */
const PARAMETERS_MAX = 256 * 1024;

/** Checks a PersistentVolumeClaim; after its creation only the amount and the attributes of a bound one change. */
export function validatePersistentVolumeClaim(claim: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(claim, 'spec');
  const causes = validateClaimSpec(spec, 'spec');
  if (old !== undefined) causes.push(...validateClaimChange(claim, old));
  return causes;
}

/** Checks what an ephemeral volume's claim is made from: of metadata only labels and annotations. */
export function validateClaimTemplate(template: JsonObject, field: string): FieldCause[] {
  const metadata = objectIn(template, 'metadata');
  const causes = [
    ...validateAnnotations(metadata.annotations, `${field}.metadata.annotations`),
    ...validateLabels(metadata.labels, `${field}.metadata.labels`),
  ];
  for (const name of Object.keys(metadata)) {
    if (name === 'annotations' || name === 'labels') continue;
    causes.push(forbidden(`${field}.metadata.${name}`, 'cannot be set'));
  }
  return [...causes, ...validateClaimSpec(objectIn(template, 'spec'), `${field}.spec`)];
}

/** Checks the specification of a claim, as in `volumeClaimTemplates` too. */
export function validateClaimSpec(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const modes = stringsIn(spec, 'accessModes');
  if (modes.length === 0) causes.push(required(`${field}.accessModes`, 'at least 1 access mode is required'));
  if (spec.selector !== undefined)
    causes.push(...validateLabelSelector(spec.selector as JsonObject, `${field}.selector`));
  for (const mode of modes) {
    if (!accessModes.includes(mode)) causes.push(notSupported(`${field}.accessModes`, mode, accessModes));
  }
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    causes.push(forbidden(`${field}.accessModes`, 'may not use ReadWriteOncePod with other access modes'));
  }
  const amount = objectIn(objectIn(spec, 'resources'), 'requests').storage;
  const amountField = `${field}.resources[storage]`;
  if (amount === undefined) causes.push(required(amountField));
  else if (parseQuantity(String(amount)) !== undefined && compareQuantities(String(amount), '0') <= 0) {
    causes.push(invalid(amountField, String(amount), 'must be greater than zero'));
  }
  const className = textIn(spec, 'storageClassName');
  if (className !== '') causes.push(...checkDnsSubdomain(className, `${field}.storageClassName`));
  causes.push(...checkGivenChoice(spec.volumeMode ?? 'Filesystem', `${field}.volumeMode`, ['Block', 'Filesystem']));
  return [...causes, ...validateDataSources(spec, field)];
}

/** Checks what a claim is filled from: the older form, and the one that may name another namespace. */
function validateDataSources(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const { dataSource, dataSourceRef } = spec as Record<string, JsonObject | undefined>;
  for (const [name, source] of [
    ['dataSource', dataSource],
    ['dataSourceRef', dataSourceRef],
  ] as const) {
    if (source === undefined) continue;
    const place = `${field}.${name}`;
    for (const part of ['name', 'kind']) if (textIn(source, part) === '') causes.push(required(`${place}.${part}`));
    const group = textIn(source, 'apiGroup');
    const kind = textIn(source, 'kind');
    if (group === '' && kind !== 'PersistentVolumeClaim') {
      const text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
      causes.push(invalid(place, kind, text));
    }
    if (group !== '') causes.push(...checkDnsSubdomain(group, `${place}.apiGroup`));
    const namespace = textIn(source, 'namespace');
    if (namespace !== '') causes.push(...checkDnsLabel(namespace, `${place}.namespace`));
  }
  if (dataSource === undefined || dataSourceRef === undefined) return causes;
  // The path stands where a value is shown; it shows as nothing.
  const refuse = (text: string): FieldCause => ({
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: {}: ${text}`,
  });
  if (textIn(dataSourceRef, 'namespace') !== '') {
    causes.push(refuse('may not be specified when dataSourceRef.namespace is specified'));
  } else if (!['apiGroup', 'kind', 'name'].every((name) => jsonEqual(dataSource[name], dataSourceRef[name]))) {
    causes.push(refuse('must match dataSourceRef'));
  }
  return causes;
}

/** Checks the parameters of a driver, which it understands by itself. */
export function validateParameters(given: JsonObject): FieldCause[] {
  const parameters = Object.entries(given);
  const causes: FieldCause[] = [];
  if (parameters.some(([name]) => name === '')) causes.push(invalid('parameters', '', 'field can not be empty.'));
  const size = parameters.reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
  if (size > PARAMETERS_MAX) causes.push(tooLong('parameters', PARAMETERS_MAX));
  return causes;
}

/** Checks a StorageClass, of which only metadata and permission to grow may change. */
export function validateStorageClass(storageClass: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  const provisioner = textIn(storageClass, 'provisioner');
  if (provisioner === '') causes.push(required('provisioner'));
  else causes.push(...checkQualifiedName(provisioner.toLowerCase(), 'provisioner'));
  causes.push(...validateParameters(objectIn(storageClass, 'parameters')));
  causes.push(...checkGivenChoice(storageClass.reclaimPolicy, 'reclaimPolicy', ['Delete', 'Retain']));
  const modes = ['Immediate', 'WaitForFirstConsumer'];
  causes.push(...checkGivenChoice(storageClass.volumeBindingMode, 'volumeBindingMode', modes));
  if (old === undefined) return causes;
  for (const field of ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode']) {
    if (!jsonEqual(storageClass[field], old[field]))
      causes.push(forbidden(field, `updates to ${field} are forbidden.`));
  }
  return causes;
}
