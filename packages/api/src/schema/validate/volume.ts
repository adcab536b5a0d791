import { isJsonObject } from '../../own-property.ts';
import { duplicate, type FieldCause, forbidden, invalid, required } from '../field-cause.ts';
import { checkDnsLabel, type JsonObject, numberIn, objectIn, objectsIn, textIn } from './fields.ts';

/** Volume sources in the order in which a second one is refused. */
const SOURCES: readonly string[] = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'flocker',
  'downwardAPI',
  'fc',
  'azureFile',
  'configMap',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'quobyte',
  'flexVolume',
  'image',
];
/** Text fields without which a source is nothing. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  hostPath: ['path'],
  secret: ['secretName'],
  configMap: ['name'],
  persistentVolumeClaim: ['claimName'],
  nfs: ['server', 'path'],
  csi: ['driver'],
};
const MODE_MAX = 0o777;

/** Checks the volumes of a Pod spec and adds their names to `names`. */
export function validateVolumes(spec: JsonObject, field: string, names: Set<string>): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [index, volume] of objectsIn(spec, 'volumes').entries()) {
    const place = `${field}[${index}]`;
    const sources = validateSource(volume, place);
    causes.push(...sources);
    const name = textIn(volume, 'name');
    if (name === '') causes.push(required(`${place}.name`));
    else causes.push(...checkDnsLabel(name, `${place}.name`));
    if (names.has(name)) causes.push(duplicate(`${place}.name`, name));
    names.add(name);
  }
  return causes;
}

function validateSource(volume: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  let count = 0;
  for (const kind of SOURCES) {
    const source = volume[kind];
    if (!isJsonObject(source)) continue;
    if (++count > 1) {
      causes.push(forbidden(`${field}.${kind}`, 'may not specify more than 1 volume type'));
      continue;
    }
    for (const name of REQUIRED[kind] ?? []) {
      if (textIn(source, name) === '') causes.push(required(`${field}.${kind}.${name}`));
    }
    const mode = numberIn(source, 'defaultMode');
    if (mode !== undefined && (mode < 0 || mode > MODE_MAX)) {
      causes.push(
        invalid(`${field}.${kind}.defaultMode`, mode, 'must be a number between 0 and 0777 (octal), both inclusive'),
      );
    }
    causes.push(...validateItems(source, `${field}.${kind}`, kind));
  }
  if (count === 0) causes.push(required(field, 'must specify a volume type'));
  return causes;
}

/** Checks paths that a volume writes to: inside the volume, so relative and without `..`. */
function validateItems(source: JsonObject, field: string, kind: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [index, item] of objectsIn(source, 'items').entries()) {
    const place = `${field}.items[${index}]`;
    if (kind !== 'downwardAPI' && textIn(item, 'key') === '') causes.push(required(`${place}.key`));
    causes.push(...checkLocalPath(textIn(item, 'path'), `${place}.path`));
  }
  if (kind !== 'projected') return causes;
  for (const [index, part] of objectsIn(source, 'sources').entries()) {
    const place = `${field}.sources[${index}]`;
    const token = objectIn(part, 'serviceAccountToken');
    if (isJsonObject(part.serviceAccountToken))
      causes.push(...checkLocalPath(textIn(token, 'path'), `${place}.serviceAccountToken.path`));
    for (const inner of ['secret', 'configMap', 'downwardAPI']) {
      const nested = part[inner];
      if (isJsonObject(nested)) causes.push(...validateItems(nested, `${place}.${inner}`, inner));
    }
  }
  return causes;
}

function checkLocalPath(path: string, field: string): FieldCause[] {
  if (path === '') return [required(field)];
  if (path.startsWith('/')) return [invalid(field, path, 'must be a relative path')];
  if (path.split('/').includes('..')) return [invalid(field, path, "must not contain '..'")];
  return [];
}
