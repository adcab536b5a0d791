import { dns1123SubdomainErrors } from '../../names.ts';
import { jsonEqual } from '../../own-property.ts';
import { compareQuantities } from '../../quantity.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required, tooLong } from '../field-cause.ts';
import { validateParameters } from './claims.ts';
import {
  checkImmutable,
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
import { validateLabelSelector } from './label-selector.ts';
import { givenObject } from './pod/pod-context.ts';
import { checkCsiDriver } from './pod/vendor-volumes.ts';

const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;
const NODE_ID_MAX = 256;
const UPDATE_SECONDS_MIN = 10;
const METADATA_MAX = 256 * 1024;
const ERROR_MAX = 1024;

/** Checks a CSIDriver. */
export function validateCsiDriver(driver: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(driver, 'spec');
  const causes: FieldCause[] = [];
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
  if (spec.fsGroupPolicy !== undefined && !policies.includes(String(spec.fsGroupPolicy))) {
    causes.push(notSupported('spec.fsGroupPolicy', spec.fsGroupPolicy, policies));
  }
  causes.push(...validateTokenRequests(objectsIn(spec, 'tokenRequests')));
  const modes = ['Persistent', 'Ephemeral'];
  for (const mode of stringsIn(spec, 'volumeLifecycleModes')) {
    if (!modes.includes(mode)) causes.push(notSupported('spec.volumeLifecycleModes', mode, modes));
  }
  const period = numberIn(spec, 'nodeAllocatableUpdatePeriodSeconds');
  if (period !== undefined && period < UPDATE_SECONDS_MIN) {
    const text = `must be greater than or equal to ${UPDATE_SECONDS_MIN} seconds`;
    causes.push(invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, text));
  }
  if (old === undefined) return causes;
  const before = objectIn(old, 'spec');
  causes.push(...checkImmutable(spec.attachRequired, before.attachRequired, 'spec.attachedRequired'));
  return [
    ...causes,
    ...checkImmutable(spec.volumeLifecycleModes, before.volumeLifecycleModes, 'spec.volumeLifecycleModes'),
  ];
}

function validateTokenRequests(requests: readonly JsonObject[]): FieldCause[] {
  const causes: FieldCause[] = [];
  const audiences = new Set<string>();
  for (const [index, request] of requests.entries()) {
    const field = `spec.tokenRequests[${index}]`;
    const audience = textIn(request, 'audience');
    if (audiences.has(audience)) {
      causes.push(duplicate(`${field}.audience`, audience));
      continue;
    }
    audiences.add(audience);
    const seconds = numberIn(request, 'expirationSeconds') ?? TOKEN_SECONDS_MIN;
    if (seconds < TOKEN_SECONDS_MIN) {
      const text = 'may not specify a duration less than 10 minutes';
      causes.push(invalid(`${field}.expirationSeconds`, seconds, text));
    } else if (seconds > TOKEN_SECONDS_MAX) {
      const text = 'may not specify a duration larger than 2^32 seconds';
      causes.push(invalid(`${field}.expirationSeconds`, seconds, text));
    }
  }
  return causes;
}

/** Checks a CSINode; a driver in it never changes. */
export function validateCsiNode(node: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  const names = new Set<string>();
  const drivers = objectsIn(objectIn(node, 'spec'), 'drivers');
  for (const [index, driver] of drivers.entries()) {
    const field = `spec.drivers[${index}]`;
    const name = textIn(driver, 'name');
    causes.push(...checkCsiDriver(name, `${field}.name`));
    const id = textIn(driver, 'nodeID');
    if (id === '') causes.push(required(`${field}.nodeID`));
    if (id.length > NODE_ID_MAX)
      causes.push(invalid(`${field}.nodeID`, id, `must be ${NODE_ID_MAX} characters or less`));
    causes.push(...checkNonNegative(objectIn(driver, 'allocatable').count, `${field}.allocatable.count`));
    if (names.has(name)) causes.push(duplicate(`${field}.name`, name));
    names.add(name);
    causes.push(...validateTopologyKeys(stringsIn(driver, 'topologyKeys'), field));
  }
  for (const before of old === undefined ? [] : objectsIn(objectIn(old, 'spec'), 'drivers')) {
    for (const driver of drivers) {
      if (driver.name === before.name) causes.push(...checkImmutable(driver, before, 'spec.drivers'));
    }
  }
  return causes;
}

function validateTopologyKeys(keys: readonly string[], field: string): FieldCause[] {
  return keys.flatMap((key, index) => [
    ...(key === '' ? [required(field)] : []),
    ...(keys.indexOf(key) < index ? [duplicate(field, key)] : []),
    ...checkQualifiedName(key, field),
  ]);
}

/** Checks a CSIStorageCapacity, of which only the amounts may change. */
export function validateCsiStorageCapacity(room: JsonObject, old: JsonObject | undefined): FieldCause[] {
  if (old !== undefined) {
    return ['nodeTopology', 'storageClassName'].flatMap((field) => checkImmutable(room[field], old[field], field));
  }
  const topology = givenObject(room, 'nodeTopology');
  const causes = topology === undefined ? [] : validateLabelSelector(topology, 'nodeTopology');
  causes.push(...checkName(textIn(room, 'storageClassName'), 'storageClassName', dns1123SubdomainErrors));
  if (typeof room.capacity === 'string' && compareQuantities(room.capacity, '0') < 0) {
    causes.push(invalid('capacity', room.capacity, 'must be greater than or equal to 0'));
  }
  return causes;
}

/** Checks a VolumeAttachment, whose specification never changes. */
export function validateVolumeAttachment(attachment: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(attachment, 'spec');
  const attacher = textIn(spec, 'attacher');
  const causes: FieldCause[] = attacher === '' ? [required('spec.attacher')] : [];
  const source = objectIn(spec, 'source');
  const volume = source.persistentVolumeName;
  const inline = givenObject(source, 'inlineVolumeSpec');
  const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inline === undefined && volume === undefined) causes.push(required('spec.source', exactlyOne));
  else if (inline !== undefined && volume !== undefined) causes.push(forbidden('spec.source', exactlyOne));
  else if (volume === '') {
    causes.push(required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'));
  }
  causes.push(...checkName(textIn(spec, 'nodeName'), 'spec.nodeName', dns1123SubdomainErrors));
  causes.push(...validateAttachmentStatus(objectIn(attachment, 'status')));
  if (old !== undefined) return [...causes, ...checkImmutable(spec, objectIn(old, 'spec'), 'spec')];
  causes.push(...checkCsiDriver(attacher, 'spec.attacher'));
  if (typeof volume === 'string') {
    causes.push(...checkName(volume, 'spec.source.persistentVolumeName', dns1123SubdomainErrors));
  }
  return causes;
}

function validateAttachmentStatus(status: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const size = Object.entries(objectIn(status, 'attachmentMetadata')).reduce(
    (sum, [key, value]) => sum + key.length + String(value).length,
    0,
  );
  if (size > METADATA_MAX) causes.push(tooLong('status.attachmentMetadata', METADATA_MAX));
  for (const name of ['attachError', 'detachError']) {
    const error = givenObject(status, name);
    if (error === undefined) continue;
    if (textIn(error, 'message').length > ERROR_MAX) causes.push(tooLong(`status.${name}.message`, METADATA_MAX));
    const code = numberIn(error, 'errorCode') ?? 0;
    if (code < 0) {
      causes.push(invalid(`status.${name}.errorCode`, code, 'must be between 0 and 2147483647, inclusive'));
    }
  }
  return causes;
}

/** Checks a VolumeAttributesClass, which never changes. */
export function validateVolumeAttributesClass(attributes: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const field of old === undefined ? [] : ['driverName', 'parameters']) {
    if (!jsonEqual(attributes[field] ?? null, old?.[field] ?? null)) {
      causes.push(forbidden(field, `updates to ${field} are forbidden.`));
    }
  }
  const driver = textIn(attributes, 'driverName');
  causes.push(...(driver === '' ? [required('driverName')] : checkQualifiedName(driver.toLowerCase(), 'driverName')));
  const parameters = objectIn(attributes, 'parameters');
  causes.push(...validateParameters(parameters));
  if (Object.keys(parameters).length === 0) {
    causes.push(required('parameters', 'must contain at least one key/value pair'));
  }
  return causes;
}
