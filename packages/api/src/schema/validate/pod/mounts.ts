import { type FieldCause, forbidden, invalid, notSupported, required } from '../../field-cause.ts';
import { type JsonObject, objectsIn, textIn } from '../fields.ts';
import { checkDescendingPath } from './paths.ts';
import { givenObject, securityContextOf } from './pod-context.ts';

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];
const RECURSIVE_READ_ONLY = ['Disabled', 'Enabled', 'IfPossible'];

/** `Not found: "…"`, with a detail where the server gives one. */
export function notFound(field: string, value: string, detail = ''): FieldCause {
  const message = `Not found: ${JSON.stringify(value)}${detail === '' ? '' : `: ${detail}`}`;
  return { reason: 'FieldValueNotFound', field, message };
}

/** Checks where a container mounts volumes; mistakes in sub-paths and propagation are told without the index. */
export function validateMounts(
  container: JsonObject,
  volumes: ReadonlyMap<string, JsonObject>,
  field: string,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const list = `${field}.volumeMounts`;
  const seen = new Set<string>();
  const devices = objectsIn(container, 'volumeDevices');
  for (const [index, mount] of objectsIn(container, 'volumeMounts').entries()) {
    const place = `${list}[${index}]`;
    const name = textIn(mount, 'name');
    if (name === '') causes.push(required(`${place}.name`));
    if (!volumes.has(name)) causes.push(notFound(`${place}.name`, name));
    const path = textIn(mount, 'mountPath');
    if (path === '') causes.push(required(`${place}.mountPath`));
    if (seen.has(path)) causes.push(invalid(`${place}.mountPath`, path, 'must be unique'));
    seen.add(path);
    if (devices.some((device) => textIn(device, 'name') === name)) {
      causes.push(invalid(`${place}.name`, name, 'must not already exist in volumeDevices'));
    }
    if (devices.some((device) => textIn(device, 'devicePath') === path)) {
      causes.push(invalid(`${place}.mountPath`, path, 'must not already exist as a path in volumeDevices'));
    }
    causes.push(...subPathCauses(mount, list, place), ...modeCauses(mount, container, list));
  }
  return causes;
}

function subPathCauses(mount: JsonObject, list: string, place: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const path = textIn(mount, 'subPath');
  const expression = textIn(mount, 'subPathExpr');
  if (path !== '') causes.push(...checkDescendingPath(path, `${list}.subPath`));
  if (expression === '') return causes;
  if (path !== '') {
    causes.push(invalid(`${place}.subPathExpr`, expression, 'subPathExpr and subPath are mutually exclusive'));
  }
  return [...causes, ...checkDescendingPath(expression, `${list}.subPathExpr`)];
}

function modeCauses(mount: JsonObject, container: JsonObject, list: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const { mountPropagation: propagation, recursiveReadOnly: recursive } = mount;
  if (propagation !== undefined) {
    const place = `${list}.mountPropagation`;
    if (!PROPAGATIONS.includes(String(propagation))) causes.push(notSupported(place, propagation, PROPAGATIONS));
    if (propagation === 'Bidirectional' && securityContextOf(container).privileged !== true) {
      causes.push(forbidden(place, 'Bidirectional mount propagation is available only to privileged containers'));
    }
  }
  if (recursive === undefined || recursive === 'Disabled') return causes;
  const place = `${list}.recursiveReadOnly`;
  if (!RECURSIVE_READ_ONLY.includes(String(recursive))) {
    return [...causes, notSupported(place, recursive, RECURSIVE_READ_ONLY)];
  }
  if (mount.readOnly !== true) causes.push(forbidden(place, 'may only be specified when readOnly is true'));
  if (propagation !== undefined && propagation !== 'None') {
    causes.push(forbidden(place, 'may only be specified when mountPropagation is None or not specified'));
  }
  return causes;
}

/** Checks which volumes a container uses as block devices. */
export function validateDevices(
  container: JsonObject,
  volumes: ReadonlyMap<string, JsonObject>,
  field: string,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const paths = new Set<string>();
  const names = new Set<string>();
  const mounts = objectsIn(container, 'volumeMounts');
  for (const [index, device] of objectsIn(container, 'volumeDevices').entries()) {
    const place = `${field}.volumeDevices[${index}]`;
    const name = textIn(device, 'name');
    const volume = volumes.get(name);
    if (name === '') causes.push(required(`${place}.name`));
    if (names.has(name)) causes.push(invalid(`${place}.name`, name, 'must be unique'));
    if (volume === undefined) causes.push(notFound(`${place}.name`, name));
    else if (!givenObject(volume, 'persistentVolumeClaim') && !givenObject(volume, 'ephemeral')) {
      const text = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      causes.push(invalid(`${place}.name`, name, text));
    }
    const path = textIn(device, 'devicePath');
    if (path === '') causes.push(required(`${place}.devicePath`));
    if (paths.has(path)) causes.push(invalid(`${place}.devicePath`, path, 'must be unique'));
    if (path.split('/').includes('..')) {
      causes.push(invalid(`${place}.devicePath`, path, "can not contain backsteps ('..')"));
    } else paths.add(path);
    if (mounts.some((mount) => textIn(mount, 'name') === name)) {
      causes.push(invalid(`${place}.name`, name, 'must not already exist in volumeMounts'));
    }
    if (mounts.some((mount) => textIn(mount, 'mountPath') === path)) {
      causes.push(invalid(`${place}.devicePath`, path, 'must not already exist as a path in volumeMounts'));
    }
    if (name !== '') names.add(name);
  }
  return causes;
}
