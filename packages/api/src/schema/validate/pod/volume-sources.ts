import { compareQuantities } from '../../../quantity.ts';
import { type FieldCause, forbidden, notSupported, required } from '../../field-cause.ts';
import { validateClaimTemplate } from '../claims.ts';
import { type JsonObject, objectsIn, textIn } from '../fields.ts';
import { validateDownwardFile } from './downward-api.ts';
import { checkNoBacksteps } from './paths.ts';
import { givenObject } from './pod-context.ts';
import { validateProjectedVolume } from './projected-volume.ts';
import { checkIscsiNameSize, type SourceRule, vendorSources } from './vendor-volumes.ts';
import { checkMode, checkTexts, validateKeyToPath } from './volume-files.ts';

/** A source: where a second one is refused, where its own mistakes are told, if not under its name, and its rule. */
interface SourceKind {
  readonly name: string;
  readonly refusedAt?: string;
  readonly field?: string;
  readonly rule: SourceRule;
}

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** Sources in the order in which a server looks for them; odd paths are the server's. */
const SOURCES: readonly SourceKind[] = [
  { name: 'hostPath', rule: validateHostPath },
  { name: 'gitRepo', rule: vendorSources.gitRepo },
  { name: 'gcePersistentDisk', field: 'persistentDisk', rule: vendorSources.gcePersistentDisk },
  { name: 'awsElasticBlockStore', rule: vendorSources.awsElasticBlockStore },
  { name: 'secret', rule: (source, field) => validateFiles(source, field, 'secretName') },
  { name: 'nfs', rule: vendorSources.nfs },
  { name: 'iscsi', rule: vendorSources.iscsi },
  { name: 'glusterfs', rule: vendorSources.glusterfs },
  { name: 'flocker', rule: vendorSources.flocker },
  { name: 'persistentVolumeClaim', rule: (source, field) => checkTexts(source, field, ['claimName']) },
  { name: 'rbd', rule: vendorSources.rbd },
  { name: 'cinder', rule: vendorSources.cinder },
  { name: 'cephfs', refusedAt: 'cephFS', rule: vendorSources.cephfs },
  { name: 'quobyte', rule: vendorSources.quobyte },
  { name: 'downwardAPI', refusedAt: 'downwarAPI', rule: validateDownwardVolume },
  { name: 'fc', rule: vendorSources.fc },
  { name: 'flexVolume', rule: vendorSources.flexVolume },
  { name: 'configMap', rule: (source, field) => validateFiles(source, field, 'name') },
  { name: 'azureFile', rule: vendorSources.azureFile },
  { name: 'vsphereVolume', rule: vendorSources.vsphereVolume },
  { name: 'photonPersistentDisk', rule: vendorSources.photonPersistentDisk },
  { name: 'portworxVolume', rule: vendorSources.portworxVolume },
  { name: 'azureDisk', rule: vendorSources.azureDisk },
  { name: 'storageos', rule: vendorSources.storageos },
  {
    name: 'projected',
    rule: (source, field) => [...checkMode(source, 'defaultMode', field), ...validateProjectedVolume(source, field)],
  },
  { name: 'scaleIO', rule: vendorSources.scaleIO },
  { name: 'csi', rule: vendorSources.csi },
  { name: 'ephemeral', rule: validateEphemeral },
];

/** Checks that a volume has exactly one source, and that one. */
export function validateVolumeSource(volume: JsonObject, field: string, ofPod: boolean): FieldCause[] {
  const causes: FieldCause[] = [];
  let found = false;
  const emptyDir = givenObject(volume, 'emptyDir');
  if (emptyDir !== undefined) {
    found = true;
    const { sizeLimit } = emptyDir;
    if (sizeLimit !== undefined && compareQuantities(String(sizeLimit), '0') < 0) {
      causes.push(forbidden(`${field}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
    }
  }
  for (const { name, refusedAt, field: place, rule } of SOURCES) {
    const source = givenObject(volume, name);
    if (source === undefined) continue;
    if (found) causes.push(forbidden(`${field}.${refusedAt ?? name}`, 'may not specify more than 1 volume type'));
    else causes.push(...rule(source, `${field}.${place ?? name}`));
    found = true;
    if (name === 'iscsi') causes.push(...checkIscsiNameSize(source, field, volume));
  }
  const image = givenObject(volume, 'image');
  if (image !== undefined) {
    if (found) causes.push(forbidden(`${field}.image`, 'may not specify more than 1 volume type'));
    else if (ofPod) causes.push(...checkTexts(image, `${field}.image`, ['reference']));
    found = true;
  }
  if (!found) causes.push(required(field, 'must specify a volume type'));
  return causes;
}

function validateFiles(source: JsonObject, field: string, name: string): FieldCause[] {
  return [
    ...checkTexts(source, field, [name]),
    ...checkMode(source, 'defaultMode', field),
    ...objectsIn(source, 'items').flatMap((item, index) => validateKeyToPath(item, `${field}.items[${index}]`)),
  ];
}

/** Checks a path of the node. */
export function validateHostPath(source: JsonObject, field: string): FieldCause[] {
  const missing = checkTexts(source, field, ['path']);
  if (missing.length > 0) return missing;
  const causes = checkNoBacksteps(textIn(source, 'path'), `${field}.path`);
  const { type } = source;
  if (type !== undefined && !HOST_PATH_TYPES.includes(String(type))) {
    causes.push(notSupported(`${field}.type`, type, HOST_PATH_TYPES));
  }
  return causes;
}

function validateDownwardVolume(source: JsonObject, field: string): FieldCause[] {
  // The path of an item does not tell which one.
  return [
    ...checkMode(source, 'defaultMode', field),
    ...objectsIn(source, 'items').flatMap((item) => validateDownwardFile(item, field)),
  ];
}

function validateEphemeral(source: JsonObject, field: string): FieldCause[] {
  const template = givenObject(source, 'volumeClaimTemplate');
  if (template === undefined) return [required(`${field}.volumeClaimTemplate`)];
  return validateClaimTemplate(template, `${field}.volumeClaimTemplate`);
}
