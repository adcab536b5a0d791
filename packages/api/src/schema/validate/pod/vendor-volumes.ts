import { dns1123SubdomainErrors } from '../../../names.ts';
import { type FieldCause, invalid, notSupported, required } from '../../field-cause.ts';
import { checkDnsLabel, type JsonObject, numberIn, objectIn, stringsIn, textIn } from '../fields.ts';
import { checkDescendingPath } from './paths.ts';
import { givenObject } from './pod-context.ts';
import { checkTexts } from './volume-files.ts';

/** Rules of one kind of storage. */
export type SourceRule = (source: JsonObject, field: string) => FieldCause[];

const HOST_PORTS = 'must be a host:port pair or multiple pairs separated by commas';
const INITIATOR_AND_PORTAL_MAX = 64;
const CSI_NAME_MAX = 63;

/** Kinds of storage that vendors have. */
export type VendorSource =
  | 'gitRepo'
  | 'gcePersistentDisk'
  | 'awsElasticBlockStore'
  | 'nfs'
  | 'iscsi'
  | 'glusterfs'
  | 'flocker'
  | 'rbd'
  | 'cinder'
  | 'cephfs'
  | 'quobyte'
  | 'fc'
  | 'flexVolume'
  | 'azureFile'
  | 'vsphereVolume'
  | 'photonPersistentDisk'
  | 'portworxVolume'
  | 'azureDisk'
  | 'storageos'
  | 'scaleIO'
  | 'csi';

/** Storage of vendors, each with the few fields that a server looks at. */
export const vendorSources: Readonly<Record<VendorSource, SourceRule>> = {
  gitRepo: (source, field) => [
    ...checkTexts(source, field, ['repository']),
    ...checkDescendingPath(textIn(source, 'directory'), `${field}.directory`),
  ],
  gcePersistentDisk: (source, field) => [...checkTexts(source, field, ['pdName']), ...checkPartition(source, field)],
  awsElasticBlockStore: (source, field) => [
    ...checkTexts(source, field, ['volumeID']),
    ...checkPartition(source, field),
  ],
  nfs: (source, field) => {
    const causes = checkTexts(source, field, ['server', 'path']);
    const path = textIn(source, 'path');
    if (!path.startsWith('/')) causes.push(invalid(`${field}.path`, path, 'must be an absolute path'));
    return causes;
  },
  iscsi: (source, field) => validateIscsi(source, field, true),
  glusterfs: (source, field) => checkTexts(source, field, ['endpoints', 'path']),
  flocker: validateFlocker,
  rbd: (source, field) => [...checkList(source, field, 'monitors'), ...checkTexts(source, field, ['image'])],
  cinder: (source, field) => [...checkTexts(source, field, ['volumeID']), ...secretName(source, field)],
  cephfs: (source, field) => checkList(source, field, 'monitors'),
  quobyte: validateQuobyte,
  fc: validateFibreChannel,
  flexVolume: validateFlexVolume,
  azureFile: (source, field) => checkTexts(source, field, ['secretName', 'shareName']),
  vsphereVolume: (source, field) => checkTexts(source, field, ['volumePath']),
  photonPersistentDisk: (source, field) => checkTexts(source, field, ['pdID']),
  portworxVolume: (source, field) => checkTexts(source, field, ['volumeID']),
  azureDisk: validateAzureDisk,
  storageos: (source, field) => {
    const causes = checkTexts(source, field, ['volumeName']);
    for (const name of ['volumeName', 'volumeNamespace']) {
      if (textIn(source, name) !== '') causes.push(...checkDnsLabel(textIn(source, name), `${field}.${name}`));
    }
    return [...causes, ...secretName(source, field)];
  },
  scaleIO: (source, field) => checkTexts(source, field, ['gateway', 'system', 'volumeName']),
  csi: (source, field) => {
    const causes = checkCsiDriver(textIn(source, 'driver'), `${field}.driver`);
    const secret = givenObject(source, 'nodePublishSecretRef');
    if (secret === undefined) return causes;
    const name = textIn(secret, 'name');
    if (name === '') return [...causes, required(`${field}.nodePublishSecretRef.name`)];
    return [...causes, ...dns1123SubdomainErrors(name).map((error) => invalid(`${field}.name`, name, error))];
  },
};

/** Checks that portal and volume name fit together where the initiator's name is given. */
export function checkIscsiNameSize(source: JsonObject, field: string, volume: JsonObject): FieldCause[] {
  const name = textIn(volume, 'name');
  const size = name.length + 1 + textIn(source, 'targetPortal').length;
  if (source.initiatorName === undefined || size <= INITIATOR_AND_PORTAL_MAX) return [];
  return [invalid(`${field}.name`, name, iscsiNameError)];
}

/** What a server says about an iSCSI volume whose name and portal are too long together. */
export const iscsiNameError: string =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

/** Checks that a list of texts is not empty. */
export function checkList(source: JsonObject, field: string, name: string): FieldCause[] {
  return stringsIn(source, name).length === 0 ? [required(`${field}.${name}`)] : [];
}

function secretName(source: JsonObject, field: string): FieldCause[] {
  const secret = givenObject(source, 'secretRef');
  return secret === undefined ? [] : checkTexts(secret, `${field}.secretRef`, ['name']);
}

/** Checks the number of a partition: 0 is the whole disk. */
function checkPartition(source: JsonObject, field: string): FieldCause[] {
  const partition = numberIn(source, 'partition') ?? 0;
  if (partition >= 0 && partition <= 255) return [];
  return [invalid(`${field}.partition`, partition, 'must be between 1 and 255, inclusive')];
}

/** Checks the name of a CSI driver. */
export function checkCsiDriver(driver: string, field: string): FieldCause[] {
  const causes: FieldCause[] = driver === '' ? [required(field)] : [];
  if (driver.length > CSI_NAME_MAX) {
    const message = `Too long: may not be more than ${CSI_NAME_MAX} bytes`;
    causes.push({ reason: 'FieldValueTooLong', field, message });
  }
  for (const error of dns1123SubdomainErrors(driver.toLowerCase())) causes.push(invalid(field, driver, error));
  return causes;
}

const QUALIFIED_NAMES: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9\-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[a-zA-Z0-9]{16}$/,
  naa: /^naa.[a-zA-Z0-9]{32}$/,
};

/** Checks an iSCSI source; a volume of a Pod tells more about a name of the wrong kind than one of the cluster. */
export function validateIscsi(source: JsonObject, field: string, ofPod: boolean): FieldCause[] {
  const causes = checkTexts(source, field, ['targetPortal']);
  const name = textIn(source, 'iqn');
  causes.push(...(name === '' ? [required(`${field}.iqn`)] : checkIscsiName(name, `${field}.iqn`, ofPod)));
  const lun = numberIn(source, 'lun') ?? 0;
  if (lun < 0 || lun > 255) causes.push(invalid(`${field}.lun`, lun, 'must be between 0 and 255, inclusive'));
  const authenticates = source.chapAuthDiscovery === true || source.chapAuthSession === true;
  const secret = givenObject(source, 'secretRef');
  if (authenticates && secret === undefined) causes.push(required(`${field}.secretRef`));
  if (!ofPod && secret !== undefined) causes.push(...checkTexts(secret, `${field}.secretRef`, ['name']));
  if (source.initiatorName !== undefined) {
    causes.push(...checkIscsiName(textIn(source, 'initiatorName'), `${field}.initiatorname`, ofPod));
  }
  return causes;
}

function checkIscsiName(name: string, field: string, ofPod: boolean): FieldCause[] {
  const pattern = QUALIFIED_NAMES[name.slice(0, 3)];
  if (pattern === undefined) {
    return [invalid(field, name, `must be valid format${ofPod ? ' starting with iqn, eui, or naa' : ''}`)];
  }
  return pattern.test(name) ? [] : [invalid(field, name, 'must be valid format')];
}

function validateFlocker(source: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const name = textIn(source, 'datasetName');
  const uuid = textIn(source, 'datasetUUID');
  if (name === '' && uuid === '') causes.push(required(field, 'one of datasetName and datasetUUID is required'));
  if (name !== '' && uuid !== '') {
    causes.push(invalid(field, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  }
  if (name.includes('/')) causes.push(invalid(`${field}.datasetName`, name, "must not contain '/'"));
  return causes;
}

function validateQuobyte(source: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const registry = textIn(source, 'registry');
  if (registry === '') causes.push(required(`${field}.registry`, HOST_PORTS));
  else if (textIn(source, 'tenant').length >= 65) {
    causes.push(required(`${field}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'));
  } else {
    for (const pair of registry.split(',')) {
      if (!/^(\[[^\]]*\]|[^:[\]]*):[^:]*$/.test(pair)) causes.push(invalid(`${field}.registry`, registry, HOST_PORTS));
    }
  }
  return [...causes, ...checkTexts(source, field, ['volume'])];
}

function validateFibreChannel(source: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const names = stringsIn(source, 'targetWWNs');
  const ids = stringsIn(source, 'wwids');
  const place = `${field}.targetWWNs`;
  if (names.length === 0 && ids.length === 0) {
    causes.push(required(place, 'must specify either targetWWNs or wwids, but not both'));
  }
  if (names.length > 0 && ids.length > 0) {
    causes.push(invalid(place, names, 'targetWWNs and wwids can not be specified simultaneously'));
  }
  if (names.length === 0) return causes;
  const lun = numberIn(source, 'lun');
  if (lun === undefined) causes.push(required(`${field}.lun`, 'lun is required if targetWWNs is specified'));
  else if (lun < 0 || lun > 255) causes.push(invalid(`${field}.lun`, lun, 'must be between 0 and 255, inclusive'));
  return causes;
}

function validateFlexVolume(source: JsonObject, field: string): FieldCause[] {
  const causes = checkTexts(source, field, ['driver']);
  for (const key of Object.keys(objectIn(source, 'options'))) {
    const owner = `.${key.split('/', 1)[0]!.toLowerCase()}`;
    if (!owner.endsWith('.kubernetes.io') && !owner.endsWith('.k8s.io')) continue;
    causes.push(invalid(`${field}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'));
  }
  return causes;
}

function validateAzureDisk(source: JsonObject, field: string): FieldCause[] {
  const causes = checkTexts(source, field, ['diskName', 'diskURI']);
  const choices = { cachingMode: ['None', 'ReadOnly', 'ReadWrite'], kind: ['Dedicated', 'Managed', 'Shared'] };
  for (const [name, values] of Object.entries(choices)) {
    const value = source[name];
    if (value !== undefined && !values.includes(String(value))) {
      causes.push(notSupported(`${field}.${name}`, value, values));
    }
  }
  const uri = textIn(source, 'diskURI');
  if (source.kind === 'Managed' && !uri.startsWith('/subscriptions/')) {
    const form = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
    causes.push(notSupported(`${field}.diskURI`, uri, [form]));
  }
  if (source.kind !== undefined && source.kind !== 'Managed' && !uri.startsWith('https://')) {
    const form = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
    causes.push(notSupported(`${field}.diskURI`, uri, [form]));
  }
  return causes;
}
