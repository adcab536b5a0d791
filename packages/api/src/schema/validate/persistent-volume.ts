import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { jsonEqual } from '../../own-property.ts';
import { canonicalQuantity, compareQuantities } from '../../quantity.ts';
import { type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import { goDifference } from '../go-form/go-form.ts';
import { accessModes } from './claims.ts';
import {
  checkDnsSubdomain,
  checkImmutable,
  checkName,
  type JsonObject,
  objectIn,
  stringsIn,
  textIn,
} from './fields.ts';
import { validateNodeSelector } from './pod/affinity.ts';
import { checkNoBacksteps } from './pod/paths.ts';
import { givenObject } from './pod/pod-context.ts';
import { checkCsiDriver, iscsiNameError, type SourceRule, validateIscsi, vendorSources } from './pod/vendor-volumes.ts';
import { checkTexts } from './pod/volume-files.ts';
import { validateHostPath } from './pod/volume-sources.ts';

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
const VOLUME_MODES = ['Block', 'Filesystem'];
/** Fields of the spec that are not where the data is. */
const BESIDE_SOURCE = [
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
];

/** A source: where a second one is refused and where its mistakes are told, if not under its name, and its rule. */
interface SourceKind {
  readonly name: string;
  readonly refusedAt?: string;
  readonly field?: string;
  readonly rule: SourceRule;
}

/** Sources in the order in which a server looks for them; odd paths are the server's. */
const SOURCES: readonly SourceKind[] = [
  { name: 'hostPath', rule: validateHostPath },
  { name: 'gcePersistentDisk', field: 'persistentDisk', rule: vendorSources.gcePersistentDisk },
  { name: 'awsElasticBlockStore', rule: vendorSources.awsElasticBlockStore },
  { name: 'glusterfs', rule: validateGlusterfs },
  { name: 'flocker', rule: vendorSources.flocker },
  { name: 'nfs', rule: vendorSources.nfs },
  { name: 'rbd', rule: vendorSources.rbd },
  { name: 'quobyte', rule: vendorSources.quobyte },
  { name: 'cephfs', refusedAt: 'cephFS', rule: vendorSources.cephfs },
  { name: 'iscsi', rule: (source, field) => validateIscsi(source, field, false) },
  {
    name: 'cinder',
    rule: (source, field) => [...checkTexts(source, field, ['volumeID']), ...secretCauses(source, field)],
  },
  { name: 'fc', rule: vendorSources.fc },
  { name: 'flexVolume', rule: vendorSources.flexVolume },
  { name: 'azureFile', rule: validateAzureFile },
  { name: 'vsphereVolume', rule: vendorSources.vsphereVolume },
  { name: 'photonPersistentDisk', rule: vendorSources.photonPersistentDisk },
  { name: 'portworxVolume', rule: vendorSources.portworxVolume },
  { name: 'azureDisk', rule: vendorSources.azureDisk },
  { name: 'scaleIO', rule: vendorSources.scaleIO },
  { name: 'local', rule: validateLocal },
  { name: 'storageos', rule: validateStorageOs },
  { name: 'csi', rule: validateCsi },
];

/** Checks a PersistentVolume, whose source and mode never change. */
export function validatePersistentVolume(volume: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(volume, 'spec');
  const causes = validateModesAndCapacity(spec);
  const policy = textIn(spec, 'persistentVolumeReclaimPolicy');
  if (policy !== '' && !RECLAIM_POLICIES.includes(policy)) {
    causes.push(notSupported('spec.persistentVolumeReclaimPolicy', policy, RECLAIM_POLICIES));
  }
  const affinity = givenObject(spec, 'nodeAffinity');
  if (affinity !== undefined) {
    const needed = givenObject(affinity, 'required');
    const place = 'spec.nodeAffinity.required';
    if (needed === undefined) causes.push(required(place, 'must specify required node constraints'));
    else causes.push(...validateNodeSelector(needed, place));
  }
  causes.push(...validateSource(spec, textIn(objectIn(volume, 'metadata'), 'name')));
  const path = textIn(objectIn(spec, 'hostPath'), 'path');
  if (policy === 'Recycle' && /^\/[/.]*$/.test(path)) {
    const text = "may not be 'recycle' for a hostPath mount of '/'";
    causes.push(forbidden('spec.persistentVolumeReclaimPolicy', text));
  }
  const className = textIn(spec, 'storageClassName');
  if (className !== '') causes.push(...checkDnsSubdomain(className, 'spec.storageClassName'));
  const { volumeMode: mode, volumeAttributesClassName: attributes } = spec;
  if (mode !== undefined && !VOLUME_MODES.includes(String(mode))) {
    causes.push(notSupported('spec.volumeMode', mode, VOLUME_MODES));
  }
  if (attributes !== undefined) {
    const place = 'spec.volumeAttributesClassName';
    if (attributes === '') causes.push(required(place, 'an empty string is disallowed'));
    else causes.push(...checkName(String(attributes), place, dns1123SubdomainErrors));
    if (givenObject(spec, 'csi') === undefined) {
      causes.push(required('spec.csi', 'has to be specified when using volumeAttributesClassName'));
    }
  }
  return old === undefined ? causes : [...causes, ...validateChange(spec, objectIn(old, 'spec'))];
}

function validateModesAndCapacity(spec: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const modes = stringsIn(spec, 'accessModes');
  if (modes.length === 0) causes.push(required('spec.accessModes'));
  for (const mode of modes) {
    if (!accessModes.includes(mode)) causes.push(notSupported('spec.accessModes', mode, accessModes));
  }
  if (
    modes.includes('ReadWriteOncePod') &&
    modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode))
  ) {
    causes.push(forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes'));
  }
  const capacity = objectIn(spec, 'capacity');
  const names = Object.keys(capacity);
  if (names.length === 0) causes.push(required('spec.capacity'));
  if (names.length !== 1 || names[0] !== 'storage') {
    causes.push(notSupported('spec.capacity', spec.capacity, ['storage']));
  }
  for (const [name, amount] of Object.entries(capacity)) {
    const place = `spec.capacity[${name}]`;
    const shown = canonicalQuantity(String(amount)) ?? String(amount);
    if (compareQuantities(shown, '0') < 0) {
      causes.push(invalid(place, Math.floor(Number(shown)) || shown, 'must be a valid resource quantity'));
    }
    if (compareQuantities(shown, '0') <= 0) causes.push(invalid(place, shown, 'must be greater than zero'));
  }
  return causes;
}

function validateSource(spec: JsonObject, volumeName: string): FieldCause[] {
  const causes: FieldCause[] = [];
  let found = false;
  for (const { name, refusedAt, field, rule } of SOURCES) {
    const source = givenObject(spec, name);
    if (source === undefined) continue;
    // A driver of one's own is looked at beside any other source.
    if (found && name !== 'flexVolume') {
      causes.push(forbidden(`spec.${refusedAt ?? name}`, 'may not specify more than 1 volume type'));
      continue;
    }
    found = true;
    causes.push(...rule(source, `spec.${field ?? name}`));
    const size = volumeName.length + 1 + textIn(source, 'targetPortal').length;
    if (name === 'iscsi' && source.initiatorName !== undefined && size > 64) {
      causes.push(invalid('spec.iscsi.targetportal', textIn(source, 'targetPortal'), iscsiNameError));
    }
    if (name === 'local' && textIn(source, 'path') !== '' && givenObject(spec, 'nodeAffinity') === undefined) {
      causes.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
    }
  }
  if (!found) causes.push(required('spec', 'must specify a volume type'));
  return causes;
}

function validateLocal(source: JsonObject, field: string): FieldCause[] {
  const path = textIn(source, 'path');
  return path === '' ? [required(`${field}.path`)] : checkNoBacksteps(path, `${field}.path`);
}

function validateGlusterfs(source: JsonObject, field: string): FieldCause[] {
  const causes = vendorSources.glusterfs(source, field);
  const namespace = source.endpointsNamespace;
  const place = `${field}.endpointsNamespace`;
  if (namespace === undefined) return causes;
  if (namespace === '') {
    const text = 'if the endpointnamespace is set, it must be a valid namespace name';
    return [...causes, invalid(place, '', text)];
  }
  return [...causes, ...checkName(String(namespace), place, dns1123LabelErrors)];
}

function validateAzureFile(source: JsonObject, field: string): FieldCause[] {
  const causes = vendorSources.azureFile(source, field);
  return source.secretNamespace === '' ? [...causes, required(`${field}.secretNamespace`)] : causes;
}

/** Checks a Secret that is named with its namespace. */
function secretCauses(source: JsonObject, field: string): FieldCause[] {
  const secret = givenObject(source, 'secretRef');
  return secret === undefined ? [] : checkTexts(secret, `${field}.secretRef`, ['name', 'namespace']);
}

function validateStorageOs(source: JsonObject, field: string): FieldCause[] {
  const { secretRef: _, ...rest } = source;
  return [...vendorSources.storageos(rest, field), ...secretCauses(source, field)];
}

function validateCsi(source: JsonObject, field: string): FieldCause[] {
  const causes = checkCsiDriver(textIn(source, 'driver'), `${field}.driver`);
  causes.push(...checkTexts(source, field, ['volumeHandle']));
  for (const name of [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ]) {
    const secret = givenObject(source, name);
    if (secret === undefined) continue;
    const place = `${field}.${name}`;
    for (const [part, rule] of [
      ['name', dns1123SubdomainErrors],
      ['namespace', dns1123LabelErrors],
    ] as const) {
      const value = textIn(secret, part);
      causes.push(...(value === '' ? [required(`${place}.${part}`)] : checkName(value, `${place}.${part}`, rule)));
    }
  }
  return causes;
}

function validateChange(spec: JsonObject, old: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const [source, oldSource] = [sourceOf(spec, old), sourceOf(old, old)];
  if (!jsonEqual(source, oldSource)) {
    const text = `spec.persistentvolumesource is immutable after creation\n${goDifference('PersistentVolumeSource', oldSource, source)}`;
    causes.push(forbidden('spec.persistentvolumesource', text));
  }
  causes.push(...checkImmutable(spec.volumeMode, old.volumeMode, 'volumeMode'));
  if (old.nodeAffinity !== undefined && !jsonEqual(spec.nodeAffinity ?? null, old.nodeAffinity)) {
    const text = 'field is immutable, except for updating from beta label to GA';
    causes.push(invalid('nodeAffinity', spec.nodeAffinity, text));
  }
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    causes.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return causes;
}

/** Where the data is; a Secret for growing may come later. */
function sourceOf(spec: JsonObject, old: JsonObject): JsonObject {
  const source = Object.fromEntries(Object.entries(spec).filter(([name]) => !BESIDE_SOURCE.includes(name)));
  const csi = givenObject(source, 'csi');
  if (csi === undefined || objectIn(old, 'csi').controllerExpandSecretRef !== undefined) return source;
  const { controllerExpandSecretRef: _, ...rest } = csi;
  return { ...source, csi: rest };
}
